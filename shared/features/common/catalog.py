"""What is for sale, in which groups, and how each product can be paid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from shared.core import db, texts
from shared.core.texts import figures
from shared.payments import providers
from shared.telegram.context import StateUnavailable, UpdateContext

if TYPE_CHECKING:
    from shared.core.sql_types import ProductsForSale
    from shared.features.common.buyer import Buyer

STARS = "XTR"
BALANCE = "bal:"  # bal:<product>[:gift]: pay from balance
PAY = "pay:"  # pay:<product>:<provider>:<currency>[:again or :gift]
AGAIN = "again"  # the payment repeats each period
GIFT = "gift"  # the product is for another user
_PREFERRED = {"ru": ("RUB", "USD", "EUR"), "": ("USD", "EUR", "RUB")}


class PaymentOption(NamedTuple):
    """How a product can be paid: provider, currency, amount, once or repeatedly."""

    provider: str
    currency: str
    amount: Decimal
    repeats: bool
    full_amount: Decimal | None = None  # without the user's discount, where they have one
    is_gift: bool = False

    @property
    def method(self) -> str:
        """The kind of payment: stars, card, crypto or balance."""
        return "balance" if self.provider == "balance" else providers.load(self.provider).PAYMENT_METHOD

    def button(self, product: str) -> str:
        """Return the callback data of its button."""
        end = f":{AGAIN}" if self.repeats else f":{GIFT}" if self.is_gift else ""
        if self.provider == "balance":
            return f"{BALANCE}{product}{end}"
        return f"{PAY}{product}:{self.provider}:{self.currency}{end}"


def products(buyer: Buyer) -> list[ProductsForSale]:
    """Return the products for sale that have a payment option here; none in a bot that meters nothing.

    Raises:
        StateUnavailable: there is no database.
    """
    if buyer.is_offline:
        raise StateUnavailable
    if not buyer.bot.is_metered:
        return []
    found: list[ProductsForSale] = db.call("products_for_sale", p_user_id=buyer.user.id)
    return [product for product in found if payment_options(buyer, product)]


def find(offered: Sequence[ProductsForSale], key: str) -> ProductsForSale | None:
    """Return the product with this key."""
    return next((product for product in offered if product["key"] == key), None)


def gone(context: UpdateContext) -> None:
    """Tell the user that this is not for sale any more, with a button to the shop."""
    context.show(context.rich("buy_gone"), [[(context.text("buy_all"), "buy")]])


def group_of(product: ProductsForSale) -> str:
    """Return the group a product is chosen from: its plan, or its kind."""
    return f"plan.{product['plan']}" if product["kind"] == "subscription" else str(product["kind"])


def groups(offered: Sequence[ProductsForSale]) -> dict[str, list[ProductsForSale]]:
    """Return the products by group, both in the order of the shop."""
    found: dict[str, list[ProductsForSale]] = {}
    for product in offered:
        found.setdefault(group_of(product), []).append(product)
    return found


def currencies(buyer: Buyer, offered: Sequence[ProductsForSale]) -> list[str]:
    """Return the currencies the user can see prices in, their own first; Stars are none of them."""
    found = {
        option.currency for product in offered for option in all_options(product) if option.currency != STARS
    }
    return in_order(found, buyer.language, buyer.user.price_currency)


def in_order(codes: Iterable[str], language: str, chosen: str | None = None) -> list[str]:
    """Return currencies as a user sees prices: the chosen one, those of the language, then the others."""
    preferred = (chosen, *_PREFERRED.get(language, _PREFERRED[""]))
    return sorted(codes, key=lambda code: (preferred.index(code) if code in preferred else 9, code))


def payable_currencies() -> set[str]:
    """Return the currencies that a configured provider takes."""
    return {currency for key in providers.configured() for currency in providers.load(key).CURRENCIES}


def all_options(product: ProductsForSale) -> list[PaymentOption]:
    """Return the options of all configured providers in all currencies, Stars first, the test provider last.

    Telegram asks for Stars where digital goods are sold.
    """
    return [
        option
        for key in sorted(providers.configured(), key=_position)
        for currency in sorted(providers.load(key).CURRENCIES.intersection(product["prices"]))
        for option in _options_of(product, key, currency)
    ]


def _position(key: str) -> tuple[bool, bool, str]:
    provider = providers.load(key)
    return (provider.PAYMENT_METHOD != "stars", bool(provider.ENVIRONMENTS), key)


def _options_of(product: ProductsForSale, key: str, currency: str) -> list[PaymentOption]:
    options = [_once(product, key, currency)]
    if product["period"] and providers.load(key).renews(product["period"], currency):
        # A discount is for one purchase: each period of a renewal costs the full price.
        options.append(PaymentOption(key, currency, Decimal(product["prices"][currency]), repeats=True))
    return options


def _once(product: ProductsForSale, key: str, currency: str) -> PaymentOption:
    amount = Decimal(product["prices"][currency])
    reduced = product["discount"] and product["discount"]["prices"].get(currency)
    if reduced:
        return PaymentOption(key, currency, Decimal(reduced), repeats=False, full_amount=amount)
    return PaymentOption(key, currency, amount, repeats=False)


def payment_options(buyer: Buyer, product: ProductsForSale) -> list[PaymentOption]:
    """Return the options in Stars and in the user's currency, and last the balance where there is some.

    A product without a price in the user's currency is sold in the next one by their language.
    """
    found = all_options(product)
    codes = {option.currency for option in found} - {STARS}
    own = next(iter(in_order(codes, buyer.language, buyer.user.price_currency)), STARS)
    options = [option for option in found if option.currency in (STARS, own)]
    from_balance = balance_option(buyer, product)
    if from_balance and (buyer.user.balance >= from_balance.amount or (options and buyer.user.balance > 0)):
        options.append(from_balance)
    return options


def modes_of(buyer: Buyer, product: ProductsForSale) -> list[bool]:
    """Return whether the product is paid once (False), repeatedly (True), or either."""
    return sorted({option.repeats for option in payment_options(buyer, product)})


def options_of(buyer: Buyer, product: ProductsForSale, repeats: bool) -> list[PaymentOption]:
    """Return the payment options of a product with or without auto-renewal."""
    return [option for option in payment_options(buyer, product) if option.repeats == repeats]


def gift_options(buyer: Buyer, product: ProductsForSale) -> list[PaymentOption]:
    """Return the options to buy a product for another user: only plans, paid once.

    The balance is one of them only while it suffices, because a top-up leads back to a purchase for oneself.
    """
    if product["kind"] != "subscription":
        return []
    return [
        option._replace(is_gift=True)
        for option in payment_options(buyer, product)
        if not option.repeats and (option.provider != "balance" or buyer.user.balance >= option.amount)
    ]


def balance_option(buyer: Buyer, product: ProductsForSale) -> PaymentOption | None:
    """Return the option to pay from balance: for one period, and not for top-ups."""
    currency = buyer.user.currency
    if product["kind"] == "balance" or currency not in product["prices"]:
        return None
    return _once(product, "balance", currency)


def shown_option(buyer: Buyer, product: ProductsForSale, *, repeats: bool | None = None) -> PaymentOption:
    """Return the option whose price is shown on a product's button: the user's currency before Stars."""
    options = [
        option for option in payment_options(buyer, product) if repeats is None or option.repeats == repeats
    ]
    return min(options, key=lambda option: (option.provider == "balance", option.currency == STARS))


def price(buyer: Buyer, option: PaymentOption) -> str:
    """Format the price of an option."""
    return figures.money(buyer.language, option.amount, option.currency)


def title(buyer: Buyer, named: Mapping[str, object]) -> str:
    """Return a product's title in the user's language, else in another one."""
    return texts.product_words(buyer.language, named).title


def about(buyer: Buyer, named: Mapping[str, object]) -> str:
    """Return a product's description, or an empty string."""
    return texts.product_words(buyer.language, named).about
