"""The shim gives each QNN the device options where that QNN looks for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.backends.qnn.shim import compiled_shim
from suites.harness.backends.conftest import RunPython

#: Calls deviceCreate through the shim, in front of a library made of Python functions.
CALL = """
import ctypes, json, struct, sys
from ctypes import CFUNCTYPE, POINTER, c_uint32, c_uint64, c_void_p

shim = ctypes.CDLL(sys.argv[1])
is_wide, option, *fields = map(int, sys.argv[2:])
seen = []
create = CFUNCTYPE(c_uint64, c_void_p, POINTER(c_void_p), POINTER(c_void_p))

def device_create(logger, config, device):
    kind, value = struct.unpack("<IxxxxQ", ctypes.string_at(config[0], 16))
    seen.append([kind, *struct.unpack("<4I" if is_wide else "<3I",
                                      ctypes.string_at(value, 16 if is_wide else 12))])
    seen.append(config[1])
    return 42

real_create = create(device_create)
table = [0x1000 + index for index in range(67)]
table[40] = ctypes.cast(real_create, c_void_p).value
record = ctypes.create_string_buffer(b"head" * 10 + struct.pack("<67Q", *table))
shim.snapgate_front(record, is_wide)

providers, count = POINTER(c_void_p)(), c_uint32()
assert shim.QnnInterface_getProviders(ctypes.byref(providers), ctypes.byref(count)) == 0
copied = ctypes.string_at(providers[0], 40 + 67 * 8)
handed_out = list(struct.unpack_from("<67Q", copied, 40))
custom = ctypes.create_string_buffer(struct.pack("<3I", option, *fields), 12)
config = ctypes.create_string_buffer(struct.pack("<IxxxxQ", 0, ctypes.addressof(custom)))
configs = (c_void_p * 2)(ctypes.addressof(config), None)
error = create(handed_out[40])(None, configs, None)
changed = [index for index in range(67) if handed_out[index] != table[index]]
print(json.dumps([copied[:40].decode(), changed, error, seen]))
"""
HEAD = "head" * 10
SOC, ARCH, SIGNED_PD = 0, 1, 2


@pytest.mark.parametrize(
    ("option", "given", "seen"),
    [
        # Right at byte 4 and at byte 8, whichever the library reads.
        (SOC, (69, 0), [SOC, 69, 69, 0]),
        (ARCH, (0, 79), [ARCH, 0, 0, 79]),
        (SIGNED_PD, (3, 1), [SIGNED_PD, 0, 3, 1]),
    ],
)
def test_a_new_qnn_finds_the_option_behind_the_pointer_sized_union(
    option: int,
    given: tuple[int, int],
    seen: list[int],
    run_python: RunPython,
    tmp_path: Path,
) -> None:
    result = run_python(CALL, compiled_shim(tmp_path), 1, option, *given)
    assert json.loads(result.stdout) == [HEAD, [40], 42, [[0, *seen], None]], result.stderr


def test_an_old_qnn_gets_what_executorch_wrote(run_python: RunPython, tmp_path: Path) -> None:
    result = run_python(CALL, compiled_shim(tmp_path), 0, ARCH, 0, 73)
    assert json.loads(result.stdout) == [HEAD, [], 42, [[0, ARCH, 0, 73], None]], result.stderr
