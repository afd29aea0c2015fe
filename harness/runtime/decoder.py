"""One decoder method with its inputs and the cache that it reads and feeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.runtime.attention_mask import AttentionMask, TokenTree
from harness.runtime.encodings import CacheEncodings
from harness.runtime.geometry import DecoderGeometry, decoder_inputs
from harness.runtime.kv_cache import Array, KvCache
from harness.runtime.program import Method
from harness.runtime.program_file import TensorSpec


class Decoder:
    """A text decoder at one AR length.

    Prefill and decode each have one, over the same cache. A pass is :meth:`run`, then
    :meth:`accept` once it is known how many of the new columns are worth keeping; a pass over
    alternatives is :meth:`run_tree`, then :meth:`accept_columns`.

    Where the method takes short caches, it is given no more columns than are needed, and the cache
    is laid out anew when they run out: attention costs what is there to attend to.

    Args:
        method: The loaded method.
        geometry: Of the file.
        ar: Tokens per call.
        cache: Shared by the decoders of a run.
        encodings: What the method takes the cache's codes for; None for those of the cache.

    Attributes:
        ar: Tokens per call.
        cache: The conversation so far; ``cache.filled`` is the position of the next token.
    """

    def __init__(
        self,
        method: Method,
        geometry: DecoderGeometry,
        ar: int,
        cache: KvCache,
        encodings: CacheEncodings | None = None,
    ) -> None:
        self.ar = ar
        self.cache = cache
        self._encodings = encodings
        self._geometry = geometry
        self._hidden = np.zeros((1, ar, geometry.hidden_size), np.float32)
        self._mask_rank = len(method.inputs[1].shape)
        self._positions = np.zeros((1, ar), np.int32)
        self._offsets = np.arange(ar, dtype=np.int32)
        self._new_kv: list[Array] = []
        self._take(self._slots_needed())
        self._bound = method.bind(*self._inputs())

    @property
    def execute_ns(self) -> int:
        """Time spent inside ExecuTorch since the program was loaded."""
        return self._bound.execute_ns

    def forget(self) -> None:
        """Empty the rows that passes left: a graph that disobeys its mask would read them."""
        self._hidden.fill(0)
        self._positions.fill(0)

    def begin(self) -> None:
        """Bring cache and mask into this method's layout and encodings, before its first pass."""
        self._lay_out(self._slots_needed())

    def run(self, embeddings: Array) -> Array:
        """Run one pass over the tokens that follow the cache.

        Args:
            embeddings: float32 ``[n, hidden_size]``, n at most AR. Rows beyond n keep what the
                last pass left there; causality keeps them from reaching the first n rows.

        Returns:
            Logits ``[AR, vocab_size]``, valid until the next pass.
        """
        self._make_room()
        self._hidden[0, : len(embeddings)] = embeddings
        np.add(self._offsets, self.cache.filled, out=self._positions[0])
        logits, *self._new_kv = self._bound.execute()
        rows: Array = logits[0]
        return rows

    def run_tree(self, embeddings: Array, tree: TokenTree) -> Array:
        """Run one pass over tokens of which only some will turn out to follow the cache.

        Args:
            embeddings: float32 ``[n, hidden_size]``, n at most AR. The other rows are zero; no
                token attends to them.
            tree: Positions and visibility of the n tokens. It holds until :meth:`begin`.

        Returns:
            Logits ``[AR, vocab_size]``, valid until the next pass.
        """
        self._make_room()
        count = len(embeddings)
        self._hidden[0, :count] = embeddings
        self._hidden[0, count:] = 0
        self._positions[0] = self.cache.filled
        self._positions[0, :count] += tree.offsets
        self._mask.link(tree.visible)
        logits, *self._new_kv = self._bound.execute()
        rows: Array = logits[0]
        return rows

    def accept(self, count: int) -> None:
        """Keep the first ``count`` tokens of the pass just run."""
        start = self.cache.filled
        self.cache.commit(self._new_kv, count)
        self._mask.open(start, count)

    def accept_columns(self, columns: Sequence[int]) -> None:
        """Keep some tokens of the pass just run, in the order of their positions."""
        start = self.cache.filled
        self.cache.commit_columns(self._new_kv, columns)
        self._mask.open(start, len(columns))

    def _slots_needed(self) -> int:
        """Slots for what is held and for what one pass may add."""
        return self._geometry.slots_for(self.cache.filled + self.ar, self.ar)

    def _make_room(self) -> None:
        if self._slots_needed() > self._slots:
            self._lay_out(self._slots_needed())

    def _lay_out(self, slots: int) -> None:
        capacity = self._geometry.context_length - self.ar
        self.cache.arrange(slots, self._encodings, capacity)
        if slots != self._slots:
            self._take(slots)
            self._bound.rebind(*self._inputs())
        self._mask.begin(self.cache.filled)

    def _take(self, slots: int) -> None:
        geometry = self._geometry
        self._slots = slots
        self._mask = AttentionMask(self.ar, slots + self.ar, geometry.mask_dtype, self._mask_rank)

    def _inputs(self) -> tuple[list[Array], list[TensorSpec]]:
        """Arrays in the order of contract §2.2, and what they have to be."""
        arrays = [self._hidden, self._mask.array, self._positions, *self.cache.views(self._slots)]
        return arrays, decoder_inputs(self._geometry, self.ar, self._slots, self._mask_rank)
