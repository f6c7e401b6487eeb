"""The texts that users read.

A language is a module of this package (`en.py`: its name, plural forms, how it writes dates and figures)
and a module of the same name in each folder `texts` of `shared`, which maps keys to texts. A third language
is one more module in each; `/language`, the command menus and the tests then include it.

A text is a template: `**bold**`, `` `code` ``, `{name}` for a value and `{count|request|requests}` for a
number with its word in the right form. Values are inserted after the markup is read, so nothing in them is
taken for markup, and Telegram gets entities, never something to parse.

An owner replaces any text in `custom/<language>.toml` (overrides.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar, cast

from shared.core.config import settings
from shared.core.json_types import JsonObject

_SHARED = Path(__file__).parents[2]
_CUSTOM = Path(__file__).parent / "custom"
_MARK = re.compile(r"\*\*(.+?)\*\*|`(.+?)`", re.DOTALL)
# Values that are amounts and not identifiers: they are written with separators.
_COUNTS = frozenset(
    {
        *("after", "before", "count", "credits", "days", "earned", "left", "length", "limit", "pending"),
        *("quantity", "requests", "taken", "total", "trainings", "used", "uses", "xp"),
    }
)
Value = TypeVar("Value")
_FIELD = re.compile(r"\{(\w+)((?:\|[^|{}]*)*)\}")


class Language(Protocol):
    """What the module of a language holds."""

    NAME: str
    DATE: str
    MONTHS: Sequence[str]
    TIME_ZONES: Mapping[str, str]
    DECIMAL: str
    THOUSANDS: str
    LEADING_SYMBOLS: str
    PERCENT: str
    plural: Callable[[int], int]


class Text(NamedTuple):
    """A message ready for Telegram: plain text and its entities (offsets in UTF-16 code units)."""

    text: str
    entities: list[JsonObject]


@dataclass(frozen=True)
class _Piece:
    content: str
    style: str | None


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Return the codes of the languages there are, the default one first."""
    first = settings().default_language
    return (first, *sorted(codes() - {first}))


@lru_cache(maxsize=1)
def codes() -> frozenset[str]:
    """Return the codes of the languages there are, without asking the settings."""
    return frozenset(path.stem for path in Path(__file__).parent.glob("??.py"))


@lru_cache(maxsize=16)
def language(code: str) -> Language:
    """Load how a language writes numbers, dates and plurals."""
    return cast(Language, import_module(f"shared.core.texts.{code}"))


@lru_cache(maxsize=1)
def packages() -> tuple[str, ...]:
    """Return the packages with texts: `shared.telegram.texts`, `shared.features.shop.texts`, …"""
    folders = sorted([*_SHARED.glob("*/texts"), *_SHARED.glob("features/*/texts")])
    return tuple(
        ".".join(("shared", *folder.relative_to(_SHARED).parts))
        for folder in folders
        if folder != _SHARED / "core" / "texts"
    )


@lru_cache(maxsize=16)
def table(code: str) -> Mapping[str, str]:
    """Return all texts of a language by their keys, those of the owner in place of ours.

    Raises:
        ConfigError: a text of the owner does not fit the one it replaces.
    """
    texts: dict[str, str] = {}
    for package in packages():
        texts.update(import_module(f"{package}.{code}").TEXTS)
    if (path := _CUSTOM / f"{code}.toml").exists():
        from shared.core.texts.overrides import read  # few owners have one

        texts.update(read(path, texts, len(_forms(code))))
    return texts


def has(code: str, key: str) -> bool:
    """Return whether a language has a text of this key."""
    return key in table(code)


def _forms(code: str) -> set[int]:
    """Return the numbers of the plural forms of a language."""
    return {language(code).plural(count) for count in range(101)}


def choose(*preferences: str | None) -> str:
    """Return the first of `preferences` (BCP 47 tags such as `en-GB`) that there is, or the default."""
    for preference in preferences:
        code = (preference or "").partition("-")[0].lower()
        if code in languages():
            return code
    return settings().default_language


def pick(code: str, by_language: Mapping[str, Value], *default: Value) -> Value:
    """Return what stands there for a language, else for the default one, else whatever there is.

    Raises:
        StopIteration: nothing stands there, and there is no `default`.
    """
    for wanted in (code, settings().default_language, "en"):
        if wanted in by_language:
            return by_language[wanted]
    return next(iter(by_language.values()), *default)


class ProductWords(NamedTuple):
    """What a product is called, and a description that may be empty."""

    title: str
    about: str


def product_words(code: str, by_language: Mapping[str, object]) -> ProductWords:
    """Return a product's title and description in a language, else in the next one that has a title."""
    titled = {
        one: words for one, words in by_language.items() if isinstance(words, Mapping) and words.get("title")
    }
    words: Mapping[str, object] = pick(code, titled) if titled else {"title": "—"}
    return ProductWords(str(words["title"]), str(words.get("description") or ""))


def utf16_length(text: str) -> int:
    """Return the length of `text` in UTF-16 code units, as Telegram counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def grouped(speech: Language, value: int | Decimal) -> str:
    """Write a number with the separators of a language."""
    whole, _, part = f"{abs(value):,}".partition(".")
    written = whole.replace(",", speech.THOUSANDS) + (speech.DECIMAL + part if part else "")
    return f"−{written}" if value < 0 else written


def text(code: str, key: str, /, **values: object) -> str:
    """Return the text `key` in a language without its styles: for buttons, toasts and descriptions."""
    return "".join(_fill(piece.content, code, values) for piece in _pieces(code, key))


def plan_name(code: str, plan: str) -> str:
    """Return a plan's name in a language: its key where the owner added the plan and no text."""
    key = f"plan_{plan}"
    return text(code, key) if has(code, key) else plan


def provider_name(code: str, provider: str) -> str:
    """Return a payment provider's name in a language: its key where records name one that is gone."""
    key = f"provider_{provider}"
    return text(code, key) if has(code, key) else provider


def rich(code: str, key: str, /, **values: object) -> Text:
    """Return the text `key` in a language with its styles as entities.

    Raises:
        KeyError: there is no such text, or a value that it names is missing.
    """
    parts: list[str] = []
    entities: list[JsonObject] = []
    offset = 0
    for piece in _pieces(code, key):
        content = _fill(piece.content, code, values)
        length = utf16_length(content)
        if piece.style and length:
            entities.append({"type": piece.style, "offset": offset, "length": length})
        parts.append(content)
        offset += length
    return Text("".join(parts), entities)


def concat(*texts: Text, separator: str = "") -> Text:
    """Return texts one behind the other, with the entities of each at their new places."""
    entities: list[JsonObject] = []
    offset = 0
    for part in texts:
        entities += [{**entity, "offset": entity["offset"] + offset} for entity in part.entities]
        offset += utf16_length(part.text) + utf16_length(separator)
    return Text(separator.join(part.text for part in texts), entities)


@lru_cache(maxsize=1024)
def _pieces(code: str, key: str) -> tuple[_Piece, ...]:
    template = table(code)[key]
    pieces: list[_Piece] = []
    end = 0
    for match in _MARK.finditer(template):
        pieces.append(_Piece(template[end : match.start()], None))
        bold, code_text = match.groups()
        pieces.append(_Piece(bold, "bold") if bold else _Piece(code_text, "code"))
        end = match.end()
    pieces.append(_Piece(template[end:], None))
    return tuple(piece for piece in pieces if piece.content)


def _fill(content: str, code: str, values: Mapping[str, object]) -> str:
    if "{" not in content:
        return content

    def fill(match: re.Match[str]) -> str:
        value = values[match[1]]
        is_amount = match[1] in _COUNTS or match[2]
        written = (
            grouped(language(code), value) if is_amount and isinstance(value, int | Decimal) else str(value)
        )
        if not match[2]:
            return written
        forms = match[2][1:].split("|")
        number = int(value) if isinstance(value, int | float | Decimal) else int(str(value))
        return f"{written} {forms[language(code).plural(abs(number))]}"

    return _FIELD.sub(fill, content)
