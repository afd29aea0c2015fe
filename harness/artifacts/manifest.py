"""What an artifact folder says about itself. Imports without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, field_validator

from harness.backends.decoder_recipe import DecoderRecipe
from harness.backends.qnn.recipe import HtpRecipe
from harness.backends.weight_recipe import WeightRecipe
from harness.targets.registry import KnownTarget
from harness.vlm.mode import LookaheadShape
from harness.vocabulary import COMPONENTS, Backend, Component, KvEncodings, Mode, Precision

MANIFEST_NAME = "manifest.json"
SCHEMA_VERSION = 1
TOKENIZER_NAME = "tokenizer.json"

_LONGEST_NAME_BYTES = 255
"""Of a file; Linux takes no longer ones."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it holds characters that are not shown")
    return text


def _file_name(name: str) -> str:
    _printable(name)
    if name in ("", ".", "..") or "/" in name or "\\" in name:
        raise ValueError("it must be the name of a file in the artifact's folder")
    if len(name.encode()) > _LONGEST_NAME_BYTES:
        raise ValueError(f"a name has {_LONGEST_NAME_BYTES} bytes at most")
    return name


Word = Annotated[str, Field(max_length=1000), AfterValidator(_printable)]
"""A text that may be shown."""

ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
"""Names files of gates."""

FileName = Annotated[str, AfterValidator(_file_name)]
"""Of a file in the artifact's folder, not a path."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=1, lt=1 << 31)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class GraphCost(BaseModel, frozen=True, extra="forbid"):
    """What the HTP compiler says one graph of a ``.pte`` will cost.

    DRAM traffic is that of its "DDR bandwidth summary"; None where it printed none.

    Attributes:
        method: ExecuTorch method that the graph is of.
        ddr_read_bytes: Read from DRAM in one call.
        ddr_write_bytes: Written to DRAM in one call.
        spill_bytes: Moved out of VTCM for lack of room in one call; included in the writes.
        fill_bytes: Moved back into VTCM in one call; included in the reads.
        vtcm_mib: Tightly coupled memory that the graph was compiled for, as its context states it;
            None where it does not.
        delegates: Pieces that the HTP runs; more than one means a way through the CPU between them.
        cpu_ops: Operators left on the CPU, each as often as it occurs.
        context_bytes: Size of the compiled context that holds the graph.
    """

    method: Word
    ddr_read_bytes: int | None = Field(ge=0)
    ddr_write_bytes: int | None = Field(ge=0)
    spill_bytes: int | None = Field(ge=0)
    fill_bytes: int | None = Field(ge=0)
    vtcm_mib: int | None = Field(ge=0)
    delegates: int = Field(ge=0)
    cpu_ops: tuple[Word, ...] = ()
    context_bytes: int = Field(ge=0)


class ComponentFile(BaseModel, frozen=True, extra="forbid"):
    """One ``.pte`` of an artifact.

    Attributes:
        key: sha256 over everything that can change the file's bytes (design §7).
        file: Name within the artifact folder.
        sha256: Hash of the file's bytes.
        weights_sha256: Of the checkpoint's weights that it was made from, so that an artifact can
            be matched to a checkpoint. This and the two below are None where somebody else's
            exporter wrote the file and nobody knows.
        pte_bytes: Size of the file.
        export_s: Wall seconds the export took.
        export_peak_rss_mib: Peak resident set of the exporting process.
        graphs: Cost of every graph that the HTP compiler made; empty where it made none.
    """

    component: Component
    precision: Precision
    key: Word
    file: FileName
    sha256: Sha256
    weights_sha256: Sha256 | None
    pte_bytes: int = Field(ge=0)
    export_s: Amount | None
    export_peak_rss_mib: Amount | None
    graphs: tuple[GraphCost, ...] = ()

    @property
    def spill_bytes(self) -> int | None:
        """What all graphs spill together; None where the compiler did not tell it of each."""
        told = [graph.spill_bytes for graph in self.graphs if graph.spill_bytes is not None]
        return sum(told) if len(told) == len(self.graphs) else None


class Manifest(BaseModel, frozen=True, extra="forbid"):
    """An artifact: three component files, a tokenizer and where they came from.

    Attributes:
        tokenizer_files: sha256 of the tokenizer and of what else says how the model is asked, by
            name.
        htp: Recipe beyond the precisions' names; None for the host and where nobody knows.
        weights: How weights of 4 bits came about; None where there are none and where nobody knows.
        decoder: How a quantized text decoder is written, nothing left to a default; None of a float
            one, and where nobody knows.
    """

    schema_version: int = SCHEMA_VERSION
    model: ModelName
    family: Word
    key: Word
    target: KnownTarget
    backend: Backend
    soc: Word | None
    mode: Mode
    context_length: Count
    prefill_ar: Count
    lookahead: LookaheadShape | None = None
    image_size_px: Count
    tokens_per_image: Count
    kv_encodings: KvEncodings
    htp: HtpRecipe | None = None
    weights: WeightRecipe | None = None
    decoder: DecoderRecipe | None = None
    components: tuple[ComponentFile, ...]
    tokenizer_files: dict[FileName, Sha256]
    versions: dict[Word, Word]
    created_at: Word

    @field_validator("components")
    @classmethod
    def _whole(cls, entries: tuple[ComponentFile, ...]) -> tuple[ComponentFile, ...]:
        if tuple(entry.component for entry in entries) != COMPONENTS:
            raise ValueError(f"it must list {', '.join(COMPONENTS)}, each once")
        if len({entry.file for entry in entries}) < len(entries):
            raise ValueError("each must have a file of its own")
        return entries

    @field_validator("tokenizer_files")
    @classmethod
    def _with_tokenizer(cls, files: dict[str, str]) -> dict[str, str]:
        if TOKENIZER_NAME not in files:
            raise ValueError(f"it must list {TOKENIZER_NAME}")
        return files

    def component(self, name: Component) -> ComponentFile:
        """The file of one component."""
        return next(entry for entry in self.components if entry.component == name)

    @property
    def precision_label(self) -> str:
        """What reports call the artifact's recipe."""
        precisions = {entry.component: entry.precision for entry in self.components}
        return precision_label(precisions, self.htp, self.weights, self.decoder)


def table_precision(precision: Precision) -> Precision:
    """Precision of the token embedding that goes with one word for the whole model.

    Activations are quantized by the other components alone; a table looked up on the HTP has
    16 bits (upstream's choice).
    """
    return "16w" if precision in ("16a8w", "16a4w", "16a4w_block") else precision


def details_label(*recipes: HtpRecipe | WeightRecipe | DecoderRecipe | None) -> str:
    """What of a recipe's details differs from the defaults, in brackets; empty for nothing."""
    told = ",".join(one.details for one in recipes if one is not None and one.details)
    return f"[{told}]" if told else ""


def precision_label(
    precisions: Mapping[Component, Precision],
    htp: HtpRecipe | None = None,
    weights: WeightRecipe | None = None,
    decoder: DecoderRecipe | None = None,
) -> str:
    """One word for a uniform recipe, else the components that are not fp32.

    ``8da4w``, or ``text_decoder=8da4w`` where the other components are float32; ``--precision``
    takes both. ``16a8w`` includes the 16-bit table that goes with it.

    Args:
        precisions: Precision of each component, all of them.
        htp: Details of fixed-point graphs. What differs from the defaults follows in brackets,
            ``16a8w[kv_bits=8]``, so that no gate of the plain recipe judges it.
        weights: Details of weights of 4 bits, which follow likewise.
        decoder: Details of a quantized text decoder, which follow as well.
    """
    word = precisions["text_decoder"]
    details = details_label(htp, weights, decoder and decoder.beside(word, htp))
    uniform = {"vision_encoder": word, "token_embedding": table_precision(word)}
    if {**uniform, "text_decoder": word} == dict(precisions):
        return word + details
    named = [
        f"{component}={precision}"
        for component, precision in precisions.items()
        if precision != "fp32"
    ]
    return ",".join(named) + details
