"""What a checkpoint says of pixels, prompt, stop tokens and tokens is what runners do, or refused.

Each sentence names the file, the setting and both values.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Engine

from harness.checkpoint.checkpoint import open_checkpoint
from harness.checkpoint.pixels import check_pixels
from harness.checkpoint.prompt import check_prompt
from harness.checkpoint.statements import STATEMENT_FILES, check_statements
from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path
from harness.vlm.internvl3 import INTERNVL3_1B
from harness.vlm.registry import get_spec
from harness.vlm.smolvlm import SMOLVLM_500M
from harness.vlm.spec import VlmSpec
from harness.vlm.tokenizer import Tokenizer as PlainTokenizer
from suites.harness.checkpoint.conftest import MakeCopy, edit

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
SMOLVLM_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
    "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
INTERNVL3_TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n'}}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for content in message['content'] %}{% if content['type'] == 'image' %}"
    "{{ '<IMG_CONTEXT>\n' }}{% elif content['type'] == 'text' %}{{ content['text'] }}{% endif %}"
    "{% endfor %}{% endif %}{{'<|im_end|>\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{'<|im_start|>assistant\n' }}{% endif %}"
)
SMOLVLM_PIXELS: dict[str, Any] = {
    "do_convert_rgb": True,
    "do_image_splitting": True,
    "do_normalize": True,
    "do_pad": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "max_image_size": {"longest_edge": 512},
    "resample": 1,
    "rescale_factor": 0.00392156862745098,
    "size": {"longest_edge": 2048},
}
INTERNVL3_PIXELS: dict[str, Any] = {
    "crop_size": None,
    "crop_to_patches": False,
    "do_center_crop": None,
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "max_patches": 12,
    "min_patches": 1,
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
    "size": {"height": 448, "width": 448},
}


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


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(
    ("model", "changes", "setting"),
    [
        ("tiny_smolvlm", {"image_mean": [0.485, 0.456, 0.406]}, "image_mean"),
        ("tiny_smolvlm", {"image_mean": 0.4}, "image_mean"),
        ("tiny_smolvlm", {"image_std": [0.5, 0.5]}, "image_std"),
        ("tiny_smolvlm", {"image_std": "wide"}, "image_std"),
        ("tiny_smolvlm", {"rescale_factor": 1.0}, "rescale_factor"),
        ("tiny_smolvlm", {"resample": 3}, "resample"),
        ("tiny_smolvlm", {"resample": "nearest"}, "resample"),
        ("tiny_smolvlm", {"do_normalize": False}, "do_normalize"),
        ("tiny_smolvlm", {"do_rescale": False}, "do_rescale"),
        ("tiny_smolvlm", {"do_resize": False}, "do_resize"),
        ("tiny_smolvlm", {"do_center_crop": True}, "do_center_crop"),
        ("tiny_smolvlm", {"max_image_size.longest_edge": 32}, "max_image_size.longest_edge"),
        ("tiny_smolvlm", {"max_image_size": ...}, "max_image_size.longest_edge"),
        ("tiny_smolvlm", {"size.longest_edge": 96}, "size.longest_edge"),
        ("tiny_smolvlm", {"size": {"shortest_edge": 64}}, "size.shortest_edge"),
        ("tiny_smolvlm", {"image_seq_len": 64}, "image_seq_len"),
        ("tiny_internvl3", {"image_mean": ...}, "image_mean"),
        ("tiny_internvl3", {"image_std": None}, "image_std"),
        ("tiny_internvl3", {"size": {"height": 64, "width": 128}}, "size.width"),
        ("tiny_internvl3", {"size": 48}, "size"),
        ("tiny_internvl3", {"patch_size": 14}, "patch_size"),
        ("tiny_internvl3", {"patch_size": [8, 14]}, "patch_size"),
        ("tiny_smolvlm", {"image_seq_len": [[16]]}, "image_seq_len"),
        ("tiny_smolvlm", {"image_seq_len": {"a": [16]}}, "image_seq_len"),
    ],
)
def test_other_pixels_are_refused(
    copied: MakeCopy, model: str, changes: dict[str, Any], setting: str, nested: bool
) -> None:
    folder = copied(model)
    edit(folder / PIXELS, changes)
    if nested:
        # As transformers 5 saves it; the older file beside it does not count.
        (folder / PROCESSOR).write_text(f'{{"image_processor": {(folder / PIXELS).read_text()}}}')
        (folder / PIXELS).write_text('{"do_normalize": false}')
    name = PROCESSOR if nested else PIXELS
    with pytest.raises(UserError, match=rf"{name} has {setting} "):
        open_checkpoint(folder, get_spec(model))


@pytest.mark.parametrize(
    "changes",
    [
        {"do_image_splitting": True},
        {"size.longest_edge": 256},
        {"size": ..., "do_resize": True, "size.longest_edge": 64},
        {"resample": "LANCZOS"},
        {"image_mean": 0.5, "image_std": [0.5000000001, 0.5, 0.5]},
        {"do_pad": False, "do_thumbnail": False, "do_center_crop": None},
        {"image_mean": None, "resample": ...},
        {"patch_size": [8, 8]},
    ],
)
def test_what_changes_no_pixel_is_taken(copied: MakeCopy, changes: dict[str, Any]) -> None:
    folder = copied()
    edit(folder / PIXELS, changes)
    assert open_checkpoint(folder, get_spec("tiny_smolvlm"))


def test_the_processors_own_count_of_tokens_is_compared(copied: MakeCopy) -> None:
    folder = copied()
    edit(folder / PROCESSOR, {"image_seq_len": 169})
    with pytest.raises(UserError, match=r"image_seq_len 169, and runners .* with 16;"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    name=st.sampled_from(sorted(SMOLVLM_PIXELS)),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=4,
    ),
)
def test_no_value_of_a_setting_is_a_traceback(tmp_path: Path, name: str, value: object) -> None:
    (tmp_path / PIXELS).write_text(json.dumps(SMOLVLM_PIXELS | {name: value}))
    with suppress(UserError):
        check_pixels(tmp_path, SMOLVLM_500M, {})


def test_the_defaults_of_image_processors_are_those_of_transformers() -> None:
    from transformers import GotOcr2ImageProcessorPil, Idefics3ImageProcessorPil

    for spec, processor in (
        (SMOLVLM_500M, Idefics3ImageProcessorPil()),
        (INTERNVL3_1B, GotOcr2ImageProcessorPil()),
    ):
        how = spec.family.preprocessing
        taken = {"image_mean": how.mean, "image_std": how.std} | dict(how.defaults)
        for name, value in taken.items():
            found = getattr(processor, name)
            wanted = value if isinstance(value, dict) else list(value)
            assert (dict(found) if isinstance(value, dict) else list(found)) == wanted


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


def renamed(folder: Path, **names: str) -> None:
    path = folder / "tokenizer.json"
    text = path.read_text()
    for old, new in names.items():
        text = text.replace(SPECIAL[old], new)
    path.write_text(text)


SPECIAL = {"image": "<image>", "start": "<fake_token_around_image>", "turn": "<|im_start|>"}


@pytest.mark.parametrize("which", SPECIAL)
def test_a_tokenizer_without_a_special_token_is_refused(copied: MakeCopy, which: str) -> None:
    folder = copied()
    renamed(folder, **{which: "<other>"})
    token = SPECIAL[which].replace("|", r"\|")
    with pytest.raises(UserError, match=rf"tokenizer\.json has no token {token}"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


def test_the_tokenizer_of_another_family_is_refused(copied: MakeCopy) -> None:
    folder = copied("tiny_internvl3")
    with pytest.raises(UserError, match="has no token <image>, <fake_token_around_image>"):
        check_statements(folder, get_spec("tiny_smolvlm"), config={}, image_token_id=None)


def test_a_tokenizer_with_more_tokens_than_rows_is_refused(copied: MakeCopy) -> None:
    folder = copied()
    engine = Engine.from_file(str(folder / "tokenizer.json"))
    engine.add_tokens([f"<more-{number}>" for number in range(2)])
    engine.save(str(folder / "tokenizer.json"))
    with pytest.raises(UserError, match="'<more-1>' as id 513, and the token embedding has 512 ro"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


def test_tokens_that_a_family_publishes_without_a_row_are_taken(copied: MakeCopy) -> None:
    folder = copied("tiny_internvl3")
    engine = Engine.from_file(str(folder / "tokenizer.json"))
    engine.add_special_tokens(["<video>"])
    engine.save(str(folder / "tokenizer.json"))
    number = engine.token_to_id("<video>")
    edit(folder / "added_tokens.json", {"<video>": number})
    assert number == get_spec("tiny_internvl3").text.vocab_size
    assert open_checkpoint(folder, get_spec("tiny_internvl3"))


def test_a_tokenizer_whose_image_token_is_another_id_is_refused(copied: MakeCopy) -> None:
    folder = copied()
    edit(folder / "config.json", {"image_token_id": 470})
    with pytest.raises(UserError, match=r"<image> as id 471, and image_token_id .* is 470"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


def test_an_image_token_that_is_left_out_is_that_of_the_class(copied: MakeCopy) -> None:
    folder = copied()
    edit(folder / "config.json", {"image_token_id": ...})
    with pytest.raises(UserError, match="image_token_id of the weights is 128257"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("added_tokens.json", {"<new>": 600}, "'<new>' as id 600"),
        ("tokenizer_config.json", {"added_tokens_decoder": {"3": {"content": "<image>"}}}, "id 3"),
        ("tokenizer_config.json", {"added_tokens_decoder": {"3": {"content": "<new>"}}}, "id 3"),
        ("tokenizer_config.json", {"image_token": "<picture>"}, "image_token '<picture>'"),
        (
            "tokenizer_config.json",
            {"extra_special_tokens": {"image_token": "<picture>"}},
            "image_token '<picture>'",
        ),
    ],
)
def test_files_beside_the_tokenizer_must_agree_with_it(
    copied: MakeCopy, name: str, changes: dict[str, Any], message: str
) -> None:
    folder = copied()
    edit(folder / name, changes)
    with pytest.raises(UserError, match=rf"{name} has .*{message}"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


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
