"""What the editors share: texts in several languages, JSON, date and time in a field."""

from __future__ import annotations

from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import orjson
from pydantic import BaseModel, Field

from shared.core import texts
from shared.web.forms import FormError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.core.errors import Refusal
    from shared.web.forms import FormView
    from shared.web.visit import Visit

LARGE_FORM = 1_000_000  # bytes of a form with texts in two languages
LONGEST = 100_000  # characters of a text
_DEEPEST = 50  # levels of JSON
_FIRST_YEAR, _LAST_YEAR = 2000, 2199  # other years are typing errors


class Fields(BaseModel):
    """Fields of both editors; texts are named title_en, body_ru …"""

    model_config = {"extra": "allow"}

    version: int = Field(ge=1, lt=2**31)
    action: Literal["save", "preview"] = "save"
    position: int = Field(default=0, ge=-(2**31), lt=2**31)
    is_published: bool = False

    def by_language(self, name: str) -> dict[str, str]:
        """Return what was typed in each language; languages without a text are left out.

        Raises:
            FormError: a text is longer than a lesson may be.
        """
        sent = self.model_extra or {}
        found = {code: str(sent.get(f"{name}_{code}", "")).strip() for code in sorted(texts.codes())}
        if too_long := [code for code, value in found.items() if len(value) > LONGEST]:
            raise FormError({f"{name}_{code}": "web_field_too_long" for code in too_long})
        return {code: value for code, value in found.items() if value}

    def wordings(self, *names: str) -> dict[str, dict[str, str]]:
        """Return the texts as the database has them; a language counts once it has a title.

        Raises:
            FormError: a text has no title, or there is none at all.
        """
        typed = {name: self.by_language(name) for name in names}
        without = {code for name in names for code in typed[name]} - typed["title"].keys()
        if not typed["title"]:
            without = set(texts.codes())
        if without:
            raise FormError({f"title_{code}": "course_admin_title_missing" for code in without})
        return {
            code: {name: typed[name][code] for name in names if code in typed[name]}
            for code in typed["title"]
        }


def by_field(name: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return texts by language as fields: title_en, title_ru …"""
    return {f"{name}_{code}": value for code, value in values.items()}


def wordings_by_field(row: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return texts of the database as fields."""
    return {f"{name}_{code}": value for code, own in row.items() for name, value in own.items()}


def parse_json(name: str, typed: str, fault: str) -> object:
    """Return the value of a field with JSON; None where it is empty.

    Raises:
        FormError: it is no JSON, or nested too deeply; with `fault`, the key of a text.
    """
    if not typed.strip():
        return None
    if max(accumulate((character in "[{") - (character in "]}") for character in typed)) > _DEEPEST:
        raise FormError({name: fault})
    try:
        return orjson.loads(typed)
    except orjson.JSONDecodeError:
        raise FormError({name: fault}) from None


def pretty(value: object) -> str:
    """Return JSON as a field shows it; empty for nothing."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() if value else ""


def moment(visit: Visit, name: str, typed: str) -> str:
    """Return date and time of a field, in the admin's time zone, with its offset.

    Raises:
        FormError: it is no date, or its year is not from 2000 to 2199.
    """
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        raise FormError({name: "course_admin_invalid_date"}) from None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise FormError({name: "course_admin_invalid_date"})
    return found.replace(tzinfo=found.tzinfo or ZoneInfo(visit.user.time_zone)).isoformat()


def local_time(visit: Visit, known: str | None) -> str:
    """Return a moment for a field of date and time, in the admin's time zone."""
    if known is None:
        return ""
    return datetime.fromisoformat(known).astimezone(ZoneInfo(visit.user.time_zone)).strftime("%Y-%m-%dT%H:%M")


def faulty(visit: Visit, error: FormError) -> FormView:
    """Return the form that was sent, with the faults of its fields."""
    return visit.typed(error.fields, visit.text("course_admin_check_fields"))


def refused(visit: Visit, error: Refusal) -> FormView:
    """Return the form that was sent, with what the database said."""
    return visit.typed({}, visit.text("course_admin_invalid", what=str(error)))


def outdated(visit: Visit) -> FormView:
    """Return the form that was sent, of a version that another admin has changed."""
    return visit.typed({}, visit.text("course_admin_changed"))
