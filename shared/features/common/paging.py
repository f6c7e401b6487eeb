"""Pages of a list of buttons: few on a screen; a button that turns a page ends with its number."""

from __future__ import annotations

import re

from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard

MOST = 5  # rows of buttons on a screen
PAGE = r"(?:@[0-9]{1,3})?"  # the end of the callback data of a list
_PAGE = re.compile(r"(.*?)(?:@([0-9]{1,3}))?", re.DOTALL)

Row = list[tuple[str, str]]


def split_page(data: str) -> tuple[str, int]:
    """Return the callback data of a list and the page that a button turns to."""
    match = _PAGE.fullmatch(data)
    assert match is not None  # every text matches
    return match[1], int(match[2] or 0)


def page_of(
    context: UpdateContext,
    rows: Keyboard,
    page: int,
    data: str,
    up: str,
    more_rows: Keyboard = (),
    *,
    most: int = MOST,
) -> list[Row]:
    """Return the rows of a page of a list, then a button to the next page and one to the page before, or up.

    Args:
        data: the callback data of the list; its pages are data@1, data@2, ….
        up: the callback data of the screen above.
        more_rows: rows below those of every page.
        most: rows on a screen, with these and the last one.
    """
    room = most - len(more_rows) - 1
    size = room - 1  # of a page that is followed by another
    last = max(-(-(len(rows) - room) // size), 0)
    page = min(page, last)
    if page < last:
        shown = [*rows[page * size :][:size], [(context.text("list_more"), f"{data}@{page + 1}")]]
    else:
        shown = [*rows[page * size :]]
    before = f"{data}@{page - 1}" if page > 1 else data if page else up
    label = "menu_back" if before == "menu" else "list_back"
    return [*map(list, shown), *map(list, more_rows), [(context.text(label), before)]]
