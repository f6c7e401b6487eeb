"""The page of the reminders: those to come, with a form for another one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from shared.core.redaction import looks_like_secret
from shared.features import xp
from shared.features.reminders import LONGEST, setting
from shared.features.reminders.when import Moment
from shared.telegram import configured
from shared.web import forms
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit

PATH = "/account/reminders"


class _New(BaseModel):
    """A reminder; `at` is the time of the user's clock, `reference` makes a repeated form set it once."""

    words: str = Field(min_length=1, max_length=LONGEST)
    at: datetime
    bot: str = Field(max_length=32)
    reference: forms.Reference


class _Chosen(BaseModel):
    id: forms.RowId


def show(visit: Visit, failure: str = "", status: int = 200, *, words: str = "", at: str = "") -> Response:
    """List the reminders."""
    bots = configured.with_command("remind")
    states = [(bot, setting.of_user(visit.user.user_id, bot)) for bot in bots]
    zone = states[0][1]["time_zone"] if states else visit.user.time_zone
    return visit.render(
        "reminders/reminders.html",
        status,
        failure=failure,
        reminders=[
            {
                "id": one["id"],
                "words": one["words"],
                "at": setting.shown(visit, one["due_at"], state["time_zone"]),
                "bot": xp.bot_title(visit, bot) if len(bots) > 1 else "",
            }
            for bot, state in states
            for one in state["reminders"]
        ],
        bots=[(bot, xp.bot_title(visit, bot)) for bot in bots],
        zone=xp.time_zone_name(visit, zone),
        earliest=f"{setting.local_now(states[0][1]):%Y-%m-%dT%H:%M}" if states else "",
        words=words,
        at=at,
        longest=LONGEST,
        reference=forms.new_reference(),
    )


def create(visit: Visit) -> Response:
    """Set a reminder."""
    new = visit.form(_New)
    words, at = " ".join(new.words.split()), f"{new.at:%Y-%m-%dT%H:%M}"
    if looks_like_secret(words):
        return show(visit, visit.text("remind_page_secret"), 422)
    if not words or new.bot not in configured.with_command("remind"):
        return show(visit, visit.text("web_field_missing"), 422, words=words, at=at)
    moment = Moment(new.at.date(), new.at.time().replace(second=0, microsecond=0, tzinfo=None))
    done = setting.store(visit.user.user_id, new.bot, words, moment, f"web:{new.reference}")
    if done["outcome"] != "set":
        refusal = visit.text(f"remind_page_{done['outcome']}", limit=done["limit"] or 0)
        return show(visit, refusal, 422, words=words, at=at)
    return visit.redirect(PATH, "remind_set_notice")


def delete(visit: Visit) -> Response:
    """Delete a reminder."""
    is_deleted = setting.delete(visit.user.user_id, visit.form(_Chosen).id)
    return visit.redirect(PATH, "remind_deleted_notice" if is_deleted else "remind_gone_notice")


pages = (
    Page(PATH, show, access=Access.USER),
    Page(f"{PATH}/new", create, methods=("POST",), max_body=12_000, access=Access.USER),
    Page(f"{PATH}/delete", delete, methods=("POST",), max_body=2_000, access=Access.USER),
)
