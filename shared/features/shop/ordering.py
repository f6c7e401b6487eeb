"""An order and its payment page, for a purchase in a chat and on a page."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.core import db, log
from shared.core.errors import ConfigError
from shared.features.common import catalog
from shared.features.common.catalog import PAY, PaymentOption
from shared.features.shop import links
from shared.payments import providers

if TYPE_CHECKING:
    from shared.core.sql_types import (
        CreateOrder,
        PayFromBalance,
        ProductsForSale,
        SubscriptionOverview,
        SubscriptionOverviewRenewals,
    )
    from shared.features.common.buyer import Buyer
    from shared.payments.provider import PaymentError


@dataclass(frozen=True)
class Choice:
    """What is bought and how.

    Attributes:
        contact: for the receipt; None where the provider makes none.
        reference: idempotency key of the order.
        next_product: the product that a top-up is made for.
    """

    product: ProductsForSale
    option: PaymentOption
    contact: str | None
    reference: str
    next_product: str | None


@dataclass(frozen=True)
class Checkout:
    """An order and where it is paid.

    Attributes:
        url: empty where there is no order to pay, and where `failure` says why there is no link.
    """

    order: CreateOrder
    url: str = ""
    failure: PaymentError | ConfigError | None = None


def open_checkout(buyer: Buyer, choice: Choice, place: links.Place) -> Checkout:
    """Create the order, or find the one of this reference, and get its link.

    Without a link the failure is logged, one that the owner must mend with an alert; an order that the
    provider refuses is canceled.
    """
    from shared.payments.provider import ContactRefused, PaymentError, RequestRefused

    made = _order(buyer, choice, place)
    try:
        url = _link(buyer, made, place)
        while url is None:
            ended, made = made, _order(buyer, choice, place)
            # The same order again: its payment is in progress, and its page shows that.
            url = ended["checkout_url"] if made.get("id") == ended["id"] else _link(buyer, made, place)
    except (PaymentError, ConfigError) as error:
        is_refusal = isinstance(error, RequestRefused)
        is_contact = isinstance(error, ContactRefused)
        is_ours = (is_refusal and not is_contact) or isinstance(error, ConfigError)
        (log.alert if is_ours else log.warning)(
            "a contact was refused" if is_contact else "no checkout",
            action="contact_refused" if is_contact else "checkout_failed",
            provider=choice.option.provider,
            reason=str(error),
        )
        if is_refusal:
            db.call("cancel_order", p_order_id=made["id"])
        return Checkout(made, failure=error)
    return Checkout(made, url or "")


def _order(buyer: Buyer, choice: Choice, place: links.Place) -> CreateOrder:
    made: CreateOrder = db.call(
        "create_order",
        p_user_id=buyer.user.id,
        p_product_key=choice.product["key"],
        p_provider=choice.option.provider,
        p_currency=choice.option.currency,
        p_bot=buyer.bot.name,
        p_renews=choice.option.repeats,
        p_contact=choice.contact,
        p_reference=choice.reference,
        p_next_product_key=choice.next_product if choice.product["kind"] == "balance" else None,
        p_message_id=place.message_id,
        p_reuse=True,
        p_is_gift=choice.option.is_gift,
    )
    return made


def _link(buyer: Buyer, made: CreateOrder, place: links.Place) -> str | None:
    """Return the link of an order, None if it has run out; empty where there is no order to pay."""
    is_payable = made["outcome"] not in ("closed", "not_for_sale")
    return links.payable_link(buyer, made, place) if is_payable else ""


def needs_contact(option: PaymentOption) -> bool:
    """Return whether the provider makes a receipt, for which it needs the buyer's contact."""
    return option.provider != "balance" and providers.load(option.provider).REQUIRES_CONTACT


def running_renewal(buyer: Buyer) -> SubscriptionOverviewRenewals | None:
    """Return the newest auto-renewal that will be charged again."""
    overview: SubscriptionOverview = db.call("subscription_overview", p_user_id=buyer.user.id)
    return next((one for one in overview["renewals"] if one["status"] in ("active", "past_due")), None)


def option_among(offered: list[ProductsForSale], chosen: str) -> tuple[ProductsForSale, PaymentOption] | None:
    """Return the product among those offered, and the option, that callback data behind `pay:` names."""
    product = catalog.find(offered, chosen.partition(":")[0])
    if product is None:
        return None
    options = catalog.all_options(product)
    if product["kind"] == "subscription":
        options += [option._replace(is_gift=True) for option in options if not option.repeats]
    option = next((option for option in options if option.button(product["key"]) == PAY + chosen), None)
    return (product, option) if option else None


def pay_from_balance(
    buyer: Buyer, product: str, amount: Decimal, purchase: str, *, is_gift: bool = False
) -> PayFromBalance:
    """Buy a product from the balance.

    Args:
        product: its key.
        amount: the price that the buyer saw.
        purchase: names the purchase: n and the number of the last one before it, so that two taps, devices or
            tabs buy once; t and the top-up that was made for it.
        is_gift: the product is for another user.

    Raises:
        Refusal: L0002 the balance is too low, L0005 the price has changed, M0004 what lowered it is gone.
    """
    name = f"{product}:{purchase}" if purchase.startswith("n") else purchase
    if is_gift:
        name += f":{catalog.GIFT}"
    done: PayFromBalance = db.call(
        "pay_from_balance",
        p_user_id=buyer.user.id,
        p_product_key=product,
        p_bot=buyer.bot.name,
        p_reference=f"{buyer.bot.name}:balance:{buyer.user.id}:{name}",
        p_amount=amount,
        p_is_gift=is_gift,
    )
    return done
