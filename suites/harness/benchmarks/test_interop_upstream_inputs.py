"""What upstream's exporter is told is what our runner will feed."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import jinja2
import pytest

from benchmarks.interop.scenes import write_calibration
from benchmarks.interop.upstream_inputs import (
    chat_template,
    command_line,
    model_parameters,
    prepare_checkpoint,
)
from harness.export.calibration_file import load_calibration
from harness.miniatures.scenes import CALIBRATION_SEEDS
from harness.vlm.prompt import answer_text, format_turn
from harness.vlm.registry import get_spec
from harness.vlm.spec import VlmSpec

MINIATURES = ["tiny_smolvlm", "tiny_internvl3"]


@pytest.fixture(params=MINIATURES)
def spec(request: pytest.FixtureRequest) -> VlmSpec:
    name: str = request.param
    return get_spec(name)


def test_a_calibration_text_is_the_runners_prompt_and_answer(spec: VlmSpec) -> None:
    messages = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "How many?"}]},
        {"role": "assistant", "content": 'There are "two".'},
    ]

    text = jinja2.Template(chat_template(spec)).render(messages=messages)

    prompt = spec.family.prompt
    # Upstream writes the image's wrapper and its other rows around the single token itself.
    image = prompt.image_start + prompt.image_global + spec.family.image_token + prompt.image_end
    expanded = text.replace(spec.family.image_token, image)
    asked = format_turn("<image>How many?", "", prompt).replace("<image>", spec.family.image_token)
    assert expanded == asked + answer_text('There are "two".', prompt)


def test_parameters_describe_the_decoder(spec: VlmSpec) -> None:
    parameters = model_parameters(spec)

    assert parameters["n_layers"] == spec.text.layers
    assert parameters["head_dim"] * parameters["n_heads"] == spec.text.head_dim * spec.text.heads
    assert parameters["attention_qkv_bias"] == (spec.family.name == "internvl3")


def test_context_and_sequence_length_are_equal_as_upstream_needs(spec: VlmSpec) -> None:
    words = command_line(
        spec,
        "hybrid",
        "SM8650",
        parameters=Path("params.json"),
        calibration=Path("calibration.json"),
        artifact=Path("out"),
    )

    value = dict(pairwise(words))
    assert value["--max_seq_len"] == value["--max_context_len"] == str(spec.context_length)
    assert value["--prefill_ar_len"] == str(spec.prefill_ar)
    assert "--enable_x86_64" in words


def test_a_lookahead_branch_is_passed_on(spec: VlmSpec) -> None:
    words = command_line(
        spec,
        "lookahead",
        "SM8650",
        parameters=Path("params.json"),
        calibration=Path("calibration.json"),
        artifact=Path("out"),
        lookahead=spec.lookahead,
    )

    value = dict(pairwise(words))
    assert value["--window"] == str(spec.lookahead.window)
    assert value["--ngram"] == str(spec.lookahead.ngram)
    assert value["--gcap"] == str(spec.lookahead.gcap)


def test_the_checkpoint_itself_stays_as_it_is(tmp_path: Path, spec: VlmSpec) -> None:
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    settings = '{"eos_token": "<|im_end|>"}'
    (checkpoint / "tokenizer_config.json").write_text(settings)
    (checkpoint / "chat_template.jinja").write_text("theirs")

    copy = prepare_checkpoint(spec, checkpoint, tmp_path / "copy")

    assert (checkpoint / "tokenizer_config.json").read_text() == settings
    assert (checkpoint / "chat_template.jinja").read_text() == "theirs"
    assert json.loads((copy / "tokenizer_config.json").read_text())["bos_token"] == "<|im_end|>"
    assert (copy / "chat_template.jinja").read_text() == chat_template(spec)


def test_both_exporters_read_the_same_calibration_file(tmp_path: Path) -> None:
    path = write_calibration(tmp_path, 6)

    samples = load_calibration(path).samples

    assert len(samples) == 6
    assert {f"scene-{CALIBRATION_SEEDS[i]}.png" for i in range(6)} == {
        Path(sample.files[0]).name for sample in samples
    }
