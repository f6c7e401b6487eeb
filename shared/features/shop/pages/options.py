"""The payment options in a form: each names provider, currency, price, and whether it repeats."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import BeforeValidator

from shared.core.texts import figures
from shared.features.common import catalog
from shared.features.common.catalog import AGAIN, PaymentOption
from shared.features.shop import ordering

if TYPE_CHECKING:
    from shared.core.sql_types import ProductsForSale
    from shared.features.common.buyer import Buyer

_VALUE = re.compile(rf"([a-z_]{{1,32}}):([A-Z]{{3,5}}):([0-9]{{1,10}}(?:\.[0-9]{{1,2}})?)(:{AGAIN})?")


class Choice(NamedTuple):
    """An option as a form names it."""

    value: str
    provider: str
    currency: str
    amount: Decimal
    repeats: bool


def _parse(value: object) -> Choice:
    match = _VALUE.fullmatch(str(value))
    if match is None:
        raise ValueError("no option")
    provider, currency, amount, again = match.groups()
    return Choice(match[0], provider, currency, Decimal(amount), bool(again))


Chosen = Annotated[Choice, BeforeValidator(_parse)]


def value_of(option: PaymentOption) -> str:
    """Return how a form names an option."""
    again = f":{AGAIN}" if option.repeats else ""
    return f"{option.provider}:{option.currency}:{option.amount.normalize():f}{again}"


def listed(
    buyer: Buyer, product: ProductsForSale, *, chosen: str, is_gift: bool = False
) -> list[dict[str, object]]:
    """Return the options for a template; `chosen` is checked, else the first."""
    found = catalog.gift_options(buyer, product) if is_gift else catalog.payment_options(buyer, product)
    is_short = catalog.balance_option(buyer, product)
    found = [
        one
        for one in found
        if one.provider != "balance" or (is_short is not None and buyer.user.balance >= is_short.amount)
    ]
    values = [value_of(one) for one in found]
    checked = chosen if chosen in values else next(iter(values), "")
    return [
        {
            "value": value,
            "name": buyer.provider_name(one.provider),
            "price": catalog.price(buyer, one),
            "full": figures.money(buyer.language, one.full_amount, one.currency) if one.full_amount else "",
            "repeats": one.repeats,
            "is_balance": one.provider == "balance",
            "asks_contact": ordering.needs_contact(one),
            "is_checked": value == checked,
        }
        for value, one in zip(values, found, strict=True)
    ]


def matching(
    buyer: Buyer, product: ProductsForSale, chosen: Choice, *, is_gift: bool
) -> PaymentOption | None:
    """Return the option that a form names, at its current price; None where there is none any more.

    A balance that is too low is no reason: the form may be sent a second time, after it paid.
    """
    if is_gift and (product["kind"] != "subscription" or chosen.repeats):
        return None
    from_balance = catalog.balance_option(buyer, product)
    offered = [*catalog.all_options(product), *([from_balance] if from_balance else [])]
    wanted = (chosen.provider, chosen.currency, chosen.repeats)
    found = next((one for one in offered if (one.provider, one.currency, one.repeats) == wanted), None)
    return found._replace(is_gift=is_gift) if found else None
