"""Sequences: the list, the editor of one with its steps, and what the counts say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound

from shared.core import db
from shared.core.errors import Refusal
from shared.core.texts import figures
from shared.features.broadcasts.pages import common, editor, segments
from shared.web.access import Access
from shared.web.forms import FormError, FormView
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        BroadcastCard,
        GetSequence,
        SaveBroadcast,
        SaveSequence,
        SequenceCard,
        SwitchSequence,
    )
    from shared.web.visit import Visit

Event = Literal[
    "start",
    "checkout_opened",
    "order_unpaid",
    "first_payment",
    "course_bought",
    "learner_idle",
    "trial_ended",
    "plan_ending",
    "plan_ended",
]
EVENTS: tuple[Event, ...] = get_args(Event)
_REMINDERS = ("order_unpaid", "plan_ending", "learner_idle")  # in place of the bot's own
_REASONS = ("purchase", "reply", "resolved", "unsubscribed", "unreachable", "segment")


class _New(BaseModel):
    name: str = Field(min_length=1, max_length=100, pattern=r"\S")
    event: Event


class _Sequence(segments.SegmentFields):
    version: int = Field(ge=1, lt=2**31)
    name: str = Field(min_length=1, max_length=100, pattern=r"\S")
    event: Event
    kind: Literal["marketing", "service"] = "marketing"
    bot: str = Field(default="", max_length=64)
    ignores_limit: bool = False
    leaves_on_purchase: bool = False
    leaves_on_reply: bool = False
    reenter_days: str = Field(
        default="", pattern=r"^([1-9][0-9]{0,2}|[12][0-9]{3}|3[0-5][0-9]{2}|36[0-4][0-9]|3650)?$"
    )


class _Action(BaseModel):
    action: Literal["start", "stop", "delete"]


def show_list(visit: Visit) -> Response:
    """List all sequences."""
    return _list(visit, FormView({"event": "start"}))


def _list(visit: Visit, form: FormView, status: int = 200) -> Response:
    found: list[SequenceCard] = db.call("list_sequences", p_actor_id=visit.user.user_id)
    return visit.render(
        "broadcasts/sequences.html",
        status,
        form=form,
        events=_events(visit),
        rows=[
            {
                "id": one["id"],
                "name": one["name"],
                "event": visit.text(f"broadcast_event_{one['event']}"),
                "is_active": one["is_active"],
                "steps": visit.text("broadcast_steps", count=len(one["steps"])),
                "entered": visit.text("broadcast_entered", count=one["entered"]),
            }
            for one in found
        ],
    )


def create(visit: Visit) -> Response:
    """Begin a sequence, stopped."""
    try:
        sent = visit.form(_New)
    except FormError as error:
        return _list(visit, common.faulty(visit, error), 422)
    is_reminder = sent.event in _REMINDERS
    values: JsonObject = {
        "name": sent.name.strip(), "event": sent.event, "kind": "service" if is_reminder else "marketing",
        "bot": None, "segment": {}, "ignores_limit": not is_reminder, "leaves_on_reply": False,
        "leaves_on_purchase": sent.event != "course_bought", "reenter_days": 30 if is_reminder else None,
    }  # fmt: skip
    saved: SaveSequence = db.call(
        "save_sequence", p_actor_id=visit.user.user_id, p_id=None, p_version=None, p_values=values
    )
    return visit.redirect(f"{common.SEQUENCES}/{saved['id']}")


def show(visit: Visit, number: int) -> Response:
    """Show a sequence."""
    return _page(visit, _read(visit, number))


def _read(visit: Visit, number: int) -> GetSequence:
    found: GetSequence | None = db.call("get_sequence", p_actor_id=visit.user.user_id, p_id=number)
    if found is None:
        raise NotFound
    return found


def _page(visit: Visit, row: GetSequence, form: FormView | None = None, status: int = 200) -> Response:
    known = segments.choices(visit)
    left: dict[str, int] = row["left_counts"]
    return visit.render(
        "broadcasts/sequence.html",
        status,
        row=row,
        form=form
        or FormView(
            {
                **{name: value for name, value in row.items() if name in _Sequence.model_fields},
                "bot": row["bot"] or "",
                "reenter_days": row["reenter_days"] or "",
                **segments.to_fields(row["segment"]),
            }
        ),
        known=known,
        who=segments.in_words(visit, row["segment"], known),
        events=_events(visit),
        kinds=[(one, visit.text(f"broadcast_kind_{one}")) for one in ("marketing", "service")],
        activities=[(one, visit.text(f"broadcast_activity_{one}")) for one in ("any", "active", "inactive")],
        facts=[
            (visit.text("broadcast_sequence_entered"), figures.number(visit.language, row["entered"])),
            (visit.text("broadcast_sequence_finished"), figures.number(visit.language, row["finished"])),
            *(
                (visit.text(f"broadcast_left_{one}"), figures.number(visit.language, left[one]))
                for one in _REASONS
                if left.get(one)
            ),
        ],
        steps=[_step(visit, one) for one in row["steps"]],
    )


def _step(visit: Visit, one: BroadcastCard) -> JsonObject:
    minutes = one["delay_minutes"] or 0
    unit = editor.unit_of(minutes)
    return {
        "id": one["id"],
        "name": one["name"],
        "delay": visit.text(f"broadcast_after_{unit}", count=minutes // editor.UNITS[unit])
        if minutes
        else visit.text("broadcast_after_at_once"),
        "counts": [
            figures.number(visit.language, one[key])
            for key in ("total", "sent", "clicked", "bought", "skipped")
        ],
        "lost": figures.number(visit.language, one["failed"] + one["blocked"] + one["unknown"]),
    }


def save(visit: Visit, number: int) -> Response:
    """Save a sequence."""
    row = _read(visit, number)
    known = segments.choices(visit)
    try:
        sent = visit.form(_Sequence)
        if sent.bot and sent.bot not in dict(known.bots):
            raise FormError({"bot": "web_field_wrong"})
        values = {
            "name": sent.name.strip(),
            "event": sent.event,
            "kind": sent.kind,
            "bot": sent.bot or None,
            "segment": segments.from_fields(sent, known),
            "ignores_limit": sent.ignores_limit,
            "leaves_on_purchase": sent.leaves_on_purchase,
            "leaves_on_reply": sent.leaves_on_reply,
            "reenter_days": int(sent.reenter_days) if sent.reenter_days else None,
        }
        saved: SaveSequence = db.call(
            "save_sequence",
            p_actor_id=visit.user.user_id,
            p_id=number,
            p_version=sent.version,
            p_values=values,
        )
    except (FormError, Refusal) as error:
        return _page(visit, row, common.faulty(visit, error), 422)
    if saved["outcome"] != "saved":
        typed = visit.typed({}, visit.text("broadcast_changed"))
        return _page(visit, row, typed, 409)
    return visit.redirect(f"{common.SEQUENCES}/{number}", "broadcast_saved_notice")


def act(visit: Visit, number: int) -> Response:
    """Start, stop or delete a sequence."""
    action = visit.form(_Action).action
    done: SwitchSequence = db.call(
        "switch_sequence", p_actor_id=visit.user.user_id, p_id=number, p_action=action
    )
    if done["outcome"] == "none":
        raise NotFound
    if done["outcome"] == "empty":
        return visit.redirect(f"{common.SEQUENCES}/{number}", "broadcast_no_steps_notice")
    if done["outcome"] == "state":
        return visit.redirect(f"{common.SEQUENCES}/{number}", "broadcast_state_notice")
    where = common.SEQUENCES if action == "delete" else f"{common.SEQUENCES}/{number}"
    return visit.redirect(where, f"broadcast_sequence_{action}_notice")


def add_step(visit: Visit, number: int) -> Response:
    """Begin a step a day after the one before; it is edited like a broadcast."""
    row = _read(visit, number)
    values = {
        "name": visit.text("broadcast_step_name", number=len(row["steps"]) + 1), "segment": {}, "content": {},
        "sequence_id": number, "delay_minutes": editor.UNITS["days"] if row["steps"] else 0,
    }  # fmt: skip
    saved: SaveBroadcast = db.call(
        "save_broadcast", p_actor_id=visit.user.user_id, p_id=None, p_version=None, p_values=values
    )
    if saved["outcome"] != "saved":
        raise NotFound
    return visit.redirect(f"{common.LIST}/{saved['id']}")


def _events(visit: Visit) -> list[tuple[str, str]]:
    return [(one, visit.text(f"broadcast_event_{one}")) for one in EVENTS]


_ADMIN = Access.ADMIN
pages = (
    Page(common.SEQUENCES, show_list, access=_ADMIN),
    Page(f"{common.SEQUENCES}/new", create, methods=("POST",), max_body=common.SMALL_FORM, access=_ADMIN),
    Page(common.SEQUENCE, show, access=_ADMIN),
    Page(f"{common.SEQUENCE}/save", save, methods=("POST",), max_body=40_000, access=_ADMIN),
    Page(f"{common.SEQUENCE}/act", act, methods=("POST",), max_body=common.SMALL_FORM, access=_ADMIN),
    Page(f"{common.SEQUENCE}/step", add_step, methods=("POST",), max_body=common.SMALL_FORM, access=_ADMIN),
)
