"""States inside modules of ``torch``, written down while they compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from torch import Tensor, fx, nn

from harness.errors import UserError
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
    if (
        family.vision_layers is None
        or family.projector is None
        or isinstance(module, fx.GraphModule)
    ):
        yield lambda: iter(())
        return
    layers, projector = _find(module, family.vision_layers), _find(module, family.projector)
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


def _find(module: nn.Module, path: str) -> nn.Module:
    found: list[nn.Module] = [
        one for name, one in module.named_modules() if name == path or name.endswith(f".{path}")
    ]
    if len(found) != 1:
        raise UserError(
            f"{type(module).__name__} has {len(found)} modules named {path}, and one is compared; "
            "see vision_layers and projector of the family, and the version of transformers."
        )
    return found[0]
