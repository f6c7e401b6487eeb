"""A canceled subscription that its provider charges again, and a subscription that must not begin twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.payments.sql.conftest import Money, message_keys, paid, unique_id
from tests.payments.sql.renewing import Renewing

STARS = "telegram_stars"


def moment(**later: float) -> str:
    """A moment as a provider tells it: in whole seconds."""
    return (datetime.now(UTC) + timedelta(**later)).replace(microsecond=0).isoformat()


class Subscriber:
    """A user whose plan a provider renews by its own schedule."""

    def __init__(self, money: Money, provider: str = STARS) -> None:
        self.money, self.provider = money, provider
        self.currency, self.price = ("XTR", "350") if provider == STARS else ("USD", "5.99")
        self.id = money.user()
        self.order = money.order(self.id, "premium_month", self.currency, provider=provider, p_renews=True)
        # Telegram's subscription is known by the invoice's payload, our order.
        self.subscription = str(self.order) if provider == STARS else f"sub_{self.order}"
        self.charge()

    def charge(self, **rest: Any) -> Any:
        """Its provider charges a period."""
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
def test_a_charge_after_the_cancellation_means_that_it_runs_again(
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
def test_a_charge_before_the_cancellation_that_is_told_later_changes_nothing(
    money: Money, seconds: int
) -> None:
    anna = Subscriber(money)
    anna.cancel()
    assert message_keys(anna.charge(happened_at=moment(seconds=-seconds))["outgoing"]) == ["renewed"]
    assert anna.row()["status"] == "canceled"


def test_an_ended_subscription_that_is_charged_again_runs_again(money: Money) -> None:
    anna = Subscriber(money, "stripe")
    anna.record("canceled", happened_at=moment(days=-40))
    anna.record("ended")
    anna.charge(happened_at=moment(days=-41))
    assert anna.row()["status"] == "ended"
    assert message_keys(anna.charge()["outgoing"]) == ["renewed_resumed"]
    row = anna.row()
    assert (row["status"], row["ended_at"], row["canceled_at"]) == ("active", None, None)


def test_the_moment_of_the_cancellation_is_the_providers(money: Money) -> None:
    anna = Subscriber(money, "stripe")
    anna.record("canceled", happened_at=moment(hours=-3))
    anna.charge(happened_at=moment(hours=-2))
    assert anna.row()["status"] == "active"


def test_a_charge_that_went_back_already_resumes_nothing(money: Money) -> None:
    anna, pay = Subscriber(money), unique_id()
    anna.cancel()
    back = {"kind": "refunded", "payment_id": pay, "operation_id": "r", "amount": "350", "currency": "XTR"}
    money.record(back, provider=STARS)
    money.record(
        paid(pay, anna.order, "350", "XTR", subscription_id=anna.subscription, happened_at=moment()),
        provider=STARS,
    )
    assert anna.row()["status"] == "canceled"


def test_what_we_charge_ourselves_is_not_resumed_by_a_late_answer(money: Money) -> None:
    anna = Renewing(money)
    money.sql("update renewals set charge_at = private.clock() where provider = %s", anna.provider)
    money.sql("update subscriptions set ends_at = private.clock() where user_id = %s", anna.user_id)
    charge = anna.charge()
    money.sql("update renewals set lease_until = null where provider = %s", anna.provider)
    money.call("cancel_renewal", p_user_id=anna.user_id, p_renewal_id=charge["id"])
    anna.paid(charge)
    assert (anna.row()["status"], anna.row()["saved_method"]) == ("canceled", None)


def test_resuming_here_forgets_the_cancellation(money: Money) -> None:
    anna = Subscriber(money)
    anna.record("canceled")
    anna.record("active")
    assert (anna.row()["status"], anna.row()["canceled_at"]) == ("active", None)


def test_a_running_subscription_is_not_begun_again_with_its_link(money: Money) -> None:
    anna = Subscriber(money)
    assert anna.may_pay() == "paid"
    anna.cancel()
    assert anna.may_pay() == "ok", "the old link resumes it"
    anna.charge()
    assert anna.may_pay() == "paid"


@pytest.mark.parametrize(("days", "verdict"), [(24, "paid"), (26, "ok"), (30, "ok"), (31, "ok")])
def test_a_provider_that_asks_for_each_period_may_charge_the_next(
    money: Money, days: int, verdict: str
) -> None:
    anna = Subscriber(money)
    money.sql(
        "update payments set completed_at = private.clock() - make_interval(days => %s) where user_id = %s",
        days, anna.id,
    )  # fmt: skip
    assert anna.may_pay() == verdict


def test_a_second_link_made_before_the_first_was_paid_is_refused(money: Money) -> None:
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
    # Whoever orders one now was asked, and a single month is nobody's trouble.
    third = money.order(anna, "premium_month", "XTR", provider=STARS, p_renews=True)
    single = money.order(anna, "premium_month", "XTR", provider=STARS)
    assert (may_pay(third), may_pay(single)) == ("ok", "ok")
