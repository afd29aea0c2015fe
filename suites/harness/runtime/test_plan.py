"""A command line is checked as far as possible before anything heavy is loaded."""

from __future__ import annotations

import codecs
import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact
from harness.errors import UserError
from harness.runtime.flag_syntax import parse_flags
from harness.runtime.plan import RunPlan, make_plan
from harness.runtime.request import Request, RunOptions
from harness.vlm.mode import LookaheadShape
from suites.harness.runtime.random_checkpoint import RandomModel

BRANCH = ("--window=4", "--ngram=5", "--gcap=3")


def plan(*arguments: str) -> RunPlan:
    return make_plan(parse_flags(arguments))


@pytest.fixture
def file_flags(artifact: Artifact) -> tuple[str, ...]:
    """The flags that name an artifact's files one by one, as upstream needs them."""
    return (
        f"--encoder_path={artifact.path('vision_encoder')}",
        f"--tok_embedding_path={artifact.path('token_embedding')}",
        f"--decoder_path={artifact.path('text_decoder')}",
        f"--tokenizer_path={artifact.tokenizer_path}",
        "--decoder_model_version=smolvlm",
    )


def test_an_artifact_needs_nothing_else(artifact: Artifact, pictures: tuple[str, str]) -> None:
    made = plan(f"--artifact={artifact.directory}", "--image", pictures[0])
    assert made.files.decoder == artifact.path("text_decoder")
    assert made.family.name == "smolvlm"
    assert made.options == RunOptions(mode="hybrid", seq_len=0)
    assert made.requests == (
        Request(id="0", prompts=("Describe this image:",), images=(pictures[0],)),
    )


@pytest.mark.parametrize("byte_order_mark", [b"", codecs.BOM_UTF8])
def test_upstreams_flags_alone_have_upstreams_defaults(
    file_flags: tuple[str, ...], pictures: tuple[str, str], tmp_path: Path, byte_order_mark: bytes
) -> None:
    listed = tmp_path / "vision_encoder_input_list.txt"
    listed.write_bytes(byte_order_mark + f"{pictures[0]} {pictures[1]}\r\n\r\n".encode())
    made = plan(*file_flags, f"--image_path={listed}", "--prompt", "Hello", "--image", pictures[1])
    assert made.options == RunOptions(mode="hybrid", seq_len=128)
    assert made.requests[0].images == (*pictures, pictures[1])
    assert plan(*file_flags, "--image", pictures[0], "--eval_mode=0").options.mode == "kv"


def test_the_branch_is_upstreams_flags_or_the_artifacts(
    file_flags: tuple[str, ...], pictures: tuple[str, str], lookahead_model: RandomModel
) -> None:
    asked = plan(*file_flags, "--image", pictures[0], "--eval_mode=2", *BRANCH).options
    assert (asked.mode, asked.lookahead) == ("lookahead", LookaheadShape(4, 5, 3))
    artifact = f"--artifact={lookahead_model.artifact.directory}"
    own = plan(artifact, "--image", pictures[0]).options
    assert (own.mode, own.lookahead) == ("lookahead", LookaheadShape(4, 5, 4))
    assert plan(artifact, "--image", pictures[0], *BRANCH).options.lookahead == asked.lookahead
    assert plan(artifact, "--image", pictures[0], "--eval_mode=0").options.lookahead is None


@pytest.mark.parametrize("branch", [(), BRANCH], ids=["without a branch", "with a branch"])
def test_an_artifact_of_another_mode_cannot_look_ahead(
    artifact: Artifact, pictures: tuple[str, str], branch: tuple[str, ...]
) -> None:
    flags = [f"--artifact={artifact.directory}", "--image", pictures[0], "--eval_mode=2", *branch]
    with pytest.raises(UserError, match=r"is a hybrid artifact; .* again with --mode lookahead"):
        plan(*flags)


def test_digests_are_dealt_to_the_urls(artifact: Artifact, pictures: tuple[str, str]) -> None:
    flags = [f"--artifact={artifact.directory}", "--image", pictures[0]]
    flags += ["--image", "https://example.org/a.png", "--sha256", "AB" * 32]
    assert plan(*flags).requests[0].images == (
        pictures[0],
        f"https://example.org/a.png#sha256={'ab' * 32}",
    )
    with pytest.raises(UserError, match="2 --sha256 were given for 1 URLs"):
        plan(*flags, "--sha256", "cd" * 32)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--decoder_model_version=llama3"], "llama3 is not supported"),
        (["--decoder_model_version=granite_speech"], "granite_speech is not supported"),
        (["--eval_mode=2"], "give e.g. --window 8 --ngram 5 --gcap 8"),
        ([*BRANCH, "--eval_mode=1"], "belong to lookahead .*, not to mode hybrid"),
        (["--window=8", "--eval_mode=2"], "--ngram and --gcap are missing; give all three"),
        ([*BRANCH, "--ngram=1", "--eval_mode=2"], "ngram 1 is below 2"),
        ([*BRANCH, "--eval_mode=2", "--temperature=0.8"], "--temperature 0.8 asks for sampling"),
        (["--audio_path=a.txt"], "--audio_path is not supported"),
        (["--tokenized_prompt=t.raw"], "--tokenized_prompt is not supported"),
        (["--dump_logits_path=all.raw"], "--dump_logits_path works in kv mode only"),
        (["--output_path=nowhere/outputs.txt"], "Folder nowhere of outputs.txt does not exist"),
        (["--output_path=/"], "--output_path / is a folder; give the path of a file"),
        (["--performance_output_path=/tmp"], "--performance_output_path /tmp is a folder"),
        (["--eval_mode=0", "--dump_logits_path=/tmp"], "--dump_logits_path /tmp is a folder"),
        (
            ["--image=https://e.org/a.png#sha256=/tmp/x"],
            "'/tmp/x' of https://e.org/a.png is not 64",
        ),
        (["--image=nowhere.png"], "Image nowhere.png does not exist"),
        (["--image_path=nowhere.txt"], "Image list nowhere.txt cannot be read"),
        (["--prompt=<image><image>"], "hold 2 <image> but 1 images were given"),
        (["--prompt=\udcff"], "is not UTF-8"),
        (["--encoder_path=nowhere.pte"], "nowhere.pte does not exist"),
        (["--tokenizer_path=nowhere.json"], "Tokenizer nowhere.json does not exist"),
    ],
)
def test_a_mistake_is_one_sentence(
    file_flags: tuple[str, ...], pictures: tuple[str, str], arguments: list[str], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        plan(*file_flags, "--image", pictures[0], *arguments)


def test_a_folder_without_permission_is_found_before_the_run(
    file_flags: tuple[str, ...], pictures: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's answer is replaced: the superuser, as whom tests may run, may write anywhere."""
    monkeypatch.setattr("os.access", lambda path, mode: path != Path("/locked"))
    monkeypatch.setattr(Path, "is_dir", lambda path: path == Path("/locked"))
    with pytest.raises(UserError, match="You may not write to /locked; give another --output_path"):
        plan(*file_flags, "--image", pictures[0], "--output_path=/locked/outputs.txt")


def test_outputs_of_another_kind_of_run_are_not_looked_at(
    file_flags: tuple[str, ...], pictures: tuple[str, str]
) -> None:
    assert plan(*file_flags, "--image", pictures[0], "--generations_path=nowhere/g.jsonl").requests


@pytest.mark.parametrize("digest", ["/tmp/x", "../../x", "", "ab" * 31])
def test_digests_of_lists_and_requests_are_checked(
    artifact: Artifact, tmp_path: Path, digest: str
) -> None:
    url = f"https://example.org/a.png#sha256={digest}"
    listed, asked = tmp_path / "list.txt", tmp_path / "requests.jsonl"
    listed.write_text(url)
    asked.write_text(json.dumps({"id": "a", "prompts": ["What is this?"], "images": [url]}))
    for flag in (f"--image_path={listed}", f"--requests={asked}"):
        with pytest.raises(UserError, match="is not 64 hexadecimal digits"):
            plan(f"--artifact={artifact.directory}", flag)


def test_generations_cannot_take_the_place_of_a_folder(artifact: Artifact) -> None:
    flags = (f"--artifact={artifact.directory}", "--requests=r.jsonl", "--generations_path=/tmp")
    with pytest.raises(UserError, match="--generations_path /tmp is a folder"):
        plan(*flags)


def test_an_empty_list_of_images_asks_about_a_text_alone(
    file_flags: tuple[str, ...], tmp_path: Path
) -> None:
    """As upstream's runner takes it."""
    (tmp_path / "none.txt").write_text("")
    made = plan(*file_flags, f"--image_path={tmp_path / 'none.txt'}", "--prompt", "Hello")
    assert made.requests[0].images == ()


def test_a_prompt_needs_no_image(file_flags: tuple[str, ...]) -> None:
    made = plan(*file_flags, "--prompt", "Hello", "--prompt", "Again")
    assert made.requests == (Request(id="0", prompts=("Hello", "Again")),)


def test_neither_image_nor_prompt_is_one_sentence(file_flags: tuple[str, ...]) -> None:
    """The prompt that stands where none is given describes an image."""
    with pytest.raises(UserError, match="No image was given and nothing was asked"):
        plan(*file_flags)


def test_a_place_without_its_image_is_one_sentence(file_flags: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="hold 1 <image> but 0 images were given"):
        plan(*file_flags, "--prompt", "What is <image>?")


def test_an_artifact_excludes_the_flags_it_stands_for(
    artifact: Artifact, file_flags: tuple[str, ...], pictures: tuple[str, str]
) -> None:
    with pytest.raises(UserError, match="--encoder_path does not go with --artifact"):
        plan(*file_flags, f"--artifact={artifact.directory}", "--image", pictures[0])


def test_requests_exclude_the_flags_of_one_conversation(artifact: Artifact) -> None:
    base = (f"--artifact={artifact.directory}", "--requests=r.jsonl")
    for flag in ("--prompt=Hello", "--image=a.png", "--json", "--num_iters=2"):
        name = flag.partition("=")[0]
        with pytest.raises(UserError, match=f"{name} does not go with --requests"):
            plan(*base, flag)


def test_requests_are_read_and_checked(
    artifact: Artifact, pictures: tuple[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "requests.jsonl"
    lines = [
        {"id": "a", "prompts": ["What is this?"], "images": [pictures[0]]},
        {"id": "b", "prompts": ["Hello", "Again"], "system_prompt": "Be brief."},
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    made = plan(f"--artifact={artifact.directory}", f"--requests={path}")
    assert made.requests == tuple(Request.model_validate(line) for line in lines)


def test_planning_needs_neither_torch_nor_transformers() -> None:
    code = "import sys, harness.runtime.cli; print({'torch', 'transformers'} & {*sys.modules})"
    command = [sys.executable, "-c", code]
    root = Path(__file__).parents[3]
    shown = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"


@pytest.mark.parametrize("arguments", [[], ["--image", "a.png", "--prompt", "Hm?"]])
def test_a_command_line_without_a_model_is_told_a_whole_one(arguments: list[str]) -> None:
    with pytest.raises(UserError) as refused:
        make_plan(parse_flags(arguments))
    told = str(refused.value)
    assert "python -m harness.runtime --artifact DIR --image photo.jpg --prompt" in told
    assert "--decoder_model_version" not in told
