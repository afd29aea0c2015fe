"""Training is seeded, resumable and tells a wrong resumption from a right one."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from harness.errors import UserError
from harness.miniatures.scenes import TRAINING_SEEDS, Scene
from harness.vlm.registry import get_spec
from training.dataset import make_batch
from training.muon import orthogonalize
from training.saving import load_model
from training.settings import TrainingSettings
from training.tokenizer import encode_example
from training.trainer import Progress, Trainer, judged_logits

SPEC = get_spec("tiny_smolvlm")
SHORT = TrainingSettings(steps=3, scenes_per_step=2, warmup_steps=1, quantized_share=0.5)


def ignore(progress: Progress) -> None:
    """Watch nothing."""


def weights(trainer: Trainer) -> dict[str, Tensor]:
    return dict(trainer.model.state_dict())


def test_a_run_that_was_stopped_and_resumed_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = Trainer(SPEC, SHORT, tmp_path / "whole")
    whole.run(ignore)
    Trainer(SPEC, SHORT, tmp_path / "parts").run(ignore, stop_at=2)
    resumed = Trainer(SPEC, SHORT, tmp_path / "parts")
    assert resumed.step == 2
    resumed.run(ignore)
    assert resumed.step == SHORT.steps
    expected = weights(whole)
    for name, value in weights(resumed).items():
        assert torch.equal(value, expected[name]), name


def test_another_seed_gives_other_weights_and_other_scenes(tmp_path: Path) -> None:
    other = replace(SHORT, seed=1)
    head = [
        Trainer(SPEC, s, tmp_path).model.get_parameter("lm_head.weight") for s in (SHORT, other)
    ]
    assert not torch.equal(*head)
    assert set(SHORT.scene_seeds_at(0)).isdisjoint(other.scene_seeds_at(0))


def test_training_never_leaves_the_training_scenes() -> None:
    settings = TrainingSettings()
    for step in (0, settings.steps - 1):
        seeds = settings.scene_seeds_at(step)
        assert len(seeds) == settings.scenes_per_step
        assert seeds[0] in TRAINING_SEEDS
        assert seeds[-1] in TRAINING_SEEDS


def test_resuming_with_other_settings_is_refused(tmp_path: Path) -> None:
    Trainer(SPEC, SHORT, tmp_path).save_state()
    with pytest.raises(UserError, match="step 0 of a run with other settings"):
        Trainer(SPEC, replace(SHORT, learning_rate=1.0), tmp_path)


def test_a_run_may_be_lengthened_until_its_learning_rate_falls() -> None:
    settings = TrainingSettings(steps=100, decay_share=0.3)
    longer = replace(settings, steps=200)
    assert longer.can_continue(settings, 70)
    assert not longer.can_continue(settings, 71)
    assert settings.can_continue(settings, 99)
    assert [settings.learning_rate_at(step) for step in range(70)] == [
        longer.learning_rate_at(step) for step in range(70)
    ]


def test_the_learning_rate_rises_stays_and_falls_to_nothing() -> None:
    settings = TrainingSettings(steps=100, warmup_steps=10, decay_share=0.4)
    rates = [settings.learning_rate_at(step) for step in range(101)]
    assert rates[0] == pytest.approx(settings.learning_rate / 10)
    assert set(rates[9:61]) == {settings.learning_rate}
    assert rates[60:] == sorted(rates[60:], reverse=True)
    assert rates[100] == 0


def test_exported_weights_are_those_of_the_run(tmp_path: Path) -> None:
    trainer = Trainer(SPEC, SHORT, tmp_path)
    trainer.export(tmp_path / "checkpoint")
    exported = load_model(tmp_path / "checkpoint").state_dict()
    for name, value in weights(trainer).items():
        assert torch.equal(value, exported[name]), name


def test_a_run_can_start_from_a_checkpoint(tmp_path: Path) -> None:
    first = Trainer(SPEC, SHORT, tmp_path / "first")
    first.export(tmp_path / "checkpoint")
    other_seed = replace(SHORT, seed=7)
    second = Trainer(SPEC, other_seed, tmp_path / "second", tmp_path / "checkpoint")
    for name, value in weights(first).items():
        assert torch.equal(value, second.model.state_dict()[name]), name
    assert second.tokenizer.to_str() == first.tokenizer.to_str()


def test_answers_packed_behind_one_image_get_the_logits_they_get_alone(tmp_path: Path) -> None:
    trainer = Trainer(SPEC, SHORT, tmp_path)
    model = trainer.model.train(False)
    seed = TRAINING_SEEDS[0]
    batch = make_batch([seed], SPEC, trainer.tokenizer)
    with torch.inference_mode():
        packed, _ = judged_logits(model, SPEC.family, batch)
        alone = []
        for question in Scene.from_seed(seed).questions():
            example = encode_example(question, SPEC, trainer.tokenizer)
            ids = torch.tensor([example.prompt + example.answer])
            output = model(input_ids=ids, pixel_values=batch.pixel_values[:, None])
            alone.append(output.logits[0, len(example.prompt) - 1 : -1])
    torch.testing.assert_close(packed, torch.cat(alone), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", [(96, 256), (256, 96), (48, 48)])
def test_muon_makes_all_singular_values_alike(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalize(matrix))
    assert values.min() > 0.3
    assert values.max() < 1.3
