"""Files that stand for others: what Git leaves in place of contents that it did not fetch."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UserError

_LONGEST_BEGINNING = 512
_BEGINNINGS = (
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer", "git lfs pull"),
    (b"version https://hawser.github.com/spec/", "a Git LFS pointer", "git lfs pull"),
    (b"# xet version ", "a Xet pointer", "git xet checkout"),
    (b"/annex/objects/", "a git-annex pointer", "git annex get"),
    (b"../.git/annex/objects/", "a git-annex pointer", "git annex get"),
    (b".git/annex/objects/", "a git-annex pointer", "git annex get"),
)
"""How each begins, and what fetches it.

Sources: the specification of git-lfs; internals/pointer_file of git-annex, and its links as a file
system without links has them; pointer files of git-xet.
"""


def refuse_pointer(path: Path) -> None:
    """Refuse a file whose content is elsewhere, before somebody reads it as what it should be.

    A file that is simply not there is for the caller to miss.

    Raises:
        UserError: If it is a pointer of Git LFS, git-annex or Xet, or a link to nothing.
    """
    if path.is_symlink() and not path.exists():
        fetch = "git annex get" if "annex" in str(path.readlink()) else "git lfs pull"
        raise UserError(
            f"{path} is a link to {path.readlink()}, which is not there; fetch it with: {fetch} "
            "(or download the file again)."
        )
    if not path.is_file():
        return
    try:
        with path.open("rb") as file:
            beginning = file.read(_LONGEST_BEGINNING)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check its rights.") from error
    for mark, kind, fetch in _BEGINNINGS:
        if beginning.lstrip(b"\xef\xbb\xbf \r\n").startswith(mark):
            raise UserError(
                f"{path} is {kind} in place of the file itself; fetch it with: {fetch} (or "
                "download the file again)."
            )
