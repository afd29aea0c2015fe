"""What becomes of an earlier session's report where a session ends without one of its own."""

from __future__ import annotations

from pathlib import Path

from markupsafe import escape

from reports.build import REPORT_FILES, replace_file

_MARK = b'<meta name="generator" content="snapgate">'
_HEAD_BYTES = 1000

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="snapgate">
<title>NO REPORT · Snapgate</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; }
p { white-space: pre-line; }</style>
</head>
<body>
<h1>NO REPORT</h1>
<p>The last session {why}</p>
<p>Report of the latest run that measured anything: <code>python -m reports</code></p>
</body>
</html>
"""


def retire_report(out: Path, why: str) -> None:
    """Replace an earlier report, which can be built again, by a page that says why there is none.

    Nothing is written where no report of ours is: a mistaken option may name any folder.

    Args:
        out: Folder of the report.
        why: What happened, as the end of a sentence that begins with "The last session".

    Raises:
        OSError: If there is no room for the page; the earlier report is gone all the same.
    """
    page = out / "index.html"
    if not page.is_file():
        return
    with page.open("rb") as content:
        if _MARK not in content.read(_HEAD_BYTES):
            return
    for name in REPORT_FILES:
        if name != page.name:
            (out / name).unlink(missing_ok=True)
    try:
        replace_file(page, _PAGE.replace("{why}", str(escape(why))).encode())
    except OSError:
        # Without room for a word, no report is better than another session's.
        page.unlink()
        raise
