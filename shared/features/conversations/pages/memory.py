"""The page of the memory: the facts that bots keep about the user, and those that the AI proposes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from shared.core.redaction import looks_like_secret
from shared.features import xp
from shared.features.conversations import facts, memory
from shared.features.conversations.facts import LONGEST
from shared.telegram import configured
from shared.web import forms
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit

PATH = "/account/memory"
_NOTICES = {"saved": "memory_saved_notice", "declined": "memory_declined_notice"}
_BOT = Field(max_length=32)


class _Switch(BaseModel):
    is_on: bool


class _New(BaseModel):
    """A fact; `reference` makes a repeated form store it once."""

    bot: str = _BOT
    words: str = Field(max_length=2_000)
    reference: forms.Reference


class _Change(BaseModel):
    bot: str = _BOT
    id: forms.RowId
    words: str = Field(max_length=2_000)


class _Chosen(BaseModel):
    bot: str = _BOT
    id: forms.RowId


class _All(BaseModel):
    bot: str = _BOT


class _Decision(BaseModel):
    bot: str = _BOT
    id: forms.RowId
    is_kept: bool


def show(visit: Visit, failure: str = "", status: int = 200) -> Response:
    """Show what the bots keep."""
    bots = configured.with_command("memory")
    found = [(bot, memory.of_user(visit.user.user_id, bot)) for bot in bots]
    return visit.render(
        "conversations/memory.html",
        status,
        failure=failure,
        is_on=all(one["is_on"] is not False for _, one in found),
        bots=[
            {
                "bot": bot,
                "name": xp.bot_title(visit, bot) if len(bots) > 1 else "",
                "facts": one["facts"],
                "proposals": one["proposals"],
                "most": one["most"],
            }
            for bot, one in found
        ],
        longest=LONGEST,
        reference=forms.new_reference(),
    )


def switch(visit: Visit) -> Response:
    """Switch the memory on or off; the facts stay."""
    is_on = visit.form(_Switch).is_on
    for bot in configured.with_command("memory")[:1]:  # the switch is one for all bots
        memory.change_of(visit.user.user_id, bot, is_on=is_on)
    return visit.redirect(PATH, "memory_on_notice" if is_on else "memory_off_notice")


def add(visit: Visit) -> Response:
    """Store a fact."""
    new = visit.form(_New)
    words = " ".join(new.words.split())
    if refusal := _refusal(visit, words):
        return show(visit, refusal, 422)
    if new.bot not in configured.with_command("memory"):
        return show(visit, visit.text("web_field_wrong"), 422)
    done = facts.store(visit.user.user_id, new.bot, words, f"web:{new.reference}")
    if done["outcome"] == "limit":
        return show(visit, visit.text("memory_page_full", limit=done.get("most") or 0), 422)
    return visit.redirect(PATH, "memory_saved_notice" if done["outcome"] == "saved" else "memory_off_notice")


def change(visit: Visit) -> Response:
    """Change the text of a fact."""
    sent = visit.form(_Change)
    words = " ".join(sent.words.split())
    if refusal := _refusal(visit, words):
        return show(visit, refusal, 422)
    done = memory.change_of(visit.user.user_id, sent.bot, fact=sent.id, words=words)
    return visit.redirect(PATH, "memory_saved_notice" if done["changed"] else "memory_gone_notice")


def forget(visit: Visit) -> Response:
    """Forget a fact."""
    sent = visit.form(_Chosen)
    done = memory.change_of(visit.user.user_id, sent.bot, fact=sent.id)
    return visit.redirect(PATH, "memory_forgotten_notice" if done["changed"] else "memory_gone_notice")


def clear(visit: Visit) -> Response:
    """Forget all facts of a bot."""
    memory.change_of(visit.user.user_id, visit.form(_All).bot, fact=0)
    return visit.redirect(PATH, "memory_forgotten_notice")


def decide(visit: Visit) -> Response:
    """Keep a fact that the AI proposes, or decline it."""
    sent = visit.form(_Decision)
    done = memory.decide_on(visit.user.user_id, sent.bot, sent.id, is_kept=sent.is_kept)
    if done["outcome"] == "limit":
        return show(visit, visit.text("memory_page_full", limit=done["most"] or 0), 422)
    return visit.redirect(PATH, _NOTICES.get(done["outcome"], "memory_gone_notice"))


def _refusal(visit: Visit, words: str) -> str:
    """Return why a text cannot be a fact; empty where it can."""
    if looks_like_secret(words):
        return visit.text("memory_page_secret")
    if not words:
        return visit.text("web_field_missing")
    return visit.text("web_field_too_long") if len(words) > LONGEST else ""


pages = (
    Page(PATH, show, access=Access.USER),
    *(
        Page(f"{PATH}/{name}", take, methods=("POST",), max_body=24_000, access=Access.USER)
        for name, take in {
            "switch": switch,
            "add": add,
            "change": change,
            "forget": forget,
            "clear": clear,
            "decide": decide,
        }.items()
    ),
)
