"""One miniature exported twice, by upstream and by us, each in processes of its own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.interop.measured_process import ProcessCost, run_measured
from harness.artifacts.artifact import open_artifact
from harness.runtime.files import RunFiles
from harness.vlm.spec import VlmSpec
from harness.vocabulary import COMPONENTS, Component, Mode


class ExportFailedError(RuntimeError):
    """An exporter ended with an error; the message ends with the last lines of its log."""


@dataclass(frozen=True)
class Order:
    """What both exporters are to make.

    Attributes:
        spec: A miniature.
        mode: Which decoder methods.
        soc: Compiled for.
        calibration: File of ``write_calibration``, the same for both.
    """

    spec: VlmSpec
    mode: Mode
    soc: str
    calibration: Path


@dataclass(frozen=True)
class Exported:
    """Three files and what they took."""

    files: RunFiles
    cost: ProcessCost

    def path(self, component: Component) -> Path:
        """File of one component."""
        paths = (self.files.encoder, self.files.embedding, self.files.decoder)
        return dict(zip(COMPONENTS, paths, strict=True))[component]


def export_upstream(order: Order, folder: Path) -> Exported:
    """Run upstream's exporter.

    Raises:
        ExportFailedError: If it did not end well.
    """
    folder.mkdir(parents=True)
    arguments = [
        *("--model", order.spec.name, "--mode", order.mode, "--soc", order.soc),
        *("--calibration", str(order.calibration), "--out", str(folder)),
    ]
    cost = _run("benchmarks.interop.upstream_exporter", arguments, folder / "export.log")
    return Exported(upstream_files(folder, order.mode), cost)


def export_ours(order: Order, folder: Path) -> Exported:
    """Run our exporter on an empty cache, with the recipe that is upstream's.

    Raises:
        ExportFailedError: If it did not end well.
    """
    folder.mkdir(parents=True)
    arguments = [
        *("export", order.spec.name, "--mode", order.mode, "--soc", order.soc),
        *("--target", "emulator", "--precision", "16a8w"),
        *("--calibration", str(order.calibration), "--artifacts", str(folder / "cache")),
    ]
    cost = _run("harness", arguments, folder / "export.log")
    (made,) = (folder / "cache" / "artifacts").glob(f"{order.spec.name}-*")
    return Exported(RunFiles.of(open_artifact(made)), cost)


def upstream_files(folder: Path, mode: Mode) -> RunFiles:
    """Names that upstream's exporter gives its files (contract §1.1)."""
    return RunFiles(
        encoder=folder / "vision_encoder_qnn.pte",
        embedding=folder / "tok_embedding_qnn.pte",
        decoder=folder / f"{mode}_llama_qnn.pte",
        tokenizer=folder / "tokenizer.json",
    )


def _run(module: str, arguments: list[str], log: Path) -> ProcessCost:
    cost = run_measured([sys.executable, "-m", module, *arguments], log)
    if cost.exit_code != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        raise ExportFailedError(f"{module} ended with exit code {cost.exit_code}; {log}:\n{tail}")
    return cost
