"""parse_mode=MarkdownV2 as Telegram reads it, with its error messages."""

from __future__ import annotations

from dataclasses import dataclass

from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.text import Entity, units

RESERVED = "_*[]()~`>#+-=|{}.!"
MARKS = {"bold": "*", "italic": "_", "underline": "__", "strikethrough": "~", "spoiler": "||"}
NAMES = {
    "bold": "Bold",
    "italic": "Italic",
    "underline": "Underline",
    "strikethrough": "Strikethrough",
    "spoiler": "Spoiler",
    "code": "Code",
    "pre": "Pre",
    "text_link": "TextUrl",
    "custom_emoji": "CustomEmoji",
}


@dataclass
class _Open:
    kind: str
    offset: int
    position: int
    language: str = ""


def parse_markdown(source: str) -> tuple[str, list[Entity]]:
    """Return plain text and entities; raises ApiError "can't parse entities: …"."""
    return _Parser(source).parse()


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.out: list[str] = []
        self.offset = 0
        self.open: list[_Open] = []
        self.quote: int | None = None
        self.entities: list[Entity] = []

    def parse(self) -> tuple[str, list[Entity]]:
        while self.at < len(self.source):
            self._step()
        self._end_quote()
        if self.open:
            last = self.open[-1]
            begin = len(self.source[: last.position].encode())
            raise _fail(f"Can't find end of {NAMES[last.kind]} entity at byte offset {begin}")
        entities = sorted(self.entities, key=lambda entity: (entity["offset"], -entity["length"]))
        return "".join(self.out), entities

    def _step(self) -> None:
        source, at = self.source, self.at
        character = source[at]
        if character == "\\" and at + 1 < len(source) and ord(source[at + 1]) <= 126:
            self._emit(source[at + 1], 2)
        elif self.open and self.open[-1].kind in ("code", "pre"):
            self._inside_code()
        elif character == "\n":
            self._emit("\n", 1)
            if not source.startswith(">", self.at):
                self._end_quote(before_newline=True)
        elif character not in RESERVED:
            self._emit(character, 1)
        elif not self._close():
            self._begin(character)

    def _inside_code(self) -> None:
        mark = "`" if self.open[-1].kind == "code" else "```"
        if self.source.startswith(mark, self.at):
            self.at += len(mark)
            self._finish()
        else:
            self._emit(self.source[self.at], 1)

    def _close(self) -> bool:
        if not self.open:
            return False
        kind = self.open[-1].kind
        if kind in ("text_link", "custom_emoji"):
            return self._close_link(kind)
        mark = MARKS[kind]
        if not self.source.startswith(mark, self.at):
            return False
        if kind == "italic" and self.source.startswith("__", self.at):
            return False
        self.at += len(mark)
        self._finish()
        return True

    def _close_link(self, kind: str) -> bool:
        if self.source[self.at] != "]":
            return False
        self.at += 1
        if not self.source.startswith("(", self.at):
            raise _fail(
                "Can't find target of a link"
                if kind == "text_link"
                else "Custom emoji entity must contain a tg://emoji URL"
            )
        url, begin = [], self.at
        self.at += 1
        while not self.source.startswith(")", self.at):
            if self.at >= len(self.source):
                raise _fail(f"Can't find end of a URL at byte offset {len(self.source[:begin].encode())}")
            if self.source[self.at] == "\\" and self.at + 1 < len(self.source):
                self.at += 1
            url.append(self.source[self.at])
            self.at += 1
        self.at += 1
        target = "".join(url)
        self._finish(custom_emoji_id=target.partition("id=")[2]) if kind == "custom_emoji" else self._finish(
            url=target
        )
        return True

    def _begin(self, character: str) -> None:
        source, at = self.source, self.at
        if character == "`":
            self._begin_code()
        elif character == ">" and (at == 0 or source[at - 1] == "\n"):
            self.at += 1
            self.quote = self.offset if self.quote is None else self.quote
        elif character == "|" and source.startswith("||", at):
            self._push("spoiler", 2)
        elif character == "_":
            self._push("underline", 2) if source.startswith("__", at) else self._push("italic", 1)
        elif character in "*~[":
            self._push({"*": "bold", "~": "strikethrough", "[": "text_link"}[character], 1)
        elif character == "!" and source.startswith("![", at):
            self._push("custom_emoji", 2)
        else:
            raise _fail(f"Character '{character}' is reserved and must be escaped with the preceding '\\'")

    def _begin_code(self) -> None:
        if not self.source.startswith("```", self.at):
            self._push("code", 1)
            return
        self._push("pre", 3)
        line = self.source[self.at :].partition("\n")
        # A language is what stands alone on the line of the opening fence.
        if line[1] and "`" not in line[0] and not any(letter.isspace() for letter in line[0]):
            self.open[-1].language = line[0]
            self.at += len(line[0]) + 1

    def _push(self, kind: str, mark: int) -> None:
        if any(entity.kind == kind for entity in self.open):
            raise _fail(
                f"Can't parse nested {NAMES[kind]} entity at byte offset "
                f"{len(self.source[: self.at].encode())}"
            )
        self.open.append(_Open(kind, self.offset, self.at))
        self.at += mark

    def _finish(self, **extra: str) -> None:
        opened = self.open.pop()
        if self.offset == opened.offset:
            return
        entity: Entity = {"type": opened.kind, "offset": opened.offset, "length": self.offset - opened.offset}
        if opened.language:
            entity["language"] = opened.language
        self.entities.append(entity | extra)

    def _end_quote(self, before_newline: bool = False) -> None:
        if self.quote is None:
            return
        end = self.offset - 1 if before_newline else self.offset
        if end > self.quote:
            self.entities.append({"type": "blockquote", "offset": self.quote, "length": end - self.quote})
        self.quote = None

    def _emit(self, character: str, consumed: int) -> None:
        self.out.append(character)
        self.offset += units(character)
        self.at += consumed


def _fail(what: str) -> Exception:
    return bad_request(f"can't parse entities: {what}")
