"""Renders blocks: paragraphs, headings, rules, quotes, code, HTML and footnotes."""

from __future__ import annotations

import re

from shared.telegram.markdown.state import Action, RenderState

_LANGUAGE = re.compile(r"[\w+#.-]{1,32}", re.ASCII)


def end_block(state: RenderState, _: object = None) -> None:
    """End a block with a blank line, except in a tight list."""
    is_tight = bool(state.lists) and not state.lists[-1].is_loose
    state.page.break_line(1 if is_tight else 2)


def _start_block(state: RenderState, _: None) -> None:
    state.page.begin_block()


def _start_paragraph(state: RenderState, _: None) -> None:
    state.page.begin_block()
    if state.lists:
        state.lists[-1].is_loose = True


def _start_heading(state: RenderState, _: object) -> None:
    state.page.begin_block()
    state.page.open("bold")


def _end_heading(state: RenderState, _: None) -> None:
    state.page.close("bold")
    end_block(state)


def _rule(state: RenderState, _: None) -> None:
    state.page.begin_block()
    state.page.write("———")
    end_block(state)


def _start_quote(state: RenderState, _: object) -> None:
    page = state.page
    page.flush_marker()
    page.begin_block()
    page.open("blockquote")
    state.indents.append(page.indent)
    page.indent = ""


def _end_quote(state: RenderState, _: None) -> None:
    state.page.flush_marker()
    state.page.close("blockquote")
    state.page.indent = state.indents.pop()
    end_block(state)


def _start_code(state: RenderState, kind: str | dict[str, str]) -> None:
    info = "" if isinstance(kind, str) else state.restore(kind["Fenced"]).strip()
    language = info.split()[0] if info else ""
    state.language = language if _LANGUAGE.fullmatch(language) else ""
    if info != state.language:  # a file name, or text behind the fence
        _write_line(state, info)
    state.code = []


def _write_line(state: RenderState, text: str) -> None:
    state.page.begin_block()
    state.page.write(text)
    state.page.break_line()


def _end_code(state: RenderState, _: None) -> None:
    # Telegram replaces a tab by one space.
    code = state.restore("".join(state.code or ())).expandtabs(4).strip("\n").rstrip()
    state.code = None
    if code:
        state.page.pre(code, state.language)
    elif state.language:
        _write_line(state, state.language)
    end_block(state)


def _definition(state: RenderState, text: str) -> None:
    """Write a link definition that no link uses; Markdown would hide it."""
    state.page.break_line()
    state.page.write(state.restore(text))
    state.page.break_line()


def _start_footnote(state: RenderState, name: str) -> None:
    state.page.begin_block()
    state.page.mark(f"[{state.restore(name)}] ")


def _end_footnote(state: RenderState, _: None) -> None:
    state.page.flush_marker()
    end_block(state)


ACTIONS: dict[str, Action] = {
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
