"""What torch does more often, and keeps longer, than putting observers into a graph needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from torch import nn


@contextmanager
def uncopied_constructors() -> Iterator[None]:
    """Let ``prepare_pt2e`` not copy what constructs an observer, for all threads.

    It copies all that a specification says, of which it uses the copied numbers and the constructor
    that was there before. That of a concatenation's observer refers to the whole graph, so every
    concatenation had the graph copied: most of the time that preparing a decoder took.
    """
    from torchao.quantization.pt2e.observer import PartialWrapper

    PartialWrapper.__deepcopy__ = lambda self, memo: self
    try:
        yield
    finally:
        del PartialWrapper.__deepcopy__


@contextmanager
def counted_names() -> Iterator[None]:
    """Let ``prepare_pt2e`` number its observers by counting, for all threads.

    By itself it asks the graph for number 0, 1 and so on until one is free, for each anew.
    """
    # A function of the package has the module's name.
    module: Any = import_module("torch.ao.quantization.fx.prepare")
    search, numbers = module.get_new_attr_name_with_prefix, Counter[tuple[int, str]]()

    def count(prefix: str) -> Callable[[nn.Module], str]:
        def next_name(owner: nn.Module) -> str:
            counted = (id(owner), prefix)
            while hasattr(owner, f"{prefix}{numbers[counted]}"):
                numbers[counted] += 1
            return f"{prefix}{numbers[counted]}"

        return next_name

    try:
        module.get_new_attr_name_with_prefix = count
        yield
    finally:
        module.get_new_attr_name_with_prefix = search


def forget_graphs() -> None:
    """Empty the caches by which torch and torchao keep every graph that they saw the device of."""
    from torch.ao.quantization.fx.utils import assert_and_get_unique_device
    from torchao.utils import _assert_and_get_unique_device

    for cached in (assert_and_get_unique_device, _assert_and_get_unique_device):
        cached.cache_clear()
