"""Android's own programs of a virtual phone; all others are this machine's."""

from __future__ import annotations

from pathlib import Path

_GETPROP = """\
folder=@ROOT@/system/etc/properties
if [ $# -eq 0 ]; then
    for file in "$folder"/*; do printf '[%s]: [%s]\\n' "${file##*/}" "$(cat "$file")"; done
elif [ -f "$folder/$1" ]; then
    cat "$folder/$1"
else
    echo "${2-}"
fi
"""
_SETPROP = """\
case "$1" in
ro.*) echo "Failed to set property '$1' to '$2'." >&2; exit 1 ;;
esac
printf '%s\\n' "$2" > @ROOT@/system/etc/properties/"$1"
"""
_DUMPSYS = """\
file=@ROOT@/system/etc/dumpsys/"$1"
if [ -f "$file" ]; then cat "$file"; else echo "Can't find service: $1"; fi
"""
# Where a phone's log would be: programs that end up here print to their own output instead.
_LOGCAT = "exit 0\n"
# Whatever is asked, it tells of /data in KiB, as `df -k /data/local/tmp` does on a phone.
_DF = """\
file=@ROOT@/system/etc/available_kib
if [ -f "$file" ]; then
    available=$(cat "$file")
else
    available=$(/bin/df -Pk @ROOT@/data | awk 'NR == 2 { print $4 }')
fi
used=10485760
echo 'Filesystem       1K-blocks     Used Available Use% Mounted on'
echo "/dev/block/dm-52 $((available + used)) $used $available 50% /data"
"""
_TOOLS = {
    "getprop": _GETPROP,
    "setprop": _SETPROP,
    "dumpsys": _DUMPSYS,
    "logcat": _LOGCAT,
    "df": _DF,
}


def write_tools(folder: Path, root: str) -> None:
    """Write the programs.

    Args:
        folder: The phone's ``/system/bin``.
        root: What stands before the phone's paths where commands see this machine's; else empty.
    """
    for name, script in _TOOLS.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\n{script.replace('@ROOT@', root)}")
        program.chmod(0o755)
