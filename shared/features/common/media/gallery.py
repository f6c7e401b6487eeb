"""The pages of what the user has made of a kind, the newest first: pictures, or videos.

Files are in Storage. A page leads to a link that is signed for the owner and ends soon, so no bytes pass
through the function.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from werkzeug.exceptions import Gone, NotFound

from shared.core import db
from shared.core.config import settings
from shared.features.common import console_bot
from shared.features.common.media.kinds import IMAGE, VIDEO
from shared.telegram import configured
from shared.web import addresses, stored_media
from shared.web.access import Access
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import GetGenerationRequest, ListGenerations
    from shared.features.common.media.kinds import MediaKind
    from shared.web.visit import Visit

PAGE = 12
LINK_SECONDS = 300  # a video is watched from the link; the browser has begun by then
_PATHS = {"image": "/account/pictures", "video": "/account/videos"}
_SOURCES = {"image": "img-src", "video": "media-src"}


def pages_of(kind: MediaKind) -> tuple[Page, ...]:
    """Return the pages of a kind."""
    path = _PATHS[kind.name]
    file = f"{path}/<string(maxlength=40):bot>/{row_id('number')}/<int(max=99):place>"
    return (
        Page(path, partial(_show, kind=kind), access=Access.USER),
        Page(file, partial(_lead_to_file, kind=kind), access=Access.USER),
    )


def _show(visit: Visit, kind: MediaKind) -> Response:
    """Show a page of what was made."""
    before = visit.number("before")
    found = _list(visit.user.user_id, kind, before)
    shown = found[:PAGE]
    if address := settings().supabase_url:
        visit.allow(_SOURCES[kind.name], addresses.origin(address))
    return visit.render(
        "common/gallery.html",
        title=visit.text("account_part_pictures" if kind is IMAGE else "account_part_videos"),
        nothing=visit.text("gallery_no_pictures" if kind is IMAGE else "gallery_no_videos"),
        bot="" if shown else console_bot.address_with(kind.history),
        path=_PATHS[kind.name],
        is_video=kind is VIDEO,
        works=[_work(visit, kind, bot, one) for bot, one in shown],
        older=shown[-1][1]["id"] if len(found) > PAGE else None,
        is_newest=before is None,
    )


def _list(user_id: int, kind: MediaKind, before: int | None) -> list[tuple[str, ListGenerations]]:
    """Return the newest jobs below a number in all bots, one more than a page shows."""
    found: list[tuple[str, ListGenerations]] = []
    for bot in configured.with_command(kind.history):
        rows: list[ListGenerations] = db.call(
            "list_generations",
            p_user_id=user_id,
            p_bot=bot,
            p_kind=kind.name,
            p_limit=PAGE + 1,
            p_before=before,
        )
        found += [(bot, row) for row in rows]
    return sorted(found, key=lambda one: -one[1]["id"])[: PAGE + 1]


def _work(visit: Visit, kind: MediaKind, bot: str, one: ListGenerations) -> dict[str, object]:
    """Return what the page shows of a job: its words, and the ways to its files while they are kept."""
    found = _find(visit.user.user_id, bot, one["id"])
    is_kept = bool(found.get("has_originals"))
    files = found.get("files") or [] if is_kept else []
    return {
        "words": one["prompt"],
        "date": visit.date(one["created_at"]),
        "files": [f"{_PATHS[kind.name]}/{bot}/{one['id']}/{place}" for place in range(len(files))],
        "gone": "" if is_kept else visit.text("gallery_gone", days=found.get("kept_days", 0)),
    }


def _lead_to_file(visit: Visit, bot: str, number: int, place: int, kind: MediaKind) -> Response:
    """Lead to a file of the user.

    Raises:
        NotFound: there is none, or it is another user's.
        Gone: it is no longer kept.
        ServiceUnavailable: Storage signs no link now.
    """
    found = _find(visit.user.user_id, bot, number)
    files = found.get("files") or []
    if found["outcome"] != "found" or found.get("kind") != kind.name or place >= len(files):
        raise NotFound
    key = files[place]["key"]
    if not key or not found.get("has_originals"):
        raise Gone
    return stored_media.lead_to(visit, key, LINK_SECONDS)


def _find(user_id: int, bot: str, number: int) -> GetGenerationRequest:
    found: GetGenerationRequest = db.call("get_generation_request", p_user_id=user_id, p_bot=bot, p_id=number)
    return found
