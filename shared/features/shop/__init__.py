"""The shop: products, periods, payment methods, checkout, receipt contact, payment from balance.

buy.py       the way from the list to the payment method
lists.py     the lists of products             screens.py  the screens of a product
checkout.py  the order and its payment page    links.py    payment links
contact.py   the contact for receipts          balance.py  payment from balance
gifts.py     plans for other users
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.telegram.feature import Command, Feature

if TYPE_CHECKING:
    from shared.core.sql_types import CreateOrder, GetOpenOrder, LeaveCheckout, ProductsForSale
    from shared.core.texts import Text
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

feature = Feature(
    __name__,
    commands=(Command("buy", "plan", needs="sales"), Command("gifts", "plan", needs="sales")),
    buttons=(
        *("buy", "shop", "once", "auto", "card", "currency", "pay", "other"),
        *("bal", "contact", "gift", "gifts"),
    ),
    links=("gift_",),
    states=("receipt_contact",),
)


def contact_row(context: UpdateContext) -> Keyboard:
    """Return the button to the contact for receipts, where one is stored."""
    from shared.features.shop import contact

    return contact.row(context)


def closed_text(context: UpdateContext, order: CreateOrder | GetOpenOrder | LeaveCheckout) -> Text:
    """Return what says that an order is paid, or under review, in place of its checkout."""
    from shared.features.shop import checkout

    return checkout.closed_text(context, order)


def payable_link(context: UpdateContext, order: GetOpenOrder, *, may_retry: bool = False) -> str | None:
    """Return where an order is paid, see `links.payable_link`."""
    from shared.features.shop import links

    return links.payable_link(context, order, links.in_chat(context), may_retry=may_retry)


def preview(context: UpdateContext, product: ProductsForSale) -> tuple[str, Text, Keyboard]:
    """Return a product as a buyer sees it: its button's label, and the first screen behind it."""
    from shared.features.shop import lists, screens

    return lists.product_row(context, product)[0][0], *screens.first_screen(context, product)
