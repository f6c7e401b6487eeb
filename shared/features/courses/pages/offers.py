"""The offers of a course: which product gives which tier. Prices and titles of products change in the bot."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound

from shared.core import db
from shared.core.errors import Refusal
from shared.core.texts import figures
from shared.features.common import catalog
from shared.features.common.tiers import Tier
from shared.features.courses.pages import editing, views
from shared.features.courses.pages.admin import (
    COURSE,
    COURSES,
    SMALL_FORM,
    account,
    languages,
    read_course,
    tiers,
    title_of,
)
from shared.web.access import Access
from shared.web.forms import FormError, FormView
from shared.web.page import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        AdminCreateCourseProduct,
        AdminListCourseOffers,
        AdminSaveCourseOffer,
    )
    from shared.web.visit import Visit


class _Terms(BaseModel):
    """What a product gives."""

    tier: Tier
    days: str = Field(default="", pattern=r"^([1-9][0-9]{0,3})?$")
    cohort: str = Field(default="", max_length=64)


class _New(_Terms):
    """A new product; its titles are named title_en, title_ru."""

    model_config = {"extra": "allow"}

    key: str = Field(pattern=r"^[a-z0-9_]{1,32}$")

    def titles(self, codes: list[str]) -> dict[str, str]:
        """Return the titles by language.

        Raises:
            FormError: there is none, or one is too long.
        """
        sent = self.model_extra or {}
        found = {code: str(sent.get(f"title_{code}", "")).strip() for code in codes}
        if long := [code for code in codes if len(found[code]) > 32]:  # private.check_product_text
            raise FormError({f"title_{code}": "web_field_too_long" for code in long})
        titles = {code: title for code, title in found.items() if title}
        if not titles:
            raise FormError({f"title_{code}": "course_admin_title_missing" for code in codes})
        return titles


def show(visit: Visit, course: str) -> Response:
    """List the offers of a course."""
    return _list(visit, course, FormView({"tier": "basic"}))


def _list(visit: Visit, slug: str, form: FormView, status: int = 200) -> Response:
    row = read_course(visit, slug)
    return visit.render(
        "courses/admin_offers.html",
        status,
        slug=slug,
        title=title_of(visit, row),
        offers=[_offer(visit, slug, one) for one in _read(visit, slug)],
        form=form,
        codes=languages(),
        tiers=tiers(visit),
        cohorts=_cohorts(visit, row["cohorts"]),
    )


def _cohorts(visit: Visit, rows: list[JsonObject]) -> list[tuple[str, str]]:
    """Return the choices of a cohort, also none."""
    starts = [(one["key"], f"{one['key']} · {visit.date(one['starts_at'])}") for one in rows]
    return [("", visit.text("course_admin_no_cohort")), *starts]


def _read(visit: Visit, slug: str) -> list[AdminListCourseOffers]:
    found: list[AdminListCourseOffers] | None = db.call(
        "admin_list_course_offers", p_slug=slug, p_admin_email=account(visit, "admin")
    )
    return found or []


def _offer(visit: Visit, slug: str, row: AdminListCourseOffers) -> JsonObject:
    product = row["product"]
    days = row["access_days"]
    return {
        "key": product["key"],
        "title": views.words(visit, product["texts"]).get("title", product["key"]),
        "address": visit.url(f"{COURSES}/{slug}/offers/{product['key']}"),
        "tier": visit.text(f"course_tier_{row['tier']}"),
        "access": visit.text("course_access_days", count=days)
        if days
        else visit.text("course_access_for_life"),
        "cohort": row["cohort"] or "",
        "prices": _prices(visit, product["prices"]),
        "is_active": product["is_active"],
    }


def _prices(visit: Visit, prices: Mapping[str, str]) -> list[str]:
    """Return the prices of a product, that of the admin's language first."""
    ordered = catalog.in_order(prices.keys(), visit.language)
    return [figures.money(visit.language, Decimal(prices[code]), code) for code in ordered]


def create(visit: Visit, course: str) -> Response:
    """Create a product that sells a tier of the course, hidden and without a price."""
    try:
        sent = visit.form(_New)
        titles = sent.titles([code for code, _ in languages()])
        done: AdminCreateCourseProduct = db.call(
            "admin_create_course_product",
            p_product_key=sent.key,
            p_titles=titles,
            p_slug=course,
            p_tier=sent.tier,
            p_admin_email=account(visit, "admin"),
            p_cohort_key=sent.cohort or None,
            p_access_days=int(sent.days) if sent.days else None,
        )
        if done["outcome"] == "exists":
            raise FormError({"key": "course_admin_taken"})
    except FormError as error:
        return _list(visit, course, editing.faulty(visit, error), 422)
    except Refusal as error:
        return _list(visit, course, editing.refused(visit, error), 422)
    if done["outcome"] == "none":
        raise NotFound
    return visit.redirect(f"{COURSES}/{course}/offers", "course_offer_created_notice")


def show_one(visit: Visit, course: str, product: str) -> Response:
    """Show the form of an offer."""
    return _one(visit, course, product)


def _one(visit: Visit, slug: str, key: str, form: FormView | None = None, status: int = 200) -> Response:
    found = next((one for one in _read(visit, slug) if one["product"]["key"] == key), None)
    if found is None:
        raise NotFound
    row = read_course(visit, slug)
    known = {"tier": found["tier"], "days": found["access_days"] or "", "cohort": found["cohort"] or ""}
    return visit.render(
        "courses/admin_offer.html",
        status,
        slug=slug,
        title=title_of(visit, row),
        offer=_offer(visit, slug, found),
        form=form or FormView(known),
        tiers=tiers(visit),
        cohorts=_cohorts(visit, row["cohorts"]),
    )


def change(visit: Visit, course: str, product: str) -> Response:
    """Change what a product gives of the course."""
    if all(one["product"]["key"] != product for one in _read(visit, course)):
        raise NotFound
    try:
        sent = visit.form(_Terms)
        done: AdminSaveCourseOffer = db.call(
            "admin_save_course_offer",
            p_product_key=product,
            p_slug=course,
            p_tier=sent.tier,
            p_admin_email=account(visit, "admin"),
            p_cohort_key=sent.cohort or None,
            p_access_days=int(sent.days) if sent.days else None,
        )
    except FormError as error:
        return _one(visit, course, product, editing.faulty(visit, error), 422)
    except Refusal as error:
        return _one(visit, course, product, editing.refused(visit, error), 422)
    if done["outcome"] == "none":
        raise NotFound
    return visit.redirect(f"{COURSES}/{course}/offers", "course_saved_notice")


_LIST = f"{COURSE}/offers"
_ONE = f"{_LIST}/<string(maxlength=32):product>"

pages = (
    Page(_LIST, show, access=Access.ADMIN),
    Page(f"{COURSE}/new_offer", create, methods=("POST",), max_body=SMALL_FORM, access=Access.ADMIN),
    Page(_ONE, show_one, access=Access.ADMIN),
    Page(f"{_ONE}/save", change, methods=("POST",), max_body=SMALL_FORM, access=Access.ADMIN),
)
