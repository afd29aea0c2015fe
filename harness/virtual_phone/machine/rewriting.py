"""The phone's paths in a command, replaced by this machine's."""

from __future__ import annotations

import re

from harness.virtual_phone.machine.root_folder import BOOT_ID, RootFolder

_PATH = re.compile(rf"(?<![\w/.~-])/(data|sdcard|system|vendor|sys|{BOOT_ID})(?=[/\s'\";:)&|,]|$)")


def rewrite_command(command: str, root: RootFolder) -> str:
    """Let a command's absolute paths point into the phone's folder.

    What a command reads elsewhere, say in a script that it runs, stays as it is.
    """

    def here(match: re.Match[str]) -> str:
        if match.group(1) == BOOT_ID:
            return str(root.boot_id_file)
        return f"{root.folder}{match.group(0)}"

    return _PATH.sub(here, command)
