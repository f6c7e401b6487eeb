"""A lead: what is known with its proof, its stage, the next action, and the notes of the team."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound, UnprocessableEntity

from shared.core import db, texts
from shared.features import xp
from shared.features.crm import rubric
from shared.features.crm.pages.views import PATH, band_name, stage_name
from shared.features.messenger import write_note
from shared.web import forms
from shared.web.access import Access
from shared.web.forms import FormError, FormView
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import CrmCard, SaveCrmCard
    from shared.web.visit import Visit

_FIELDS = ("real_name", "background", "query")
_LENGTHS = {"real_name": 64, "background": 300, "query": 300}
_LEAD = f"{PATH}/{row_id('conversation')}"


class _Note(BaseModel):
    """A note for the team; `reference` makes a repeated form write it once."""

    body: str = Field(min_length=1, max_length=4_096, pattern=r"\S")
    reference: forms.Reference


class _Change(BaseModel):
    version: int = Field(ge=0, lt=2**31)
    stage: str = Field(min_length=1, max_length=40)
    real_name: str = Field(default="", max_length=64)
    background: str = Field(default="", max_length=300)
    query: str = Field(default="", max_length=300)
    ready_score: str = Field(default="", pattern=r"^([0-9]{1,2}|100)?$")
    next_action: str = Field(default="", max_length=300)
    next_action_at: str = Field(default="", max_length=32)
    unlock_real_name: bool = False
    unlock_background: bool = False
    unlock_query: bool = False
    unlock_ready_score: bool = False


def show(visit: Visit, conversation: int) -> Response:
    """Show a lead.

    Raises:
        NotFound: there is no such conversation.
    """
    return _page(visit, conversation, FormView())


def _page(visit: Visit, conversation: int, form: FormView, status: int = 200) -> Response:
    """Return the page of a lead; of a form that was not accepted, with what was typed.

    Raises:
        NotFound: there is no such conversation.
    """
    found, typed = _read(visit, conversation), form.values
    stages = [*found["stages"], *([found["stage"]] if found["stage"] not in found["stages"] else [])]
    return visit.render(
        "crm/card.html",
        status,
        card=found,
        bot=xp.bot_title(visit, found["bot"]),
        failure=form.failure,
        fields=[_field(visit, found, name, typed) for name in _FIELDS],
        score=typed.get("ready_score", "" if found["ready_score"] is None else found["ready_score"]),
        stage=typed.get("stage", found["stage"]),
        next_action=typed.get("next_action", found["next_action"] or ""),
        plan=texts.plan_name(visit.language, found["user"]["plan"]),
        band=band_name(visit, found["ready_score"]),
        band_key=rubric.band(found["ready_score"]) if found["ready_score"] is not None else "",
        points=_points(visit, found),
        stages=[(one, stage_name(visit, one)) for one in stages],
        next_at=typed.get("next_action_at", _local(visit, found["next_action_at"])),
        since=visit.date(found["stage_since"]) if found["stage_since"] else "",
        qualified=visit.date(found["qualified_at"], with_time=True) if found["qualified_at"] else "",
        joined=visit.date(found["user"]["created_at"]),
        notes=[
            {
                "body": one["body"],
                "about": " · ".join(
                    filter(
                        None,
                        (
                            one["by"],
                            xp.bot_title(visit, one["bot"]),
                            visit.date(one["created_at"], with_time=True),
                        ),
                    )
                ),
            }
            for one in found["notes"]
        ],
        note=typed.get("body", ""),
        reference=forms.new_reference(),
        zone=visit.user.time_zone,
        action=visit.url(f"{PATH}/{conversation}/save"),
    )


def _read(visit: Visit, conversation: int) -> CrmCard:
    found: CrmCard | None = db.call("crm_card", p_actor_id=visit.user.user_id, p_conversation_id=conversation)
    if found is None:
        raise NotFound
    return found


def _field(visit: Visit, card: CrmCard, name: str, typed: Mapping[str, object]) -> JsonObject:
    return {
        "name": name,
        "label": visit.text(f"crm_field_{name}"),
        "value": typed.get(name, card[name] or ""),  # type: ignore[literal-required]
        "length": _LENGTHS[name],
        "quote": card["evidence"].get(name, {}).get("quote", ""),
        "is_locked": name in card["locked"],
    }


def _points(visit: Visit, card: CrmCard) -> list[tuple[str, str, int]]:
    """Return the sign, its quote and its points, for each part of the score."""
    rows = [
        (visit.text(f"crm_sign_{one['kind']}"), one["quote"], rubric.POINTS[one["kind"]])
        for one in card["signals"]
        if one["kind"] in rubric.POINTS
    ]
    if card["has_ordered"]:
        rows.append((visit.text("crm_sign_ordered"), "", rubric.BOUGHT))
    return rows


def _local(visit: Visit, moment: str | None) -> str:
    """Return a moment as a field for date and time holds it, in the operator's time zone."""
    if moment is None:
        return ""
    zone = ZoneInfo(visit.user.time_zone)
    return datetime.fromisoformat(moment).astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def save(visit: Visit, conversation: int) -> Response:
    """Save what the form changed; a field that was typed is locked.

    Raises:
        NotFound: there is no such conversation.
        UnprocessableEntity: the stage was removed meanwhile.
    """
    try:
        sent = visit.form(_Change)
        moment = _moment(visit, sent.next_action_at)
    except FormError as error:
        failure = visit.text("crm_wrong_date" if "next_action_at" in error.fields else "web_error_fields")
        return _page(visit, conversation, visit.typed({}, failure), 422)
    card = _read(visit, conversation)
    done: SaveCrmCard = db.call(
        "save_crm_card",
        p_actor_id=visit.user.user_id,
        p_conversation_id=conversation,
        p_version=sent.version,
        p_changes=_changes(card, sent, moment),
    )
    match done["outcome"]:
        case "unknown":
            raise NotFound
        case "no_stage":
            raise UnprocessableEntity("crm_no_stage")
        case "conflict":
            return _page(visit, conversation, visit.typed({}, visit.text("crm_conflict")), 409)
    return visit.redirect(f"{PATH}/{conversation}", "crm_saved_notice")


def add_note(visit: Visit, conversation: int) -> Response:
    """Add a note for the team.

    Raises:
        NotFound: there is no such conversation.
    """
    try:
        sent = visit.form(_Note)
    except FormError:
        return _page(visit, conversation, visit.typed({}, visit.text("web_error_fields")), 422)
    reference = f"web:{visit.user.user_id}:{sent.reference}"
    is_written = write_note(visit.user.user_id, conversation, sent.body, reference)
    notice = "messenger_note_notice" if is_written else "messenger_secret_notice"
    return visit.redirect(f"{PATH}/{conversation}", notice, "notes")


def _changes(card: CrmCard, sent: _Change, moment: str | None) -> JsonObject:
    """Return what is to be saved.

    A field that the form shows as it was is not sent: the AI may have filled it in since.
    """
    changes: JsonObject = {
        "stage": sent.stage,
        "next_action": " ".join(sent.next_action.split()),
        "next_action_at": moment,
        "unlock": [name for name in (*_FIELDS, "ready_score") if getattr(sent, f"unlock_{name}")],
    }
    for name in _FIELDS:
        typed = " ".join(str(getattr(sent, name)).split())
        if typed != (card[name] or ""):  # type: ignore[literal-required]
            changes[name] = typed
    if sent.ready_score and int(sent.ready_score) != card["ready_score"]:
        changes["ready_score"] = int(sent.ready_score)
    return changes


def _moment(visit: Visit, typed: str) -> str | None:
    """Return a date and time of the operator's time zone with its offset.

    Raises:
        FormError: it is none.
    """
    if not typed:
        return None
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise FormError({"next_action_at": "crm_wrong_date"}) from None
    if not 2000 <= moment.year < 2200:
        raise FormError({"next_action_at": "crm_wrong_date"})
    return moment.replace(tzinfo=moment.tzinfo or ZoneInfo(visit.user.time_zone)).isoformat()


pages = (
    Page(_LEAD, show, access=Access.OPERATOR),
    Page(f"{_LEAD}/note", add_note, methods=("POST",), max_body=70_000, access=Access.OPERATOR),
    Page(f"{_LEAD}/save", save, methods=("POST",), max_body=8_000, access=Access.OPERATOR),
)
