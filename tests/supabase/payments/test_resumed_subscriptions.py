"""Canceled subscriptions that their provider charges again, and subscriptions that must not begin twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.supabase.payments.conftest import Money, message_keys, paid, unique_id
from tests.supabase.payments.renewing import Renewing

STARS = "telegram_stars"


def moment(**later: float) -> str:
    """Return a time as providers send it: in whole seconds."""
    return (datetime.now(UTC) + timedelta(**later)).replace(microsecond=0).isoformat()


class Subscriber:
    """A user whose plan a provider renews by its own schedule."""

    def __init__(self, money: Money, provider: str = STARS) -> None:
        self.money, self.provider = money, provider
        self.currency, self.price = ("XTR", "350") if provider == STARS else ("USD", "5.99")
        self.id = money.user()
        self.order = money.order(self.id, "premium_month", self.currency, provider=provider, p_renews=True)
        # Telegram identifies a subscription by the invoice's payload, our order.
        self.subscription = str(self.order) if provider == STARS else f"sub_{self.order}"
        self.charge()

    def charge(self, **rest: Any) -> Any:
        """Record that the provider charged a period."""
        rest.setdefault("happened_at", moment())
        event = paid(
            unique_id(), self.order, self.price, self.currency, subscription_id=self.subscription, **rest
        )
        return self.money.record(event, provider=self.provider)

    def record(self, kind: str, **rest: Any) -> Any:
        event = {"kind": f"subscription_{kind}", "subscription_id": self.subscription, **rest}
        return self.money.record(event, provider=self.provider)

    def cancel(self) -> None:
        done = self.money.call("cancel_renewal", p_user_id=self.id, p_renewal_id=self.row()["id"])
        assert done["outcome"] == "canceled"

    def row(self) -> dict[str, Any]:
        (row,) = self.money.sql(
            "select * from renewals where provider = %s and provider_subscription_id = %s",
            self.provider,
            self.subscription,
        )
        return row

    def may_pay(self, order: int | None = None) -> str:
        return str(
            self.money.call(
                "check_order",
                p_provider=self.provider,
                p_order_id=order or self.order,
                p_telegram_id=self.money.user_row(self.id)["telegram_id"],
                p_amount=self.price,
                p_currency=self.currency,
            )
        )


@pytest.mark.parametrize("provider", [STARS, "stripe"])
@pytest.mark.parametrize("how", ["here", "at the provider"])
def test_a_charge_after_the_cancellation_resumes_the_subscription(
    money: Money, provider: str, how: str
) -> None:
    anna = Subscriber(money, provider)
    if how == "here":
        anna.cancel()
    else:
        anna.record("canceled")
    assert anna.row()["canceled_at"] is not None
    until = money.ends_at(anna.id)

    assert message_keys(anna.charge()["outgoing"]) == ["renewed_resumed"]

    assert (anna.row()["status"], anna.row()["canceled_at"]) == ("active", None)
    assert money.ends_at(anna.id) > until
    assert message_keys(anna.charge()["outgoing"]) == ["renewed"]


@pytest.mark.parametrize("seconds", [2, 60, 86_400])
def test_a_late_event_about_a_charge_before_the_cancellation_changes_nothing(
    money: Money, seconds: int
) -> None:
    anna = Subscriber(money)
    anna.cancel()
    assert message_keys(anna.charge(happened_at=moment(seconds=-seconds))["outgoing"]) == ["renewed"]
    assert anna.row()["status"] == "canceled"


def test_a_charge_resumes_an_ended_subscription(money: Money) -> None:
    anna = Subscriber(money, "stripe")
    anna.record("canceled", happened_at=moment(days=-40))
    anna.record("ended")
    anna.charge(happened_at=moment(days=-41))
    assert anna.row()["status"] == "ended"
    assert message_keys(anna.charge()["outgoing"]) == ["renewed_resumed"]
    row = anna.row()
    assert (row["status"], row["ended_at"], row["canceled_at"]) == ("active", None, None)


def test_the_cancellation_time_is_the_providers(money: Money) -> None:
    anna = Subscriber(money, "stripe")
    anna.record("canceled", happened_at=moment(hours=-3))
    anna.charge(happened_at=moment(hours=-2))
    assert anna.row()["status"] == "active"


def test_a_refunded_charge_does_not_resume_the_subscription(money: Money) -> None:
    anna, pay = Subscriber(money), unique_id()
    anna.cancel()
    back = {"kind": "refunded", "payment_id": pay, "operation_id": "r", "amount": "350", "currency": "XTR"}
    money.record(back, provider=STARS)
    money.record(
        paid(pay, anna.order, "350", "XTR", subscription_id=anna.subscription, happened_at=moment()),
        provider=STARS,
    )
    assert anna.row()["status"] == "canceled"


def test_a_late_result_does_not_resume_a_renewal_that_we_charge(money: Money) -> None:
    anna = Renewing(money)
    money.sql("update renewals set charge_at = private.clock() where provider = %s", anna.provider)
    money.sql("update subscriptions set ends_at = private.clock() where user_id = %s", anna.user_id)
    charge = anna.charge()
    money.sql("update renewals set lease_until = null where provider = %s", anna.provider)
    money.call("cancel_renewal", p_user_id=anna.user_id, p_renewal_id=charge["id"])
    anna.paid(charge)
    assert (anna.row()["status"], anna.row()["saved_method"]) == ("canceled", None)


def test_an_active_event_clears_the_cancellation(money: Money) -> None:
    anna = Subscriber(money)
    anna.record("canceled")
    anna.record("active")
    assert (anna.row()["status"], anna.row()["canceled_at"]) == ("active", None)


def test_the_checkout_of_an_active_subscription_cannot_be_paid_again(money: Money) -> None:
    anna = Subscriber(money)
    assert anna.may_pay() == "paid"
    anna.cancel()
    assert anna.may_pay() == "ok", "the old checkout resumes it"
    anna.charge()
    assert anna.may_pay() == "paid"


@pytest.mark.parametrize(("days", "verdict"), [(24, "paid"), (26, "ok"), (30, "ok"), (31, "ok")])
def test_the_pre_payment_check_accepts_the_next_period(money: Money, days: int, verdict: str) -> None:
    anna = Subscriber(money)
    money.sql(
        "update payments set completed_at = private.clock() - make_interval(days => %s) where user_id = %s",
        days, anna.id,
    )  # fmt: skip
    assert anna.may_pay() == verdict


def test_a_second_checkout_created_before_the_first_payment_is_rejected(money: Money) -> None:
    anna = money.user()
    first, second = (
        money.order(anna, "premium_month", "XTR", provider=STARS, p_renews=True) for _ in range(2)
    )
    telegram_id = money.user_row(anna)["telegram_id"]

    def may_pay(order: int) -> str:
        values = {"p_provider": STARS, "p_telegram_id": telegram_id, "p_amount": 350, "p_currency": "XTR"}
        return str(money.call("check_order", p_order_id=order, **values))

    assert (may_pay(first), may_pay(second)) == ("ok", "ok")
    money.record(paid(unique_id(), first, "350", "XTR", subscription_id=str(first)), provider=STARS)
    assert (may_pay(first), may_pay(second)) == ("paid", "renewing")
    # A later order was confirmed by the user, and a single month does not renew.
    third = money.order(anna, "premium_month", "XTR", provider=STARS, p_renews=True)
    single = money.order(anna, "premium_month", "XTR", provider=STARS)
    assert (may_pay(third), may_pay(single)) == ("ok", "ok")
