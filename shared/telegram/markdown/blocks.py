"""Blocks: paragraphs, headings, rules, quotes, code, HTML and the notes at the foot."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.telegram.markdown.renderer import Renderer

_LANGUAGE = re.compile(r"[\w+#.-]{1,32}", re.ASCII)


def end_block(renderer: Renderer, _: Any = None) -> None:
    """Leave a blank line after a block, but none in a list without paragraphs."""
    is_tight = bool(renderer.lists) and not renderer.lists[-1].is_loose
    renderer.page.break_line(1 if is_tight else 2)


def _start_block(renderer: Renderer, _: None) -> None:
    renderer.page.begin_block()


def _start_paragraph(renderer: Renderer, _: None) -> None:
    renderer.page.begin_block()
    if renderer.lists:
        renderer.lists[-1].is_loose = True


def _start_heading(renderer: Renderer, _: Any) -> None:
    renderer.page.begin_block()
    renderer.page.open("bold")


def _end_heading(renderer: Renderer, _: None) -> None:
    renderer.page.close("bold")
    end_block(renderer)


def _rule(renderer: Renderer, _: None) -> None:
    renderer.page.begin_block()
    renderer.page.write("———")
    end_block(renderer)


def _start_quote(renderer: Renderer, _: Any) -> None:
    page = renderer.page
    page.flush_marker()
    page.begin_block()
    page.open("blockquote")
    renderer.indents.append(page.indent)
    page.indent = ""


def _end_quote(renderer: Renderer, _: None) -> None:
    renderer.page.flush_marker()
    renderer.page.close("blockquote")
    renderer.page.indent = renderer.indents.pop()
    end_block(renderer)


def _start_code(renderer: Renderer, kind: str | dict[str, str]) -> None:
    info = "" if isinstance(kind, str) else renderer.restored(kind["Fenced"]).strip()
    language = info.split()[0] if info else ""
    renderer.language = language if _LANGUAGE.fullmatch(language) else ""
    if info != renderer.language:  # a file's name, or words that went on behind a fence
        _write_line(renderer, info)
    renderer.code = []


def _write_line(renderer: Renderer, text: str) -> None:
    renderer.page.begin_block()
    renderer.page.write(text)
    renderer.page.break_line()


def _end_code(renderer: Renderer, _: None) -> None:
    # Telegram turns a tab into one space.
    code = renderer.restored("".join(renderer.code or ())).expandtabs(4).strip("\n").rstrip()
    renderer.code = None
    if code:
        renderer.page.pre(code, renderer.language)
    elif renderer.language:
        _write_line(renderer, renderer.language)
    end_block(renderer)


def _definition(renderer: Renderer, text: str) -> None:
    """Write a source that no link names: Markdown would hide it."""
    renderer.page.break_line()
    renderer.page.write(renderer.restored(text))
    renderer.page.break_line()


def _start_footnote(renderer: Renderer, name: str) -> None:
    renderer.page.begin_block()
    renderer.page.mark(f"[{renderer.restored(name)}] ")


def _end_footnote(renderer: Renderer, _: None) -> None:
    renderer.page.flush_marker()
    end_block(renderer)


ACTIONS: dict[str, Callable[[Renderer, Any], None]] = {
    "Paragraph": _start_paragraph,
    "/Paragraph": end_block,
    "Heading": _start_heading,
    "/Heading": _end_heading,
    "Rule": _rule,
    "BlockQuote": _start_quote,
    "/BlockQuote": _end_quote,
    "CodeBlock": _start_code,
    "/CodeBlock": _end_code,
    "HtmlBlock": _start_block,
    "/HtmlBlock": end_block,
    "Definition": _definition,
    "FootnoteDefinition": _start_footnote,
    "/FootnoteDefinition": _end_footnote,
}
