"""Find and redact what looks like a credential in any text, in linear time.

Keys are recognized by their prefix (shared/core/secret_prefixes.py), by the text before them (`Bearer …`,
`password: …`) or by their format (bot tokens, private keys, passwords in URLs). Every pattern is bounded or
possessive: the texts come from outside, and one request must not occupy a processor.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from shared.core.secret_prefixes import SECRET_PREFIXES

REDACTED = "[hidden]"
_Span = tuple[int, int]

# A word that may contain a key: tried once per word, and matched whole.
_WORD = re.compile(r"(?<![A-Za-z0-9_~$-])[A-Za-z0-9$][A-Za-z0-9_.~-]{11,}+")
_INDEX_LENGTH = 3  # characters; the length of the shortest prefix
SHORTEST = 12  # characters; a shorter text cannot contain a key
_LOOK = 96  # characters of a key that are checked
# Between 4 and 20 digits, a colon, 30 or more characters: bot tokens of Telegram and Crypto Pay.
_BOT_TOKEN = re.compile(r"(?<![0-9])[0-9]{4,20}+:[A-Za-z0-9_-]{30,}+")
_HEADER = re.compile(
    r"(?<![A-Za-z])(?i:bearer|basic)[ \t]{1,8}+(?=[A-Za-z._~+/=-]{0,64}[0-9])[A-Za-z0-9._~+/=-]{8,}+"
)
_PASSWORD_IN_ADDRESS = re.compile(r"(?<=://)[^/\s:@\"']{0,256}+:[^/\s@\"']{1,256}+(?=@)")
_SECRET_ADDRESS = re.compile(r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{16,}+")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY[A-Z ]{0,20}-----(?:[A-Za-z0-9+/=\s:,-]|\\[nr]){0,20000}+"
)
# A value that is assigned (`=`, `:`, `=>`, `:=`) to a name such as `password`.
_ASSIGNED = re.compile(r"[=:][\"'>\s]{0,5}+(?=(?P<value>[A-Za-z0-9_.~+/-]{10,}+={0,2}))")
_SECRET_NAME = re.compile(
    r"(?i:key|token|secret|passwd|password|pwd|credentials?|ключ|токен|пароль|секрет)[\w \"'.-]{0,20}$"
)
_NAME_LENGTH = 40  # characters before the assignment that are searched
_LETTER, _DIGIT = re.compile("[A-Za-z]"), re.compile("[0-9]")
# The rest of a key with a line break in it.
_NEXT_LINE = re.compile(r"\r?\n(?=[A-Za-z_-]{0,64}[0-9])(?=[0-9_-]{0,64}[A-Za-z])[A-Za-z0-9_-]{8,}+")
# Invisible characters that get copied along, and full-width letters.
_DISGUISED = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff\uff01-\uff5e]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")


def _index() -> dict[str, tuple[tuple[str, int], ...]]:
    """Return prefixes with their minimum rest, by their first characters, longest first."""
    found: dict[str, list[tuple[str, int]]] = {}
    for start, rest in sorted(SECRET_PREFIXES.items(), key=lambda prefix: -len(prefix[0])):
        found.setdefault(start[:_INDEX_LENGTH], []).append((start, rest))
    return {start: tuple(prefixes) for start, prefixes in found.items()}


_BY_START = _index()


def redact(text: str) -> str:
    """Return `text` with everything that looks like a credential replaced by `REDACTED`."""
    left = _hide(text)
    if not left.isascii() and _DISGUISED.search(left):
        plain = _without_disguise(left)
        return _hide(plain) if next(_spans(plain), None) else left
    return left


def _hide(text: str) -> str:
    parts: list[str] = []
    end = 0
    for start, stop in sorted(_spans(text)):
        if start >= end:
            parts += (text[end:start], REDACTED)
        end = max(end, stop)
    return "".join([*parts, text[end:]])


def looks_like_secret(text: str) -> bool:
    """Whether `text` contains what looks like a credential, which must not be stored in clear."""
    if next(_spans(text), None):
        return True
    return (
        not text.isascii()
        and _DISGUISED.search(text) is not None
        and next(_spans(_without_disguise(text)), None) is not None
    )


def _without_disguise(text: str) -> str:
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))


def _spans(text: str) -> Iterator[_Span]:
    """Yield the spans of credentials; they may overlap."""
    if len(text) < SHORTEST:
        return
    covered = 0
    for word in _WORD.finditer(text):
        # In JSON a line break is written \n: the letter is not part of the word.
        is_escaped = word[0][0] in "nrt" and text[word.start() - 1 : word.start()] == "\\"
        if word.end() > covered and (length := _key_at(word[0], int(is_escaped))):
            covered = _end_of_lines(text, word.end())
            yield word.end() - length, covered
    if ":" in text or "=" in text or "/" in text:
        yield from _named_spans(text)
    for match in _HEADER.finditer(text):
        yield match.span()
    if "-----BEGIN" in text:
        for match in _PRIVATE_KEY.finditer(text):
            yield match.span()


def _named_spans(text: str) -> Iterator[_Span]:
    for match in _BOT_TOKEN.finditer(text):
        yield match.span()
    if "://" in text:
        for match in _PASSWORD_IN_ADDRESS.finditer(text):
            yield match.span()
    if "hooks." in text:
        for match in _SECRET_ADDRESS.finditer(text):
            yield match.span()
    for match in _ASSIGNED.finditer(text):
        value = match["value"]
        before = text[max(match.start() - _NAME_LENGTH, 0) : match.start()]
        if _SECRET_NAME.search(before) and _DIGIT.search(value) and _LETTER.search(value):
            yield match.span("value")


def _key_at(word: str, at: int = 0) -> int:
    """Return the length of a key that begins at `at` or later and ends the word; 0 without one."""
    while at >= 0:
        for start, rest in _BY_START.get(word[at : at + _INDEX_LENGTH], ()):
            if word.startswith(start, at) and _is_random(
                word[at + len(start) : at + len(start) + _LOOK], start, rest
            ):
                return len(word) - at
        dot = word.find(".", at)
        at = dot + 1 if dot >= 0 else -1
    return 0


def _is_random(follows: str, start: str, rest: int) -> bool:
    """Whether the text after a prefix is long enough and not ordinary words."""
    follows = follows.rstrip(".")
    if len(follows) < rest or (start == "eyJ" and "." not in follows):
        return False
    # Words joined by hyphens have no digit; a run of 20 letters is no word.
    return bool(_DIGIT.search(follows)) or (len(follows) >= 20 and follows.isalnum())


def _end_of_lines(text: str, end: int) -> int:
    """Return the end of a key that may continue on the next lines."""
    while follows := _NEXT_LINE.match(text, end):
        end = follows.end()
    return end
