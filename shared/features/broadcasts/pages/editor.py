"""The editor of a draft or of a step: saves what was typed, then counts, tests or starts it."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Literal

from pydantic import Field
from werkzeug.exceptions import NotFound

from shared.core import db
from shared.core.errors import Refusal
from shared.features.broadcasts.pages import common, content, segments, testing
from shared.web.access import Access
from shared.web.forms import FormError, FormView
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import CountSegment, GetBroadcast, SaveBroadcast, StartBroadcast
    from shared.web.visit import Visit

_COUNTING = 6.0  # seconds that counting may take
_PART = 100_000
UNITS = {"minutes": 1, "hours": 60, "days": 1440}


class _Draft(segments.SegmentFields, content.MessageFields):
    version: int = Field(ge=1, lt=2**31)
    action: Literal["save", "count", "test", "start"] = "save"
    kind: Literal["marketing", "service"] = "marketing"
    bot: str = Field(default="", max_length=64)
    ignores_limit: bool = False
    delay: str = Field(default="0", pattern=r"^(0|[1-9][0-9]{0,3})$")
    unit: Literal["minutes", "hours", "days"] = "days"


def page(
    visit: Visit, row: GetBroadcast, form: FormView | None = None, status: int = 200, done: str = ""
) -> Response:
    """Show the editor; `done` says what the last button did."""
    known = segments.choices(visit)
    return visit.render(
        "broadcasts/editor.html",
        status,
        row=row,
        form=form or FormView(fields(row)),
        done=done,
        known=known,
        languages=common.languages(),
        numbers=content.BUTTONS,
        commands=", ".join(f"/{one}" for one in content.COMMANDS),
        previews=common.previews(visit, row["content"], row["kind"]),
        who=segments.in_words(visit, row["segment"], known),
        kinds=[(one, visit.text(f"broadcast_kind_{one}")) for one in ("marketing", "service")],
        units=[(one, visit.text(f"broadcast_unit_{one}")) for one in UNITS],
        activities=[(one, visit.text(f"broadcast_activity_{one}")) for one in ("any", "active", "inactive")],
    )


def fields(row: GetBroadcast) -> dict[str, object]:
    """Return the fields of the form that describe a broadcast."""
    minutes = row["delay_minutes"] or 0
    unit = unit_of(minutes)
    return {
        "name": row["name"],
        "kind": row["kind"],
        "bot": row["bot"] or "",
        "ignores_limit": row["ignores_limit"],
        "delay": minutes // UNITS[unit],
        "unit": unit,
        **content.to_fields(row["content"]),
        **segments.to_fields(row["segment"]),
    }


def unit_of(minutes: int) -> str:
    """Return the largest unit in which a delay is a whole number."""
    return next((one for one in ("days", "hours") if minutes and minutes % UNITS[one] == 0), "minutes")


def save(visit: Visit, number: int) -> Response:
    """Save a draft or a step; then count its recipients, send it to the admin, or start it."""
    row = common.read_broadcast(visit, number)
    known = segments.choices(visit)
    try:
        sent = visit.form(_Draft)
        if sent.bot and sent.bot not in dict(known.bots):
            raise FormError({"bot": "web_field_wrong"})
        values: JsonObject = {
            "name": sent.name.strip(),
            "kind": sent.kind,
            "bot": sent.bot or None,
            "ignores_limit": sent.ignores_limit,
            "segment": segments.from_fields(sent, known),
            "content": content.from_fields(sent, has_media=row["media"] is not None),
            "delay_minutes": int(sent.delay) * UNITS[sent.unit],
        }
        saved: SaveBroadcast = db.call(
            "save_broadcast",
            p_actor_id=visit.user.user_id,
            p_id=number,
            p_version=sent.version,
            p_values=values,
        )
    except (FormError, Refusal) as error:
        return page(visit, row, common.faulty(visit, error), 422)
    if saved["outcome"] == "none":
        raise NotFound
    if saved["outcome"] != "saved":
        return page(visit, row, visit.typed({}, visit.text("broadcast_changed")), 409)
    return _after(visit, number, sent.action)


def _after(visit: Visit, number: int, action: str) -> Response:
    """Do what the button says with the broadcast that was saved."""
    row = common.read_broadcast(visit, number)
    if action == "count":
        return page(visit, row, done=_count(visit, row))
    if action == "test":
        done, fault = testing.send(visit, row)
        return page(visit, row, FormView(fields(row), failure=fault) if fault else None, done=done)
    if action == "start" and row["sequence_id"] is None:
        return _start(visit, row)
    return visit.redirect(f"{common.LIST}/{number}", "broadcast_saved_notice")


def _start(visit: Visit, row: GetBroadcast) -> Response:
    started: StartBroadcast = db.call(
        "start_broadcast", p_actor_id=visit.user.user_id, p_id=row["id"], p_version=row["version"]
    )
    if started["outcome"] == "empty":
        return page(visit, row, FormView(fields(row), failure=visit.text("broadcast_empty")), 422)
    if started["outcome"] != "started":
        return page(visit, row, FormView(fields(row), failure=visit.text("broadcast_changed")), 409)
    return visit.redirect(f"{common.LIST}/{row['id']}", "broadcast_started_notice")


def _count(visit: Visit, row: GetBroadcast) -> str:
    """Return how many users it would reach, at least those that were counted in time."""
    until, count, after = monotonic() + _COUNTING, 0, 0
    while True:
        part: CountSegment = db.call(
            "count_segment",
            p_actor_id=visit.user.user_id,
            p_segment=row["segment"],
            p_bot=row["bot"],
            p_kind=row["kind"],
            p_after=after,
            p_limit=_PART,
        )
        count += part["count"]
        if part["next"] is None:
            return visit.text("broadcast_counted", count=count)
        if monotonic() > until:
            return visit.text("broadcast_counted_some", count=count)
        after = part["next"]


pages = (
    Page(f"{common.ONE}/save", save, methods=("POST",), max_body=common.LARGE_FORM, access=Access.ADMIN),
)
