"""What a ``.pte`` declares: methods, tensors and metadata, and how two files differ in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from executorch.runtime import Runtime

from harness.vocabulary import Component

Constant = int | float | str | bool
ConstantValues = tuple[Constant, ...]

_DTYPES = {0: "uint8", 3: "int32", 4: "int64", 6: "float32", 27: "uint16"}
"""ExecuTorch ``ScalarType`` codes (runtime/core/portable_type)."""


@dataclass(frozen=True)
class Tensors:
    """Inputs and outputs of one method in order, each as ``[1, 16, 96] float32``."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Contract:
    """Everything that a runner can rely on in one file.

    Attributes:
        methods: Graphs by name.
        metadata: Values of constant methods by name (contract §2.6).
    """

    methods: Mapping[str, Tensors]
    metadata: Mapping[str, ConstantValues]


@dataclass(frozen=True)
class ContractDifference:
    """One place where two files disagree; "-" stands for what a file does not have.

    Attributes:
        component: Which file.
        where: Tensor or metadata.
        upstream: What upstream's has there.
        ours: What ours has there.
        is_signature: Whether it is about a method or tensor, which a runner binds to, rather than
            about metadata, whose values follow from weights and calibration.
    """

    component: Component
    where: str
    upstream: str
    ours: str
    is_signature: bool


def read_contract(path: Path) -> Contract:
    """Read one file; graphs are not loaded, so that no backend starts."""
    program = Runtime.get().load_program(path)
    methods: dict[str, Tensors] = {}
    metadata: dict[str, ConstantValues] = {}
    for name in sorted(program.method_names):
        meta = program.metadata(name)
        if meta.num_inputs() == 0:
            metadata[name] = tuple(program.load_method(name).execute([]))
            continue
        methods[name] = Tensors(
            tuple(_describe(meta.input_tensor_meta(i)) for i in range(meta.num_inputs())),
            tuple(_describe(meta.output_tensor_meta(i)) for i in range(meta.num_outputs())),
        )
    return Contract(methods, metadata)


def compare(component: Component, upstream: Contract, ours: Contract) -> list[ContractDifference]:
    """List what differs: methods, tensors one by one, metadata."""
    rows = [(*row, True) for row in _method_rows(upstream.methods, ours.methods)]
    for name in sorted({*upstream.metadata, *ours.metadata}):
        pair = _shown(upstream.metadata.get(name)), _shown(ours.metadata.get(name))
        rows.append((name, *pair, False))
    return [ContractDifference(component, *row) for row in rows if row[1] != row[2]]


def _method_rows(
    upstream: Mapping[str, Tensors], ours: Mapping[str, Tensors]
) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    for name in sorted({*upstream, *ours}):
        theirs, mine = upstream.get(name), ours.get(name)
        if theirs is None or mine is None:
            rows.append((f"{name}()", _presence(theirs), _presence(mine)))
            continue
        rows += _tensor_rows(f"{name}() input", theirs.inputs, mine.inputs)
        rows += _tensor_rows(f"{name}() output", theirs.outputs, mine.outputs)
    return rows


def _tensor_rows(
    what: str, upstream: tuple[str, ...], ours: tuple[str, ...]
) -> list[tuple[str, str, str]]:
    count = max(len(upstream), len(ours))
    padded = ((*tensors, *["-"] * (count - len(tensors))) for tensors in (upstream, ours))
    return [(f"{what} {index}", *pair) for index, pair in enumerate(zip(*padded, strict=True))]


def _presence(tensors: Tensors | None) -> str:
    if tensors is None:
        return "-"
    return f"{len(tensors.inputs)} inputs, {len(tensors.outputs)} outputs"


def _shown(values: ConstantValues | None) -> str:
    if values is None:
        return "-"
    return ", ".join(f"{value:.6g}" if isinstance(value, float) else str(value) for value in values)


def _describe(meta: Any) -> str:
    code = meta.dtype()
    return f"{list(meta.sizes())} {_DTYPES.get(code, f'ScalarType {code}')}"
