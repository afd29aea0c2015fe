"""The form of a vision encoder's graph that the HTP's compiler spills least of.

A compiler keeps what an operation needs in VTCM; what does not fit is spilled to DRAM and filled
back. How much that is depends on how the same mathematics is written down. What is chosen here for
which sizes follows from compiled cuts, ``python -m benchmarks.encoder_spill`` (docs/htp.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.export.graphs.vision_encoder import EncoderLayer, LayerStack, Mlp, SelfAttention
from harness.targets.soc import Soc
from harness.vlm.spec import VisionGeometry

TILE_ROWS = 32
"""Rows that a tile of the HTP has. A last tile that is not full costs more than its padding: with
1,025 rows a layer spills ten times as much as with 1,056."""

_PIECE_ROWS = 256
_PIECE_COLUMNS = 1024

_ACTIVATION_BYTES = 2
_WEIGHT_BYTES = 1


@dataclass(frozen=True)
class EncoderForm:
    """How an encoder's layers are written.

    Attributes:
        rows: Length of the sequence; copies of its last rows fill it up.
        heads_apart: Whether each head has products of its own.
        mlp_rows: Rows that the MLP is computed on at a time; None for all.
        mlp_columns: Inner columns of the MLP that are computed at a time; None for all.
    """

    rows: int
    heads_apart: bool = False
    mlp_rows: int | None = None
    mlp_columns: int | None = None


def choose_form(vision: VisionGeometry, rows: int, soc: Soc) -> EncoderForm:
    """Choose by what fits into VTCM, whatever the model is called.

    A layer whose MLP's inner activations fit twice, before and behind the activation, is left as
    it is. Otherwise pieces of rows, as long as all weights of the MLP and the sequence itself fit
    beside them; if not, every piece of rows would read the weights again, and it is cut into
    columns.

    Args:
        vision: Sizes of a layer.
        rows: Length of the sequence.
        soc: Says how much VTCM there is.
    """
    vtcm = soc.vtcm_mib << 20
    if 2 * rows * vision.intermediate_size * _ACTIVATION_BYTES <= vtcm:
        return EncoderForm(rows)
    padded = whole_tiles(rows)
    weights = 2 * vision.hidden_size * vision.intermediate_size * _WEIGHT_BYTES
    sequence = padded * vision.hidden_size * _ACTIVATION_BYTES
    if weights + sequence <= vtcm:
        return EncoderForm(padded, heads_apart=True, mlp_rows=_PIECE_ROWS)
    return EncoderForm(padded, heads_apart=True, mlp_columns=_PIECE_COLUMNS)


def whole_tiles(rows: int) -> int:
    """The rows and as many as fill up the last tile."""
    return math.ceil(rows / TILE_ROWS) * TILE_ROWS


def with_form(encoder: nn.Module, rows: int, form: EncoderForm) -> nn.Module:
    """Write the layers of an encoder in a form; what it computes stays the same.

    Args:
        encoder: Changed in place. Stacks of layers that are no :class:`LayerStack` stay as they
            are.
        rows: Length of the sequence that reaches the layers.
        form: How to write them.
    """
    for stack in [one for one in encoder.modules() if isinstance(one, LayerStack)]:
        for layer in stack:
            _write_layer(layer, rows, form)
        if form.rows > rows:
            _replace(encoder, stack, PaddedStack(stack, form.rows))
    return encoder


def sequence_rows(encoder: nn.Module, pixel_values: Tensor) -> int | None:
    """Length of the sequence that reaches an encoder's layers; nothing is computed for it.

    Args:
        encoder: Any encoder.
        pixel_values: Of the shape that it takes.

    Returns:
        None where its layers are no :class:`LayerStack`.
    """
    stack = next((one for one in encoder.modules() if isinstance(one, LayerStack)), None)
    if stack is None:
        return None
    seen: list[int] = []
    hook = stack.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].shape[1]))
    weights = {name: nn.Parameter(one.to("meta")) for name, one in encoder.named_parameters()}
    meta = weights | {name: one.to("meta") for name, one in encoder.named_buffers()}
    with hook:
        torch.func.functional_call(encoder, meta, (pixel_values.to("meta"),))
    return seen[0]


def _write_layer(layer: nn.Module, rows: int, form: EncoderForm) -> None:
    if form.heads_apart or form.rows > rows:
        for attention in [one for one in layer.modules() if isinstance(one, SelfAttention)]:
            groups = attention.heads if form.heads_apart else 1
            attention.mixing = GroupedHeads(attention.heads, groups, rows, form.rows)
    if form.mlp_columns is not None:
        for mlp in [one for one in layer.modules() if isinstance(one, Mlp)]:
            _replace(layer, mlp, MlpInColumns(mlp, form.mlp_columns))
    if isinstance(layer, EncoderLayer):
        layer.piece_rows = form.mlp_rows


def _replace(root: nn.Module, old: nn.Module, new: nn.Module) -> None:
    path = next(path for path, module in root.named_modules() if module is old)
    owner, _, attribute = path.rpartition(".")
    setattr(root.get_submodule(owner), attribute, new)


class PaddedStack(LayerStack):
    """Layers over a sequence that copies of its last rows fill up to whole tiles.

    Copies, not zeros: a copy stays what the row is that it was made from, so no observer sees
    anything that does not occur, and nothing has to be masked. Its share of everybody's attention
    is taken from that row's (:class:`GroupedHeads`).
    """

    def __init__(self, layers: Sequence[nn.Module] | LayerStack, rows: int) -> None:
        super().__init__(layers)
        self.rows = rows

    def forward(self, x: Tensor) -> Tensor:
        """See :class:`LayerStack`."""
        rows = x.shape[1]
        padded: Tensor = super().forward(torch.cat([x, x[:, 2 * rows - self.rows :]], dim=1))
        return padded[:, :rows]


class GroupedHeads(nn.Module):
    """Attention group by group, over a sequence whose last rows may be there twice.

    Several groups have the scale on Q, a single one on the scores: the other way around the
    compiler spills twice to nine times as much.

    Args:
        heads: Number of heads.
        groups: Number of groups.
        rows: Rows of the sequence.
        padded_rows: Rows with the copies of the last ones.
    """

    once: Tensor | None

    def __init__(self, heads: int, groups: int, rows: int, padded_rows: int) -> None:
        super().__init__()
        self.groups = groups
        self.heads = heads // groups
        copies = padded_rows - rows
        once = torch.zeros(padded_rows)
        # exp(s - ln 2) of row and copy together is exp(s) of the row alone.
        once[rows - copies :] = -math.log(2)
        self.register_buffer("once", once if copies else None, persistent=False)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """See :class:`HeadsTogether`."""
        groups = zip(*(x.chunk(self.groups, dim=-1) for x in (q, k, v)), strict=True)
        return torch.cat([self._mix(*group) for group in groups], dim=-1)

    def _mix(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        rows, width = q.shape[1:]
        head_dim = width // self.heads
        if self.heads > 1:
            q, k, v = (x.view(rows, self.heads, head_dim).transpose(0, 1) for x in (q, k, v))
        scale = head_dim**-0.5
        keys = k.transpose(1, 2)
        scores = torch.bmm(q * scale, keys) if self.groups > 1 else torch.bmm(q, keys) * scale
        if self.once is not None:
            scores = scores + self.once
        mixed = torch.bmm(torch.softmax(scores, dim=-1), v)
        # A head alone is what it came as, and every view of it would be traced time and again.
        return mixed if self.heads == 1 else mixed.transpose(0, 1).reshape(1, rows, width)


class MlpInColumns(nn.Module):
    """The sum of what pieces of the inner columns contribute."""

    def __init__(self, mlp: Mlp, columns: int) -> None:
        super().__init__()
        self.activation = mlp.activation
        inner = [torch.split(one, columns) for one in (mlp.fc1.weight, mlp.fc1.bias)]
        outer = torch.split(mlp.fc2.weight, columns, dim=1)
        self.fc1 = _pieces(_linear(weight, bias) for weight, bias in zip(*inner, strict=True))
        # The bias is added once.
        self.fc2 = _pieces(
            _linear(weight, None if index else mlp.fc2.bias) for index, weight in enumerate(outer)
        )

    def forward(self, x: Tensor) -> Tensor:
        """See :class:`Mlp`."""
        total: Tensor
        total, *others = (
            fc2(self.activation(fc1(x)))
            for fc1, fc2 in zip(self.fc1.values(), self.fc2.values(), strict=True)
        )
        for piece in others:
            total = total + piece
        return total


def _pieces(linears: Iterable[nn.Linear]) -> nn.ModuleDict:
    """Pieces of one layer, under names that recipes take for that layer's."""
    return nn.ModuleDict({f"piece{index}": linear for index, linear in enumerate(linears)})


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    with torch.device("meta"):
        linear = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    linear.weight = nn.Parameter(weight.detach().clone())
    if bias is not None:
        linear.bias = nn.Parameter(bias.detach().clone())
    return linear
