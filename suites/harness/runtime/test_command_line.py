"""``python -m harness.runtime`` as a person, a script and upstream's host tools use it."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.artifacts.artifact import Artifact
from harness.runner_log.log import parse_runner_log
from harness.runtime.cli import main
from harness.runtime.files import RunFiles
from harness.runtime.generation import Generation
from harness.runtime.image import load_pixels
from harness.runtime.request import Request, RunOptions
from harness.runtime.runner import MultimodalRunner
from suites.harness.runtime.asking import FIXED, QUESTION, ask, written
from suites.harness.runtime.random_checkpoint import RandomModel

pytestmark = pytest.mark.usefixtures("working_directory")
FILES = ("--output_path=outputs.txt", "--performance_output_path=inference_speed.txt")

Run = Callable[..., Generation]


@pytest.fixture
def answer(smolvlm: RandomModel, pictures: tuple[str, str]) -> Callable[..., Generation]:
    """What the runner itself answers to one question about the first picture."""

    def run(*prompts: str, **options: object) -> Generation:
        values = {"max_new_tokens": 8, "ignore_eos": True, **options}
        runner = smolvlm.runner(RunOptions.model_validate(values))
        return runner.run(Request(id="0", prompts=prompts, images=pictures[:1]))

    return run


def test_outputs_are_prompts_and_answers_of_all_turns(
    artifact: Artifact, pictures: tuple[str, str], answer: Run
) -> None:
    assert main([*ask(artifact, pictures[0], *FIXED, *FILES), "--prompt", "And now?"]) == 0
    turns = answer(QUESTION, "And now?").turns
    content = Path("outputs.txt").read_bytes().decode(errors="replace")
    assert content == "".join(turn.echo + turn.text for turn in turns)
    assert re.fullmatch(r"\d+(\.\d+)?", Path("inference_speed.txt").read_text())
    assert written() == {"outputs.txt", "inference_speed.txt"}


def quoted(path: str | Path) -> str:
    return shlex.quote(str(path))


def files_of(artifact: Artifact) -> str:
    """Flags of the three files."""
    return f"""--encoder_path {quoted(artifact.path("vision_encoder"))}
        --tok_embedding_path {quoted(artifact.path("token_embedding"))}
        --decoder_path {quoted(artifact.path("text_decoder"))}"""


def test_upstreams_own_command_line_runs(
    artifact: Artifact, smolvlm: RandomModel, pictures: tuple[str, str], answer: Run
) -> None:
    spec = smolvlm.spec
    pixels = load_pixels(pictures[0], spec.vision.image_size_px, spec.family.preprocessing)
    Path("vision_encoder_input_0_0.raw").write_bytes(pixels.tobytes())
    Path("vision_encoder_input_list.txt").write_text("vision_encoder_input_0_0.raw\n")
    Path("outputs").mkdir()
    command = f"""--decoder_model_version smolvlm {files_of(artifact)}
        --output_path outputs/outputs.txt --performance_output_path outputs/inference_speed.txt
        --tokenizer_path {quoted(artifact.tokenizer_path)} --shared_buffer --eval_mode 0
        --temperature 0 --system_prompt= --seq_len 1024
        --image_path vision_encoder_input_list.txt --seq_len 100"""
    assert main([*shlex.split(command), "--prompt", QUESTION]) == 0
    expected = answer(QUESTION, mode="kv", max_new_tokens=None, seq_len=100, ignore_eos=False).last
    content = Path("outputs/outputs.txt").read_bytes().decode(errors="replace")
    assert content == expected.echo + expected.text
    assert Path("outputs/inference_speed.txt").exists()


def test_both_streams_parse_as_a_runners_log(
    artifact: Artifact, pictures: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ask(artifact, pictures[0], *FIXED), "--prompt", "And now?"]) == 0
    captured = capsys.readouterr()
    for output in (captured.out, captured.err):
        reported = parse_runner_log(output)
        assert [turn.stats.generated_tokens for turn in reported] == [8, 8]
    assert "Prompt Processor: total" in captured.err
    assert "Load Text Decoder: " in captured.err


def test_the_log_lists_all_turns_first_then_each_users_prompt_alone(
    artifact: Artifact, pictures: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = pictures
    asked = ask(artifact, first, *FIXED, "--image", second, "--system_prompt", "Be {brief}.")
    del asked[asked.index("--prompt") : asked.index("--prompt") + 2]
    assert main([*asked, "--prompt", "<image>What?", "--prompt", "Now\nthis: <image>"]) == 0
    lines = [line.partition("] ")[2] for line in capsys.readouterr().err.splitlines()]
    begin = lines.index("Simulation multi-turn:")
    assert lines[begin + 1 : begin + 3] == [
        f"Turn-0: {{id: 0, text: \"<image>What?\", files_path: ['{first}']}}",
        'Turn-1: {id: 1, text: "Now',
    ]
    around = "<fake_token_around_image><global-img><image><fake_token_around_image>"
    told = [line for line in lines if line.startswith("Prompt after expanding image token: ")]
    assert told == [
        f"Prompt after expanding image token: {around}What?",
        "Prompt after expanding image token: Now",
    ]
    assert lines.index(told[0]) > begin + 3


def test_upstreams_way_begins_with_what_it_does_otherwise(
    artifact: Artifact,
    pictures: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content = json.loads(artifact.tokenizer_path.read_text())
    tokenizer = tmp_path / "nfc.json"
    tokenizer.write_text(json.dumps({**content, "normalizer": {"type": "NFC"}}))
    command = f"""--decoder_model_version {artifact.manifest.family} {files_of(artifact)}
        --seq_len 0 --tokenizer_path {quoted(tokenizer)} --max_new_tokens 1
        --image {quoted(pictures[0])}"""
    asked = ["--prompt", "<image>Où est le café?", "--prompt", "What?"]
    for way, notices in ((["--upstream_compat"], 1), ([], 0)):
        assert main([*shlex.split(command), *asked, *way]) == 0
        log = capsys.readouterr().err
        told = "] Warning: upstream's runner reads '<image>Où est le café?' as "
        assert log.count(told) == notices
        assert not notices or log.index(told) < log.index("Simulation multi-turn:")


def test_an_answer_cut_by_seq_len_says_so_in_the_log(
    artifact: Artifact, pictures: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(ask(artifact, pictures[0], "--seq_len=60", "--ignore_eos")) == 0
    log = capsys.readouterr().err
    assert "Consider increasing --seq_len (up to 256)." in log
    (reported,) = parse_runner_log(log)
    assert reported.stats.stop_reason == "length"


def test_a_person_is_shown_the_answer_on_a_line_of_its_own_and_finds_no_files(
    artifact: Artifact, pictures: tuple[str, str], answer: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(ask(artifact, pictures[0], *FIXED)) == 0
    told, statistics, *rest = capsys.readouterr().out.splitlines()
    assert told == answer(QUESTION).last.text.strip()
    assert statistics.startswith("PyTorchObserver {")
    assert rest == []
    assert written() == set()


@pytest.mark.parametrize("how", ["--stream", "--nostream"])
def test_a_quiet_run_prints_the_answer_alone(
    artifact: Artifact,
    pictures: tuple[str, str],
    answer: Run,
    how: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(ask(artifact, pictures[0], "--quiet", how, *FIXED)) == 0
    captured = capsys.readouterr()
    assert captured.out.strip() == answer(QUESTION).last.text.strip()
    assert captured.err == ""


def test_of_what_a_backend_says_in_parting_its_chatter_is_left_out(
    artifact: Artifact,
    pictures: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    class Parting(MultimodalRunner):
        def __del__(self) -> None:
            os.write(2, b"[INFO] [Qnn ExecuTorch]: Destroy Qnn context\nsomething else\n")

    monkeypatch.setattr("harness.runtime.runner.MultimodalRunner", Parting)
    monkeypatch.setattr(RunFiles, "are_for_htp", True)
    assert main(ask(artifact, pictures[0], "--quiet", *FIXED)) == 0
    assert capfd.readouterr().err == "something else\n"


def test_a_quiet_run_in_json_is_one_line(
    artifact: Artifact, pictures: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(ask(artifact, pictures[0], "--quiet", "--json", *FIXED)) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert Generation.model_validate_json(line)


def test_json_is_the_last_line_of_stdout(
    artifact: Artifact, pictures: tuple[str, str], answer: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(ask(artifact, pictures[0], "--json", *FIXED)) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    generation = Generation.model_validate_json(last)
    assert generation.last.token_ids == answer(QUESTION).last.token_ids
    assert json.dumps(json.loads(last), separators=(",", ":"), ensure_ascii=False) == last


def test_streaming_prints_the_answer_and_nothing_of_the_prompt(
    artifact: Artifact, pictures: tuple[str, str], answer: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(ask(artifact, pictures[0], "--stream", *FIXED)) == 0
    out = capsys.readouterr().out
    assert out.startswith(answer(QUESTION).last.text + "\nPyTorchObserver {")


def test_many_requests_are_answered_in_one_process(
    artifact: Artifact, pictures: tuple[str, str], answer: Run
) -> None:
    asked = [{"id": n, "prompts": [QUESTION], "images": [pictures[0]]} for n in ("a", "b")]
    Path("requests.jsonl").write_text("\n".join(map(json.dumps, asked)))
    flags = [f"--artifact={artifact.directory}", "--requests=requests.jsonl", *FIXED]
    assert main([*flags, "--generations_path=answers.jsonl"]) == 0
    lines = Path("answers.jsonl").read_text().splitlines()
    generations = [Generation.model_validate_json(line) for line in lines]
    assert [generation.request_id for generation in generations] == ["a", "b"]
    expected = answer(QUESTION).last.token_ids
    assert [generation.last.token_ids for generation in generations] == [expected, expected]
    assert written() == {"requests.jsonl", "answers.jsonl"}


def test_answers_before_a_refused_request_are_kept(
    artifact: Artifact, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [{"id": "short", "prompts": ["Hello"]}, {"id": "long", "prompts": ["word " * 300]}]
    Path("requests.jsonl").write_text("\n".join(map(json.dumps, asked)))
    flags = [f"--artifact={artifact.directory}", "--requests=requests.jsonl", *FIXED]
    assert main(flags) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: Request 'long': The prompt")
    (line,) = Path("generations.jsonl").read_text().splitlines()
    assert Generation.model_validate_json(line).request_id == "short"


def test_a_logits_dump_holds_one_row_per_token(
    artifact: Artifact, smolvlm: RandomModel, pictures: tuple[str, str], answer: Run
) -> None:
    flags = ask(artifact, pictures[0], "--eval_mode=0", "--dump_logits_path=all.raw", *FIXED)
    assert main(flags) == 0
    turn = answer(QUESTION, mode="kv").last
    rows = np.fromfile("all.raw", np.float32).reshape(-1, smolvlm.spec.text.vocab_size)
    assert len(rows) == turn.stats.prompt_tokens + turn.stats.generated_tokens
    answered = rows[turn.stats.prompt_tokens - 1 :].argmax(axis=1)
    assert tuple(answered.tolist()) == turn.token_ids


def test_upstreams_logits_dump_cuts_every_prefill_row(
    artifact: Artifact, smolvlm: RandomModel, pictures: tuple[str, str], answer: Run
) -> None:
    flags = ask(artifact, pictures[0], "--eval_mode=0", "--dump_logits_path=all.raw", *FIXED)
    assert main([*flags, "--upstream_compat"]) == 0
    stats = answer(QUESTION, mode="kv").last.stats
    vocab = smolvlm.spec.text.vocab_size
    expected_bytes = stats.prompt_tokens * vocab + stats.generated_tokens * vocab * 4
    assert Path("all.raw").stat().st_size == expected_bytes


def test_iterations_go_on_in_the_same_context(
    artifact: Artifact, pictures: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(ask(artifact, pictures[0], "--json", "--num_iters=2", *FIXED)) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert len(Generation.model_validate_json(last).turns) == 2
