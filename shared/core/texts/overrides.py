"""Texts of the owner in place of the product's: `custom/<language>.toml`, a line `key = "text"` for each.

A text may leave out values of the one it replaces, but name no others; a word behind a number has all forms
of the language.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from shared.core.errors import ConfigError

MAX_LENGTH = 4096  # characters; Telegram's limit for a message
MAX_DESCRIPTION = 256  # and for the description of a command
_FIELD = re.compile(r"\{([^{}]*)\}")


def read(path: Path, originals: Mapping[str, str], forms: int) -> dict[str, str]:
    """Read an owner's texts of one language.

    Args:
        originals: the product's texts of the language by their keys.
        forms: the number of plural forms of the language.

    Raises:
        ConfigError: the file is no TOML, or one of its texts does not fit the one it replaces.
    """
    try:
        texts = tomllib.loads(path.read_text("utf-8-sig"))  # editors on Windows write a byte order mark
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{_name(path)} cannot be read: {error}") from None
    for key, value in texts.items():
        if problem := _problem(key, value, originals, forms):
            raise ConfigError(f"{_name(path)}: {problem}")
    return texts


def _problem(key: str, value: object, originals: Mapping[str, str], forms: int) -> str | None:
    """Return what is wrong with a text, or None."""
    if key not in originals:
        return f"there is no text {key}"
    longest = MAX_DESCRIPTION if key.startswith("command_") else MAX_LENGTH
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        return f"{key} must be a text of 1 to {longest} characters"
    known = {field.partition("|")[0] for field in _FIELD.findall(originals[key])}
    for field in _FIELD.findall(value):
        name, *words = field.split("|")
        if name not in known:
            values = ", ".join(f"{{{one}}}" for one in sorted(known)) or "none"
            return f"{key} names {{{name}}}; its values are: {values}"
        if words and len(words) != forms:
            return f"{key}: {{{name}|…}} must have {forms} forms of the word"
    if _FIELD.sub("", value).count("{") or _FIELD.sub("", value).count("}"):
        return f"{key} has a single brace"
    return None


def _name(path: Path) -> str:
    return f"shared/core/texts/custom/{path.name}"
