"""Whether a ``.pte`` can run on a QNN, said before QNN fails at it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.backends.qnn.context_info import describe_context
from harness.backends.qnn.delegates import QnnDelegate, read_delegates
from harness.backends.qnn.provider import QnnInfo, activate
from harness.errors import UserError
from harness.targets.soc import Soc, get_soc, soc_label


def prepare_to_load(path: Path) -> bool:
    """Start QNN in this process if a file has parts for it, and check that it can load them.

    Returns:
        Whether the file has such parts.

    Raises:
        UserError: As :func:`check_loadable` and :func:`~harness.backends.qnn.provider.activate`.
    """
    if not read_delegates(path):
        return False
    check_loadable(path, activate())
    return True


def check_soc(path: Path, soc: Soc, delegates: tuple[QnnDelegate, ...] | None = None) -> None:
    """Check that a file was compiled for a SoC; needs no QNN.

    Args:
        path: The ``.pte``; one without QNN delegates runs on any SoC.
        soc: SoC that it shall run on.
        delegates: What :func:`read_delegates` said of the file, if somebody asked already.

    Raises:
        UserError: If it was compiled for another SoC.
    """
    for delegate in read_delegates(path) if delegates is None else delegates:
        if delegate.chip_id != soc.chip_id:
            raise UserError(
                f"{path} was compiled for {soc_label(delegate.chip_id)} and {soc.name} was asked "
                f"for; give --soc {soc_label(delegate.chip_id)} or export it for {soc.name}."
            )


def check_one_soc(paths: Sequence[Path], soc: str | None) -> None:
    """Check that files which run together were compiled for the same SoC; needs no QNN.

    Args:
        paths: The ``.pte`` files; those without QNN delegates run on any SoC.
        soc: Name of the SoC that it must be; None if any one will do.

    Raises:
        UserError: If one was compiled for another SoC, or ``soc`` is not known.
    """
    delegates = {path: read_delegates(path) for path in paths}
    if soc is not None:
        for path, found in delegates.items():
            check_soc(path, get_soc(soc), found)
    of_chips = {one.chip_id: path for path, found in delegates.items() for one in found}
    if len(of_chips) > 1:
        places = [f"{path} for {soc_label(chip_id)}" for chip_id, path in of_chips.items()]
        raise UserError(f"{' and '.join(places)} do not run together; use files of one export.")


def check_loadable(path: Path, qnn: QnnInfo) -> None:
    """Check that this machine's emulator can load a file.

    Args:
        path: The ``.pte``; one without QNN delegates always can.
        qnn: The active QNN.

    Raises:
        UserError: If the file is damaged, shares weights between graphs or was made by a newer
            QNN.
    """
    delegates = read_delegates(path)
    if any(delegate.shares_weights for delegate in delegates):
        raise UserError(
            f"The graphs of {path} share weights, which a phone can load and the emulator cannot; "
            "export it again with --target emulator."
        )
    for context in dict.fromkeys(delegate.context for delegate in delegates):
        if context is None:
            continue
        made_by = describe_context(path, context, qnn)
        if made_by is None:
            raise UserError(
                f"{path} holds a context binary that QNN {_text(qnn.version)} cannot read; it is "
                "damaged or of a much newer QNN: copy or export it again."
            )
        if made_by.version > qnn.version:
            raise UserError(
                f"{path} was made by QNN {_text(made_by.version)} and this machine has "
                f"{_text(qnn.version)}, which cannot load newer files; install that QNN or export "
                "the file again with this one."
            )


def _text(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))
