"""A user has at most one active renewal: a new one replaces the previous one, here and at its provider."""

from __future__ import annotations

from typing import Any

import pytest

from tests.supabase.payments.conftest import Money, message_keys, paid, unique_id
from tests.supabase.payments.test_resumed_subscriptions import Subscriber, moment
from tests.support import in_parallel

PRICES = {("premium_month", "USD"): "5.99", ("premium_year", "USD"): "59.90", ("premium_month", "XTR"): "350",
          ("premium_month", "RUB"): "499.00"}  # fmt: skip


def begin(money: Money, user: int, provider: str, product: str = "premium_month", order: int = 0) -> Any:
    """Order a renewing plan, pay its first period and return the result of recording it."""
    currency = {"telegram_stars": "XTR", "yookassa": "RUB"}.get(provider, "USD")
    order = order or money.order(user, product, currency, provider=provider, p_renews=True)
    saved: dict[str, Any] = {"saved_method": f"card-{order}"}
    if provider != "yookassa":
        saved = {"subscription_id": str(order) if provider == "telegram_stars" else f"sub_{order}"}
    event = paid(unique_id(), order, PRICES[product, currency], currency, happened_at=moment(), **saved)
    return money.record(event, provider=provider)["outgoing"]


def renewals(money: Money, user: int) -> list[dict[str, Any]]:
    return money.sql("select * from renewals where user_id = %s order by id", user)


def running(money: Money, user: int) -> list[str]:
    return [one["provider"] for one in renewals(money, user) if one["status"] in ("active", "past_due")]


@pytest.mark.parametrize("before", ["stripe", "telegram_stars", "yookassa"])
@pytest.mark.parametrize("after", ["stripe", "telegram_stars", "yookassa"])
def test_a_new_renewal_replaces_the_previous_one(money: Money, before: str, after: str) -> None:
    anna = money.user()
    begin(money, anna, before)
    until = money.ends_at(anna)

    result = begin(money, anna, after)

    assert message_keys(result) == ["paid_subscription", "renewal_replaced"]
    assert result[1]["parameters"]["values"]["provider"] == {"provider": before}
    old, new = renewals(money, anna)
    assert (old["status"], new["status"]) == ("canceled", "active")
    assert old["saved_method"] is None
    assert (old["next_cancel_attempt_at"] is not None) == (before != "yookassa"), (
        "a renewal that its provider charges is canceled there"
    )
    assert new["next_cancel_attempt_at"] is None
    assert money.ends_at(anna) > until


@pytest.mark.parametrize("product", ["premium_month", "premium_year"])
def test_a_renewal_with_another_period_replaces_it_too(money: Money, product: str) -> None:
    anna = money.user()
    begin(money, anna, "stripe", "premium_year" if product == "premium_month" else "premium_month")
    begin(money, anna, "stripe", product)
    assert len(running(money, anna)) == 1


def test_two_checkouts_created_before_either_payment_leave_one_renewal(money: Money) -> None:
    anna = money.user()
    orders = [money.order(anna, "premium_month", "USD", provider="stripe", p_renews=True) for _ in range(4)]
    for order in orders:
        begin(money, anna, "stripe", order=order)
    assert [one["status"] for one in renewals(money, anna)] == ["canceled"] * 3 + ["active"]


def test_checkouts_paid_concurrently_leave_one_renewal(money: Money) -> None:
    for _ in range(3):
        anna = money.user()
        orders = [
            money.order(anna, "premium_month", "USD", provider="stripe", p_renews=True) for _ in range(4)
        ]
        in_parallel(4, lambda n, user=anna, made=orders: begin(money, user, "stripe", order=made[n]))
        assert len(running(money, anna)) == 1
        assert len(renewals(money, anna)) == 4


def test_a_past_due_renewal_is_replaced_by_a_new_one(money: Money) -> None:
    anna = Subscriber(money, "stripe")
    anna.record("past_due")
    begin(money, anna.id, "telegram_stars")
    assert running(money, anna.id) == ["telegram_stars"]


def test_a_single_period_and_the_next_charge_replace_no_renewal(money: Money) -> None:
    anna = Subscriber(money, "stripe")
    money.record(paid(unique_id(), money.order(anna.id, "premium_month"), "499.00"))
    assert message_keys(anna.charge()["outgoing"]) == ["renewed"]
    assert running(money, anna.id) == ["stripe"]


def test_renewals_of_other_users_are_not_replaced(money: Money) -> None:
    anna, ben = Subscriber(money, "stripe"), Subscriber(money, "stripe")
    begin(money, anna.id, "telegram_stars")
    assert running(money, ben.id) == ["stripe"]


def test_a_resumed_renewal_replaces_a_newer_one(money: Money) -> None:
    anna = Subscriber(money)
    anna.cancel()
    begin(money, anna.id, "stripe")
    assert message_keys(anna.charge()["outgoing"]) == ["renewed_resumed", "renewal_replaced"]
    assert running(money, anna.id) == ["telegram_stars"]


@pytest.mark.parametrize("what", ["charge", "active", "past_due"])
def test_a_renewal_being_canceled_at_its_provider_is_not_reactivated_by_it(money: Money, what: str) -> None:
    anna = Subscriber(money, "stripe")
    begin(money, anna.id, "telegram_stars")
    if what == "charge":
        assert message_keys(anna.charge()["outgoing"]) == ["renewed"], "a paid period is fulfilled"
    else:
        anna.record(what)
    assert anna.row()["status"] == "canceled"
    assert running(money, anna.id) == ["telegram_stars"]


def claim(money: Money, provider: str) -> list[dict[str, Any]]:
    found = money.call("claim_renewals_to_cancel", p_providers=[provider], p_limit=100)
    return list(found)


def test_the_job_retries_the_cancellation_until_the_provider_confirms_it(money: Money) -> None:
    provider = f"stopper-{unique_id()}"
    anna = money.user()
    order = money.order(anna, "premium_month", "USD", provider=provider, p_renews=True)
    first = unique_id()
    money.record(
        paid(first, order, "5.99", "USD", subscription_id=f"sub_{order}", payer="+79990000000"),
        provider=provider,
    )
    assert claim(money, provider) == []
    begin(money, anna, "stripe")

    (asked,) = claim(money, provider)
    assert asked["subscription_id"] == f"sub_{order}"
    assert asked["telegram_id"] == money.user_row(anna)["telegram_id"]
    assert (asked["payment_id"], asked["payer"]) == (first, "+79990000000")
    assert claim(money, provider) == [], "leased to one worker"
    money.call("record_cancel_result", p_renewal_id=asked["id"], p_is_canceled=False)
    money.sql("update renewals set next_cancel_attempt_at = private.clock() where id = %s", asked["id"])
    (asked,) = claim(money, provider)
    money.call("record_cancel_result", p_renewal_id=asked["id"], p_is_canceled=True)
    old = next(one for one in renewals(money, anna) if one["provider"] == provider)
    assert (old["status"], old["next_cancel_attempt_at"]) == ("canceled", None)
