"""No context is longer than what a checkpoint was trained for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.export.exporter import export_artifact
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.export.request_check import within_positions
from harness.miniatures.committed import checkpoint_path
from harness.vlm.registry import get_spec, get_spec_or_family

REQUEST = ExportRequest(get_spec_or_family("smolvlm"), Path(), Recipe())
positions = st.none() | st.integers(1, 100_000)


@given(max_positions=positions)
def test_the_default_context_stays_within(max_positions: int | None) -> None:
    found = within_positions(REQUEST, max_positions).resolved_context_length
    assert found == min(1024, max_positions or 1024)


@given(asked=st.integers(1, 100_000), max_positions=positions)
def test_a_context_that_is_asked_for_is_taken_or_refused(
    asked: int, max_positions: int | None
) -> None:
    request = replace(REQUEST, context_length=asked)
    if max_positions is not None and asked > max_positions:
        with pytest.raises(
            UserError, match=f"--context {asked} is beyond the {max_positions:,} pos"
        ):
            within_positions(request, max_positions)
    else:
        assert within_positions(request, max_positions) == request


def test_it_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    spec = get_spec("tiny_smolvlm")
    request = ExportRequest(spec, checkpoint_path(spec.name), Recipe(), context_length=257)
    with pytest.raises(UserError, match=r"max_position_embeddings.*--context 256 or less"):
        export_artifact(request, tmp_path, lambda component, stage: None)
    assert not list(tmp_path.iterdir())
