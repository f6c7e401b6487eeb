"""A renewal period is fulfilled for any amount reported as paid; a one-time order needs its exact price."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.payments.events import PaymentEvent
from shared.payments.payloads import parse
from shared.payments.providers.stripe.payloads import PaidInvoice
from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.support import examples, in_parallel

Clock = Callable[[str], None]
MONTHS = [datetime(2026 + (10 + n) // 12, (10 + n) % 12 + 1, 1, 10, tzinfo=UTC) for n in range(8)]
SLOW = settings(
    max_examples=examples(25),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Subscriber:
    """A user whose month Stripe renews from 1 November 2026 for 499 roubles."""

    def __init__(self, money: Money, clock: Clock, **first: Any) -> None:
        self.money = money
        clock("timestamptz '2026-11-01 10:00+00'")
        self.user_id = money.user()
        self.order = money.order(self.user_id, "premium_month", provider="stripe", p_renews=True)
        self.subscription = f"sub_{unique_id()}"
        self.first = unique_id()
        self.begun = self.period(0, "499.00", pay=self.first, order=self.order, **first)

    def period(
        self, n: int, amount: str, currency: str = "RUB", pay: str = "", order: int | None = None, **rest: Any
    ) -> Any:
        """Record that Stripe reports the n-th period as paid."""
        result = {"subscription_id": self.subscription, "period_ends_at": MONTHS[n + 1].isoformat()} | rest
        return self.money.record(
            paid(pay or unique_id(), order, amount, currency, **result), provider="stripe"
        )

    def months(self) -> int:
        """Return how many months were granted and not reversed."""
        ends_at = self.money.ends_at(self.user_id)
        return 0 if ends_at is None else MONTHS.index(ends_at)


@pytest.mark.parametrize("is_invoice", [True, None])
@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0", "RUB"),  # covered by the customer's credit
        ("0.00", "RUB"),
        ("1.00", "RUB"),  # partly covered
        ("249.50", "RUB"),  # a coupon
        ("598.80", "RUB"),  # tax on top
        ("900", "RUB"),  # with a proration of the period before
        ("5.99", "USD"),  # the subscription was moved to another price
    ],
)
def test_a_paid_renewal_period_is_fulfilled_for_any_amount(
    money: Money, clock: Clock, boss: int, amount: str, currency: str, is_invoice: bool | None
) -> None:
    anna, pay = Subscriber(money, clock), unique_id()
    clock("timestamptz '2026-12-01 10:00+00'")
    result = anna.period(1, amount, currency, pay=pay, is_invoice=is_invoice)
    assert (result["outcome"], message_keys(result["outgoing"])) == ("applied", ["renewed"])
    assert anna.months() == 2
    row = money.payment(pay, "stripe")
    assert (row["status"], row["problem"]) == ("completed", None)
    assert (row["amount"], row["currency"]) == (Decimal(amount), currency), "the charged amount is recorded"
    assert anna.period(1, amount, currency, pay=pay)["outgoing"] == []
    assert anna.months() == 2
    history = money.call("payment_history", p_user_id=anna.user_id)
    assert [(line["status"], Decimal(line["amount"])) for line in history] == [
        ("completed", Decimal(amount)), ("completed", 499),
    ]  # fmt: skip


@pytest.mark.parametrize("amount", ["0", "1.00", "598.80"])
def test_the_first_invoice_of_a_subscription_is_fulfilled_for_any_amount(money: Money, amount: str) -> None:
    anna, pay = money.user(), unique_id()
    order = money.order(anna, "premium_month", provider="stripe", p_renews=True)
    result = money.record(
        paid(pay, order, amount, subscription_id=f"sub_{pay}", is_invoice=True), provider="stripe"
    )
    assert message_keys(result["outgoing"]) == ["paid_subscription"]
    (renewal,) = money.sql("select amount, status from renewals where user_id = %s", anna)
    assert renewal == {"amount": 499, "status": "active"}, "later periods cost the ordered price"


@pytest.mark.parametrize(
    "rest",
    [
        {},
        {"is_invoice": True},  # the order was for one month
        {"subscription_id": "sub_of_another_shop", "is_invoice": True},
    ],
)
@pytest.mark.parametrize("amount", ["0", "0.00", "1.00", "498.99", "499.01"])
def test_a_wrong_amount_for_a_one_time_order_is_held(
    money: Money, boss: int, amount: str, rest: dict[str, Any]
) -> None:
    anna, pay = money.user(), unique_id()
    order = money.order(anna, "premium_month", provider="stripe")
    result = money.record(paid(pay, order, amount, **rest), provider="stripe")
    assert "payment_alarm_amount" in message_keys(result["outgoing"])
    assert money.payment(pay, "stripe")["problem"] == "amount"
    assert money.ends_at(anna) is None


def test_a_cheaper_subscription_does_not_pay_a_more_expensive_order(money: Money, boss: int) -> None:
    """Compare the first amount where the payer may edit the checkout link (Prodamus)."""
    anna, pay = money.user(), unique_id()
    order = money.order(anna, "premium_month", provider="prodamus", p_renews=True)
    result = money.record(paid(pay, order, "1.00", subscription_id=f"77:{pay}"), provider="prodamus")
    assert "payment_alarm_amount" in message_keys(result["outgoing"])
    assert money.ends_at(anna) is None


@pytest.mark.parametrize(
    ("amount", "currency", "problem"),
    [
        ("1.00", "RUB", "amount"),
        ("498.99", "RUB", "amount"),
        ("0", "RUB", "amount"),
        ("499.00", "USD", "currency"),
        ("499.00", "RUB", None),
        ("598.80", "RUB", None),  # the owner raised it
    ],
)
@pytest.mark.parametrize("has_order", [True, False])
@pytest.mark.parametrize("provider", ["cloudpayments", "prodamus"])
def test_a_buyer_cannot_choose_the_amount_of_later_periods(
    money: Money,
    clock: Clock,
    boss: int,
    amount: str,
    currency: str,
    problem: str | None,
    has_order: bool,
    provider: str,
) -> None:
    """Neither in the browser (CloudPayments begins subscriptions there) nor by editing a Prodamus link."""
    clock("timestamptz '2026-11-01 10:00+00'")
    anna, name = money.user(), f"sc_{unique_id()}"
    order = money.order(anna, "premium_month", provider=provider, p_renews=True)
    terms = {"subscription_id": name, "has_buyer_terms": True}
    money.record(paid(unique_id(), order, "499.00", **terms), provider=provider)
    clock("timestamptz '2026-12-01 10:00+00'")
    pay = unique_id()
    result = money.record(
        paid(pay, order if has_order else None, amount, currency, **terms), provider=provider
    )
    assert money.payment(pay, provider)["problem"] == problem
    assert money.ends_at(anna) == MONTHS[1 if problem else 2]
    if problem:
        assert f"payment_alarm_{problem}" in message_keys(result["outgoing"])


def test_an_invoice_within_a_paid_period_grants_no_second_period(
    money: Money, clock: Clock, boss: int
) -> None:
    """A proration names the end of the period that is already paid."""
    anna = Subscriber(money, clock, is_invoice=True)
    pay = unique_id()
    result = anna.period(0, "80.00", pay=pay, is_invoice=True)
    assert "payment_alarm_second_charge" in message_keys(result["outgoing"])
    assert anna.period(0, "0", is_invoice=True)["outgoing"] == [], "no money, no alarm"
    assert anna.months() == 1
    clock("timestamptz '2026-12-01 10:00+00'")
    anna.period(1, "0", is_invoice=True)
    assert anna.months() == 2, "the next period is granted"


def test_concurrent_payments_of_one_invoice_grant_one_period(money: Money, clock: Clock, boss: int) -> None:
    anna = Subscriber(money, clock, is_invoice=True)
    clock("timestamptz '2026-12-01 10:00+00'")
    result = in_parallel(8, lambda _n: anna.period(1, "100.00", is_invoice=True)["outcome"])
    assert set(result) == {"applied"}
    assert anna.months() == 2


def test_a_free_period_that_arrives_before_the_first_payment_is_applied_after_it(
    money: Money, clock: Clock
) -> None:
    clock("timestamptz '2026-11-01 10:00+00'")
    anna = money.user()
    order = money.order(anna, "premium_month", provider="stripe", p_renews=True)
    early, name = unique_id(), f"sub_{unique_id()}"
    waiting = paid(early, None, "0", subscription_id=name, period_ends_at=MONTHS[2].isoformat())
    assert money.record(waiting, provider="stripe")["outgoing"] == [], "no alarm without money"
    assert money.payment(early, "stripe")["problem"] == "no_order"
    first = paid(unique_id(), order, "499.00", subscription_id=name, period_ends_at=MONTHS[1].isoformat())
    assert message_keys(money.record(first, provider="stripe")["outgoing"]) == [
        "paid_subscription",
        "renewed",
    ]
    assert money.ends_at(anna) == MONTHS[2]


def test_a_free_renewal_period_is_fulfilled_after_a_failed_charge(money: Money, clock: Clock) -> None:
    anna = Subscriber(money, clock)
    clock("timestamptz '2026-12-01 11:00+00'")
    failed = {"kind": "subscription_past_due", "subscription_id": anna.subscription}
    assert message_keys(money.record(failed, provider="stripe")["outgoing"]) == ["renewal_past_due"]
    assert message_keys(anna.period(1, "0")["outgoing"]) == ["renewed"]
    assert anna.months() == 2
    assert money.sql("select status from renewals where user_id = %s", anna.user_id) == [{"status": "active"}]


def test_a_refund_reverses_its_share_of_the_charged_amount(money: Money, clock: Clock) -> None:
    anna, pay = Subscriber(money, clock), unique_id()
    clock("timestamptz '2026-11-30 10:00+00'")
    anna.period(1, "100.00", pay=pay)
    money.record(refunded(pay, "100.00"), provider="stripe")
    assert anna.months() == 1
    assert money.payment(pay, "stripe")["status"] == "refunded"


def test_a_free_period_cannot_be_refunded(money: Money, clock: Clock, boss: int) -> None:
    anna, pay = Subscriber(money, clock), unique_id()
    clock("timestamptz '2026-12-01 10:00+00'")
    anna.period(1, "0", pay=pay)
    asked = money.call(
        "admin_refund_payment", p_payment_id=money.payment(pay, "stripe")["id"], p_amount=None,
        p_admin_email="boss@example.com",
    )  # fmt: skip
    assert asked["outcome"] == "not_paid"
    money.record(refunded(pay, "10.00"), provider="stripe")  # the provider reports one anyway
    assert anna.months() == 2
    assert money.payment(pay, "stripe")["status"] == "completed"


@SLOW
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["0", "1.00", "499.00", "600"])), max_size=10),
    st.randoms(use_true_random=False),
)
def test_each_period_is_granted_once_in_any_order(
    money: Money, clock: Clock, result: list[tuple[int, str]], dice: Any
) -> None:
    """Any amounts and repetitions: as many months as there are invoices."""
    clock("timestamptz '2026-11-01 10:00+00'")
    anna, name = money.user(), f"sub_{unique_id()}"
    order = money.order(anna, "premium_month", provider="stripe", p_renews=True)
    amounts = {0: "499.00"} | dict(reversed(result))
    facts = [
        paid(f"{name}-{n}", order, amount, subscription_id=name, period_ends_at=MONTHS[n + 1].isoformat(),
             is_invoice=True)
        for n, amount in itertools.chain(amounts.items(), ((n, amounts[n]) for n, _ in result))
    ]  # fmt: skip
    dice.shuffle(facts)
    for fact in facts:
        assert money.record(fact, provider="stripe")["outcome"] == "applied"
    assert money.ends_at(anna) == MONTHS[len(amounts)]
    assert money.inconsistencies() == []


@pytest.mark.parametrize(
    ("reason", "is_period"),
    [
        ("subscription_create", True),
        ("subscription_cycle", True),
        ("subscription_update", True),  # a new interval; within the period, its end decides
        (None, True),
        ("manual", False),
        ("subscription_threshold", False),
        ("automatic_pending_invoice_item_invoice", False),
    ],
)
@pytest.mark.parametrize("charged", [0, 500])
def test_which_invoices_pay_a_period(reason: str | None, charged: int, is_period: bool) -> None:
    invoice = {
        "id": "in_1", "amount_paid": charged, "currency": "usd", "billing_reason": reason,
        "lines": {"data": [{"period": {"end": 1_800_000_000}}, {"period": {"end": 1_700_000_000}}]},
        "parent": {"subscription_details": {"subscription": "sub_1", "metadata": {"order_id": "42"}}},
    }  # fmt: skip
    payment_event = parse(PaidInvoice, invoice).to_event("pi_1", PaymentEvent)
    assert payment_event.amount == Decimal(charged) / 100
    assert payment_event.is_invoice is is_period
    assert (payment_event.subscription_id, payment_event.order_id) == (
        ("sub_1", 42) if is_period else (None, None)
    )
