"""What the fake payment providers offer and refuse: only what the real ones would do."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from shared.payments.provider import PaymentError
from shared.payments.providers import load
from tests.payments.conftest import Shop
from tests.payments.orders import TIMEOUT, order
from tools.emulator.payments import Bill, NotPossible, PaymentStandIn

CARDS = ("stripe", "yookassa", "cloudpayments", "prodamus", "fake")
RENEWED = ("stripe", "cloudpayments", "prodamus", "fake")  # the provider charges the periods


def opened(shop: Shop, key: str, *, renews: bool = False) -> tuple[PaymentStandIn, Bill]:
    """An unpaid checkout."""
    provider: Any = load(key)
    currency = "USD" if key == "crypto_pay" else "RUB"
    checkout = provider.create(order(currency=currency, period="month" if renews else None), TIMEOUT)
    return shop.stand_in(key), shop.stand_in(key).bills[checkout.url.rpartition("/")[2]]


def offered(stand_in: PaymentStandIn, bill: Bill) -> set[str]:
    return {action for action in stand_in.actions(bill) if not stand_in.refusal(bill, action)}


def refused(stand_in: PaymentStandIn, bill: Bill, action: str) -> str:
    """The words with which an action is refused, which changes and tells nothing."""
    before, count = bill.state, len(bill.told)
    with pytest.raises(NotPossible) as error:
        stand_in.act(bill.id, action)
    assert (bill.state, len(bill.told)) == (before, count)
    return str(error.value)


@pytest.mark.parametrize("key", CARDS)
def test_before_it_is_paid_nothing_is_given_back_taken_back_or_renewed(shop: Shop, key: str) -> None:
    stand_in, bill = opened(shop, key, renews=key in RENEWED)
    assert not offered(stand_in, bill) & {
        "refund", "dispute", "win_dispute", "lose_dispute", "renew", "fail_renewal", "empty_card",
        "fill_card", "end_period", "pass_challenge", "fail_challenge",
    }  # fmt: skip
    assert {"pay", "decline", "deliver_twice", "forge"} <= offered(stand_in, bill)


@pytest.mark.parametrize("key", CARDS)
def test_a_payment_is_refunded_once(shop: Shop, key: str) -> None:
    stand_in, bill = opened(shop, key)
    stand_in.act(bill.id, "pay")
    stand_in.act(bill.id, "refund")
    assert bill.state == "refunded"
    for action in ("refund", "pay"):
        assert "already" in refused(stand_in, bill, action)
    assert not offered(stand_in, bill) & {"refund", "pay", "dispute", "expire", "decline", "challenge"}


def test_half_a_payment_is_refunded_as_half(shop: Shop) -> None:
    """What was paid is given back, not what was asked for."""
    for key in CARDS:
        stand_in, bill = opened(shop, key)
        stand_in.act(bill.id, "wrong_amount")
        stand_in.act(bill.id, "refund")
        assert bill.state == "refunded", key
    fake = shop.stand_in("fake")
    told = [event["events"][0] for event in fake.events]  # type: ignore[attr-defined]
    assert [one["amount"] for one in told] == ["149", "149"]


@pytest.mark.parametrize("key", RENEWED)
def test_each_period_is_a_payment_that_can_be_refunded(shop: Shop, key: str) -> None:
    stand_in, bill = opened(shop, key, renews=True)
    for action in ("pay", "refund", "renew", "refund", "renew"):
        stand_in.act(bill.id, action)
    assert bill.state == "paid"
    assert "refund" in offered(stand_in, bill)


@pytest.mark.parametrize("key", RENEWED)
def test_a_card_without_money_is_not_charged(shop: Shop, key: str) -> None:
    stand_in, bill = opened(shop, key, renews=True)
    stand_in.act(bill.id, "pay")
    assert "has money" in refused(stand_in, bill, "fill_card")
    stand_in.act(bill.id, "empty_card")
    assert refused(stand_in, bill, "renew") == "The card has no money."
    assert "empty" in refused(stand_in, bill, "empty_card")
    stand_in.act(bill.id, "fail_renewal")
    stand_in.act(bill.id, "fill_card")
    stand_in.act(bill.id, "renew")
    assert bill.failures == 0


@pytest.mark.parametrize(("key", "failures"), [("stripe", 4), ("cloudpayments", 3), ("prodamus", 3)])
def test_so_many_failed_renewals_end_a_subscription(shop: Shop, key: str, failures: int) -> None:
    stand_in, bill = opened(shop, key, renews=True)
    stand_in.act(bill.id, "pay")
    for _ in range(failures):
        stand_in.act(bill.id, "fail_renewal")
    assert not offered(stand_in, bill) & {"renew", "fail_renewal", "empty_card", "end_period"}
    assert "ended" in refused(stand_in, bill, "renew")
    assert stand_in.status(bill) == "the subscription has ended"
    assert "refund" in offered(stand_in, bill)  # of the last period that was paid


@pytest.mark.parametrize("key", ["cloudpayments", "prodamus", "fake"])
def test_a_subscription_that_was_stopped_is_not_charged(shop: Shop, key: str) -> None:
    stand_in, bill = opened(shop, key, renews=True)
    stand_in.act(bill.id, "pay")
    stopped: dict[str, Callable[[], object]] = {
        "cloudpayments": lambda: stand_in.ledger.subscriptions[  # type: ignore[attr-defined]
            bill.object["SubscriptionId"]
        ].update(Status="Cancelled"),
        "prodamus": lambda: stand_in.set_activity(bill, {"active_user": "0"}),  # type: ignore[attr-defined]
        "fake": lambda: bill.object.update(stopped=True),
    }
    stopped[key]()
    assert "ended" in refused(stand_in, bill, "renew")
    assert not offered(stand_in, bill) & {"renew", "fail_renewal", "empty_card"}


def test_stripe_ends_a_canceled_subscription_with_its_period(shop: Shop) -> None:
    stand_in, bill = opened(shop, "stripe", renews=True)
    stand_in.act(bill.id, "pay")
    assert "isn’t canceled" in refused(stand_in, bill, "end_period")
    subscription = bill.object["subscription"]
    load("stripe").cancel_subscription(subscription, 1, TIMEOUT)
    assert stand_in.status(bill) == "the subscription ends with this period"
    assert "canceled" in refused(stand_in, bill, "renew")
    stand_in.act(bill.id, "end_period")
    assert bill.told[-1].title == "customer.subscription.deleted"
    for action in ("renew", "fail_renewal"):
        assert "ended" in refused(stand_in, bill, action)
    assert "isn’t canceled" in refused(stand_in, bill, "end_period")


def test_a_dispute_is_opened_once_and_decided_once(shop: Shop) -> None:
    stand_in, bill = opened(shop, "stripe")
    stand_in.act(bill.id, "pay")
    for action in ("win_dispute", "lose_dispute"):
        assert refused(stand_in, bill, action) == "There is no dispute."
    stand_in.act(bill.id, "dispute")
    assert stand_in.status(bill) == "disputed"
    for action in ("dispute", "refund"):
        assert refused(stand_in, bill, action).endswith("has been charged back.")
    stand_in.act(bill.id, "win_dispute")
    for action in ("win_dispute", "lose_dispute", "dispute"):
        assert "closed" in refused(stand_in, bill, action)
    stand_in.act(bill.id, "refund")  # the money is the shop's again
    assert bill.state == "refunded"


def test_what_was_lost_or_refunded_is_gone(shop: Shop) -> None:
    stand_in, bill = opened(shop, "stripe")
    for action in ("pay", "dispute", "lose_dispute"):
        stand_in.act(bill.id, action)
    assert refused(stand_in, bill, "refund").endswith("has been charged back.")
    assert stand_in.status(bill) == "dispute lost"
    stand_in, bill = opened(shop, "stripe")
    for action in ("pay", "refund"):
        stand_in.act(bill.id, action)
    assert refused(stand_in, bill, "dispute").endswith("has already been refunded.")


def test_each_period_can_be_disputed_and_the_open_dispute_is_decided(shop: Shop) -> None:
    stand_in, bill = opened(shop, "stripe", renews=True)
    for action in ("pay", "dispute", "win_dispute", "renew", "dispute", "lose_dispute"):
        stand_in.act(bill.id, action)
    assert [one["status"] for one in stand_in.disputes] == ["won", "lost"]  # type: ignore[attr-defined]


def test_the_api_refuses_a_refund_of_what_is_disputed_or_too_much(shop: Shop) -> None:
    stand_in, bill = opened(shop, "stripe")
    stand_in.act(bill.id, "pay")
    provider: Any = load("stripe")

    def give_back(amount: str, key: str) -> Any:
        number = bill.object["payment_intent"]
        return provider.refund(number, Decimal(amount), "RUB", key=key, telegram_id=1, timeout=TIMEOUT)

    give_back("100.00", "one")
    with pytest.raises(PaymentError, match="invalid_request_error"):
        give_back("200.00", "two")
    stand_in.act(bill.id, "dispute")
    with pytest.raises(PaymentError, match="charge_disputed") as disputed:
        give_back("1.00", "three")
    assert disputed.value.not_executed
    fake, asked = opened(shop, "fake")
    fake.act(asked.id, "pay")
    (payment,) = asked.object["left"]
    for amount, key in (("300.00", "a"), ("299.00", "b"), ("0.01", "c")):
        arguments: Any = {"key": key, "telegram_id": 1, "timeout": TIMEOUT}
        if key == "b":
            load("fake").refund(payment, Decimal(amount), "RUB", **arguments)
        else:
            with pytest.raises(PaymentError, match="answered 400"):
                load("fake").refund(payment, Decimal(amount), "RUB", **arguments)


def test_expiry_is_refused_in_the_words_of_the_api(shop: Shop) -> None:
    stand_in, bill = opened(shop, "stripe")
    stand_in.act(bill.id, "pay")
    assert refused(stand_in, bill, "expire") == (
        'Only Checkout Sessions with a status in ["open"] can be expired. '
        "This Checkout Session has a status of `complete`."
    )


def test_a_saved_card_is_emptied_filled_and_removed_once_each(shop: Shop) -> None:
    stand_in, bill = opened(shop, "yookassa", renews=True)
    stand_in.act(bill.id, "pay")
    assert "has money" in refused(stand_in, bill, "mend_renewal")
    stand_in.act(bill.id, "fail_renewal")
    assert "no money already" in refused(stand_in, bill, "fail_renewal")
    stand_in.act(bill.id, "mend_renewal")
    stand_in.act(bill.id, "remove_method")
    for action in ("fail_renewal", "mend_renewal", "remove_method"):
        assert "revoked" in refused(stand_in, bill, action)


@pytest.mark.parametrize("key", [*CARDS, "crypto_pay"])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_offered_is_done_and_nothing_else(shop: Shop, key: str, seed: int) -> None:
    """A random walk: an offered action works, every other is refused, and money never goes below nothing."""
    chance = random.Random(seed)
    stand_in, bill = opened(shop, key, renews=key in RENEWED and seed % 2 == 0)
    stand_in.callbacks.stop()  # the callbacks are not of interest here
    for _ in range(25):
        action = chance.choice(stand_in.actions(bill))
        if action in offered(stand_in, bill):
            stand_in.act(bill.id, action)
        else:
            assert refused(stand_in, bill, action)
        assert all(left >= 0 for left in bill.object.get("left", {}).values())
    with pytest.raises(NotPossible, match="no button"):
        stand_in.act(bill.id, "refund" if key == "crypto_pay" else "tell")
