"""The page of the progress: level, streak, badges and leaderboard, over all bots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import Unauthorized

from shared.core import db, user_input
from shared.core.config import settings
from shared.features.xp import badges, board, board_name, level, names, streak
from shared.features.xp.board import Choice
from shared.web import charts, styled
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import GetProfile
    from shared.features.xp.board import Found
    from shared.web.visit import Visit

PATH = "/account/progress"
_ALL = "all"  # of `board` in the address: all bots


class _Pause(BaseModel):
    is_paused: bool


class _Name(BaseModel):
    """How others see the user; an unchecked box is not sent."""

    name: str = Field(default="", max_length=200)
    is_hidden: bool = False


def show(visit: Visit, failure: str = "", status: int = 200) -> Response:
    """Show the progress."""
    user = visit.user
    profile: GetProfile | None = db.call("get_profile", p_user_id=user.user_id)
    if profile is None:  # erased this moment
        raise Unauthorized
    earned = {badge["badge"] for badge in profile["badges"]}
    left = [(badge, bot) for badge, bot in badges.offered() if badge not in earned]
    now = profile["streak"]
    return visit.render(
        "xp/progress.html",
        status,
        failure=failure,
        bar=charts.bar,
        level=level.of(visit, profile),
        rank=names.level_name(visit, profile["level_name"]),
        bots=charts.shares(
            visit.text("picture_bots"),
            [
                (
                    names.bot_name(visit, one["bot"]),
                    one["xp"] / profile["bots"][0]["xp"],
                    names.points(visit, one["xp"]),
                )
                for one in profile["bots"]
            ],
        )
        if len(profile["bots"]) > 1
        else "",
        streak=now,
        streak_head=styled.to_html(streak.head(visit, now)),
        streak_details=styled.to_html(streak.details(visit, now)),
        streak_rules=styled.to_html(streak.rules(visit, now)),
        earned=[styled.to_html(badges.earned_line(visit, one)) for one in reversed(profile["badges"])],
        left=[styled.to_html(badges.left_line(visit, badge, bot)) for badge, bot in left],
        profile=profile,
        unnamed=names.unnamed(visit.language, profile["number"]),
        longest=board_name.LONGEST,
        **_board(visit),
    )


def _board(visit: Visit) -> dict[str, object]:
    """Return the chosen board: its lines, the user's own place, and the ways to the others."""
    bots = (_ALL, *settings().bot_tokens)
    asked = visit.request.args
    period = asked.get("period", "week") if asked.get("period") in board.PERIODS else "week"
    name = asked.get("board", _ALL) if asked.get("board") in bots else _ALL
    found = board.find(Choice(period), "" if name == _ALL else name, visit.user.telegram_id)
    return {
        "periods": [(one, visit.text(f"top_period_{one}"), one == period) for one in board.PERIODS],
        "boards": [
            (one, visit.text("top_board_all") if one == _ALL else names.bot_name(visit, one), one == name)
            for one in bots
        ],
        "period": period,
        "board": name,
        "places": [
            {
                "place": names.written(visit, entry["rank"]),
                "name": visit.text("top_you")
                if index == found.own_index
                else names.shown_name(visit.language, entry["name"], entry["number"]),
                "level": entry["level"],
                "xp": names.points(visit, entry["xp"]),
                "is_own": index == found.own_index,
            }
            for index, entry in enumerate(found.board["entries"])
        ],
        "own_place": _own_place(visit, found),
    }


def _own_place(visit: Visit, found: Found) -> str:
    """Return the user's place, where the lines do not show it."""
    own = found.own
    if own is None or found.own_index is not None or not found.board["total"]:
        return ""
    if own["rank"] is None:
        return visit.text("top_own_admin" if own["xp"] else "top_own_none")
    return visit.text(
        "top_own", place=names.written(visit, own["rank"]), total=names.written(visit, own["total"])
    )


def pause(visit: Visit) -> Response:
    """Pause the streak, or let it go on."""
    is_paused = visit.form(_Pause).is_paused
    streak.set_paused(visit.user.user_id, is_paused=is_paused)
    return visit.redirect(PATH, "streak_paused_notice" if is_paused else "streak_resumed_notice")


def set_name(visit: Visit) -> Response:
    """Set how the leaderboard shows the user."""
    sent = visit.form(_Name)
    name = user_input.normalize(sent.name) or None
    saved = board_name.change(visit.user.user_id, name, sent.is_hidden)
    if saved is None or saved["outcome"] == "invalid_name":
        return show(visit, visit.text("board_name_wrong", limit=board_name.LONGEST), 422)
    return visit.redirect(PATH, "account_saved_notice")


_FORM = 2_000  # bytes

pages = (
    Page(PATH, show, access=Access.USER),
    Page(f"{PATH}/streak", pause, methods=("POST",), max_body=_FORM, access=Access.USER),
    Page(f"{PATH}/name", set_name, methods=("POST",), max_body=_FORM, access=Access.USER),
)
