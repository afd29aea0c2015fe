"""Train a miniature from scratch: seeded, resumable, the last part quantization-aware."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import PreTrainedModel

from harness.errors import UserError
from harness.vlm.spec import VlmFamily, VlmSpec
from training.dataset import DRILL, EVERYTHING, Batch, make_batch
from training.muon import Muon
from training.quantization import simulate_8da4w
from training.saving import build_model, load_model, load_tokenizer, save_checkpoint
from training.settings import TrainingSettings
from training.tokenizer import build_tokenizer

STATE_FILE = "training_state.pt"


@dataclass(frozen=True)
class Progress:
    """What a watcher is told after each step."""

    step: int
    steps: int
    loss: float
    token_accuracy: float


Watcher = Callable[[Progress], None]


class Trainer:
    """One training run whose state lives in a folder."""

    def __init__(
        self,
        spec: VlmSpec,
        settings: TrainingSettings,
        folder: Path,
        start_from: Path | None = None,
    ) -> None:
        """Build the model and the optimizers, then take up the folder's state if there is one.

        Args:
            spec: The miniature to train.
            settings: All else that decides the result.
            folder: Where the state lives.
            start_from: Checkpoint whose weights and tokenizer a new run starts with; random
                weights and a new tokenizer if None.

        Raises:
            UserError: If the folder holds the state of a run with other settings.
        """
        self.spec = spec
        self.settings = settings
        self.folder = folder
        self.tokenizer = load_tokenizer(start_from) if start_from else build_tokenizer(spec)
        torch.manual_seed(settings.seed)
        self.model = build_model(spec, self.tokenizer).train()
        if start_from is None:
            first_batch = make_batch(settings.scene_seeds_at(0), spec, self.tokenizer)
            centre_patches(self.model, first_batch)
        else:
            self.model.load_state_dict(load_model(start_from).state_dict())
        self.optimizers = _optimizers(self.model, settings)
        self.step = 0
        self._simulates_int4 = False
        self._resume()

    def run(self, watch: Watcher, stop_at: int | None = None, save_every_s: float = 60.0) -> None:
        """Train until ``stop_at`` or the end; save the state regularly and at the end.

        Args:
            watch: Called after every step.
            stop_at: Step to pause at, all steps if None.
            save_every_s: Seconds between two saved states.
        """
        last = self.settings.steps if stop_at is None else min(stop_at, self.settings.steps)
        saved = time.monotonic()
        while self.step < last:
            watch(self._train_step())
            if time.monotonic() - saved > save_every_s:
                self.save_state()
                saved = time.monotonic()
        self.save_state()

    def save_state(self) -> None:
        """Write model, optimizers, generator and step; the file is replaced whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "generator": torch.get_rng_state(),
            "step": self.step,
            "tokenizer": self.tokenizer.to_str(),
            "settings": asdict(self.settings),
        }
        fresh = self.folder / f"{STATE_FILE}.part"
        torch.save(state, fresh)
        os.replace(fresh, self.folder / STATE_FILE)

    def export(self, folder: Path) -> None:
        """Write the present weights as a checkpoint that ``from_pretrained`` reads."""
        save_checkpoint(self.model.state_dict(), self.spec, self.tokenizer, folder)

    def _resume(self) -> None:
        path = self.folder / STATE_FILE
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if not self.settings.can_continue(TrainingSettings(**state["settings"]), state["step"]):
            raise UserError(
                f"{self.folder} holds step {state['step']} of a run with other settings; "
                "repeat those settings to go on, or choose another --out."
            )
        self.step = state["step"]
        self.tokenizer = Tokenizer.from_str(state["tokenizer"])
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        torch.set_rng_state(state["generator"])

    def _train_step(self) -> Progress:
        if self.step >= self.settings.first_quantized_step and not self._simulates_int4:
            simulate_8da4w(self.model, self.spec.family)
            self._simulates_int4 = True
        batch = make_batch(
            self.settings.scene_seeds_at(self.step),
            self.spec,
            self.tokenizer,
            DRILL if self.step >= self.settings.drill_from_step else EVERYTHING,
        )
        logits, targets = judged_logits(self.model, self.spec.family, batch)
        loss = nn.functional.cross_entropy(logits, targets)
        self.model.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.gradient_norm)
        for optimizer in self.optimizers:
            optimizer.param_groups[0]["lr"] = self.settings.learning_rate_at(self.step)
            optimizer.step()
        self.step += 1
        accuracy = (logits.argmax(-1) == targets).float().mean().item()
        return Progress(self.step, self.settings.steps, loss.item(), accuracy)


def centre_patches(model: PreTrainedModel, batch: Batch) -> None:
    """Set the patch embedding's bias so that the mean pixel of ``batch`` embeds to zero.

    Backgrounds are light, so that otherwise one constant direction outweighs all that differs
    between patches, layer normalization keeps it, and training stays on a plateau for long.
    """
    (embedding,) = (module for module in model.modules() if isinstance(module, nn.Conv2d))
    mean_pixel = batch.pixel_values.mean(dim=(0, 2, 3))
    centre = -embedding.weight.detach().sum(dim=(2, 3)) @ mean_pixel
    embedding.bias = nn.Parameter(centre)


def judged_logits(model: PreTrainedModel, family: VlmFamily, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits ``[judged, vocab]`` and targets ``[judged]`` of all answer tokens of a batch."""
    pixels = batch.pixel_values
    hidden = model.base_model(
        input_ids=batch.input_ids,
        pixel_values=pixels[:, None] if family.has_image_axis else pixels,
        attention_mask=batch.attention_mask,
        position_ids=batch.position_ids,
        use_cache=False,
    ).last_hidden_state
    judged = batch.targets >= 0
    head = model.get_submodule("lm_head")
    return head(hidden[judged]), batch.targets[judged]


def _optimizers(
    model: PreTrainedModel, settings: TrainingSettings
) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Muon for the matrices of linear layers, AdamW for the rest.

    Muon leaves the plateau at which colours and forms are not yet seen in a
    third of AdamW's steps. Its updates are scaled like AdamW's, so both share a learning rate.
    """
    matrices = [
        module.weight
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name != "lm_head"
    ]
    chosen = {id(matrix) for matrix in matrices}
    others = [parameter for parameter in model.parameters() if id(parameter) not in chosen]
    return (
        Muon(matrices, lr=settings.learning_rate, weight_decay=settings.weight_decay),
        torch.optim.AdamW(others, lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=0.0),
    )
