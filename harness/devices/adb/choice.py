"""The phones that a session may use."""

from __future__ import annotations

from harness.devices.adb.discovery import Discovery, FoundPhone
from harness.errors import UserError


def choose_phones(found: Discovery, soc: str | None, serial: str | None) -> tuple[FoundPhone, ...]:
    """All usable phones that fit ``--soc`` and ``--serial``, at least one.

    Args:
        found: What is plugged in.
        soc: Start of the SoC's model number, ``SM8550``; None for any.
        serial: ``ro.serialno`` or adb's own serial; None for any.

    Raises:
        UserError: If there is none; the sentence names what is there instead.
    """
    if serial is not None:
        return (_with_serial(found, soc, serial),)
    fitting = tuple(phone for phone in found.phones if _has(phone, soc))
    if fitting:
        return fitting
    if found.phones:
        there = ", ".join(str(phone) for phone in found.phones)
        raise UserError(
            f"No phone with {soc} is attached, but {there}; use --soc {found.phones[0].soc}, or "
            f"attach one with {soc}.{_others(found)}"
        )
    if found.unusable:
        raise UserError(f"No phone can be used.{_others(found)}")
    raise UserError(
        "No phone is attached; plug one in with USB debugging allowed and look at "
        "`python -m harness doctor`, or see the phone path without one: --serial virtual:SM8550."
    )


def choose_phone(found: Discovery, soc: str | None, serial: str | None) -> FoundPhone:
    """The one phone that fits ``--soc`` and ``--serial``.

    Raises:
        UserError: As ``choose_phones``; also if several fit.
    """
    fitting = choose_phones(found, soc, serial)
    if len(fitting) == 1:
        return fitting[0]
    there = ", ".join(str(phone) for phone in fitting)
    raise UserError(
        f"{len(fitting)} phones fit: {there}; choose one with --serial {fitting[0].serialno}, or "
        f"use them all with -n {len(fitting)}."
    )


def _with_serial(found: Discovery, soc: str | None, serial: str) -> FoundPhone:
    phone = next((phone for phone in found.phones if serial in _names(phone)), None)
    if phone is None:
        for unusable in found.unusable:
            if unusable.serial == serial:
                raise UserError(f"{_sentence(str(unusable))}")
        there = ", ".join(str(phone) for phone in found.phones) or "none"
        raise UserError(
            f"No phone has the serial {serial!r}; usable ones: {there}.{_others(found)}"
        )
    if not _has(phone, soc):
        raise UserError(
            f"{phone.serialno} has {phone.soc_raw}, not {soc} (ro.soc.model); use "
            f"--soc {phone.soc}, or another --serial."
        )
    return phone


def _names(phone: FoundPhone) -> tuple[str, str]:
    return phone.serialno, phone.adb.serial


def _has(phone: FoundPhone, soc: str | None) -> bool:
    return soc is None or phone.soc_raw.upper().startswith(soc.upper())


def _others(found: Discovery) -> str:
    return "".join(f" {_sentence(str(one))}" for one in found.unusable)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
