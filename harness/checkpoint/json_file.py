"""JSON files of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.pointer_file import refuse_pointer
from harness.strict_json import read_json


def read_json_object(path: Path) -> Mapping[str, Any] | None:
    """Read one; None if there is none.

    Raises:
        UserError: If it is a pointer, unreadable, or holds something else than an object.
    """
    refuse_pointer(path)
    if not path.exists():
        return None
    try:
        content = read_json(path)
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}); download the checkpoint again.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the file.") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no JSON object; download the checkpoint again.")
    return content
