"""The file of ``--requests``: one JSON request per line. Imports without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from harness.errors import UserError
from harness.runtime.request import Request


def write_requests(path: Path, requests: Sequence[Request]) -> None:
    """Write what :func:`read_requests` reads."""
    lines = "".join(f"{request.model_dump_json()}\n" for request in requests)
    path.write_text(lines, encoding="utf-8", newline="\n")


def read_requests(path: Path) -> tuple[Request, ...]:
    """Read a file of one JSON request per line; empty lines are skipped.

    Raises:
        UserError: If the file is missing, a line is no request, or an id comes twice.
    """
    try:
        # str.splitlines would also cut at U+0085 and U+2028, which JSON strings hold unescaped.
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} cannot be read ({error}); give JSON lines as --requests."
        ) from error
    requests: dict[str, Request] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            request = Request.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise UserError(
                f"Line {number} of {path} is no request: {where}: {first['msg']}; it takes id, "
                f"prompts, images and system_prompt."
            ) from error
        if request.id in requests:
            raise UserError(
                f"Line {number} of {path} repeats the id {request.id!r}; give each request its own."
            )
        requests[request.id] = request
    if not requests:
        raise UserError(f"{path} holds no request; write one JSON object per line.")
    return tuple(requests.values())
