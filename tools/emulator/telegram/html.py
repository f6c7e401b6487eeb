"""parse_mode=HTML as Telegram reads it, with its error messages."""

from __future__ import annotations

import re
from html import unescape

from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.text import Entity, units

TAG = re.compile(r"<(/?)([a-zA-Z0-9-]*)([^<>]*)>|<")
ATTRIBUTE = re.compile(r"""([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
NAMED = re.compile(r"&(lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")
KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
}


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Return plain text and entities; raises ApiError "can't parse entities: …"."""
    out: list[str] = []
    opened: list[tuple[str, Entity]] = []
    entities: list[Entity] = []
    at = offset = 0
    for match in TAG.finditer(source):
        piece = _plain(source[at : match.start()])
        out.append(piece)
        offset += units(piece)
        at = match.end()
        where = len(source[: match.start()].encode())
        if match.group(1):
            _end(match.group(2).lower(), opened, entities, offset, where)
        else:
            opened.append(_start((match.group(2) or "").lower(), match.group(3) or "", offset, where))
    out.append(_plain(source[at:]))
    if opened:
        raise _fail(f'Can\'t find end tag corresponding to start tag "{opened[-1][0]}"')
    return "".join(out), sorted(entities, key=lambda entity: (entity["offset"], -entity["length"]))


def _start(tag: str, rest: str, offset: int, where: int) -> tuple[str, Entity]:
    attributes = {name.lower(): unescape(a or b or c) for name, a, b, c in ATTRIBUTE.findall(rest)}
    kind = KINDS.get(tag)
    if tag == "span" and attributes.get("class") == "tg-spoiler":
        kind = "spoiler"
    if kind is None:
        raise _fail(f'Unsupported start tag "{tag}" at byte offset {where}')
    entity: Entity = {"type": kind, "offset": offset}
    if tag == "a":
        entity["url"] = attributes.get("href", "")
    elif tag == "tg-emoji":
        entity["custom_emoji_id"] = attributes.get("emoji-id", "")
    elif tag == "code" and attributes.get("class", "").startswith("language-"):
        entity["language"] = attributes["class"].removeprefix("language-")
    elif tag == "blockquote" and "expandable" in attributes:
        entity["type"] = "expandable_blockquote"
    return tag, entity


def _end(tag: str, opened: list[tuple[str, Entity]], entities: list[Entity], offset: int, where: int) -> None:
    if not opened:
        raise _fail(f"Unexpected end tag at byte offset {where}")
    expected, entity = opened.pop()
    if tag and tag != expected:
        raise _fail(f'Unmatched end tag at byte offset {where}, expected "</{expected}>", found "</{tag}>"')
    entity["length"] = offset - entity["offset"]
    if entity["type"] == "code":
        language = entity.pop("language", None)
        # <pre><code class="language-x"> is one pre entity with a language.
        if opened and opened[-1][1]["type"] == "pre" and opened[-1][1]["offset"] == entity["offset"]:
            if language:
                opened[-1][1]["language"] = language
            return
    if entity["length"] > 0 and entity.get("url") != "":
        entities.append(entity)


def _plain(piece: str) -> str:
    return NAMED.sub(lambda match: unescape(match.group()), piece)


def _fail(what: str) -> Exception:
    return bad_request(f"can't parse entities: {what}")
