"""Command lines that upstream's runner takes otherwise, as contract §5.7 lists them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.runtime.flag_syntax import parse_flags
from harness.runtime.phases import clamp_seq_len, seq_len_warnings
from harness.runtime.plan import make_plan

CONTRACT = Path(__file__).parents[3] / "docs" / "contract.md"
HEAD = "| typed | upstream | `python -m harness.runtime` |\n|---|---|---|\n"
RIGHT = ("--decoder_model_version", "smolvlm", "--image_path", "list.txt")


def documented() -> dict[str, tuple[str, str]]:
    """What upstream and ours do by what is typed, from the document."""
    table = CONTRACT.read_text().partition(HEAD)[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
    return {typed: (upstream, ours) for typed, upstream, ours in rows}


REFUSED = {
    "--unknown 1": "There is no flag --unknown",
    "--seq_len many": "--seq_len cannot be 'many'",
    "--seq_len": "--seq_len needs a value",
    "--temperature -1": "--temperature cannot be '-1'",
    "--num_iters 0": "--num_iters cannot be '0'",
    "--eval_mode 7": "--eval_mode cannot be '7'",
    "--eval_mode 2": "Lookahead (--eval_mode 2) needs to know the branch",
    "--window 3": "--window, --ngram and --gcap go together",
    "--decoder_model_version SmolVLM": "--decoder_model_version SmolVLM is not supported",
    "--seq_len 0x60": "--seq_len cannot be '0x60'",
    "--version": "There is no flag --version",
    "--temperature inf": "--temperature cannot be 'inf'",
    "--temperature nan": "--temperature cannot be 'nan'",
    "--temperature 1e400": "--temperature cannot be '1e400'",
    "--shared_buffer=maybe": "--shared_buffer cannot be 'maybe'",
    "--prompt --prompt Hi": "'Hi' follows no flag",
    "--eval_mode 1 --dump_logits_path all.raw": "--dump_logits_path works in kv mode only",
    "--tokenized_prompt ids.raw": "--tokenized_prompt is not supported",
    "--audio_path list.txt": "--audio_path is not supported",
    "--output_path nowhere/outputs.txt": "Folder nowhere of outputs.txt does not exist",
    "stray": "'stray' follows no flag",
    "-- --seq_len 9": "'--' follows no flag",
}
TAKEN = {
    "--prompt=Hi": ("prompt", ("Hi",)),
    "-prompt Hi": ("prompt", ("Hi",)),
    "--help": ("help", True),
    "--temperature 1e-40": ("temperature", 1e-40),
    "--seq_len 0": ("seq_len", 0),
    "--seq_len -5": ("seq_len", -5),
    "--shared_buffer": ("shared_buffer", True),
    "": ("prompt", ()),
}


def words(typed: str) -> str:
    """What stands in code; nothing where a flag is left out."""
    found = re.fullmatch("`(.*)`", typed)
    return found[1] if found else ""


def test_the_document_lists_what_is_tested_here() -> None:
    assert {words(typed) for typed in documented()} == {*REFUSED, *TAKEN}
    refused = {words(typed) for typed, (_, ours) in documented().items() if ours == "2"}
    assert refused == set(REFUSED)


@pytest.mark.parametrize("typed", REFUSED)
def test_what_cannot_be_meant_is_refused_before_anything_is_loaded(
    typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=re.escape(REFUSED[typed])):
        make_plan(parse_flags([*RIGHT, *shlex.split(typed)]))


@pytest.mark.parametrize("typed", TAKEN)
def test_what_upstream_breaks_on_is_taken_as_it_is_meant(typed: str) -> None:
    name, value = TAKEN[typed]
    assert getattr(parse_flags([*RIGHT, *shlex.split(typed)]), name) == value


def test_a_cap_of_0_or_less_is_the_context_and_a_negative_one_is_warned_of() -> None:
    assert [clamp_seq_len(cap, 256) for cap in (0, -5)] == [256, 256]
    assert [len([*seq_len_warnings(cap, 256)]) for cap in (0, -5)] == [0, 1]
