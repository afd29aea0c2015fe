"""Claims on a phone: what the shell texts promise, tried with this machine's shell."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.devices.phone.fleet.claim_shell import (
    ClaimAnswer,
    Claimant,
    claim_text,
    parse_claim,
    release_text,
)

ANN, BOB = Claimant("lab1", "ann", "one"), Claimant("lab2", "bob", "two")
ANN_AGAIN = Claimant("lab1", "ann", "three")
STALE_S = 120
BOOT_ID = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
MINE = ClaimAnswer(None, 0, ())


def shell(text: str) -> subprocess.Popen[str]:
    return subprocess.Popen(["sh", "-c", f"( {text}\n) </dev/null"], stdout=-1, text=True)


def claim(folder: Path, who: Claimant, stale_s: float = STALE_S) -> ClaimAnswer:
    return all_at_once(folder, [who], stale_s)[0]


def all_at_once(folder: Path, who: Sequence[Claimant], stale_s: float) -> list[ClaimAnswer]:
    shells = [shell(claim_text(one, stale_s, str(folder))) for one in who]
    answers = [parse_claim(one.communicate()[0]) for one in shells]
    return [answer for answer in answers if answer is not None]


def release(folder: Path, who: Claimant) -> None:
    shell(release_text(who, str(folder))).communicate()


def leave_behind(folder: Path, words: str, uptime_s: int = 0) -> None:
    (folder / "left.use").symlink_to(words)
    (folder / "left.beat").write_text(f"{uptime_s}\n")
    (folder / "left.held").touch()


def test_a_free_phone_is_ours_and_stays_it(tmp_path: Path) -> None:
    assert claim(tmp_path, ANN) == MINE
    assert claim(tmp_path, ANN) == MINE


def test_a_claim_that_lives_is_respected_and_leaves_no_trace_of_who_asked(tmp_path: Path) -> None:
    claim(tmp_path, ANN)
    assert claim(tmp_path, BOB).by == "ann on lab1"
    release(tmp_path, ANN)
    assert list(tmp_path.iterdir()) == []
    assert claim(tmp_path, BOB) == MINE


def test_a_claim_of_our_own_machine_is_void_since_we_hold_its_lease(tmp_path: Path) -> None:
    claim(tmp_path, ANN)
    assert claim(tmp_path, ANN_AGAIN) == ClaimAnswer(None, 0, ("ann on lab1",))
    assert claim(tmp_path, BOB).by == "ann on lab1"


def test_a_claim_from_before_a_reboot_is_void_and_told(tmp_path: Path) -> None:
    leave_behind(tmp_path, "lab9|eve|another-boot", uptime_s=10**9)
    assert claim(tmp_path, ANN) == ClaimAnswer(None, 0, ("eve on lab9",))
    assert claim(tmp_path, BOB).by == "ann on lab1"


def test_a_silent_claim_is_void(tmp_path: Path) -> None:
    leave_behind(tmp_path, f"lab9|eve|{BOOT_ID}")
    assert claim(tmp_path, ANN, stale_s=1).left_behind == ("eve on lab9",)


def test_a_shell_that_was_killed_while_it_asked_keeps_the_phone_for_nobody(tmp_path: Path) -> None:
    """It may have left its link, but never a mark that it holds the phone."""
    (tmp_path / "two.use").symlink_to(f"lab2|bob|{BOOT_ID}")
    (tmp_path / "two.beat").write_text("0\n")
    assert claim(tmp_path, ANN, stale_s=1).by is None
    assert claim(tmp_path, BOB).by == "ann on lab1"


def test_whoever_lost_the_phone_meanwhile_hears_of_it(tmp_path: Path) -> None:
    claim(tmp_path, ANN)
    assert claim(tmp_path, BOB, stale_s=0).by is None
    assert claim(tmp_path, ANN).by == "bob on lab2"


@pytest.mark.parametrize("way", range(25))
def test_of_many_that_come_at_once_one_at_most_gets_the_phone(tmp_path: Path, way: int) -> None:
    """Also when all find the same claim left behind."""
    if way % 2:
        leave_behind(tmp_path, "lab9|eve|another-boot")
    who = [Claimant(f"lab{number}", "ann", str(number)) for number in range(4)]

    answers = all_at_once(tmp_path, who, STALE_S)

    assert len(answers) == 4
    assert sum(answer.by is None for answer in answers) <= 1
    assert len(list(tmp_path.glob("*.held"))) <= 1


@pytest.mark.parametrize("words", ["a b", "|", "'; touch x; '", "$(touch x)", "ü", "*"])
def test_names_of_any_kind_are_harmless(tmp_path: Path, words: str) -> None:
    assert claim(tmp_path, Claimant(words, words, words)) == MINE
    assert claim(tmp_path, BOB).by is not None
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "answer", ["", "C min", "C held ", "C held lab1|ann|boot", "sh: not found"]
)
def test_an_answer_that_is_not_whole_is_none(answer: str) -> None:
    assert parse_claim(answer) is None
