"""Real exports of one-layer models in real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

import harness
from harness.artifacts.artifact import open_artifact
from harness.backends.weight_recipe import WeightRecipe
from harness.errors import UserError
from harness.export.cache import CacheNotWritable
from harness.export.exporter import Export, NotExported, export_artifact
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.export.side_by_side import ExportProcesses
from harness.export.worker.process import ExportFailed
from harness.vlm.mode import LookaheadShape
from harness.vlm.registry import get_spec_or_family
from harness.vocabulary import COMPONENTS
from suites.harness.export.conftest import MakeCheckpoint

ROOT = Path(harness.__file__).parents[1]
CONTEXT = 64


def export(checkpoint: Path, root: Path, **changes: object) -> Export:
    request = ExportRequest(
        get_spec_or_family("smolvlm"), checkpoint, Recipe(), mode="kv", context_length=CONTEXT
    )
    return export_artifact(replace(request, **changes), root, lambda component, stage: None)


def reused(exported: Export) -> list[str]:
    return [cached.file.component for cached in exported.components if cached.reused]


@pytest.fixture(scope="module")
def exported(make_checkpoint: MakeCheckpoint, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """A kv artifact in a cache of its own, in a folder with blanks and umlauts."""
    return export(make_checkpoint("smolvlm"), tmp_path_factory.mktemp("cäche of artifacts"))


@pytest.fixture
def cache(exported: Export, tmp_path: Path) -> Path:
    """A copy of the cache that a test may change."""
    source = exported.components[0].directory.parents[1]
    shutil.copytree(source, tmp_path / "cache")
    return tmp_path / "cache"


def test_an_artifact_is_whole(exported: Export) -> None:
    artifact = open_artifact(exported.artifact.directory)
    assert reused(exported) == []
    assert {entry.component for entry in artifact.manifest.components} == set(COMPONENTS)
    assert artifact.tokenizer_path.is_file()
    for cached in exported.components:
        assert len(cached.file.weights_sha256) == 64
        assert cached.file.export_s > 0
        assert cached.file.export_peak_rss_mib > 50


def test_only_the_component_whose_precision_changed_is_built(
    cache: Path, make_checkpoint: MakeCheckpoint
) -> None:
    changed = export(make_checkpoint("smolvlm"), cache, recipe=Recipe(token_embedding="8da4w"))
    assert reused(changed) == ["vision_encoder", "text_decoder"]
    assert changed.artifact.manifest.precision_label == "token_embedding=8da4w"


def test_weights_are_learned_on_the_exporters_own_text_where_nobody_gives_samples(
    cache: Path, make_checkpoint: MakeCheckpoint
) -> None:
    learned = Recipe(text_decoder="8da4w", weights=WeightRecipe(rounding="learned"))
    made = export(make_checkpoint("smolvlm"), cache, recipe=learned)
    assert reused(made) == ["vision_encoder", "token_embedding"]
    manifest = open_artifact(made.artifact.directory).manifest
    assert manifest.precision_label == "text_decoder=8da4w[rounding=learned]"
    whole = export(make_checkpoint("smolvlm"), cache).artifact.manifest
    assert whole.weights is None
    sizes = [one.component("text_decoder").pte_bytes for one in (manifest, whole)]
    assert sizes[0] < 0.5 * sizes[1]


def test_a_damaged_component_is_built_again(cache: Path, make_checkpoint: MakeCheckpoint) -> None:
    damaged = next((cache / "components").glob("*token_embedding*/*.pte"))
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.unlink()
    damaged.write_bytes(content)
    again = export(make_checkpoint("smolvlm"), cache)
    assert reused(again) == ["vision_encoder", "text_decoder"]
    open_artifact(again.artifact.directory)


def test_what_must_not_be_built_is_found_or_named(
    cache: Path, make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    checkpoint = make_checkpoint("smolvlm")
    request = ExportRequest(
        get_spec_or_family("smolvlm"), checkpoint, Recipe(), mode="kv", context_length=CONTEXT
    )
    found = export_artifact(request, cache, lambda *_: None, builds=False)
    assert reused(found) == list(COMPONENTS)
    other = replace(request, context_length=CONTEXT + 1)
    with pytest.raises(NotExported, match=r"holds no such text_decoder \(smolvlm-text_decoder-"):
        export_artifact(other, cache, lambda *_: None, builds=False)
    assert not list((cache / "building").iterdir())


def test_two_methods_share_their_weights(cache: Path, make_checkpoint: MakeCheckpoint) -> None:
    kv = export(make_checkpoint("smolvlm"), cache).artifact.manifest.component("text_decoder")
    hybrid = export(make_checkpoint("smolvlm"), cache, mode="hybrid").artifact.manifest.component(
        "text_decoder"
    )
    assert hybrid.pte_bytes < 1.2 * kv.pte_bytes


def command(checkpoint: Path, root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "harness", "export", "smolvlm", "--mode", "kv"),
            *("--checkpoint", str(checkpoint), "--artifacts", str(root)),
            *("--context", str(CONTEXT)),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_commands_at_once_build_each_component_once(
    make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    checkpoint = make_checkpoint("smolvlm")
    commands = [command(checkpoint, tmp_path) for _ in range(2)]
    outputs = [process.communicate(timeout=300) for process in commands]
    assert [process.returncode for process in commands] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0]
    assert sum(errors.count("│ built") for _, errors in outputs) == len(COMPONENTS)
    assert len(list((tmp_path / "components").iterdir())) == len(COMPONENTS)


def test_what_waits_for_the_worker_holds_none_of_its_libraries(
    cache: Path, make_checkpoint: MakeCheckpoint
) -> None:
    script = (
        "import sys; from harness.commands.main import main; ended = main(sys.argv[1:]); "
        "print(ended, *{'torch', 'executorch', 'torchao', 'transformers'} & set(sys.modules))"
    )
    arguments = ["export", "smolvlm", "--mode", "kv", "--context", str(CONTEXT)]
    folders = ["--checkpoint", str(make_checkpoint("smolvlm")), "--artifacts", str(cache)]
    printed = subprocess.check_output(
        [sys.executable, "-c", script, *arguments, *folders], cwd=ROOT, text=True
    )
    assert printed.splitlines()[-1] == "0"


def test_a_cache_that_fills_up_ends_an_export_at_its_next_stage(
    make_checkpoint: MakeCheckpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = iter([2**30, 2**30])
    monkeypatch.setattr("harness.full_disk.free_bytes", lambda folder: next(room, 0))
    with pytest.raises(CacheNotWritable, match="No space left on device") as told:
        export(make_checkpoint("smolvlm"), tmp_path)
    assert told.value.is_full
    assert list((tmp_path / "building").iterdir()) == []


def end_midway(how: signal.Signals, checkpoint: Path, root: Path) -> tuple[int, str]:
    """Exit code and messages of an export that was ended while its first worker was at work."""
    process = command(checkpoint, root)
    while not any((root / "building").glob("*/export.log")):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, how)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def test_an_export_killed_midway_is_no_hindrance(
    make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    end_midway(signal.SIGKILL, make_checkpoint("smolvlm"), tmp_path)
    assert list((tmp_path / "components").iterdir()) == []
    again = export(make_checkpoint("smolvlm"), tmp_path)
    open_artifact(again.artifact.directory)
    assert list((tmp_path / "building").iterdir()) == []


@pytest.mark.parametrize(
    ("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupted_export_ends_quietly_and_cleans_up(
    how: signal.Signals, status: int, make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    exit_code, errors = end_midway(how, make_checkpoint("smolvlm"), tmp_path)
    assert exit_code == status, errors
    assert "Traceback" not in errors
    assert list((tmp_path / "components").iterdir()) == []
    assert list((tmp_path / "building").iterdir()) == []


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        (signal.SIGKILL, "for lack of memory, or somebody did it by hand: "),
        (signal.SIGTERM, "ended with exit code -15 (Terminated); read the log that was kept in"),
    ],
)
def test_an_exporter_that_dies_is_told_in_a_sentence(
    how: signal.Signals, sentence: str, make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    process = command(make_checkpoint("smolvlm"), tmp_path)
    while not (workers := psutil.Process(process.pid).children()):
        assert process.poll() is None
        time.sleep(0.05)
    workers[0].send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert sentence in " ".join(errors.split())
    assert "Traceback" not in errors
    assert [log.suffix for log in (tmp_path / "logs").iterdir()] == [".log"]
    assert list((tmp_path / "building").iterdir()) == []


def test_an_exporter_that_dies_before_it_reads_its_task_is_told_by_how_it_died(
    make_checkpoint: MakeCheckpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    running = ExportProcesses.running

    def running_once_dead(
        processes: ExportProcesses, process: subprocess.Popen[str]
    ) -> AbstractContextManager[None]:
        process.wait()
        return running(processes, process)

    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(ExportProcesses, "running", running_once_dead)
    with pytest.raises(ExportFailed, match="for lack of memory"):
        export(make_checkpoint("smolvlm"), tmp_path / "cache")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lookahead": LookaheadShape(4, 5, 4)}, "--lookahead 4,5,4 goes with --mode lookahead"),
        (
            {"mode": "lookahead", "lookahead": LookaheadShape(8, 5, 8)},
            f"64 tokens per call, which must be below the context of {CONTEXT}",
        ),
        (
            {"mode": "lookahead", "lookahead": LookaheadShape(4, 5, 4), "prefill_ar": CONTEXT},
            f"--prefill-ar {CONTEXT}",
        ),
        ({"kv_encodings": "requantized"}, "requantized"),
        ({"mode": "hybrid", "prefill_ar": 1}, "--prefill-ar 1"),
        ({"mode": "hybrid", "prefill_ar": CONTEXT}, f"--prefill-ar {CONTEXT}"),
        ({"calibration": Path("samples.json")}, "leave --calibration out"),
        ({"context_length": 16}, "--context 16"),
        ({"context_length": 0}, "--context 0"),
        ({"context_length": -5}, "--context -5"),
        ({"mode": "hybrid", "prefill_ar": 0}, "--prefill-ar 0"),
        ({"mode": "kv", "prefill_ar": 8}, "--prefill-ar 8 goes with --mode hybrid"),
    ],
)
def test_what_cannot_be_exported_is_refused_before_anything_is_built(
    changes: dict[str, object],
    message: str,
    make_checkpoint: MakeCheckpoint,
    tmp_path: Path,
) -> None:
    with pytest.raises(UserError, match=message):
        export(make_checkpoint("smolvlm"), tmp_path, **changes)
    assert not (tmp_path / "components").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tiny_smolvml"], "did you mean tiny_smolvlm"),
        (["tiny_smolvlm", "--checkpoint", "/nowhere"], "neither a folder nor a hub id"),
        (["tiny_smolvlm", "--precision", "int4"], "There is no precision"),
        (["tiny_smolvlm", "--soc", "SM8550"], "goes with --target phone or emulator"),
        (["tiny_smolvlm", "--target", "phone"], "name it with --soc SM8650"),
        (["smolvlm_500m", "--target", "emulator"], "give some with --calibration FILE"),
        (["tiny_smolvlm", "--context", "0"], "--context 0"),
        (["smolvlm_500m", "--prefill-ar", "0"], "--prefill-ar 0"),
        (["smolvlm_500m", "--mode", "kv", "--prefill-ar", "8"], "leave it out"),
        (["tiny_smolvlm", "--lookahead", "4,5,4"], "goes with --mode lookahead"),
        (["tiny_smolvlm", "--mode", "lookahead", "--lookahead", "4,1,4"], "ngram 1 is below 2"),
        (["smolvlm"], "export smolvlm --checkpoint DIR|HUB_ID"),
    ],
)
def test_the_command_says_what_is_wrong_in_one_sentence(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "harness", "export", *arguments, "--artifacts", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 2
    assert message in process.stderr
    assert len(process.stderr.strip().splitlines()) == 1
    assert process.stdout == ""


def test_metadata_is_upstreams(exported: Export) -> None:
    """Constant methods of contract §2.6, read as any host tool reads them."""
    from executorch.runtime import Runtime

    program = Runtime.get().load_program(exported.artifact.path("text_decoder"))
    expected = {
        "get_n_layers": 1,
        "get_ar_len": 1,
        "get_max_seq_len": CONTEXT,
        "get_vocab_size": 512,
        "get_head_dim": 24,
        "get_n_kv_heads": 2,
        "get_kv_io_bit_width": 32,
    }
    found = {
        name: program.load_method(name).execute([])[0]  # type: ignore[union-attr]
        for name in expected
    }
    assert found == expected
    assert {"kv_forward"} <= program.method_names


def test_a_lookahead_artifact_says_its_branch(cache: Path, make_checkpoint: MakeCheckpoint) -> None:
    shape = LookaheadShape(window=2, ngram=3, gcap=1)
    artifact = export(make_checkpoint("smolvlm"), cache, mode="lookahead", lookahead=shape).artifact
    assert artifact.manifest.lookahead == shape
    assert artifact.path("text_decoder").name == "lookahead_llama_xnnpack.pte"
    from executorch.runtime import Runtime

    program = Runtime.get().load_program(artifact.path("text_decoder"))
    assert program.load_method("get_ar_len").execute([])[0] == 8  # type: ignore[union-attr]
    assert {"kv_forward", "prefill_forward"} <= program.method_names


def test_the_manifest_is_readable_by_a_person(exported: Export) -> None:
    manifest = json.loads((exported.artifact.directory / "manifest.json").read_text())
    assert manifest["model"] == "smolvlm"
    assert set(manifest["versions"]) >= {"torch", "executorch", "torchao"}
