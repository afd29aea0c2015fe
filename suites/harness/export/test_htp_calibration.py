"""Samples reach an observed decoder exactly as the runner would feed them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor

from harness.errors import UserError
from harness.export.calibration_file import load_calibration
from harness.export.graphs.text_decoder import StaticAttention, StaticDecoder
from harness.export.htp.activation_ranges import feed, feed_apart
from harness.export.htp.float_cache import Call, FloatCache
from harness.export.htp.modules import HtpAttention
from harness.export.inputs.calibration import CalibrationSample
from harness.export.inputs.conversation import (
    EmbeddedSegment,
    check_length,
    embed,
    read_conversation,
)
from harness.miniatures.committed import (
    CALIBRATION_SAMPLES,
    calibration_path,
    checkpoint_path,
    write_calibration_set,
)
from harness.miniatures.scenes import calibration_samples
from harness.vlm.registry import get_spec
from training.tokenizer import encode_example

MODELS = ("tiny_smolvlm", "tiny_internvl3")
CONTEXT = 32


def decoder(attention: type[StaticAttention]) -> StaticDecoder:
    """The same random decoder for every kind of attention."""
    torch.manual_seed(0)
    geometry = replace(get_spec("tiny_smolvlm").text, layers=2, vocab_size=32)
    return StaticDecoder(geometry, CONTEXT, attention).eval()


@pytest.mark.parametrize("ar", [3, 8])
def test_chunks_of_any_length_compute_what_single_steps_compute(ar: int) -> None:
    model = decoder(HtpAttention)
    rows = torch.randn(19, model.geometry.hidden_size, generator=torch.Generator().manual_seed(1))
    whole, chunked = FloatCache(model), FloatCache(model)
    with torch.no_grad():
        one_by_one = [whole.step(model, row[None], 1) for row in rows]
        in_chunks = [chunked.step(model, chunk, ar) for chunk in torch.split(rows, ar)]
    torch.testing.assert_close(torch.cat(in_chunks), torch.cat(one_by_one))
    assert chunked.filled == whole.filled == len(rows)


def test_masked_softmax_is_the_added_mask_up_to_what_20_below_the_minimum_weighs() -> None:
    rows = torch.randn(12, 96, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        added, replaced = (
            FloatCache(model).step(model, rows, 12)
            for model in (decoder(StaticAttention), decoder(HtpAttention))
        )
    torch.testing.assert_close(replaced, added, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("prompt", "answer"), [(20, 12), (31, 1), (5, 9), (32, 0)])
@pytest.mark.parametrize(("prefill_ar", "decode_ar"), [(8, 8), (16, 1)])
def test_every_token_is_fed_at_its_place_up_to_the_end_of_the_context(
    prompt: int, answer: int, prefill_ar: int, decode_ar: int
) -> None:
    model = decoder(HtpAttention)
    rows = torch.randn(prompt + answer, 96, generator=torch.Generator().manual_seed(3))
    seen: list[dict[int, Tensor]] = [{}, {}]

    def watch(index: int) -> Call:
        def call(hidden: Tensor, mask: Tensor, positions: Tensor, *caches: Tensor) -> list[Tensor]:
            for position, row in zip(positions[0].tolist(), hidden[0], strict=True):
                seen[index].setdefault(position, row)
            return list(model(hidden, mask, positions, *caches))

        return call

    segments = [EmbeddedSegment(rows[:prompt], False), EmbeddedSegment(rows[prompt:], True)]
    feed((watch(0), prefill_ar), (watch(1), decode_ar), model, [segments])
    for position, row in enumerate(rows):
        torch.testing.assert_close(seen[position >= prompt][position], row)


@pytest.mark.parametrize("answer", [0, 9])
def test_apart_the_decode_graph_sees_prompts_too_for_kv_mode_has_no_other(answer: int) -> None:
    model, prompt = decoder(HtpAttention), 13
    rows = torch.randn(prompt + answer, 96, generator=torch.Generator().manual_seed(4))
    seen: list[list[Tensor]] = [[], []]

    def watch(index: int) -> Call:
        def call(hidden: Tensor, mask: Tensor, positions: Tensor, *caches: Tensor) -> list[Tensor]:
            seen[index].extend(hidden[0])
            return list(model(hidden, mask, positions, *caches))

        return call

    segments = [EmbeddedSegment(rows[:prompt], False), EmbeddedSegment(rows[prompt:], True)]
    feed_apart((watch(0), 4), (watch(1), 16), model, [segments])
    for index, expected in ((0, rows[:prompt]), (1, rows)):
        distinct = torch.unique(torch.stack(seen[index]), dim=0)
        torch.testing.assert_close(distinct, torch.unique(expected, dim=0))


@pytest.mark.parametrize("name", MODELS)
def test_a_sample_is_tokenized_as_training_and_the_runner_do_it(name: str) -> None:
    spec, folder = get_spec(name), checkpoint_path(name)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    image = tokenizer.token_to_id(spec.family.image_token)
    samples = load_calibration(calibration_path()).samples
    for sample, scene in zip(samples[:6], calibration_samples(6), strict=True):
        conversation = read_conversation(sample, spec, folder / "tokenizer.json")
        example = encode_example(scene.question, spec, tokenizer)
        expected = [token for token in example.prompt + example.answer[:-1] if token != image]
        assert list(conversation.token_ids) == expected
        assert [segment.is_answer for segment in conversation.segments] == [False, True]


def test_what_a_post_processor_adds_is_left_out_as_the_runner_does(tmp_path: Path) -> None:
    spec, folder = get_spec("tiny_smolvlm"), checkpoint_path("tiny_smolvlm")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.post_processor = TemplateProcessing(single="A $A", special_tokens=[("A", 1)])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    sample = load_calibration(calibration_path()).samples[0]
    plain, processed = (
        read_conversation(sample, spec, place / "tokenizer.json") for place in (folder, tmp_path)
    )
    assert processed.token_ids == plain.token_ids


def test_embedded_rows_are_the_tables_and_the_encoders() -> None:
    spec, folder = get_spec("tiny_smolvlm"), checkpoint_path("tiny_smolvlm")
    sample = load_calibration(calibration_path()).samples[0]
    conversation = read_conversation(sample, spec, folder / "tokenizer.json")
    table = torch.arange(512.0)[:, None].expand(512, 4)
    image_rows = torch.full((spec.vision.tokens_per_image, 4), -1.0)
    segments = embed(conversation, table, [image_rows])
    rows = torch.cat([segment.rows for segment in segments])[:, 0]
    assert rows[rows >= 0].tolist() == list(conversation.token_ids)
    assert int((rows < 0).sum()) == spec.vision.tokens_per_image
    length = len(rows)
    check_length(sample, spec, folder / "tokenizer.json", length)
    sentence = f"has {length} tokens, the context holds {length - 1}"
    with pytest.raises(UserError, match=sentence):
        check_length(sample, spec, folder / "tokenizer.json", length - 1)
    few_rows = replace(spec, text=replace(spec.text, vocab_size=472))
    with pytest.raises(UserError, match=r"holds '<global-img>', token 472, and .* has 472 rows"):
        check_length(sample, few_rows, folder / "tokenizer.json", length)


def test_each_picture_has_its_rows_at_its_place() -> None:
    spec, tokenizer = get_spec("tiny_smolvlm"), checkpoint_path("tiny_smolvlm") / "tokenizer.json"
    picture = load_calibration(calibration_path()).samples[0].files[0]
    said = [("user", "<image>a"), ("assistant", "Is <image> a word?"), ("user", "b<image>")]
    sample = CalibrationSample.model_validate(
        {
            "files": [picture, picture],
            "messages": [{"role": role, "content": text} for role, text in said],
        }
    )
    conversation = read_conversation(sample, spec, tokenizer)
    assert len(conversation.pictures) == 2
    places = [segment.pieces.count(None) for segment in conversation.segments]
    assert places == [1, 0, 1]
    image = Tokenizer.from_file(str(tokenizer)).token_to_id("<image>")
    assert image not in conversation.token_ids
    first, second = torch.full((1, 4), -1.0), torch.full((1, 4), -2.0)
    table = torch.arange(512.0)[:, None].expand(512, 4)
    segments = embed(conversation, table, [first, second])
    shown = [row[0].item() for segment in segments for row in segment.rows if row[0] < 0]
    assert shown == [-1.0, -2.0]


def test_turns_and_system_prompt_are_the_runners(tmp_path: Path) -> None:
    spec, folder = get_spec("tiny_smolvlm"), checkpoint_path("tiny_smolvlm")
    picture = load_calibration(calibration_path()).samples[0].files[0]
    sample = CalibrationSample.model_validate(
        {
            "files": [picture],
            "messages": [
                {"role": "system", "content": "Be short."},
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "Look: "}, {"type": "image"}],
                },
                {"role": "assistant", "content": "Yes."},
                {"role": "user", "content": "And now?"},
            ],
        }
    )
    conversation = read_conversation(sample, spec, folder / "tokenizer.json")
    pieces = [segment.pieces for segment in conversation.segments]
    assert [len(one) for one in pieces] == [3, 1, 1]
    assert pieces[0][1] is None


def test_the_committed_calibration_set_is_what_the_command_writes(tmp_path: Path) -> None:
    written = write_calibration_set(tmp_path)
    assert written.read_text() == calibration_path().read_text()
    assert len(load_calibration(calibration_path()).samples) == CALIBRATION_SAMPLES
