"""A product: how it can be paid, and the order.

The form carries the price that was shown and a reference: sent again, it finds the order of the first time.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from shared.core import db
from shared.core.errors import Refusal
from shared.core.texts import figures
from shared.features.common import catalog
from shared.features.common.catalog import PaymentOption
from shared.features.common.web_buyer import WebBuyer, buyer_of
from shared.features.shop import links, ordering, wording
from shared.features.shop.pages import offers, order
from shared.features.shop.pages.options import Chosen, listed, matching, value_of
from shared.web import forms
from shared.web.access import Access
from shared.web.page import Page
from shared.web.styled import to_html

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import ProductsForSale
    from shared.web.visit import Visit

# M0004: what lowered the price was used or refunded at this moment.
_REFUSED = {"L0002": "balance_short_notice", "L0005": "buy_price_notice", "M0004": "buy_price_notice"}


class _Purchase(BaseModel):
    """What a form of this page sends."""

    option: Chosen
    reference: forms.Reference
    contact: str = Field(default="", max_length=254)
    then: str = Field(default="", max_length=64)
    last: int = Field(default=0, ge=0, lt=2**63)
    replace: bool = False
    gift: bool = False


def show(visit: Visit, key: str) -> Response:
    """Show a product with its payment methods."""
    buyer = buyer_of(visit)
    product = catalog.find(catalog.products(buyer), key)
    if product is None:
        return visit.redirect(offers.PATH, "buy_gone_notice")
    is_gift = "gift" in visit.request.args and bool(catalog.gift_options(buyer, product))
    return _page(visit, buyer, product, then=visit.request.args.get("then", "")[:64], is_gift=is_gift)


def _page(
    visit: Visit,
    buyer: WebBuyer,
    product: ProductsForSale,
    *,
    then: str,
    sent: _Purchase | None = None,
    wrong: str = "",
    is_gift: bool = False,
) -> Response:
    """Return the page of a product, after a wrong contact with what was sent."""
    is_gift = sent.gift if sent else is_gift
    options = listed(buyer, product, chosen=sent.option.value if sent else "", is_gift=is_gift)
    from_balance = catalog.balance_option(buyer, product)
    last: int = db.call("last_balance_order", p_user_id=buyer.user.id)
    return visit.render(
        "shop/product.html",
        422 if wrong else 200,
        key=product["key"],
        title=catalog.title(buyer, product["texts"]),
        about=catalog.about(buyer, product["texts"]),
        courses="/courses" if product["kind"] == "course" and visit.offers("/courses") else "",
        period=product["period"],
        notes=[] if is_gift else [to_html(note) for note in wording.notes(buyer, product)],
        is_gift=is_gift,
        can_give=bool(catalog.gift_options(buyer, product)),
        once=[option for option in options if not option["repeats"]],
        repeated=[option for option in options if option["repeats"]],
        reference=sent.reference if sent else forms.new_reference(),
        last=last,
        then=then,
        asks_contact=any(option["asks_contact"] for option in options),
        contact=sent.contact if sent else buyer.contact or "",
        wrong=wrong,
        has_discount=product["discount"] is not None,
        is_short=not is_gift and from_balance is not None and 0 < buyer.user.balance < from_balance.amount,
        balance=figures.money(buyer.language, buyer.user.balance, buyer.user.currency),
    )


def buy(visit: Visit, key: str) -> Response:
    """Create the order and lead to its page, which has the link to the provider."""
    sent = visit.form(_Purchase)
    buyer = buyer_of(visit)
    product = catalog.find(catalog.products(buyer), key)
    if product is None:
        return visit.redirect(offers.PATH, "buy_gone_notice")
    option = matching(buyer, product, sent.option, is_gift=sent.gift)
    if option is None:
        return _back(visit, key, "buy_option_notice", is_gift=sent.gift)
    if option.amount != sent.option.amount:
        return _back(visit, key, "buy_price_notice", is_gift=sent.gift)
    if option.provider == "balance":
        return _pay_from_balance(visit, buyer, key, option, sent.last)
    if option.repeats and not sent.replace and (running := ordering.running_renewal(buyer)):
        return visit.render(
            "shop/replace.html",
            key=key,
            sent=sent,
            option=value_of(option),
            title=catalog.title(buyer, running["texts"]),
            price=figures.money(buyer.language, Decimal(running["amount"]), running["currency"]),
            provider=buyer.provider_name(running["provider"]),
        )
    return _order(visit, buyer, product, option, sent)


def _back(visit: Visit, key: str, notice: str, *, is_gift: bool) -> Response:
    """Return the way to the product, as it was open: for the buyer, or for another user."""
    return visit.redirect(f"{offers.PATH}/{key}", notice, **({"gift": 1} if is_gift else {}))


def _order(
    visit: Visit, buyer: WebBuyer, product: ProductsForSale, option: PaymentOption, sent: _Purchase
) -> Response:
    from shared.payments.provider import ContactRefused, RequestRefused

    contact = None
    if ordering.needs_contact(option):
        from shared.payments import contacts

        contact = contacts.parse_contact(sent.contact)
        if contact is None:
            wrong = visit.text("contact_wrong" if sent.contact.strip() else "contact_missing")
            return _page(visit, buyer, product, then=sent.then, sent=sent, wrong=wrong)
    choice = ordering.Choice(
        product, option, contact, f"web:{buyer.user.id}:{sent.reference}", sent.then or None
    )
    place = links.Place(visit.address(order.path("{order}")), sent.reference)
    checkout = ordering.open_checkout(buyer, choice, place)
    if isinstance(checkout.failure, ContactRefused):
        wrong = visit.text("contact_refused", provider=buyer.provider_name(option.provider))
        return _page(visit, buyer, product, then=sent.then, sent=_renewed(sent), wrong=wrong)
    if contact is not None and contact != buyer.contact:
        db.call("set_receipt_contact", p_user_id=buyer.user.id, p_contact=contact)
    if checkout.failure is not None:
        is_refusal = isinstance(checkout.failure, RequestRefused)
        notice = "buy_refused_notice" if is_refusal else "buy_unavailable_notice"
        return _back(visit, product["key"], notice, is_gift=option.is_gift)
    if checkout.order["outcome"] == "not_for_sale":
        return visit.redirect(offers.PATH, "buy_gone_notice")
    return visit.redirect(order.path(checkout.order["id"]))


def _renewed(sent: _Purchase) -> _Purchase:
    """Return what was sent with another reference: the order of the first one is canceled."""
    return sent.model_copy(update={"reference": forms.new_reference()})


def _pay_from_balance(visit: Visit, buyer: WebBuyer, key: str, option: PaymentOption, last: int) -> Response:
    try:
        done = ordering.pay_from_balance(buyer, key, option.amount, f"n{last}", is_gift=option.is_gift)
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSED:
            raise
        return _back(visit, key, _REFUSED[refusal.sqlstate], is_gift=option.is_gift)
    if done["outcome"] == "not_for_sale":
        return visit.redirect(offers.PATH, "buy_gone_notice")
    if done["outgoing"]:
        from shared.telegram import outbox  # imports telebot

        outbox.deliver_outgoing(done["outgoing"])
    return visit.redirect(order.path(done["id"]))


_KEY = "<string(maxlength=64):key>"

pages = (
    Page(f"{offers.PATH}/{_KEY}", show, access=Access.USER),
    Page(f"{offers.PATH}/{_KEY}/order", buy, methods=("POST",), max_body=4_000, access=Access.USER),
)
