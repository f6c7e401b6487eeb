"""Writes the steps of a Markdown document (shared/telegram/markdown/parser.py) as HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from shared.telegram.markdown.link_targets import link_target

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject

_DEEPEST = 24  # elements within each other; the tags of deeper ones are left out
_BARE = re.compile(r"https?://[^\s<>\"'`|\\]{1,2000}", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>|\n", re.IGNORECASE)
_NUMBER = re.compile("[0-9]{1,9}")
_TAGS = {  # elements without attributes
    "Paragraph": "p", "BlockQuote": "blockquote", "Strong": "strong", "Emphasis": "em", "Strikethrough": "s",
}  # fmt: skip
# Elements that end with the tag that began them.
_PLAIN_ENDS = {*_TAGS, "Heading", "List", "Item", "HtmlBlock", "FootnoteDefinition"}
_ALIGNED = {"Left": "left", "Center": "center", "Right": "right"}


class HtmlWriter:
    """Writes elements. Each that is opened is closed, in the reverse order; all text is escaped."""

    def __init__(
        self,
        restore: Callable[[str], str],
        levels: Sequence[str],
        *,
        code: str,
        table: str,
        top: int = 3,
        picture: Callable[[str], str] | None = None,
    ) -> None:
        self._restore = restore  # of literals
        self._picture = picture  # the address of a picture of ours; empty: a link
        self._pictures: list[
            tuple[str, int]
        ] = []  # of each open picture its address and where its text begins
        # Of the document's headings ("H1"): they come below those of the page, without gaps.
        self._levels = {level: min(top + rank, 6) for rank, level in enumerate(levels)}
        self._heading = top - 1  # the level of the last heading
        self._code, self._table = code, table
        self._out: list[str] = []
        self._text: list[str] = []  # pieces that were not written yet: an address may come in several
        self._open: list[str] = []  # what closes each open element; empty where the element was left out
        self._links: list[tuple[str, int]] = []  # of each open link its address and where its text begins
        self._sides: tuple[str, ...] = ()  # of the columns of the table
        self._cell = ""  # the tag of the row's cells; empty outside of tables
        self._column = 0
        self._is_in_cell = self._is_in_code = False

    def take(self, name: str, data: object) -> None:
        """Write one step."""
        if name == "Text":
            self._text.append(str(data))
            return
        self._flush()
        if name in _TAGS:
            self._begin(_TAGS[name])
        elif name[1:] in _PLAIN_ENDS:
            self._end()
        else:
            kind = f"_end_{name[1:].lower()}" if name[0] == "/" else f"_take_{name.lower()}"
            method: Callable[..., None] | None = getattr(self, kind, None)
            if method is not None:
                method(data)

    def finish(self) -> Markup:
        """Return the document."""
        self._flush()
        while self._open:
            self._end()
        return Markup("".join(self._out))  # noqa: S704 - each part is escaped or ours

    def _begin(self, tag: str, attributes: str = "") -> None:
        if len(self._open) >= _DEEPEST:
            self._open.append("")
            return
        self._out.append(f"<{tag}{attributes}>")
        self._open.append(f"</{tag}>")

    def _end(self, _: object = None) -> None:
        if self._open:
            self._out.append(self._open.pop())

    # Text ---------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Write the collected text; outside of code and links, addresses in it become links."""
        words, self._text = self._restore("".join(self._text)), []
        if not words:
            return
        if self._cell and not self._is_in_cell:  # cells beyond the header
            self._out.append(f"<td>{escape(words.strip(' |'))}</td>")
            return
        end = 0
        if not self._is_in_code and not self._links:
            for match in _BARE.finditer(words):
                if target := _http(address := _trimmed(match[0])):
                    self._out += [
                        escape(words[end : match.start()]),
                        _anchor(target),
                        escape(address),
                        "</a>",
                    ]
                    end = match.start() + len(address)
        self._out.append(escape(words[end:]))

    def _take_code(self, words: str) -> None:
        self._out.append(f"<code>{escape(self._restore(words))}</code>")

    def _take_html(self, words: str) -> None:
        parts = _BREAK.split(self._restore(words))
        self._out.append("<br>".join(escape(part) for part in parts))

    def _take_inlinehtml(self, words: str) -> None:
        self._take_html(words)

    def _take_softbreak(self, _: None) -> None:
        self._out.append("<br>")  # keeps the lines of a poem or a postal address

    def _take_hardbreak(self, _: None) -> None:
        self._out.append("<br>")

    def _take_footnotereference(self, name: str) -> None:
        self._out.append(f"<sup>[{escape(self._restore(name))}]</sup>")

    def _take_tasklistmarker(self, is_done: bool) -> None:
        self._out.append(f'<span class="box">{"☑" if is_done else "☐"}</span> ')

    # Links, and pictures as links ---------------------------------------------------------------------------

    def _take_link(self, data: JsonObject) -> None:
        address = "" if self._links else _http(self._restore(data["dest_url"]))
        self._out.append(_anchor(address) if address else "<span>")
        self._open.append("</a>" if address else "</span>")
        self._links.append((address, len(self._out)))

    def _take_image(self, data: JsonObject) -> None:
        name = self._restore(data["dest_url"])
        address = self._picture(name) if self._picture else ""
        self._pictures.append((address, len(self._out)))
        if not address:
            self._take_link(data)

    def _end_link(self, _: object) -> None:
        address, start = self._links.pop()
        if len(self._out) == start:  # without a text
            self._out.append(escape(address))
        self._end()

    def _end_image(self, _: object) -> None:
        address, start = self._pictures.pop()
        if not address:
            self._end_link(_)
            return
        words = Markup("".join(self._out[start:])).striptags()  # noqa: S704 - each part is escaped or ours
        del self._out[start:]
        self._out.append(f'<img src="{escape(address)}" alt="{escape(words)}">')

    # Blocks -------------------------------------------------------------------------------------------------

    def _take_heading(self, data: JsonObject) -> None:
        self._heading = min(self._levels[data["level"]], self._heading + 1)
        self._begin(f"h{self._heading}")

    def _take_rule(self, _: None) -> None:
        self._out.append("<hr>")

    def _take_htmlblock(self, _: None) -> None:
        self._begin("p")

    def _take_codeblock(self, _: object) -> None:
        self._is_in_code = True
        label = escape(self._code)
        self._out.append(f'<pre tabindex="0" role="region" aria-label="{label}" dir="ltr"><code>')

    def _end_codeblock(self, _: object) -> None:
        self._is_in_code = False
        self._out.append("</code></pre>")

    def _take_list(self, start: int | None) -> None:
        if start is None:
            self._begin("ul")
        else:
            self._begin("ol", f' start="{int(start)}"')

    def _take_item(self, marker: str) -> None:
        number = _NUMBER.match(marker)
        self._begin("li", f' value="{int(number[0])}"' if number else "")

    def _take_definition(self, words: str) -> None:
        self._out.append(f"<p>{escape(self._restore(words))}</p>")

    def _take_footnotedefinition(self, name: str) -> None:
        self._begin("div", ' class="footnote"')
        self._out.append(f"<sup>[{escape(self._restore(name))}]</sup> ")

    # Tables -------------------------------------------------------------------------------------------------

    def _take_table(self, alignments: tuple[str, ...]) -> None:
        self._sides = tuple(_ALIGNED.get(one, "") for one in alignments)
        label = escape(self._table)
        self._out.append(f'<div class="table" tabindex="0" role="region" aria-label="{label}"><table>')

    def _take_tablehead(self, _: None) -> None:
        self._out.append("<thead>")
        self._begin_row("th")

    def _take_tablerow(self, _: None) -> None:
        self._begin_row("td")

    def _begin_row(self, cell: str) -> None:
        self._cell, self._column = cell, 0
        self._out.append("<tr>")

    def _take_tablecell(self, _: None) -> None:
        side = self._sides[self._column] if self._column < len(self._sides) else ""
        self._column += 1
        self._is_in_cell = True
        self._out.append(f'<{self._cell} class="{side}">' if side else f"<{self._cell}>")

    def _end_tablecell(self, _: object) -> None:
        self._is_in_cell = False
        self._out.append(f"</{self._cell}>")

    def _end_tablerow(self, _: object) -> None:
        self._cell = ""
        self._out.append("</tr>")

    def _end_tablehead(self, _: object) -> None:
        self._end_tablerow(_)
        self._out.append("</thead><tbody>")

    def _end_table(self, _: object) -> None:
        self._out.append("</tbody></table></div>")


def _http(address: str) -> str:
    """Return an address if it may be a link: http or https, without a user name before the host."""
    target = link_target(address)
    return target if target.lower().startswith("http") else ""


def _trimmed(address: str) -> str:
    """Return an address in a text without the punctuation that follows it."""
    address = address.rstrip(".,:;!?*_~]}»")
    while address.endswith(")") and address.count(")") > address.count("("):
        address = address[:-1].rstrip(".,:;!?")
    return address


def _anchor(address: str) -> str:
    return f'<a href="{escape(address)}" rel="nofollow noopener noreferrer">'
