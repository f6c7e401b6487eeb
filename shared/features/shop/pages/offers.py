"""The list of what is for sale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from shared.core import db
from shared.core.texts import figures
from shared.features.common import catalog
from shared.features.common.web_buyer import WebBuyer, buyer_of
from shared.features.shop import wording
from shared.web.access import Access
from shared.web.page import Page
from shared.web.styled import to_html

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import ProductsForSale
    from shared.web.visit import Visit

PATH = "/buy"


class _Currency(BaseModel):
    """The currency in which prices are shown."""

    currency: str = Field(min_length=3, max_length=5)


def show(visit: Visit) -> Response:
    """List the products by group."""
    buyer = buyer_of(visit)
    offered = catalog.products(buyer)
    discount = wording.shop_discount(buyer, offered)
    codes = catalog.currencies(buyer, offered)
    return visit.render(
        "shop/offers.html",
        groups=[
            {
                "name": wording.group_name(buyer, group),
                "about": _about(buyer, members),
                "products": [_product(buyer, product, members) for product in members],
            }
            for group, members in catalog.groups(offered).items()
        ],
        discount=to_html(discount) if discount else "",
        currencies=[(code, figures.currency_name(code), code == codes[0]) for code in sorted(codes)]
        if len(codes) > 1
        else [],
    )


def _about(buyer: WebBuyer, members: list[ProductsForSale]) -> str:
    """Return the description of a group whose products all have the same one."""
    found = {catalog.about(buyer, product["texts"]) for product in members}
    return found.pop() if len(found) == 1 else ""


def _product(buyer: WebBuyer, product: ProductsForSale, members: list[ProductsForSale]) -> dict[str, object]:
    option = catalog.shown_option(buyer, product)
    full = option.full_amount
    about = catalog.about(buyer, product["texts"])
    return {
        "key": product["key"],
        "title": catalog.title(buyer, product["texts"]),
        "about": "" if about == _about(buyer, members) else about,
        "price": catalog.price(buyer, option),
        "full": figures.money(buyer.language, full, option.currency) if full else "",
        "saved": wording.saved(buyer, product, members),
    }


def choose_currency(visit: Visit) -> Response:
    """Show prices in another currency from now on, in the bots as well."""
    code = visit.form(_Currency).currency
    buyer = buyer_of(visit)
    if code in catalog.currencies(buyer, catalog.products(buyer)):
        db.call("set_preferences", p_user_id=buyer.user.id, p_price_currency=code)
    return visit.redirect(PATH)


pages = (
    Page(PATH, show, access=Access.USER, menu="shop_menu"),
    Page("/account/currency", choose_currency, methods=("POST",), max_body=2_000, access=Access.USER),
)
