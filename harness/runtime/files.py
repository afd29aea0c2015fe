"""The files of a run. Imports without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.artifacts.artifact import Artifact
from harness.artifacts.foreign import ForeignFiles
from harness.backends.qnn.delegates import read_delegates
from harness.backends.qnn.loadable import check_one_soc
from harness.errors import UserError
from harness.pointer_file import refuse_pointer
from harness.runtime.program_file import check_program_file
from harness.vocabulary import COMPONENTS


@dataclass(frozen=True)
class RunFiles:
    """Three ``.pte`` files and the tokenizer."""

    encoder: Path
    embedding: Path
    decoder: Path
    tokenizer: Path

    @classmethod
    def of(cls, artifact: Artifact) -> RunFiles:
        """The files of an artifact folder."""
        encoder, embedding, decoder = map(artifact.path, COMPONENTS)
        return cls(encoder, embedding, decoder, artifact.tokenizer_path)

    @classmethod
    def of_foreign(cls, files: ForeignFiles) -> RunFiles:
        """The files of a folder without a manifest."""
        encoder, embedding, decoder = map(files.programs.__getitem__, COMPONENTS)
        return cls(encoder, embedding, decoder, files.tokenizer)

    @property
    def programs(self) -> tuple[Path, Path, Path]:
        """The three ``.pte`` files, in the order of ``COMPONENTS``."""
        return self.encoder, self.embedding, self.decoder

    @property
    def are_for_htp(self) -> bool:
        """Whether any has graphs of the HTP, which take QNN's libraries."""
        return any(map(read_delegates, self.programs))

    def check(self, soc: str | None = None) -> None:
        """Find what can be found before the runtime is loaded.

        Args:
            soc: SoC that graphs of the HTP must be for; None if any one will do.

        Raises:
            UserError: If a file is missing, truncated, of another kind or for another SoC.
        """
        for path in self.programs:
            check_program_file(path)
        check_one_soc(self.programs, soc)
        refuse_pointer(self.tokenizer)
        if not self.tokenizer.is_file():
            raise UserError(
                f"Tokenizer {self.tokenizer} does not exist; give the tokenizer.json as "
                f"--tokenizer_path."
            )
