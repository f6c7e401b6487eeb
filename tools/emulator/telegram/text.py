"""Text as Telegram counts it, and the entities it finds by itself."""

from __future__ import annotations

import re
from typing import Any

from tools.emulator.telegram.errors import bad_request

Entity = dict[str, Any]
MAX_TEXT = 4096
MAX_CAPTION = 1024

AUTOMATIC = re.compile(
    r"(?P<url>https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}])"
    r"|(?P<email>[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?P<mention>(?<![\w@/])@[A-Za-z]\w{3,31})"
    r"|(?P<bot_command>(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z]\w{3,31})?(?![\w/]))"
    r"|(?P<hashtag>(?<![\w#])#(?=\w*[^\W\d])\w+)"
)


def units(text: str) -> int:
    """Return the length in UTF-16 code units, the unit of offsets and limits."""
    return len(text.encode("utf-16-le")) // 2


def split_text(text: str, limit: int = MAX_TEXT) -> list[str]:
    """Split a text into messages of at most `limit` UTF-16 units, where a line or a word ends."""
    parts, rest = [], text.strip()
    while units(rest) > limit:
        head = _head(rest, limit)
        ends = (head.rfind("\n"), head.rfind(" "), len(head))
        end = next(one for one in ends if one >= len(head) // 2)
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*parts, rest] if rest else parts


def _head(text: str, limit: int) -> str:
    """Return the longest beginning of at most `limit` UTF-16 units that splits no character."""
    return text.encode("utf-16-le")[: limit * 2].decode("utf-16-le", "ignore")


def automatic_entities(text: str) -> list[Entity]:
    """Return the entities that Telegram adds itself: commands, mentions, links, addresses and hashtags."""
    return [
        {"type": match.lastgroup, "offset": units(text[: match.start()]), "length": units(match.group())}
        for match in AUTOMATIC.finditer(text)
    ]


def check_entities(text: str, entities: list[Entity]) -> None:
    """Raise Telegram's error when an entity does not lie on whole characters inside the text."""
    encoded = text.encode("utf-16-le")
    size = len(encoded) // 2
    for entity in entities:
        offset, length = entity.get("offset"), entity.get("length")
        if (
            not isinstance(entity.get("type"), str)
            or not isinstance(offset, int)
            or not isinstance(length, int)
        ):
            raise bad_request(f"can't parse MessageEntity: {_wrong_field(entity)}")
        if offset < 0 or length <= 0:
            raise bad_request(f"receive an entity with incorrect offset {offset} or length {length}")
        if offset > size:
            raise bad_request(f"entity begins after the end of the text at UTF-16 offset {offset}")
        if offset + length > size:
            raise bad_request(
                f"entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset "
                f"{offset + length}"
            )
        if _splits_character(encoded, offset) or _splits_character(encoded, offset + length):
            raise bad_request(f"entity begins or ends in a middle of a UTF-16 symbol at offset {offset}")


def _wrong_field(entity: Entity) -> str:
    """Return Telegram's name of the first required field that is wrong."""
    for name, kind, word in (("offset", int, "Number"), ("length", int, "Number"), ("type", str, "String")):
        if name not in entity:
            return f'Can\'t find field "{name}"'
        if not isinstance(entity[name], kind):
            return f'Field "{name}" must be of type {word}'
    return "expected an Object"


def trim(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Cut white space at both ends, as Telegram does, and move the entities along."""
    begin = units(text) - units(text.lstrip())
    trimmed = text.strip()
    size = units(trimmed)
    kept = []
    for entity in entities:
        start = max(0, entity["offset"] - begin)
        end = min(size, entity["offset"] - begin + entity["length"])
        if end > start:
            kept.append(entity | {"offset": start, "length": end - start})
    return trimmed, kept


def merge(given: list[Entity], text: str) -> list[Entity]:
    """Return the given entities and the automatic ones that do not overlap them, in Telegram's order."""
    taken = [(entity["offset"], entity["offset"] + entity["length"]) for entity in given]
    found = [
        entity
        for entity in automatic_entities(text)
        if not any(
            entity["offset"] < end and start < entity["offset"] + entity["length"] for start, end in taken
        )
    ]
    return sorted([*given, *found], key=lambda entity: (entity["offset"], -entity["length"]))


def _splits_character(encoded: bytes, unit: int) -> bool:
    pair = encoded[unit * 2 : unit * 2 + 2]
    return len(pair) == 2 and 0xDC00 <= int.from_bytes(pair, "little") <= 0xDFFF
