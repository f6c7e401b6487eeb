"""Canned replies with their actions, and the labels of conversations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, field_validator

from shared.core import db, texts
from shared.core.errors import Refusal
from shared.features import xp
from shared.features.messenger import sent_replies
from shared.features.messenger.pages.paths import PATH
from shared.web import forms, markdown
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import ConversationRow, ListCannedReplies, ListMessengerLabels
    from shared.web.visit import Visit

REPLIES = f"{PATH}/replies"
COLORS = ("gray", "red", "orange", "yellow", "green", "blue", "purple")
_VARIABLE = re.compile(r"\{([a-z_]{1,20})\}")
_VARIABLES = ("first_name", "name", "operator", "bot")
_LONGEST = 4_096


class _Reply(BaseModel):
    """A canned reply: a text in each language, in fields `text_en`, `text_ru`, …"""

    id: int | None = Field(default=None, ge=1, lt=2**63)
    shortcut: str = Field(max_length=32, pattern=r"^\s*/?[a-z0-9_-]+\s*$")
    takes_over: bool = False
    closes: bool = False

    @field_validator("id", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value if value != "" else None


class _Label(BaseModel):
    id: int | None = Field(default=None, ge=1, lt=2**63)
    name: str = Field(min_length=1, max_length=40)
    color: str = Field(default="gray", max_length=10)

    @field_validator("id", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value if value != "" else None


class _Chosen(BaseModel):
    id: forms.RowId


def _all(visit: Visit) -> list[ListCannedReplies]:
    found: list[ListCannedReplies] = db.call("list_canned_replies", p_actor_id=visit.user.user_id)
    return found


def prepared(visit: Visit, row: ConversationRow) -> list[JsonObject]:
    """Return the canned replies for a conversation: in its user's language, with the variables filled in."""
    language = row["user"]["language"].partition("-")[0]
    name = markdown.clean(row["user"]["name"]).strip()
    values = {
        "name": name,
        "first_name": name.partition(" ")[0],
        "operator": visit.user.first_name,
        "bot": xp.bot_title(visit, row["bot"]),
    }
    return [
        {
            "id": one["id"],
            "shortcut": one["shortcut"],
            "text": _filled(texts.pick(language, one["texts"]), values) if one["texts"] else "",
            "acts": bool(one["labels"]) or one["takes_over"] or one["closes"],
        }
        for one in _all(visit)
    ]


def _filled(text: str, values: dict[str, str]) -> str:
    """Return a text with its variables; an unknown one stays as it is."""
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


def show(visit: Visit) -> Response:
    """List canned replies and labels; the form of a new reply may begin with one that was sent."""
    return _render(visit)


def _render(visit: Visit, refused: str = "", status: int = 200) -> Response:
    """Show the page; `refused` is what a form was about, "reply" or "label", if it was not accepted."""
    replies = _all(visit)
    labels: list[ListMessengerLabels] = db.call("list_messenger_labels", p_actor_id=visit.user.user_id)
    languages = [(code, texts.language(code).NAME) for code in texts.languages()]
    sent = sent_replies.from_address(visit)
    language = sent.language if sent and sent.language in texts.languages() else visit.language
    return visit.render(
        "messenger/replies.html",
        status,
        failure=visit.text("messenger_taken_or_wrong") if refused else "",
        refused=refused,
        typed=visit.request.form.to_dict() if refused else {},
        typed_labels=[int(one) for one in _chosen(visit)] if refused else [],
        replies=replies,
        labels=labels,
        begun={language: sent.text} if sent else {},
        languages=languages,
        colors=[(color, visit.text(f"messenger_color_{color}")) for color in COLORS],
        longest=_LONGEST,
        variables=", ".join(f"{{{name}}}" for name in _VARIABLES),
    )


def save_reply(visit: Visit) -> Response:
    """Add a canned reply, or change one."""
    form = visit.request.form
    words = {code: forms.typed(form.get(f"text_{code}", "")).strip() for code in texts.languages()}
    try:
        sent = visit.form(_Reply)
        db.call(
            "save_canned_reply",
            p_actor_id=visit.user.user_id,
            p_id=sent.id,
            p_shortcut=sent.shortcut.strip().removeprefix("/"),
            p_texts={code: text for code, text in words.items() if text},
            p_labels=[int(one) for one in _chosen(visit)],
            p_takes_over=sent.takes_over,
            p_closes=sent.closes,
        )
    except (forms.FormError, Refusal) as error:
        return _refused(visit, "reply", error)
    return visit.redirect(REPLIES, "messenger_saved_notice")


def _chosen(visit: Visit) -> list[str]:
    """Return the ids of the labels that were chosen."""
    sent = visit.request.form.getlist("labels")
    return [one for one in sent if one.isascii() and one.isdecimal() and len(one) < 19]


def _refused(visit: Visit, form: str, error: forms.FormError | Refusal) -> Response:
    """Show a form again that was refused: another has its name, or it is empty.

    Raises:
        Refusal: it was refused for another reason.
    """
    if isinstance(error, Refusal) and error.sqlstate != "I0002":
        raise error
    return _render(visit, form, 422)


def delete_reply(visit: Visit) -> Response:
    """Delete a canned reply."""
    db.call(
        "save_canned_reply",
        p_actor_id=visit.user.user_id,
        p_id=visit.form(_Chosen).id,
        p_shortcut=None,
    )
    return visit.redirect(REPLIES, "messenger_removed_notice")


def save_label(visit: Visit) -> Response:
    """Add a label, or change one."""
    try:
        sent = visit.form(_Label)
        db.call(
            "save_messenger_label",
            p_actor_id=visit.user.user_id,
            p_id=sent.id,
            p_name=sent.name,
            p_color=sent.color,
        )
    except (forms.FormError, Refusal) as error:
        return _refused(visit, "label", error)
    return visit.redirect(REPLIES, "messenger_saved_notice")


def delete_label(visit: Visit) -> Response:
    """Delete a label; conversations lose it."""
    db.call("save_messenger_label", p_actor_id=visit.user.user_id, p_id=visit.form(_Chosen).id, p_name=None)
    return visit.redirect(REPLIES, "messenger_removed_notice")


pages = (
    Page(REPLIES, show, access=Access.OPERATOR),
    *(
        Page(f"{PATH}/{name}", take, methods=("POST",), max_body=80_000, access=Access.OPERATOR)
        for name, take in {
            "replies/save": save_reply,
            "replies/delete": delete_reply,
            "labels/save": save_label,
            "labels/delete": delete_label,
        }.items()
    ),
)
