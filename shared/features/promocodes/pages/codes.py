"""The page on which a promo code is entered.

The form carries a reference: sent again, or reloaded, it shows what the first time gave.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from shared.features.common.web_buyer import buyer_of
from shared.features.promocodes import redeeming
from shared.web import forms
from shared.web.access import Access
from shared.web.page import Page
from shared.web.styled import to_html

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit

_PATH = "/account/promo"
_PRODUCT = re.compile("/buy/[a-z0-9_]{1,64}")


class _Code(BaseModel):
    """A code as it was typed."""

    code: str = Field(max_length=200)
    reference: forms.Reference
    to: str = Field(default="", max_length=100)


def show(visit: Visit) -> Response:
    """Ask for a code."""
    return _page(visit)


def redeem(visit: Visit) -> Response:
    """Redeem a code."""
    sent = visit.form(_Code)
    buyer = buyer_of(visit)
    # A visitor who goes back types another code into the same form.
    form = f"{sent.reference}:{sha256(sent.code.encode()).hexdigest()[:16]}"
    code, result = redeeming.redeem(buyer.user.id, sent.code, f"web:{buyer.user.id}:{form}")
    to = sent.to if _PRODUCT.fullmatch(sent.to) else ""
    if result is None:
        return _page(visit, wrong=visit.text("promo_malformed"), code=sent.code, to=to)
    answer = to_html(redeeming.outcome_text(buyer, code, result))
    if result["outcome"] == "redeemed" or result.get("is_unused"):
        return _page(visit, done=answer, to=to, is_discount=redeeming.is_discount(result))
    return _page(visit, wrong=answer, code=sent.code, to=to)


def _page(
    visit: Visit, *, done: str = "", wrong: str = "", code: str = "", to: str = "", is_discount: bool = False
) -> Response:
    return visit.render(
        "promocodes/page.html",
        done=done,
        wrong=wrong,
        code=code,
        to=to,
        is_discount=is_discount,
        reference=forms.new_reference(),
    )


pages = (
    Page(_PATH, show, access=Access.USER),
    Page(f"{_PATH}/redeem", redeem, methods=("POST",), max_body=4_000, access=Access.USER),
)
