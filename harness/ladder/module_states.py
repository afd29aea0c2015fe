"""States inside modules of ``torch``, written down while they compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from torch import Tensor, fx, nn

from harness.ladder.signals import Array
from harness.vlm.spec import VlmFamily

EncoderState = tuple[Literal["patch embeddings", "vision states", "projector input"], int | None]


@contextmanager
def recording(modules: Iterable[nn.Module]) -> Iterator[list[Tensor]]:
    """What each module returns while the block runs; of a tuple, its first."""
    kept: list[Tensor] = []

    def keep(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        kept.append((output[0] if isinstance(output, tuple) else output).detach())

    handles = [module.register_forward_hook(keep) for module in modules]
    try:
        yield kept
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def entering(module: nn.Module) -> Iterator[list[Tensor]]:
    """What a module is called with while the block runs."""
    kept: list[Tensor] = []

    def keep(module: nn.Module, args: tuple[Any, ...]) -> None:
        kept.append(args[0].detach())

    handle = module.register_forward_pre_hook(keep)
    try:
        yield kept
    finally:
        handle.remove()


@contextmanager
def encoder_states(
    module: nn.Module, family: VlmFamily
) -> Iterator[Callable[[], Iterator[tuple[EncoderState, Array]]]]:
    """States of a vision encoder, or of a model that has one, while the block runs.

    Args:
        module: Whose modules have the names that ``transformers`` gives them, with any prefix; a
            graph that was traced from one calls none of them.
        family: Says which they are; of one that does not, there are none.

    Yields:
        Called behind it: patches as they enter the first layer, what each layer returns, and what
        enters the projector, ``[pictures, rows, width]`` each.
    """
    layers = _find(module, family.vision_layers)
    projector = _find(module, family.projector)
    if layers is None or projector is None or isinstance(module, fx.GraphModule):
        yield lambda: iter(())
        return
    with (
        entering(next(layers.children())) as patches,
        recording(layers.children()) as states,
        entering(projector) as projected,
    ):

        def read() -> Iterator[tuple[EncoderState, Array]]:
            yield ("patch embeddings", None), patches[0].numpy()
            for layer, state in enumerate(states):
                yield ("vision states", layer), state.numpy()
            yield ("projector input", None), projected[0].numpy()

        yield read


def _find(module: nn.Module, path: str | None) -> nn.Module | None:
    if path is None:
        return None
    found = [
        one for name, one in module.named_modules() if name == path or name.endswith(f".{path}")
    ]
    return found[0] if len(found) == 1 else None
