"""Pictures of every format that is taken, and of some that are not."""

from __future__ import annotations

from pathlib import Path
from random import Random

from PIL import Image

from benchmarks.fuzz.kind import Outcome
from benchmarks.fuzz.mutations import mutated_bytes
from harness.vlm.picture import FORMATS, load_image

_EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"


class Pictures:
    """Small pictures, in which every byte matters."""

    name = "pictures"
    cases = 500
    limit_s = 60.0
    starts_programs = False

    def missing(self) -> str | None:
        """Every machine has what pictures are decoded with."""
        return None

    def prepare(self, folder: Path) -> None:
        """Save one of each format."""
        self._path = folder / "picture"
        self._wholes: list[bytes] = [_EPS]
        picture = Image.radial_gradient("L").resize((48, 40)).convert("RGB")
        for kind in FORMATS:
            for options in ({}, {"progressive": True}) if kind == "JPEG" else ({},):
                picture.save(self._path, kind, **options)
                self._wholes.append(self._path.read_bytes())

    def attempt(self, dice: Random) -> Outcome:
        """Decode one."""
        whole = dice.choice(self._wholes)
        self._path.write_bytes(whole)
        expected = None if whole is _EPS else load_image(self._path).tobytes()
        self._path.write_bytes(mutated_bytes(whole, dice))
        return "same answer" if load_image(self._path).tobytes() == expected else "other answer"
