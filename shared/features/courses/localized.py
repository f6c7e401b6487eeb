"""Chooses the language of what authors wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")


def localized(language: str, values: Mapping[str, Value], default: Value) -> Value:
    """Return the value in a language, else in English, else in any; `default` where there is none."""
    for code in (language, "en"):
        if code in values:
            return values[code]
    return next(iter(values.values()), default)
