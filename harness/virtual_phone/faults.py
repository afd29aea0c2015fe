"""What can be wrong with a virtual phone, changeable while it runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat

from harness.results.rows.basics import Frozen

Availability = Literal["device", "recovery", "unauthorized", "silent", "refusing"]
CutKind = Literal["rst", "fin", "stall", "unplug"]


class Cut(Frozen):
    """One loss of the transport.

    Attributes:
        how: ``rst`` and ``fin`` end the connection; ``stall`` leaves it open and moves nothing
            any more; ``unplug`` makes the adb server forget the phone, which comes back with a
            new transport id, as over USB (needs a server to be plugged into).
        down_s: How long the phone takes no new connection.
        reboot: Whether every process on the phone dies and the boot id changes, too.
    """

    how: CutKind = "rst"
    down_s: NonNegativeFloat = 0.0
    reboot: bool = False


class CutTrigger(Frozen):
    """A cut that waits for its moment; whichever condition is met first.

    Attributes:
        after_bytes_in: Payload bytes from the host, counted from when the trigger is set.
        after_bytes_out: Payload bytes to the host, likewise.
        on_command: Regular expression; a shell command that it finds something in starts the cut.
        delay_s: Time from the condition to the cut.
        times: How often it fires.
        cut: Cut that follows.
    """

    after_bytes_in: NonNegativeInt | None = None
    after_bytes_out: NonNegativeInt | None = None
    on_command: str | None = None
    delay_s: NonNegativeFloat = 0.0
    times: int = Field(default=1, ge=1)
    cut: Cut = Cut()


class CommandRule(Frozen):
    """An answer that takes the place of running a shell command.

    Attributes:
        pattern: Regular expression that finds something in the command.
        hang: Never answer (after the output).
        times: How many commands are answered so; None for all.
    """

    pattern: str
    stdout: str = ""
    stderr: str = ""
    exit_code: int = Field(default=0, ge=0, le=255)
    hang: bool = False
    times: int | None = Field(default=None, ge=1)


class Faults(Frozen):
    """Everything that is wrong with a phone at a time; by default nothing is.

    Attributes:
        availability: How the phone answers the adb server. ``unauthorized`` waits for Allow;
            ``silent`` accepts and never says a word (the server lists it as ``offline``);
            ``refusing`` turns every connection away.
        lost_greetings: How many of the next connections are never greeted, as when ``silent``.
        asks_for_key: Ask for the host's key first, and accept the first one offered.
        triggers: Cuts that wait for their moment.
        in_bytes_per_s: Limit of what the phone takes; None for none.
        out_bytes_per_s: Limit of what the phone sends; None for none.
        latency_s: Waited before each packet that the phone sends.
        disk_full_after_bytes: Pushed bytes until ``No space left on device``.
        disk_full_on_command: Regular expression; at the first shell command that it finds something
            in, the disk fills up: whatever writes to ``/data`` from then on finds no room, where
            that is a file system of its own. Elsewhere every push does, and ``df`` says so.
        available_bytes: What ``df`` says is free; None for the truth.
        push_refusal: Reason that every push is refused with.
        corrupt_pushes: How many of the next pushes get one byte flipped and are called good.
        command_rules: Commands that are answered without being run, first match first.
    """

    availability: Availability = "device"
    lost_greetings: NonNegativeInt = 0
    asks_for_key: bool = False
    triggers: tuple[CutTrigger, ...] = ()
    in_bytes_per_s: PositiveFloat | None = None
    out_bytes_per_s: PositiveFloat | None = None
    latency_s: NonNegativeFloat = 0.0
    disk_full_after_bytes: NonNegativeInt | None = None
    disk_full_on_command: str | None = None
    available_bytes: NonNegativeInt | None = None
    push_refusal: str | None = None
    corrupt_pushes: NonNegativeInt = 0
    command_rules: tuple[CommandRule, ...] = ()
