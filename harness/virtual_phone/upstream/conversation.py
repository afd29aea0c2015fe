"""What upstream's runner is asked, with the checks that it makes of it (contract §5.7)."""

from __future__ import annotations

import signal
from pathlib import Path

from harness.runtime.flags import Flags
from harness.runtime.request import Request
from harness.virtual_phone.upstream.failed_check import FailedCheck, die, terminate
from harness.vlm.turn import UpstreamReading

_AUDIO = "<audio>"
_BYTES_PER_VALUE = 4


def read_request(flags: Flags, image_size_px: int) -> Request:
    """The conversation that flags and list file describe.

    Args:
        flags: What was typed.
        image_size_px: Side of the encoder's square input.

    Raises:
        FailedCheck: If a check of upstream's fails. Without a prompt the process dies.
    """
    if flags.image_path is None:
        text = "For VLM, please specify image path."
        raise FailedCheck("start_multimodal_runner", "!FLAGS_image_path.empty()", text)
    images = _listed(flags.image_path)
    if not flags.prompt:
        die(signal.SIGSEGV)
    placed = sum(map(UpstreamReading().count_images, flags.prompt))
    if placed not in (0, len(images)):
        raise FailedCheck(
            "prepare_messages",
            "total_image_tokens == num_images",
            f"Number of <image> tokens ({placed}) does not match number of images "
            f"({len(images)}). Please check your prompts and image paths.",
        )
    spoken = sum(prompt.count(_AUDIO) for prompt in flags.prompt)
    if spoken:
        raise FailedCheck(
            "prepare_messages",
            "total_audio_tokens == num_audios",
            f"Number of {_AUDIO} tokens ({spoken}) does not match number of audios (0). Please "
            "check your prompts and audio paths.",
        )
    expected = 3 * image_size_px**2 * _BYTES_PER_VALUE
    for image in images:
        _check_raw(image, expected)
    if not all(map(_is_utf8, (*flags.prompt, flags.system_prompt))):
        terminate("std::invalid_argument", "invalid character")
    return Request(id="0", prompts=flags.prompt, images=images, system_prompt=flags.system_prompt)


def _is_utf8(text: str) -> bool:
    """Whether a word of the command line could be decoded; its other bytes are surrogates."""
    return not any("\udc80" <= character <= "\udcff" for character in text)


def _listed(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        text = f"Failed to open input list file: {path}"
        raise FailedCheck("load_raw_files", "input_list.is_open()", text)
    return tuple(path.read_text(errors="replace").split())


def _check_raw(image: str, expected_bytes: int) -> None:
    path = Path(image)
    if not path.is_file():
        text = f"Failed to open input file: {image}"
        raise FailedCheck("load_image", "file.is_open()", text)
    found = path.stat().st_size
    if found != expected_bytes:
        text = (
            f"Input image size mismatch. file bytes: {found}, expected bytes: {expected_bytes} "
            f"(file: {image})"
        )
        raise FailedCheck("load_image", "file_size == expected_length", text)
