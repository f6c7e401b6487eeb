"""The page of the trainings that a user may do without paying, and of those for joining the channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core.errors import TelegramError
from shared.features.common import console_bot
from shared.features.trainings import offer
from shared.telegram import configured
from shared.telegram.selection import OPEN_PAGE
from shared.web import styled
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit

PATH = "/account/free"


def show(visit: Visit, failure: str = "", status: int = 200) -> Response:
    """Show what there is, and the way to begin."""
    found = offer.overview(visit.user.user_id)
    channel = offer.channel(console_bot.name(), found)
    return visit.render(
        "trainings/page.html",
        status,
        failure=failure,
        about=styled.to_html(offer.what_there_is(visit, found)),
        start=_start() if found["access"]["has_access"] else "",
        shop="/buy" if visit.offers("/buy") and not found["access"]["has_access"] else "",
        channel=channel,
        given=found["channel_trainings"],
        has_claimed=channel is not None and str(channel.id) in found["channels"],
    )


def claim(visit: Visit) -> Response:
    """Give the trainings for joining the channel."""
    bot = console_bot.name()
    channel = offer.known_channel(bot)
    if channel is None:
        return show(visit, visit.text("trainings_later"), 422)
    outcome, trainings = offer.claim(bot, channel, visit.user.user_id, visit.user.telegram_id)
    if outcome == "given":
        return visit.redirect(PATH, "trainings_added_notice")
    return show(visit, visit.text(f"trainings_{outcome}", channel=channel.title, trainings=trainings), 422)


def _start() -> str:
    """Return the link that begins a training in the first bot that has them; empty if there is none."""
    found = configured.with_command("tip")
    try:
        return f"{console_bot.chat(console_bot.username(found[0]))}?start={OPEN_PAGE}new" if found else ""
    except TelegramError:
        return ""


pages = (
    Page(PATH, show, access=Access.USER),
    Page(f"{PATH}/claim", claim, methods=("POST",), max_body=2_000, access=Access.USER),
)
