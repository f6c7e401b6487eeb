"""What is for sale, in which groups, and how each product can be paid for: the data of the shop's screens."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from shared.core import db, texts
from shared.core.texts import figures
from shared.payments import providers
from shared.telegram.context import StateUnavailable, UpdateContext

STARS = "XTR"
BALANCE = "bal:"  # bal:<product>: pay from balance
PAY = "pay:"  # pay:<product>:<provider>:<currency>[:again]
AGAIN = "again"  # the payment repeats each period
_PREFERRED = {"ru": ("RUB", "USD", "EUR"), "": ("USD", "EUR", "RUB")}

Product = dict[str, Any]  # of products_for_sale


class Way(NamedTuple):
    """One way to pay for a product."""

    provider: str
    currency: str
    amount: Decimal
    repeats: bool
    full_amount: Decimal | None = None  # without the user's discount, where they have one

    @property
    def method(self) -> str:
        """How the user calls it: stars, card, crypto or balance."""
        return "balance" if self.provider == "balance" else providers.load(self.provider).PAYMENT_METHOD

    def button(self, product: str) -> str:
        """Return the callback data of its button."""
        if self.provider == "balance":
            return f"{BALANCE}{product}"
        return f"{PAY}{product}:{self.provider}:{self.currency}" + (f":{AGAIN}" if self.repeats else "")


def products(context: UpdateContext) -> list[Product]:
    """Return the products that can be paid for in some way here.

    Raises:
        StateUnavailable: there is no database.
    """
    if context.is_offline:
        raise StateUnavailable
    found: list[Product] = db.call("products_for_sale", p_user_id=context.user.id)
    return [product for product in found if ways_to_pay(context, product)]


def find(offered: Sequence[Product], key: str) -> Product | None:
    """Return the product with this key."""
    return next((product for product in offered if product["key"] == key), None)


def gone(context: UpdateContext) -> None:
    """Say that this is not for sale, and lead back to what is."""
    context.show(context.rich("buy_gone"), [[(context.text("buy_all"), "buy")]])


def group_of(product: Product) -> str:
    """Return the group a product is chosen from: its plan, or its kind."""
    return f"plan.{product['plan']}" if product["kind"] == "subscription" else str(product["kind"])


def groups(offered: Sequence[Product]) -> dict[str, list[Product]]:
    """Return the products by group, both in the order of the shop."""
    found: dict[str, list[Product]] = {}
    for product in offered:
        found.setdefault(group_of(product), []).append(product)
    return found


def currencies(context: UpdateContext, offered: Sequence[Product]) -> list[str]:
    """Return the currencies the user can see prices in, their own first; Stars are none of them."""
    found = {way.currency for product in offered for way in all_ways(product) if way.currency != STARS}
    return sorted(found, key=lambda code: _rank(context, code))


def _rank(context: UpdateContext, code: str) -> tuple[int, str]:
    preferred = (context.user.price_currency, *_PREFERRED.get(context.language, _PREFERRED[""]))
    return (preferred.index(code) if code in preferred else len(preferred), code)


def all_ways(product: Product) -> list[Way]:
    """Return every way a provider takes, in every currency, Stars first and the test provider last.

    Telegram asks for Stars where digital goods are sold.
    """
    return [
        way
        for key in sorted(providers.configured(), key=_position)
        for currency in sorted(providers.load(key).CURRENCIES.intersection(product["prices"]))
        for way in _ways_of(product, key, currency)
    ]


def _position(key: str) -> tuple[bool, bool, str]:
    provider = providers.load(key)
    return (provider.PAYMENT_METHOD != "stars", bool(provider.ENVIRONMENTS), key)


def _ways_of(product: Product, key: str, currency: str) -> list[Way]:
    ways = [_once(product, key, currency)]
    if product["period"] and providers.load(key).renews(product["period"], currency):
        # A discount is for one purchase: each period of a renewal costs the full price.
        ways.append(Way(key, currency, Decimal(product["prices"][currency]), repeats=True))
    return ways


def _once(product: Product, key: str, currency: str) -> Way:
    amount = Decimal(product["prices"][currency])
    reduced = product["discount"] and product["discount"]["prices"].get(currency)
    if reduced:
        return Way(key, currency, Decimal(reduced), repeats=False, full_amount=amount)
    return Way(key, currency, amount, repeats=False)


def ways_to_pay(context: UpdateContext, product: Product) -> list[Way]:
    """Return the ways in Stars and in the user's currency, and balance last where there is some.

    A product without a price in the user's currency is sold in the next one by their language.
    """
    found = all_ways(product)
    codes = {way.currency for way in found} - {STARS}
    own = min(codes, key=lambda code: _rank(context, code), default=STARS)
    ways = [way for way in found if way.currency in (STARS, own)]
    from_balance = balance_way(context, product)
    if from_balance and (context.user.balance >= from_balance.amount or (ways and context.user.balance > 0)):
        ways.append(from_balance)
    return ways


def balance_way(context: UpdateContext, product: Product) -> Way | None:
    """Return how a product is paid from balance: for one period, never for balance itself."""
    currency = context.user.currency
    if product["kind"] == "balance" or currency not in product["prices"]:
        return None
    return _once(product, "balance", currency)


def shown_way(context: UpdateContext, product: Product, *, repeats: bool | None = None) -> Way:
    """Return the way whose price stands on a product's button: in the user's currency rather than Stars."""
    ways = [way for way in ways_to_pay(context, product) if repeats is None or way.repeats == repeats]
    return min(ways, key=lambda way: (way.provider == "balance", way.currency == STARS))


def price(context: UpdateContext, way: Way) -> str:
    """Write what a way costs."""
    return figures.money(context.language, way.amount, way.currency)


def title(context: UpdateContext, named: dict[str, Any]) -> str:
    """Return a product's title in the user's language, or in any there is."""
    return texts.product_words(context.language, named).title


def about(context: UpdateContext, named: dict[str, Any]) -> str:
    """Return a product's description, an empty text where there is none."""
    return texts.product_words(context.language, named).about
