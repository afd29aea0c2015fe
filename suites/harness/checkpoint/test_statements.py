"""What a checkpoint says of pixels, prompt, stop tokens and tokens is what runners do, or refused.

Each sentence names the file, the setting and both values.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoint.checkpoint import open_checkpoint
from harness.checkpoint.pixels import check_pixels
from harness.checkpoint.prompt import check_prompt
from harness.checkpoint.statements import STATEMENT_FILES
from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path
from harness.vlm.internvl3 import INTERNVL3_1B
from harness.vlm.registry import get_spec
from harness.vlm.smolvlm import SMOLVLM_500M
from harness.vlm.spec import VlmSpec
from harness.vlm.tokenizer import Tokenizer as PlainTokenizer
from suites.harness.checkpoint.conftest import MakeCopy, edit
from suites.harness.checkpoint.published import (
    INTERNVL3_PIXELS,
    INTERNVL3_TEMPLATE,
    SMOLVLM_PIXELS,
    SMOLVLM_TEMPLATE,
)

MODELS = ("tiny_smolvlm", "tiny_internvl3")
PIXELS, PROCESSOR, GENERATION = (
    "preprocessor_config.json",
    "processor_config.json",
    "generation_config.json",
)
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% for part in m.content %}"
    "{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}"
    "{{ '<|im_end|>\n' }}{% endfor %}{{ '<|im_start|>assistant\n' }}"
)


@pytest.mark.parametrize("model", MODELS)
def test_a_committed_checkpoint_says_what_its_family_does(copied: MakeCopy, model: str) -> None:
    assert open_checkpoint(copied(model), get_spec(model))


@pytest.mark.parametrize(
    ("spec", "pixels", "processor", "template"),
    [
        (SMOLVLM_500M, SMOLVLM_PIXELS, {"image_seq_len": 64}, SMOLVLM_TEMPLATE),
        (INTERNVL3_1B, INTERNVL3_PIXELS, {"image_seq_length": 256}, INTERNVL3_TEMPLATE),
    ],
)
def test_what_the_hub_publishes_is_taken(
    tmp_path: Path,
    spec: VlmSpec,
    pixels: dict[str, Any],
    processor: dict[str, Any],
    template: str,
) -> None:
    (tmp_path / PIXELS).write_text(json.dumps(pixels))
    (tmp_path / PROCESSOR).write_text(json.dumps(processor))
    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    check_pixels(tmp_path, spec, {})
    check_prompt(tmp_path, spec.family)


def test_smolvlm2_is_taken_as_smolvlm_which_computes_the_same(copied: MakeCopy) -> None:
    folder = copied()
    names = {"architectures": ["SmolVLMForConditionalGeneration"], "model_type": "smolvlm"}
    edit(folder / "config.json", names | {"vision_config.model_type": "smolvlm_vision"})
    sampling = {"fps": 1, "max_frames": 64, "video_size": {"longest_edge": 64}}
    edit(folder / PIXELS, {"image_processor_type": "SmolVLMImageProcessor"})
    edit(folder / PIXELS, {"video_sampling": sampling})
    edit(folder / PROCESSOR, {"image_seq_len": 16, "processor_class": "SmolVLMProcessor"})
    assert open_checkpoint(folder, get_spec("tiny_smolvlm"))

    import torch
    from transformers import AutoModelForImageTextToText

    vocabulary = PlainTokenizer(folder / "tokenizer.json").vocabulary
    image = [vocabulary["<image>"]] * 16
    inputs = {
        "input_ids": torch.tensor([[5, *image, 6]]),
        "pixel_values": torch.linspace(-1, 1, 3 * 64 * 64).reshape(1, 1, 3, 64, 64),
    }
    logits = []
    for checkpoint in (folder, checkpoint_path("tiny_smolvlm")):
        model = AutoModelForImageTextToText.from_pretrained(checkpoint, dtype=torch.float32)
        with torch.no_grad():
            logits.append(model.eval()(**inputs).logits)
    torch.testing.assert_close(*logits)


@pytest.mark.parametrize(
    ("model", "ids"),
    [
        ("tiny_smolvlm", 469),
        ("tiny_smolvlm", [466, 469]),
        ("tiny_smolvlm", None),
        # As Qwen2.5's base models have it, and InternVL3 that was made of them.
        ("tiny_internvl3", 500),
    ],
)
def test_stop_tokens_of_the_family_are_taken(copied: MakeCopy, model: str, ids: object) -> None:
    folder = copied(model)
    edit(folder / GENERATION, {"eos_token_id": ids})
    assert open_checkpoint(folder, get_spec(model))


@pytest.mark.parametrize("ids", [5, [469, 5], 466, [468], -1, 10**12, "469", [[469]], True, 1.5])
def test_other_stop_tokens_are_refused(copied: MakeCopy, ids: object) -> None:
    folder = copied()
    edit(folder / GENERATION, {"eos_token_id": ids})
    with pytest.raises(UserError, match=r"generation_config\.json has eos_token_id .*<end_of_utt"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


def test_strings_that_end_an_answer_are_refused(copied: MakeCopy) -> None:
    folder = copied()
    edit(folder / GENERATION, {"stop_strings": None})
    assert open_checkpoint(folder, get_spec("tiny_smolvlm"))
    edit(folder / GENERATION, {"stop_strings": ["."]})
    with pytest.raises(UserError, match=r"generation_config\.json has stop_strings \['\.'\], and"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


def test_a_tokenizer_with_a_byte_order_mark_is_refused_by_that_name(copied: MakeCopy) -> None:
    path = copied() / "tokenizer.json"
    path.write_text(path.read_text(), encoding="utf-8-sig")
    with pytest.raises(UserError, match=r"tokenizer\.json begins with a byte order mark"):
        open_checkpoint(path.parent, get_spec("tiny_smolvlm"))


def test_without_a_generation_config_the_configuration_counts(copied: MakeCopy) -> None:
    folder = copied()
    edit(folder / "config.json", {"text_config.eos_token_id": 5})
    assert open_checkpoint(folder, get_spec("tiny_smolvlm"))
    (folder / GENERATION).unlink()
    with pytest.raises(UserError, match=r"config\.json has eos_token_id 5 "):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))
    edit(folder / "config.json", {"eos_token_id": 469})
    assert open_checkpoint(folder, get_spec("tiny_smolvlm"))


@pytest.mark.parametrize("token", ["</s>", {"content": "</s>", "lstrip": False}])
def test_another_end_of_the_tokenizer_is_refused(copied: MakeCopy, token: object) -> None:
    folder = copied()
    edit(folder / "tokenizer_config.json", {"eos_token": token})
    with pytest.raises(UserError, match=r"tokenizer_config\.json has eos_token '</s>'"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (CHATML, r"asks '<\|im_start\|>user.*, and runners of smolvlm ask '<\|im_start\|>User:"),
        ("{{ messages", "cannot be rendered"),
        ("{{ raise_exception('no pictures') }}", "no pictures"),
        ("{% for x in range(10**9) %}{% endfor %}", "cannot be rendered"),
        ("", "asks ''"),
    ],
)
def test_another_prompt_is_refused(copied: MakeCopy, template: str, message: str) -> None:
    folder = copied()
    (folder / "chat_template.jinja").write_text(template)
    with pytest.raises(UserError, match=rf"(?s)chat_template\.jinja .*{message}"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (PROCESSOR, {"chat_template": CHATML}),
        ("chat_template.json", {"chat_template": CHATML}),
        ("tokenizer_config.json", {"chat_template": CHATML}),
        ("tokenizer_config.json", {"chat_template": [{"name": "default", "template": CHATML}]}),
    ],
)
def test_a_template_counts_wherever_transformers_finds_one(
    copied: MakeCopy, name: str, content: dict[str, Any]
) -> None:
    folder = copied()
    if name == "tokenizer_config.json":
        edit(folder / name, content)
        assert open_checkpoint(folder, get_spec("tiny_smolvlm"))
        (folder / "chat_template.jinja").unlink()
    else:
        edit(folder / name, content)
    with pytest.raises(UserError, match=f"{name} asks"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


@pytest.mark.parametrize("template", [SMOLVLM_TEMPLATE, None])
def test_the_published_template_and_none_are_taken(copied: MakeCopy, template: str | None) -> None:
    folder = copied()
    (folder / "chat_template.jinja").unlink()
    if template is not None:
        marked = "{% generation %}" + template + "{% endgeneration %}"
        (folder / "chat_template.jinja").write_text(marked)
    assert open_checkpoint(folder, get_spec("tiny_smolvlm"))


@pytest.mark.parametrize("name", [*STATEMENT_FILES, "config.json", "tokenizer.model"])
def test_a_pointer_in_any_place_is_refused(copied: MakeCopy, name: str) -> None:
    folder = copied()
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 9\n"
    (folder / name).write_text(pointer)
    with pytest.raises(UserError, match=rf"{name} is a Git LFS pointer .*git lfs pull"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


@pytest.mark.parametrize(
    "name", [name for name in STATEMENT_FILES if name.endswith(".json") and name[0] != "s"]
)
def test_a_damaged_file_is_named(copied: MakeCopy, name: str) -> None:
    folder = copied()
    (folder / name).write_text("{")
    with pytest.raises(UserError, match=name):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


def test_a_family_from_outside_promises_by_data(tmp_path: Path) -> None:
    """Without any of the new facts only what is the same for all families is compared."""
    family = replace(
        SMOLVLM_500M.family,
        name="outside",
        preprocessing=replace(
            SMOLVLM_500M.family.preprocessing,
            side_settings=("size.height", "size.width"),
            multiple_settings=(),
            unused_settings=("do_pad",),
            defaults={},
        ),
    )
    spec = replace(SMOLVLM_500M, family=family)
    (tmp_path / PIXELS).write_text(json.dumps({"size": {"height": 512, "width": 512}}))
    check_pixels(tmp_path, spec, {})
    (tmp_path / PIXELS).write_text(json.dumps({"size": {"shortest_edge": 512}}))
    with pytest.raises(UserError, match=r"size\.shortest_edge 512, and runners of outside"):
        check_pixels(tmp_path, spec, {})
