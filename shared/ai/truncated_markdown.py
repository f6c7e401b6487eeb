"""Close the Markdown markup that a truncated answer left open, so that users see no raw markers.

Only the last block matters: a style never continues in the next paragraph or list item. A marker that may be
arithmetic or part of a name (`5*4`, `a_b`) opens nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_NEW_BLOCK = re.compile(r"[ \t>]{0,64}(?:[-*+]|\d{1,9}[.)]|#{1,6}|\|)(?:[ \t]|$)|[ \t]{0,64}>")
_MARKER_LINE = re.compile(r"(?:\A|\n)[ \t>]*(?:[-+=#>]+|\*{1,3}|_{1,3}|~{1,2}|`{1,2}|\d{1,9}[.)])[ \t]*\Z")
_LINK = re.compile(r"!?\[([^\[\]\n]{1,300})\]\([^()\s]{0,2000}(?:[ \t]+\"[^\"\n]{0,300})?\Z")
_RUN = re.compile(r"\\.|`+|\*+|_+|~+", re.DOTALL)
_LONGEST_BLOCK = 20_000  # characters; open markers in a longer block stay


def close_markup(text: str) -> str:
    """Return a truncated text with its open code, styles and links closed."""
    text = text.rstrip()
    if fence := _open_fence(text):
        return _close_fence(text, fence)
    text = _MARKER_LINE.sub("", text)
    start = _last_block(text)
    if len(text) - start > _LONGEST_BLOCK:
        return text
    return (text[:start] + _close_inline(_without_open_link(text[start:]))).rstrip()


def _open_fence(text: str) -> str:
    """Return the fence of the code block that is open at the end, or an empty string."""
    fence = ""
    for match in _FENCE.finditer(text):
        marks, info = match[1], match[2].strip()
        if not fence:
            if marks[0] == "~" or "`" not in info:
                fence = marks
        elif marks.startswith(fence) and not info:
            fence = ""
    return fence


def _close_fence(text: str, fence: str) -> str:
    head, _, last = text.rpartition("\n")
    if last.strip() and not last.strip().strip(fence[0]):  # a part of the closing fence, or an empty block
        text = head
        if last.strip().startswith(fence):
            return text.rstrip()
    elif last.strip().startswith(fence) and _is_opening(text, fence):
        return head.rstrip()
    return f"{text}\n{fence}"


def _is_opening(text: str, fence: str) -> bool:
    """Whether the last line opened the block, so that the block is empty."""
    return not _open_fence(text.rpartition("\n")[0])


def _last_block(text: str) -> int:
    """Return the position where the last paragraph, item, heading or table row begins."""
    end = len(text)
    while end > 0:
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end]
        if not line.strip():
            return end
        if match := _NEW_BLOCK.match(line):
            return start + match.end()
        end = start - 1
    return 0


def _without_open_link(block: str) -> str:
    """Return a block with an unfinished link replaced by the words of the link."""
    return _LINK.sub(lambda match: match[1], block)


class _Open(NamedTuple):
    marker: str
    start: int
    end: int


def _close_inline(block: str) -> str:
    opened: list[_Open] = []
    position = unused = 0
    while match := _RUN.search(block, position):
        run, position, unused = match[0], match.end(), 0
        if run[0] == "\\":
            continue
        if run[0] == "`":
            end = _end_of_code(block, run, position)
            if end < 0:
                return _close_styles(_close_code(block, run, match.start(), position), opened, 0)
            position = end
        else:
            unused = _take_run(block, match, opened)
    return _close_styles(block, opened, unused if position == len(block) else 0)


def _end_of_code(block: str, run: str, position: int) -> int:
    match = re.compile(rf"(?<!`){run}(?!`)").search(block, position)
    return match.end() if match else -1


def _close_code(block: str, run: str, start: int, position: int) -> str:
    code = block[position:]
    if not code.strip("` "):
        return block[:start].rstrip()
    said = code.rstrip("`")
    return block[:position] + said + run


def _take_run(block: str, match: re.Match[str], opened: list[_Open]) -> int:
    """Close open styles with a run of markers and open styles with the rest; return the number left over."""
    left = match[0]
    before = block[match.start() - 1 : match.start()] if match.start() else " "
    after = block[match.end() : match.end() + 1] or " "
    while left and not before.isspace() and opened and _closes(opened[-1].marker, left, after):
        left = left[len(opened.pop().marker) :]
    is_end = match.end() == len(block)
    markers = _openers(left) if _opens(left, before, after, is_end=is_end) else []
    opened += [_Open(marker, match.start(), match.end()) for marker in markers]
    return 0 if markers else len(left)


def _closes(marker: str, run: str, after: str) -> bool:
    return run.startswith(marker) and not (marker[0] == "_" and after.isalnum())


def _openers(run: str) -> list[str]:
    """Return the markers that a run opens, outer first: `***` is bold and italic."""
    if not run or (run[0] == "~" and len(run) != 2) or len(run) > 3:
        return []
    return [run[:2], run[0]] if len(run) == 3 else [run]


def _opens(run: str, before: str, after: str, *, is_end: bool) -> bool:
    if after.isspace() and not is_end:
        return False
    is_word = before.isascii() and before.isalnum() if run in ("**", "***", "~~") else before.isalnum()
    return not is_word


def _close_styles(block: str, opened: list[_Open], unused: int) -> str:
    """Append closing markers; `unused` markers at the end may be a part of the first of them."""
    # Telegram shows the markers of a style that contains no letter or digit: remove them.
    while opened and not any(map(str.isalnum, block[opened[-1].end :])):
        start, end = opened[-1].start, opened[-1].end
        while opened and opened[-1].start == start:
            opened.pop()
        block, unused = (block[:start] + block[end:].strip(" *_~")).rstrip(), 0
    closing = "".join(style.marker for style in reversed(opened))
    if unused and opened and len(opened[-1].marker) > unused and block.endswith(opened[-1].marker[0]):
        return block + closing[unused:]
    if unused and block.endswith(("*", "~")):
        block = block[:-unused].rstrip()
    return block + closing
