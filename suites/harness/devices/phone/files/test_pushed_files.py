"""Files to a phone: whole and verified, only what is missing, through cuts and with reasons."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from harness.devices.adb.client import AdbPhone
from harness.devices.phone.files.deployment import Pushed, push_files
from harness.devices.phone.files.local_digests import LocalDigests
from harness.devices.phone.files.transfer import FileToPush, PushLimits
from harness.devices.transport.errors import (
    ConnectionLost,
    CorruptedOnTheWay,
    DeadlineExceeded,
    NotEnoughSpace,
    PhoneRefused,
)
from harness.devices.transport.retrying import RetryLimits
from harness.virtual_phone.faults import Cut, CutTrigger, Faults
from harness.virtual_phone.phone import VirtualPhone

MIB = 1 << 20
SIZE = 9 * MIB + 12_345
FOLDER = "/data/local/tmp/snapgate files"
REMOTE = f"{FOLDER}/model.pte"
DIGESTS = LocalDigests(None)
SMALL_PIECES = PushLimits(piece_bytes=2 * MIB)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.pte"
    path.write_bytes(random.Random(16536).randbytes(SIZE))
    return path


def push_file(phone: AdbPhone, file: FileToPush, limits: PushLimits | None = None) -> Pushed:
    (pushed,) = push_files(phone, [file], DIGESTS, limits)
    return pushed


def on_phone(virtual: VirtualPhone, remote: str = REMOTE) -> Path:
    return virtual.root / remote.removeprefix("/")


def names(virtual: VirtualPhone) -> list[str]:
    return sorted(path.name for path in on_phone(virtual, FOLDER).iterdir())


def test_a_pushed_file_is_there_whole_with_its_permissions_and_nothing_beside_it(
    phone: AdbPhone, virtual: VirtualPhone, model: Path
) -> None:
    pushed = push_file(phone, FileToPush(model, REMOTE, 0o755))

    arrived = on_phone(virtual)
    assert arrived.read_bytes() == model.read_bytes()
    assert arrived.stat().st_mode & 0o777 == 0o755
    assert names(virtual) == ["model.pte"]
    assert (pushed.bytes_sent, pushed.size_bytes, pushed.drops) == (SIZE, SIZE, 0)
    assert pushed.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()


def test_the_second_push_sends_nothing(phone: AdbPhone, virtual: VirtualPhone, model: Path) -> None:
    files = [FileToPush(model, REMOTE), FileToPush(model, f"{FOLDER}/copy.pte")]
    push_files(phone, files, DIGESTS)
    before = virtual.status().bytes_in

    again = push_files(phone, files, DIGESTS)

    assert [pushed.bytes_sent for pushed in again] == [0, 0]
    assert virtual.status().bytes_in - before < 10_000


def test_a_file_of_the_same_size_and_other_content_is_replaced(
    phone: AdbPhone, virtual: VirtualPhone, model: Path
) -> None:
    push_file(phone, FileToPush(model, REMOTE))
    content = bytearray(model.read_bytes())
    content[SIZE // 2] ^= 1
    model.write_bytes(content)

    assert push_file(phone, FileToPush(model, REMOTE)).bytes_sent == SIZE
    assert on_phone(virtual).read_bytes() == content


def test_an_empty_file_is_a_file(phone: AdbPhone, virtual: VirtualPhone, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()

    push_file(phone, FileToPush(empty, REMOTE))

    assert on_phone(virtual).read_bytes() == b""


@pytest.mark.parametrize("how", ["rst", "fin", "unplug"])
def test_a_cut_costs_a_part_and_not_the_push(
    phone: AdbPhone, virtual: VirtualPhone, model: Path, how: str
) -> None:
    cut = Cut.model_validate({"how": how, "down_s": 0.3})
    virtual.set_faults(Faults(triggers=(CutTrigger(after_bytes_in=5 * MIB, cut=cut),)))

    pushed = push_file(phone, FileToPush(model, REMOTE), SMALL_PIECES)

    assert on_phone(virtual).read_bytes() == model.read_bytes()
    assert names(virtual) == ["model.pte"]
    assert pushed.drops == 1
    assert pushed.bytes_sent > SIZE


def test_every_further_cut_costs_a_piece_at_most(
    phone: AdbPhone, virtual: VirtualPhone, model: Path
) -> None:
    trigger = CutTrigger(after_bytes_in=3 * MIB, times=3, cut=Cut())
    virtual.set_faults(Faults(triggers=(trigger,)))

    pushed = push_file(phone, FileToPush(model, REMOTE), SMALL_PIECES)

    assert on_phone(virtual).read_bytes() == model.read_bytes()
    assert pushed.drops == 3


def test_what_a_push_left_behind_is_continued(
    phone: AdbPhone, virtual: VirtualPhone, model: Path
) -> None:
    part = f"{REMOTE}.{DIGESTS.of(model)[:12]}.part"
    push_file(phone, FileToPush(model, REMOTE))
    on_phone(virtual).unlink()
    on_phone(virtual, part).write_bytes(model.read_bytes()[: 6 * MIB])

    assert push_file(phone, FileToPush(model, REMOTE)).bytes_sent == SIZE - 6 * MIB
    assert on_phone(virtual).read_bytes() == model.read_bytes()


def test_what_was_left_behind_damaged_is_sent_anew(
    phone: AdbPhone, virtual: VirtualPhone, model: Path
) -> None:
    part = on_phone(virtual, f"{REMOTE}.{DIGESTS.of(model)[:12]}.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(6 * MIB))

    push_file(phone, FileToPush(model, REMOTE))

    assert on_phone(virtual).read_bytes() == model.read_bytes()


def test_a_stalled_stream_is_given_up_and_the_push_goes_on(
    phone: AdbPhone, virtual: VirtualPhone, model: Path
) -> None:
    trigger = CutTrigger(after_bytes_in=2 * MIB, cut=Cut(how="stall"))
    virtual.set_faults(Faults(triggers=(trigger,)))

    pushed = push_file(phone, FileToPush(model, REMOTE), PushLimits(stall_s=1.0))

    assert on_phone(virtual).read_bytes() == model.read_bytes()
    assert pushed.drops == 1


def test_a_phone_that_stays_away_is_given_up(
    phone: AdbPhone, virtual: VirtualPhone, model: Path
) -> None:
    cut = Cut(down_s=30.0)
    virtual.set_faults(Faults(triggers=(CutTrigger(after_bytes_in=2 * MIB, cut=cut),)))
    limits = PushLimits(retry_limits=RetryLimits(absence_s=0.5))

    with pytest.raises(DeadlineExceeded, match="away for"):
        push_file(phone, FileToPush(model, REMOTE), limits)

    assert "model.pte" not in names(virtual)


def test_a_byte_that_flipped_on_the_way_is_sent_again(
    phone: AdbPhone, virtual: VirtualPhone, model: Path
) -> None:
    virtual.set_faults(Faults(corrupt_pushes=1))

    pushed = push_file(phone, FileToPush(model, REMOTE))

    assert on_phone(virtual).read_bytes() == model.read_bytes()
    assert pushed.bytes_sent == 2 * SIZE


def test_a_way_that_always_flips_bytes_is_told_and_leaves_nothing(
    phone: AdbPhone, virtual: VirtualPhone, model: Path
) -> None:
    virtual.set_faults(Faults(corrupt_pushes=9))

    with pytest.raises(CorruptedOnTheWay, match="2 times; try another cable"):
        push_file(phone, FileToPush(model, REMOTE))

    assert names(virtual) == []


def test_a_part_that_a_reboot_takes_is_sent_again(
    phone: AdbPhone, virtual: VirtualPhone, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phone that goes down hard may lose what was written last."""
    part = on_phone(virtual, f"{REMOTE}.{DIGESTS.of(model)[:12]}.part")
    ask = phone.ask

    def ask_and_reboot(command: str, total_s: float) -> object:
        if " mv " in command and part.exists() and virtual.status().bytes_in < 2 * SIZE:
            part.unlink()
            raise ConnectionLost("it rebooted")
        return ask(command, total_s)

    monkeypatch.setattr(phone, "ask", ask_and_reboot)
    pushed = push_file(phone, FileToPush(model, REMOTE))

    assert on_phone(virtual).read_bytes() == model.read_bytes()
    assert pushed.bytes_sent == 2 * SIZE


def test_a_refusal_has_the_words_of_the_phone(
    phone: AdbPhone, virtual: VirtualPhone, model: Path
) -> None:
    virtual.set_faults(Faults(push_refusal="Permission denied"))

    with pytest.raises(PhoneRefused, match="Permission denied"):
        push_file(phone, FileToPush(model, REMOTE))


def test_a_disk_that_fills_up_meanwhile_is_told_in_the_words_of_the_phone(
    phone: AdbPhone, virtual: VirtualPhone, model: Path
) -> None:
    virtual.set_faults(Faults(disk_full_after_bytes=4 * MIB))

    with pytest.raises(NotEnoughSpace, match="No space left on device"):
        push_file(phone, FileToPush(model, REMOTE))

    assert names(virtual) == []


def test_what_does_not_fit_is_not_begun(
    phone: AdbPhone, virtual: VirtualPhone, model: Path
) -> None:
    virtual.set_faults(Faults(available_bytes=20 * MIB))
    files = [FileToPush(model, REMOTE), FileToPush(model, f"{FOLDER}/copy.pte")]

    with pytest.raises(NotEnoughSpace, match="20 MiB free and 82 MiB are needed"):
        push_files(phone, files, DIGESTS)

    assert names(virtual) == []
