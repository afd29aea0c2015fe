"""Everything that decides a training run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.miniatures.scenes import TRAINING_SEEDS

_SCENES_PER_SEED = 1_000_000


@dataclass(frozen=True)
class TrainingSettings:
    """All that decides the trained weights, beside the model's spec.

    Attributes:
        steps: Optimizer steps.
        scenes_per_step: Scenes per batch, each with six to eight questions.
        learning_rate: Rate between warm-up and decay.
        warmup_steps: Steps of linear rise to that rate.
        decay_share: Share of the steps, at the end, over which the rate falls to zero.
        weight_decay: Decay of the matrices of linear layers.
        gradient_norm: Gradients are scaled down to this norm.
        drill_from_step: From here on most questions are of the kinds that are learned last, which
            can only be learned once colours and forms are seen.
        quantized_share: Share of the steps, at the end, that simulate the int4 decoder.
        seed: Decides initial weights and which training scenes are seen.
    """

    steps: int = 5000
    scenes_per_step: int = 16
    learning_rate: float = 3e-3
    warmup_steps: int = 100
    decay_share: float = 0.4
    weight_decay: float = 0.05
    gradient_norm: float = 1.0
    drill_from_step: int = 1000
    quantized_share: float = 0.12
    seed: int = 0

    @property
    def first_quantized_step(self) -> int:
        """The step from which on the int4 decoder is simulated."""
        return round(self.steps * (1 - self.quantized_share))

    @property
    def first_decay_step(self) -> int:
        """The step from which on the learning rate falls; no earlier step depends on ``steps``."""
        return round(self.steps * (1 - max(self.decay_share, self.quantized_share)))

    def learning_rate_at(self, step: int) -> float:
        """Linear warm-up, a plateau, then a straight line down to zero."""
        rise = (step + 1) / self.warmup_steps
        fall = (self.steps - step) / max(1, self.steps - self.first_decay_step)
        return self.learning_rate * min(rise, 1.0, fall)

    def can_continue(self, earlier: TrainingSettings, step: int) -> bool:
        """Whether ``step`` steps under ``earlier`` settings are what these would have done too."""
        if replace(earlier, steps=self.steps) != self:
            return False
        return earlier == self or step <= min(self.first_decay_step, earlier.first_decay_step)

    def scene_seeds_at(self, step: int) -> range:
        """Seeds of the scenes of one step's batch; no scene is seen twice."""
        start = self.seed * _SCENES_PER_SEED + step * self.scenes_per_step
        return TRAINING_SEEDS[start : start + self.scenes_per_step]
