"""Programs and libraries for this machine that look like upstream's x86_64 build and QNN's SDK."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from suites.harness.devices.phone.stand_in_runner import write_stand_in

NEEDS_COMPILER = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64") or shutil.which("cc") is None,
    reason="needs x86_64 Linux and a C compiler",
)
CHIP = 43
"""Number of SM8550, which the runner asks QNN for."""

_QNN = """\
#include <stdint.h>
typedef void (*entry)(void);
static uint64_t get_build_id(const char **id) { *id = "v2.47.0.260601114230"; return 0; }
/* As QNN since 2.38: the number of the SoC stands at byte 8. */
static uint64_t create(void *logger, const void *const *config, void **device) {
  const struct { uint32_t option; const uint32_t *custom; } *first = config[0];
  (void)logger, (void)device;
  return first->custom[2];
}
static struct {
  uint32_t id; const char *name; uint32_t versions[6]; entry functions[67];
} provider = {
  .id = 6, .versions = {2, 36, 0}, .functions = {[4] = (entry)get_build_id, [40] = (entry)create}};
static const void *providers[1] = {&provider};
uint64_t QnnInterface_getProviders(const void ***found, uint32_t *count) {
  *found = providers;
  *count = 1;
  return 0;
}
"""
_RUNNER = """\
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
typedef uint64_t (*create_fn)(void *, const void *const *, void **);
typedef struct { unsigned char head[40]; create_fn functions[67]; } provider;
static const char script[] = SCRIPT;
int main(int count, char **words) {
  /* As an ExecuTorch that was built against QNN 2.37: the number of the SoC stands at byte 4. */
  const uint32_t custom[3] = {0, CHIP, 0};
  const struct { uint32_t option; const void *value; } config = {0, custom};
  const void *const configs[2] = {&config, NULL};
  const provider **found;
  uint32_t many;
  char *arguments[64] = {"sh", "-c", (char *)script, "qnn_multimodal_runner"};
  if (count > 1 && strcmp(words[1], "--help") != 0) {
    void *qnn = dlopen("libQnnHtp.so", RTLD_NOW | RTLD_GLOBAL);
    if (qnn == NULL) { fprintf(stderr, "%s\\n", dlerror()); return 3; }
    ((uint64_t (*)(const provider ***, uint32_t *))dlsym(qnn, "QnnInterface_getProviders"))(
        &found, &many);
    if (found[0]->functions[40](NULL, configs, NULL) != CHIP) {
      fprintf(stderr, "unknown custom config socModel 0\\n");
      return 4;
    }
  }
  for (int i = 1; i < count; i++) {
    /* As upstream's on this kind of machine. */
    if (strcmp(words[i], "--shared_buffer") == 0) raise(SIGSEGV);
    arguments[3 + i] = words[i];
  }
  execv("/bin/sh", arguments);
  return 5;
}
"""


def write_host_sdk(folder: Path) -> Path:
    """A QNN SDK for this machine, of version 2.47.0, that only tells the SoC it was asked for."""
    libraries = folder / "lib/x86_64-linux-clang"
    libraries.mkdir(parents=True)
    _compile(_QNN, libraries / "libQnnHtp.so", "-shared", "-fPIC")
    shutil.copy(libraries / "libQnnHtp.so", libraries / "libQnnSystem.so")
    return folder


def write_host_build(folder: Path) -> Path:
    """A folder with a runner that asks QNN for its SoC, and answers as ``write_stand_in``'s.

    Its backend library needs another one, which lies in ``lib`` as in upstream's ``build-x86``.
    """
    runner = write_stand_in(folder) / "qnn_multimodal_runner"
    script = runner.read_text()
    runner.unlink()
    code = _RUNNER.replace("SCRIPT", json.dumps(script)).replace("CHIP", str(CHIP))
    (folder / "lib").mkdir()
    _compile("int more;", folder / "lib/libmore.so", "-shared", "-fPIC")
    library = folder / "libqnn_executorch_backend.so"
    linked = ("-Wl,--no-as-needed", f"-L{folder / 'lib'}", "-lmore")
    _compile("int backend;", library, "-shared", "-fPIC", *linked)
    _compile(
        code,
        runner,
        *("-Wl,--no-as-needed", f"-L{folder}", "-lqnn_executorch_backend", "-ldl"),
        f"-Wl,-rpath-link,{folder / 'lib'}",
    )
    return folder


def _compile(code: str, output: Path, *flags: str) -> None:
    command = ["cc", "-x", "c", "-", "-o", str(output), *flags]
    subprocess.run(command, input=code, text=True, check=True, capture_output=True)
