"""Whether a checkpoint's chat template asks as its family's runners ask."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.checkpoint.json_file import read_json_object
from harness.errors import UserError, check_installed
from harness.pointer_file import refuse_pointer
from harness.vlm.prompt import IMAGE_PLACEHOLDER, format_turn
from harness.vlm.spec import VlmFamily

_QUESTION = "What is this?"
_TOKENIZER, _PROCESSOR = "tokenizer_config.json", "processor_config.json"
_GENERATION_TAG = re.compile(r"{%-?\s*(?:end)?generation\s*-?%}")
"""A tag of ``transformers`` alone, which marks what is trained on and prints nothing."""


def check_prompt(directory: Path, family: VlmFamily) -> None:
    """Refuse a checkpoint whose chat template makes another prompt than its family's runners.

    Both are asked about one picture. A template of a published checkpoint may differ as its family
    says (``VlmFamily.published_prompts``).

    Args:
        directory: Folder with what ``transformers`` would read of it, if it has it.
        family: Of the checkpoint.

    Raises:
        UserError: If they differ, the template cannot be rendered, or a file is unreadable.
    """
    found = _find_template(directory)
    if found is None:
        return
    place, template = found
    own = format_turn(IMAGE_PLACEHOLDER + _QUESTION, "", family.prompt)
    published = (text.replace("{question}", _QUESTION) for text in family.published_prompts)
    wanted = {_with_one_placeholder(text, family) for text in (own, *published)}
    renderings: list[str] = []
    error = ""
    for content in (
        [{"type": "image"}, {"type": "text", "text": _QUESTION}],
        IMAGE_PLACEHOLDER + _QUESTION,
    ):
        try:
            renderings.append(_render(place, template, content, _special_tokens(directory)))
        except UserError as failed:
            error = str(failed)
    if not renderings:
        raise UserError(error)
    if not wanted & {_with_one_placeholder(text, family) for text in renderings}:
        raise UserError(
            f"{place} asks {renderings[0]!r}, and runners of {family.name} ask {own!r}; name a "
            "checkpoint that was trained on that, or remove the template if it was."
        )


def _find_template(directory: Path) -> tuple[Path, str] | None:
    """The template that ``AutoProcessor`` would take, and where it is."""
    for name, key in (
        (_PROCESSOR, "chat_template"),
        ("chat_template.json", "chat_template"),
        ("chat_template.jinja", None),
        (_TOKENIZER, "chat_template"),
    ):
        path = directory / name
        if key is None:
            template = _read_text(path)
        else:
            template = _default_of((read_json_object(path) or {}).get(key))
        if template is not None:
            if not isinstance(template, str):
                raise UserError(f"{path} holds no chat template; download it again.")
            return path, template
    return None


def _default_of(stated: Any) -> Any:
    """Of several templates the one named ``default``."""
    if isinstance(stated, list):
        named = [one for one in stated if isinstance(one, Mapping) and "name" in one]
        stated = {one["name"]: one.get("template") for one in named}
    return stated.get("default") if isinstance(stated, Mapping) else stated


def _read_text(path: Path) -> str | None:
    refuse_pointer(path)
    try:
        return path.read_text(encoding="utf-8-sig") if path.exists() else None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({error}); download it again.") from error


def _special_tokens(directory: Path) -> dict[str, str]:
    """What templates may print by name, ``bos_token`` for one."""
    tokens = read_json_object(directory / _TOKENIZER) or {}
    found = {name: value for name, value in tokens.items() if name.endswith("_token")}
    texts = {
        name: value.get("content") if isinstance(value, Mapping) else value
        for name, value in found.items()
    }
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def _render(place: Path, template: str, content: object, tokens: Mapping[str, str]) -> str:
    check_installed(("jinja2",), f"Reading {place}")
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    environment.globals |= {"raise_exception": _raise, "strftime_now": datetime.now().strftime}
    messages = [{"role": "user", "content": content}]
    try:
        return environment.from_string(_GENERATION_TAG.sub("", template)).render(
            messages=messages, add_generation_prompt=True, tools=None, documents=None, **tokens
        )
    # A template is a program of somebody else, which may fail in any way.
    except Exception as error:
        raise UserError(
            f"{place} cannot be rendered ({error}), so nobody can tell whether it asks as runners "
            "do; correct it, or remove it."
        ) from error


def _raise(message: str) -> Iterator[str]:
    raise ValueError(message)


def _with_one_placeholder(text: str, family: VlmFamily) -> str:
    """A prompt in which one word stands for the picture, however many tokens it is written as."""
    prompt = family.prompt
    start, end = prompt.image_start + prompt.image_global, prompt.image_end
    image = f"(?:{re.escape(family.image_token)}|{re.escape(IMAGE_PLACEHOLDER)})+"
    around = f"(?:{re.escape(start)})?{image}(?:{re.escape(end)})?"
    return re.sub(around, lambda _: IMAGE_PLACEHOLDER, text)
