"""Pages of admins: batches of promo codes that work once each, and their sheet (CSV)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from flask import Response
from pydantic import BaseModel, Field
from werkzeug.exceptions import Forbidden, NotFound

from shared.core import clock, db
from shared.core.errors import Refusal
from shared.web import forms, spreadsheet
from shared.web.access import Access
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        AdminCreatePromocodeBatch,
        AdminExportPromocodeBatch,
        AdminPromocodeBatches,
        PromocodeBatch,
        StaffAccount,
    )
    from shared.web.visit import Visit

PATH = "/admin/codes"
_KINDS = ("credits", "percent", "month", "trainings")


class _New(BaseModel):
    prefix: str = Field(pattern=r"^\s*[A-Za-z0-9]{2,16}\s*$")
    kind: Literal["credits", "percent", "month", "trainings"]
    value: int = Field(ge=1, le=1_000_000)
    size: int = Field(ge=1, le=5000)
    days: str = Field(default="", pattern=r"^([1-9][0-9]{0,3})?$")
    note: str = Field(default="", max_length=500)
    reference: forms.Reference


class _Switch(BaseModel):
    is_active: bool


def _account(visit: Visit) -> str:
    """Return the address under which the user acts as an admin.

    Raises:
        Forbidden: the user is no admin any more.
    """
    found: StaffAccount = db.call("staff_account", p_user_id=visit.user.user_id, p_role="admin")
    if found["account"] is None:
        raise Forbidden
    return found["account"]


def show(visit: Visit) -> Response:
    """List the batches."""
    return _page(visit, forms.FormView({}))


def _page(visit: Visit, form: forms.FormView, status: int = 200) -> Response:
    """Return the page; of a form that was not accepted, with what was typed."""
    found: AdminPromocodeBatches = db.call(
        "admin_promocode_batches",
        p_admin_email=_account(visit),
        p_before=visit.number("before"),
    )
    return visit.render(
        "promocodes/batches.html",
        status,
        form=form,
        batches=[_line(visit, one) for one in found["batches"]],
        older=visit.url(PATH, before=found["next"]) if found["next"] is not None else "",
        kinds=[(one, visit.text(f"promo_batch_{one}")) for one in _KINDS],
        reference=forms.new_reference(),
    )


def _line(visit: Visit, row: PromocodeBatch) -> JsonObject:
    gives = visit.text(f"promo_batch_{row['kind']}")
    return {
        "id": row["id"],
        "prefix": row["prefix"],
        "gives": f"{gives}: {row['value']}",
        "used": visit.text("promo_batch_used", used=row["used"], size=row["size"]),
        "until": visit.date(row["valid_until"]) if row["valid_until"] else "",
        "made": visit.date(row["created_at"]),
        "note": row["note"] or "",
        "is_active": row["is_active"],
    }


def create(visit: Visit) -> Response:
    """Create a batch."""
    try:
        sent = visit.form(_New)
    except forms.FormError as error:
        return _page(visit, visit.typed(error.fields, visit.text("web_error_fields")), 422)
    try:
        _made: AdminCreatePromocodeBatch = db.call(
            "admin_create_promocode_batch",
            p_prefix=sent.prefix,
            p_kind=sent.kind,
            p_value=sent.value,
            p_size=sent.size,
            p_admin_email=_account(visit),
            p_valid_until=clock.now() + timedelta(days=int(sent.days)) if sent.days else None,
            p_note=sent.note,
            p_reference=f"console:{sent.reference}",
        )
    except Refusal as refusal:
        if refusal.sqlstate != "Z0007":
            raise
        return _page(visit, visit.typed({}, visit.text("promo_batch_wrong")), 422)
    return visit.redirect(PATH, "promo_batch_created_notice")


def switch(visit: Visit, number: int) -> Response:
    """Switch the codes of a batch off, or on again."""
    sent = visit.form(_Switch)
    done: PromocodeBatch | None = db.call(
        "admin_switch_promocode_batch",
        p_batch_id=number,
        p_is_active=sent.is_active,
        p_admin_email=_account(visit),
    )
    if done is None:
        raise NotFound
    return visit.redirect(PATH, "promo_batch_switched_notice")


def export(visit: Visit, number: int) -> Response:
    """Return the codes of a batch as a sheet."""
    found: AdminExportPromocodeBatch | None = db.call(
        "admin_export_promocode_batch", p_batch_id=number, p_admin_email=_account(visit)
    )
    if found is None:
        raise NotFound
    rows = ((one["code"], one["uses"], one["is_active"]) for one in found["codes"])
    name = f"{found['batch']['prefix']}-{number}"
    return spreadsheet.response(name, ("code", "uses", "is_active"), rows)


_ONE = f"{PATH}/{row_id('number')}"
_FORM = 6_000  # bytes

pages = (
    Page(PATH, show, access=Access.ADMIN, menu="promo_batch_menu"),
    Page(f"{PATH}/new", create, methods=("POST",), max_body=_FORM, access=Access.ADMIN),
    Page(f"{_ONE}/switch", switch, methods=("POST",), max_body=_FORM, access=Access.ADMIN),
    Page(f"{_ONE}/codes.csv", export, access=Access.ADMIN),
)
