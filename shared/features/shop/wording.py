"""What the shop says of its products: groups, savings, discounts and notes before a purchase."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from shared.core import db
from shared.core.texts import Text, figures
from shared.features.common import catalog
from shared.features.common.catalog import price
from shared.features.common.plans import plan_name

if TYPE_CHECKING:
    from shared.core.sql_types import ProductsForSale, SubscriptionOverview
    from shared.features.common.buyer import Buyer


def group_name(buyer: Buyer, group: str) -> str:
    """Return the name of a group of products (catalog.group_of)."""
    kind, _, plan = group.partition(".")
    return plan_name(buyer, plan) if plan else buyer.text(f"buy_group_{kind}")


def saved(buyer: Buyer, product: ProductsForSale, members: list[ProductsForSale]) -> int:
    """Return the percentage that a year saves against twelve months; 0 for other products."""
    month = next((one for one in members if one["period"] == "month"), None)
    if product["period"] != "year" or month is None:
        return 0
    year_way, month_way = catalog.shown_option(buyer, product), catalog.shown_option(buyer, month)
    if year_way.currency != month_way.currency:
        return 0
    return max(int(100 - 100 * year_way.amount / (12 * month_way.amount)), 0)


def shop_discount(buyer: Buyer, offered: list[ProductsForSale]) -> Text | None:
    """Return the discount that is already in the prices of the list."""
    discount = next((product["discount"] for product in offered if product["discount"]), None)
    if discount is None:
        return None
    until = buyer.date(discount["until"]) if discount["until"] else ""
    key = "buy_discount_until" if until else "buy_discount"
    return buyer.rich(key, percent=discount["percent"], until=until)


def notes(buyer: Buyer, product: ProductsForSale, repeats: bool | None = None) -> list[Text]:
    """Return what to know before a purchase; `repeats` is what was chosen, None before the choice."""
    found = (
        _discount_note(buyer, product, repeats),
        _plan_note(buyer, product),
        _upgrade_note(buyer, product),
    )
    return [note for note in found if note is not None]


def _discount_note(buyer: Buyer, product: ProductsForSale, repeats: bool | None) -> Text | None:
    """Return the reduced prices; auto-renewal costs the full price, so it is named until one is chosen."""
    options = [option for option in catalog.payment_options(buyer, product) if option.full_amount]
    if not options or repeats or product["discount"] is None:
        return None
    prices = {
        option.currency: buyer.text(
            "buy_reduced_price",
            price=price(buyer, option),
            full=figures.money(buyer.language, option.full_amount or option.amount, option.currency),
        )
        for option in options
    }
    percent = product["discount"]["percent"]
    key = (
        "buy_reduced_repeats"
        if repeats is None and True in catalog.modes_of(buyer, product)
        else "buy_reduced"
    )
    return buyer.rich(key, percent=percent, prices="; ".join(prices.values()))


def _plan_note(buyer: Buyer, product: ProductsForSale) -> Text | None:
    """Return what happens to the user's current plan."""
    if product["kind"] != "subscription" or buyer.usage.plan == "FREE":
        return None
    running: SubscriptionOverview = db.call("subscription_overview", p_user_id=buyer.user.id)
    if not running["ends_at"]:
        return buyer.rich("buy_note_endless")
    repeats = any(renewal["status"] in ("active", "past_due") for renewal in running["renewals"])
    key = "buy_note_repeats" if repeats else "buy_note_extends"
    return buyer.rich(key, until=buyer.date(running["ends_at"]))


def _upgrade_note(buyer: Buyer, product: ProductsForSale) -> Text | None:
    """Return that a lower tier of the course was paid in another currency than some of the prices."""
    if product["kind"] != "course":
        return None
    paid: dict[str, str] = db.call("upgrade_credits", p_user_id=buyer.user.id, p_product_key=product["key"])
    full = {
        option.currency: price(buyer, option)
        for option in catalog.payment_options(buyer, product)
        if option.currency not in paid
    }
    if not paid or not full:
        return None
    amounts = (figures.money(buyer.language, Decimal(amount), currency) for currency, amount in paid.items())
    return buyer.rich("buy_note_upgrade", paid=", ".join(amounts), prices=", ".join(full.values()))
