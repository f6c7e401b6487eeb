"""Renders links and images as links, or as text with the address where Telegram rejects the link."""

from __future__ import annotations

from shared.core.json_types import JsonObject
from shared.telegram.markdown.link_targets import link_note, link_target
from shared.telegram.markdown.state import Action, Link, RenderState

_LABEL_PIECES = 50  # limits the work for nested images; a bare URL has fewer pieces
_BY_LABEL = ("Reference", "Collapsed", "Shortcut")


def _start_link(state: RenderState, data: JsonObject) -> None:
    page = state.page
    address = state.restore(data["dest_url"])
    is_free = not page.is_in("text_link")
    target = link_target(address) if is_free else ""
    if data["link_type"] in _BY_LABEL:
        start, end, note = *_brackets(state, data, is_link=bool(target)), ""
    else:
        start, end, note = "", "", link_note(address) if is_free and not target else ""
    if target:
        page.open("text_link", target)
    page.write(start)
    state.links.append(Link(target, note, len(page.pieces), end, _title(state, data)))


def _brackets(state: RenderState, data: JsonObject, *, is_link: bool) -> tuple[str, str]:
    """Return the brackets to show around the text of `[text][label]`.

    `[1]` keeps its brackets. So does a reference without a valid URL, whose definition is shown, too.
    """
    if not is_link:
        return "[", f"][{state.restore(data['id'])}]" if data["link_type"] == "Reference" else "]"
    return ("[", "]") if data["link_type"] == "Shortcut" and data["id"].isdigit() else ("", "")


def _title(state: RenderState, data: JsonObject) -> str:
    title = state.restore(data["title"]).strip()
    return f" ({title})" if title else ""


def _end_link(state: RenderState, _: None) -> None:
    page, link = state.page, state.links.pop()
    label = "".join(page.pieces[link.piece : link.piece + _LABEL_PIECES])
    if not label.strip():
        page.write(link.target or link.note)
    elif link.note and link.note not in label:
        page.write(f" ({link.note})")
    page.write(link.end)
    if link.target:
        page.close("text_link")
    page.write(link.title)


ACTIONS: dict[str, Action] = {
    "Link": _start_link,
    "/Link": _end_link,
    "Image": _start_link,
    "/Image": _end_link,
}
