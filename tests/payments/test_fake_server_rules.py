"""The fake servers offer and refuse the actions that the real providers would."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from shared.payments.provider import PaymentError
from shared.payments.providers import load
from tests.payments import provider_lists
from tests.payments.conftest import Shop
from tests.payments.orders import TIMEOUT, order
from tools.emulator.payments import FakePaymentServer, Invoice, NotPossible

CARDS = provider_lists.offering("refund")
RENEWED = provider_lists.RENEWING


def opened(shop: Shop, key: str, *, renews: bool = False) -> tuple[FakePaymentServer, Invoice]:
    """An unpaid checkout."""
    provider: Any = load(key)
    currency = "USD" if key == "crypto_pay" else "RUB"
    checkout = provider.create(order(currency=currency, period="month" if renews else None), TIMEOUT)
    return shop.fake_server(key), shop.fake_server(key).invoices[checkout.url.rpartition("/")[2]]


def offered(fake_server: FakePaymentServer, invoice: Invoice) -> set[str]:
    return {action for action in fake_server.actions(invoice) if not fake_server.refusal(invoice, action)}


def refused(fake_server: FakePaymentServer, invoice: Invoice, action: str) -> str:
    """The reason for refusing an action, which must change nothing and send no webhook."""
    before, count = invoice.state, len(invoice.callbacks)
    with pytest.raises(NotPossible) as error:
        fake_server.act(invoice.id, action)
    assert (invoice.state, len(invoice.callbacks)) == (before, count)
    return str(error.value)


@pytest.mark.parametrize("key", CARDS)
def test_an_unpaid_checkout_offers_no_refund_dispute_or_renewal(shop: Shop, key: str) -> None:
    fake_server, invoice = opened(shop, key, renews=key in RENEWED)
    assert not offered(fake_server, invoice) & {
        "refund", "dispute", "win_dispute", "lose_dispute", "renew", "fail_renewal", "empty_card",
        "fill_card", "end_period", "pass_challenge", "fail_challenge",
    }  # fmt: skip
    assert {"pay", "decline", "deliver_twice", "forge"} <= offered(fake_server, invoice)


@pytest.mark.parametrize("key", CARDS)
def test_a_payment_is_refunded_once(shop: Shop, key: str) -> None:
    fake_server, invoice = opened(shop, key)
    fake_server.act(invoice.id, "pay")
    fake_server.act(invoice.id, "refund")
    assert invoice.state == "refunded"
    for action in ("refund", "pay"):
        assert "already" in refused(fake_server, invoice, action)
    assert not offered(fake_server, invoice) & {"refund", "pay", "dispute", "expire", "decline", "challenge"}


def test_a_partial_payment_is_refunded_with_its_amount(shop: Shop) -> None:
    """The amount paid is refunded, not the amount requested."""
    for key in CARDS:
        fake_server, invoice = opened(shop, key)
        fake_server.act(invoice.id, "wrong_amount")
        fake_server.act(invoice.id, "refund")
        assert invoice.state == "refunded", key
    fake = shop.fake_server("fake")
    events = [event["events"][0] for event in fake.events]  # type: ignore[attr-defined]
    assert [one["amount"] for one in events] == ["149", "149"]


@pytest.mark.parametrize("key", RENEWED)
def test_each_period_can_be_refunded(shop: Shop, key: str) -> None:
    fake_server, invoice = opened(shop, key, renews=True)
    for action in ("pay", "refund", "renew", "refund", "renew"):
        fake_server.act(invoice.id, action)
    assert invoice.state == "paid"
    assert "refund" in offered(fake_server, invoice)


@pytest.mark.parametrize("key", RENEWED)
def test_a_card_without_money_is_not_charged(shop: Shop, key: str) -> None:
    fake_server, invoice = opened(shop, key, renews=True)
    fake_server.act(invoice.id, "pay")
    assert "has money" in refused(fake_server, invoice, "fill_card")
    fake_server.act(invoice.id, "empty_card")
    assert refused(fake_server, invoice, "renew") == "The card has no money."
    assert "empty" in refused(fake_server, invoice, "empty_card")
    fake_server.act(invoice.id, "fail_renewal")
    fake_server.act(invoice.id, "fill_card")
    fake_server.act(invoice.id, "renew")
    assert invoice.failures == 0


@pytest.mark.parametrize(("key", "failures"), [("stripe", 4), ("cloudpayments", 3), ("prodamus", 3)])
def test_a_number_of_failed_renewals_ends_a_subscription(shop: Shop, key: str, failures: int) -> None:
    fake_server, invoice = opened(shop, key, renews=True)
    fake_server.act(invoice.id, "pay")
    for _ in range(failures):
        fake_server.act(invoice.id, "fail_renewal")
    assert not offered(fake_server, invoice) & {"renew", "fail_renewal", "empty_card", "end_period"}
    assert "ended" in refused(fake_server, invoice, "renew")
    assert fake_server.status(invoice) == "the subscription has ended"
    assert "refund" in offered(fake_server, invoice)  # of the last period that was paid


@pytest.mark.parametrize("key", ["cloudpayments", "prodamus", "fake"])
def test_a_canceled_subscription_is_not_charged(shop: Shop, key: str) -> None:
    fake_server, invoice = opened(shop, key, renews=True)
    fake_server.act(invoice.id, "pay")
    stopped: dict[str, Callable[[], object]] = {
        "cloudpayments": lambda: fake_server.ledger.subscriptions[  # type: ignore[attr-defined]
            invoice.object["SubscriptionId"]
        ].update(Status="Cancelled"),
        "prodamus": lambda: fake_server.set_activity(invoice, {"active_user": "0"}),  # type: ignore[attr-defined]
        "fake": lambda: invoice.object.update(stopped=True),
    }
    stopped[key]()
    assert "ended" in refused(fake_server, invoice, "renew")
    assert not offered(fake_server, invoice) & {"renew", "fail_renewal", "empty_card"}


def test_stripe_ends_a_canceled_subscription_with_its_period(shop: Shop) -> None:
    fake_server, invoice = opened(shop, "stripe", renews=True)
    fake_server.act(invoice.id, "pay")
    assert "isn’t canceled" in refused(fake_server, invoice, "end_period")
    subscription = invoice.object["subscription"]
    load("stripe").cancel_subscription(subscription, 1, TIMEOUT)
    assert fake_server.status(invoice) == "the subscription ends with this period"
    assert "canceled" in refused(fake_server, invoice, "renew")
    fake_server.act(invoice.id, "end_period")
    assert invoice.callbacks[-1].title == "customer.subscription.deleted"
    for action in ("renew", "fail_renewal"):
        assert "ended" in refused(fake_server, invoice, action)
    assert "isn’t canceled" in refused(fake_server, invoice, "end_period")


def test_a_dispute_is_opened_once_and_decided_once(shop: Shop) -> None:
    fake_server, invoice = opened(shop, "stripe")
    fake_server.act(invoice.id, "pay")
    for action in ("win_dispute", "lose_dispute"):
        assert refused(fake_server, invoice, action) == "There is no dispute."
    fake_server.act(invoice.id, "dispute")
    assert fake_server.status(invoice) == "disputed"
    for action in ("dispute", "refund"):
        assert refused(fake_server, invoice, action).endswith("has been charged back.")
    fake_server.act(invoice.id, "win_dispute")
    for action in ("win_dispute", "lose_dispute", "dispute"):
        assert "closed" in refused(fake_server, invoice, action)
    fake_server.act(invoice.id, "refund")  # the shop has the money again
    assert invoice.state == "refunded"


def test_a_lost_or_refunded_payment_cannot_be_refunded_or_disputed(shop: Shop) -> None:
    fake_server, invoice = opened(shop, "stripe")
    for action in ("pay", "dispute", "lose_dispute"):
        fake_server.act(invoice.id, action)
    assert refused(fake_server, invoice, "refund").endswith("has been charged back.")
    assert fake_server.status(invoice) == "dispute lost"
    fake_server, invoice = opened(shop, "stripe")
    for action in ("pay", "refund"):
        fake_server.act(invoice.id, action)
    assert refused(fake_server, invoice, "dispute").endswith("has already been refunded.")


def test_each_period_can_be_disputed_and_the_open_dispute_is_decided(shop: Shop) -> None:
    fake_server, invoice = opened(shop, "stripe", renews=True)
    for action in ("pay", "dispute", "win_dispute", "renew", "dispute", "lose_dispute"):
        fake_server.act(invoice.id, action)
    assert [one["status"] for one in fake_server.disputes] == ["won", "lost"]  # type: ignore[attr-defined]


def test_the_api_refuses_to_refund_too_much_or_a_disputed_payment(shop: Shop) -> None:
    fake_server, invoice = opened(shop, "stripe")
    fake_server.act(invoice.id, "pay")
    provider: Any = load("stripe")

    def give_back(amount: str, key: str) -> Any:
        number = invoice.object["payment_intent"]
        return provider.refund(number, Decimal(amount), "RUB", key=key, telegram_id=1, timeout=TIMEOUT)

    give_back("100.00", "one")
    with pytest.raises(PaymentError, match="invalid_request_error"):
        give_back("200.00", "two")
    fake_server.act(invoice.id, "dispute")
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


def test_expiring_a_paid_session_has_the_error_of_the_api(shop: Shop) -> None:
    fake_server, invoice = opened(shop, "stripe")
    fake_server.act(invoice.id, "pay")
    assert refused(fake_server, invoice, "expire") == (
        'Only Checkout Sessions with a status in ["open"] can be expired. '
        "This Checkout Session has a status of `complete`."
    )


def test_a_saved_card_can_be_emptied_filled_and_removed_once(shop: Shop) -> None:
    fake_server, invoice = opened(shop, "yookassa", renews=True)
    fake_server.act(invoice.id, "pay")
    assert "has money" in refused(fake_server, invoice, "mend_renewal")
    fake_server.act(invoice.id, "fail_renewal")
    assert "no money already" in refused(fake_server, invoice, "fail_renewal")
    fake_server.act(invoice.id, "mend_renewal")
    fake_server.act(invoice.id, "remove_method")
    for action in ("fail_renewal", "mend_renewal", "remove_method"):
        assert "revoked" in refused(fake_server, invoice, action)


@pytest.mark.parametrize("key", [*CARDS, "crypto_pay"])
@pytest.mark.parametrize("seed", range(4))
def test_offered_actions_work_and_others_are_refused(shop: Shop, key: str, seed: int) -> None:
    """A random walk: offered actions work, others are refused, and no amount becomes negative."""
    chance = random.Random(seed)
    fake_server, invoice = opened(shop, key, renews=key in RENEWED and seed % 2 == 0)
    fake_server.callbacks.stop()  # webhooks are not tested here
    for _ in range(25):
        action = chance.choice(fake_server.actions(invoice))
        if action in offered(fake_server, invoice):
            fake_server.act(invoice.id, action)
        else:
            assert refused(fake_server, invoice, action)
        assert all(left >= 0 for left in invoice.object.get("left", {}).values())
    with pytest.raises(NotPossible, match="no button"):
        fake_server.act(invoice.id, "refund" if key == "crypto_pay" else "send")
