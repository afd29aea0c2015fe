"""What a ``.pte`` says of itself, read without ExecuTorch. Imports without torch.

ExecuTorch's bindings end the process that asks them about a damaged file, or raise what they like
(``std::length_error``, ``UnicodeDecodeError``). A session of pytest therefore asks them nothing.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.backends.delegate_data import methods_of
from harness.backends.flatbuffer import DAMAGE, Table
from harness.errors import UserError, listed
from harness.runtime.encodings import Constant
from harness.runtime.program_file import Signature, TensorSpec, check_program_file, dtype_name

_MOST_TENSORS = 1 << 12
_MOST_DIMENSIONS = 16
_INT, _BOOL, _DOUBLE, _TENSOR, _STRING = 2, 3, 4, 5, 6
"""Of the union ``KernelTypes``."""


@dataclass(frozen=True)
class ProgramDescription:
    """Methods of a file: what the signatures of some are, and what others return.

    Field numbers are those of ExecuTorch's program.fbs.

    Attributes:
        path: The file.
        signatures: Of methods that take or return tensors, by name.
        values: Of constant methods (contract §2.6), by name.
    """

    path: Path
    signatures: Mapping[str, Signature]
    values: Mapping[str, tuple[Constant, ...]]

    @classmethod
    def read(cls, path: Path) -> ProgramDescription:
        """Read a file.

        Raises:
            UserError: If it is no program, ends too early, or is damaged.
        """
        check_program_file(path)
        try:
            with (
                path.open("rb") as file,
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
            ):
                return cls._of(path, methods_of(data))
        except DAMAGE as error:
            raise UserError(
                f"{path} is damaged: what it says of its methods cannot be read ({error}); copy or "
                "export it again."
            ) from error

    @classmethod
    def _of(cls, path: Path, plans: list[Table]) -> ProgramDescription:
        signatures: dict[str, Signature] = {}
        values: dict[str, tuple[Constant, ...]] = {}
        for plan in plans:
            name = plan.text(0)
            if not name.isprintable() or name in signatures or name in values:
                raise IndexError(f"a method is called {name!r}")
            if constants := _constants(plan):
                values[name] = constants
            else:
                signatures[name] = Signature(path, name, _tensors(plan, 3), _tensors(plan, 4))
        return cls(path, signatures, values)

    @property
    def method_names(self) -> frozenset[str]:
        """All methods, constant ones included."""
        return frozenset(self.signatures) | frozenset(self.values)

    def require(self, name: str, remedy: str) -> None:
        """Refuse a file without a method.

        Raises:
            UserError: If it has none of that name, with what to do.
        """
        if name not in self.method_names:
            names = listed(sorted(self.method_names), most=30) or "none"
            raise UserError(f"{self.path} has no method {name}, it has {names}; {remedy}.")

    def signature(self, name: str) -> Signature:
        """Tensors of a method that :meth:`require` has found.

        Raises:
            UserError: If it is a constant.
        """
        if name not in self.signatures:
            raise UserError(
                f"{self.path} has a constant in place of the method {name}; export it again."
            )
        return self.signatures[name]

    def constants(self, name: str) -> tuple[Constant, ...]:
        """Values of a constant method that :meth:`require` has found, one or more.

        Raises:
            UserError: If it computes what it returns.
        """
        if name not in self.values:
            raise UserError(f"Metadata {name} of {self.path} is no constant; export it again.")
        return self.values[name]


def _constants(plan: Table) -> tuple[Constant, ...]:
    """What a method without inputs and instructions returns; nothing where it is no such method."""
    if plan.numbers(3, "<i", _MOST_TENSORS):
        return ()
    if any(chain.tables(2) for chain in plan.tables(5, most=1)):
        return ()
    found = [plan.entry(2, index) for index in plan.numbers(4, "<i", _MOST_TENSORS)]
    return tuple(_constant(value) for value in found)


def _constant(value: Table) -> Constant:
    kind, content = value.number(0, "<B"), value.table(1)
    if content is None:
        raise IndexError("a value is none")
    if kind == _INT:
        return content.number(0, "<q")
    if kind == _BOOL:
        return bool(content.number(0, "<B"))
    if kind == _DOUBLE:
        return content.real(0)
    if kind == _STRING:
        return content.text(0)
    raise IndexError(f"a constant is of kind {kind}")


def _tensors(plan: Table, field: int) -> tuple[TensorSpec, ...]:
    places = plan.numbers(field, "<i", _MOST_TENSORS)
    # Caches of all layers may be one and the same value.
    specs = {index: _tensor(plan.entry(2, index)) for index in set(places)}
    return tuple(specs[index] for index in places)


def _tensor(value: Table) -> TensorSpec:
    content = value.table(1)
    if value.number(0, "<B") != _TENSOR or content is None:
        raise IndexError("an input or output is no tensor")
    sizes = content.numbers(2, "<i", _MOST_DIMENSIONS)
    if any(size < 0 for size in sizes):
        raise IndexError(f"a tensor is {list(sizes)}")
    return TensorSpec(sizes, dtype_name(content.number(0, "<b")))
