"""The settings of the account: language, time zone, currency of prices, contact for receipts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound

from shared.core import db, texts
from shared.core.texts import figures
from shared.features import xp
from shared.features.common import catalog
from shared.web import language
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import AccountOverview, ProductsForSale, SetReceiptContact
    from shared.web.visit import Visit

PATH = "/account/settings"


class _Language(BaseModel):
    language: str = Field(max_length=10)


class _TimeZone(BaseModel):
    zone: str = Field(max_length=100)


class _Currency(BaseModel):
    currency: str = Field(pattern="^[A-Z]{3,5}$")


class _Contact(BaseModel):
    contact: str = Field(default="", max_length=254)


def show(visit: Visit, failure: str = "", status: int = 200) -> Response:
    """Show the settings."""
    user = visit.user
    found: AccountOverview | None = db.call("account_overview", p_user_id=user.user_id)
    if found is None:  # erased this moment
        raise NotFound
    currencies = _currencies(user.user_id)
    return visit.render(
        "account/settings.html",
        status,
        failure=failure,
        languages=[(code, texts.language(code).NAME.partition(" ")[2]) for code in texts.languages()],
        own_language=texts.choose(*user.languages),
        zone=user.time_zone,
        zone_name=xp.time_zone_name(visit, user.time_zone),
        zones=xp.time_zone_choices(visit),
        currencies=[(code, figures.currency_name(code)) for code in currencies],
        own_currency=found["price_currency"] or "",
        contact=found["receipt_contact"] or "",
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
    return visit.redirect(PATH, "account_saved_notice", **chosen)


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


def set_currency(visit: Visit) -> Response:
    """Set the currency of prices."""
    code = visit.form(_Currency).currency
    if code not in _currencies(visit.user.user_id):
        return show(visit, visit.text("web_field_wrong"), 422)
    db.call("set_preferences", p_user_id=visit.user.user_id, p_price_currency=code)
    return visit.redirect(PATH, "account_saved_notice")


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


def _currencies(user_id: int) -> list[str]:
    """Return the currencies in which something is for sale; Stars are none of them."""
    found: list[ProductsForSale] = db.call("products_for_sale", p_user_id=user_id)
    return sorted(
        {
            option.currency
            for product in found
            for option in catalog.all_options(product)
            if option.currency != catalog.STARS
        }
    )


_FORM = 2_000  # bytes

pages = (
    Page(PATH, show, access=Access.USER),
    *(
        Page(f"{PATH}/{name}", take, methods=("POST",), max_body=_FORM, access=Access.USER)
        for name, take in {
            "language": set_language,
            "zone": set_zone,
            "currency": set_currency,
            "contact": set_contact,
        }.items()
    ),
)
