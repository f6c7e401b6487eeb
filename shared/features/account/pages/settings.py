"""The settings of the account: language, time zone, contact for receipts, reminders of courses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import Unauthorized

from shared.core import db, texts
from shared.features import xp
from shared.web import forms, language
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import AccountOverview, CourseCard, SetReceiptContact, TakesMarketing
    from shared.web.visit import Visit

PATH = "/account/settings"


class _Language(BaseModel):
    language: str = Field(max_length=10)


class _TimeZone(BaseModel):
    zone: str = Field(max_length=100)


class _CourseReminders(BaseModel):
    course: forms.RowId
    is_on: bool


class _Contact(BaseModel):
    contact: str = Field(default="", max_length=254)


def show(visit: Visit, failure: str = "", status: int = 200) -> Response:
    """Show the settings."""
    user = visit.user
    found: AccountOverview | None = db.call("account_overview", p_user_id=user.user_id)
    if found is None:  # erased this moment
        raise Unauthorized
    marketing: TakesMarketing = db.call("takes_marketing", p_user_id=user.user_id)
    return visit.render(
        "account/settings.html",
        status,
        failure=failure,
        languages=[(code, texts.language(code).NAME.partition(" ")[2]) for code in texts.languages()],
        own_language=texts.choose(*user.languages),
        zone=user.time_zone,
        zone_name=xp.time_zone_name(visit, user.time_zone),
        zones=xp.time_zone_choices(visit),
        contact=found["receipt_contact"] or "",
        takes_marketing=marketing["takes"],
        courses=_courses(visit),
    )


def set_language(visit: Visit) -> Response:
    """Set the language of the bots and the pages."""
    code = visit.form(_Language).language
    if code not in texts.languages():
        return show(visit, visit.text("web_field_wrong"), 422)
    db.call("set_preferences", p_user_id=visit.user.user_id, p_language=code)
    visit.language = code
    # An address that names a language would outlive the choice.
    chosen = {language.PARAMETER: code} if language.chosen(visit.request) else {}
    response = visit.redirect(PATH, "account_saved_notice", **chosen)
    if not chosen:
        language.forget(response)
    return response


def set_zone(visit: Visit) -> Response:
    """Set the time zone: a city, an offset or an IANA name."""
    written = visit.form(_TimeZone).zone
    outcome = xp.set_time_zone(visit.user.user_id, written)
    if outcome in ("unknown_zone", "too_soon"):
        key = "account_zone_unknown" if outcome == "unknown_zone" else "zone_too_soon"
        return show(visit, visit.text(key), 422)
    return visit.redirect(
        PATH, "account_zone_scheduled_notice" if outcome == "scheduled" else "account_saved_notice"
    )


def set_contact(visit: Visit) -> Response:
    """Store the contact for receipts; an empty one deletes it."""
    from shared.payments import contacts  # only buyers need it

    written = visit.form(_Contact).contact.strip()
    contact = contacts.parse_contact(written) if written else None
    if written and contact is None:
        return show(visit, visit.text("account_contact_wrong"), 422)
    done: SetReceiptContact = db.call("set_receipt_contact", p_user_id=visit.user.user_id, p_contact=contact)
    if contact and not done["chats"]:
        return show(visit, visit.text("account_contact_no_chat"), 422)
    return visit.redirect(PATH, "account_saved_notice")


def _courses(visit: Visit) -> list[dict[str, object]]:
    """Return the courses about which the user gets reminders, or may get them."""
    found: list[CourseCard] = db.call("course_overview", p_user_id=visit.user.user_id)
    return [
        {
            "id": one["id"],
            "title": texts.product_words(visit.language, one["texts"]).title,
            "is_on": one["wants_reminders"],
        }
        for one in found
        if one["tier"] and not one["completed_at"]
    ]


def set_course_reminders(visit: Visit) -> Response:
    """Switch the reminders of a course on or off."""
    sent = visit.form(_CourseReminders)
    db.call("set_course_reminders", p_user_id=visit.user.user_id, p_course_id=sent.course, p_wants=sent.is_on)
    return visit.redirect(
        PATH, "account_reminders_on_notice" if sent.is_on else "account_reminders_off_notice"
    )


_FORM = 2_000  # bytes

pages = (
    Page(PATH, show, access=Access.USER),
    *(
        Page(f"{PATH}/{name}", take, methods=("POST",), max_body=_FORM, access=Access.USER)
        for name, take in {
            "language": set_language,
            "zone": set_zone,
            "contact": set_contact,
            "course_reminders": set_course_reminders,
        }.items()
    ),
)
