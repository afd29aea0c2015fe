"""One ``.pte`` file, its methods, and a call that allocates nothing.

The bindings are ExecuTorch's extension module itself rather than ``executorch.runtime``, a thin
wrapper over it whose import pulls in the whole exporter (torchao included): seconds of start-up
and a few hundred MiB that would be counted as the runner's memory.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from harness.backends.qnn.errors import explain
from harness.backends.qnn.loadable import prepare_to_load
from harness.backends.qnn.native_log import captured_native_log, worth_reading
from harness.errors import UserError
from harness.runtime.cpu_runtime import share_weights
from harness.runtime.program_file import Signature, TensorSpec, check_program_file, dtype_name

Array = NDArray[Any]


class Program:
    """A ``.pte`` file, mapped into memory.

    Raises:
        UserError: If the file is missing, truncated, corrupt or not an ExecuTorch program.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        check_program_file(path)
        # The first method of a file that is dropped takes QNN's other methods with it.
        self._handles: list[Any] = []
        bindings = importlib.import_module("executorch.extension.pybindings._C")
        # Registers the CPU kernels of quantized embeddings (contract §3.1).
        importlib.import_module("executorch.kernels.quantized")
        share_weights()
        with _explain(f"{path} cannot be loaded"):
            self._program = bindings._load_program(
                str(path), program_verification=bindings.Verification.InternalConsistency
            )

    @cached_property
    def _has_qnn(self) -> bool:
        """Whether parts are for the HTP; QNN runs once it is known, and not for metadata alone."""
        return prepare_to_load(self.path)

    def method(self, name: str) -> Method:
        """Load a method that the file has.

        Raises:
            UserError: If the backend refuses the method.
        """
        with _explain(f"Method {name} of {self.path} cannot be loaded", self._has_qnn):
            handle = self._program.load_method(name)
        self._handles.append(handle)
        return Method(self.path, name, handle)


class Method:
    """A loaded method and what it declares about its tensors."""

    def __init__(self, path: Path, name: str, handle: Any) -> None:
        self.path = path
        self.name = name
        self._handle = handle
        with _explain(f"Method {name} of {path} cannot be read"):
            self.signature = _signature(path, name, handle.method_meta())
        self.inputs = self.signature.inputs
        self.outputs = self.signature.outputs

    def __str__(self) -> str:
        return str(self.signature)

    def bind(self, arrays: Sequence[Array], inputs: Sequence[TensorSpec] = ()) -> BoundMethod:
        """Fix the arrays that every call reads.

        Args:
            arrays: One contiguous array per input; the caller writes into them before each call.
            inputs: What they are, of a method that takes shorter ones than it declares.

        Raises:
            ValueError: If an array is another one.
        """
        return BoundMethod(self, self._handle, arrays, inputs or self.inputs)


class BoundMethod:
    """A method together with its input tensors.

    Attributes:
        execute_ns: Time spent inside ExecuTorch since the program was loaded.
    """

    def __init__(
        self, method: Method, handle: Any, arrays: Sequence[Array], inputs: Sequence[TensorSpec]
    ) -> None:
        self.method = method
        self.execute_ns = 0
        self._handle = handle
        self.rebind(arrays, inputs)

    def rebind(self, arrays: Sequence[Array], inputs: Sequence[TensorSpec]) -> None:
        """Read other arrays from the next call on; see :meth:`Method.bind`."""
        for index, (array, spec) in enumerate(zip(arrays, inputs, strict=True)):
            if array.shape != spec.shape or array.dtype != spec.dtype:
                raise ValueError(
                    f"input {index} of {self.method} is {spec}, not {array.shape} {array.dtype}"
                )
        self._tensors = [torch.from_numpy(array) for array in arrays]

    def execute(self) -> list[Array]:
        """Run the method.

        Returns:
            Views of ExecuTorch's own output memory: they hold until any method of the same file
            runs again. Cloning them would double the copying of a decode step.

        Raises:
            UserError: If the backend reports an error.
        """
        start = time.perf_counter_ns()
        try:
            outputs = self._handle(self._tensors, clone_outputs=False)
        except Exception as error:
            # Log lines went to standard error: to keep them here would cost every step.
            reason = explain(str(error).splitlines()) or str(error) or type(error).__name__
            raise UserError(
                f"Executing {self.method} failed ({reason}); the lines above say more, and "
                "exporting the artifact again for this machine may help."
            ) from error
        self.execute_ns += time.perf_counter_ns() - start
        return [output.numpy() for output in outputs]


def _signature(path: Path, name: str, meta: Any) -> Signature:
    inputs = tuple(_spec(meta.input_tensor_meta(i)) for i in range(meta.num_inputs()))
    outputs = tuple(_spec(meta.output_tensor_meta(i)) for i in range(meta.num_outputs()))
    return Signature(path, name, inputs, outputs)


def _spec(info: Any) -> TensorSpec:
    return TensorSpec(tuple(info.sizes()), dtype_name(info.dtype()))


@contextlib.contextmanager
def _explain(fact: str, has_qnn: bool = False) -> Iterator[None]:
    """Turn ExecuTorch's error into a ``UserError`` that says what the log lines behind it mean."""
    log = io.StringIO()
    native: list[str] = []
    try:
        with contextlib.ExitStack() as stack:
            if has_qnn:
                native = stack.enter_context(captured_native_log())
            stack.enter_context(contextlib.redirect_stderr(log))
            yield
    # The bindings raise what C++ raised: RuntimeError for ExecuTorch's own codes, IndexError,
    # UnicodeDecodeError or MemoryError for what a damaged file made of it.
    except Exception as error:
        if known := explain(native):
            raise UserError(f"{fact}: {known}.") from error
        lines = _worth_reading(log) + worth_reading(native)
        detail = lines[-1] if lines else str(error) or type(error).__name__
        raise UserError(f"{fact} ({detail}); export the artifact again.") from error
    for line in _worth_reading(log) + worth_reading(native):
        print(line, file=sys.stderr)


def _worth_reading(log: io.StringIO) -> list[str]:
    """Log lines without the notes on processor detection that every first load on x86 writes."""
    lines = log.getvalue().splitlines()
    return [line for line in lines if line and not line.startswith("[cpuinfo_utils.cpp")]
