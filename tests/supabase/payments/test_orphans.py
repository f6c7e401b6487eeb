"""Events that can never be applied: of erased users, and of subscriptions of other shops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.supabase.payments.buyers import email_of, order_of, order_row, record_event, traces
from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.supabase.privacy.conftest import SqlUser, dump_rows, id_of, next_update

Sql = Callable[..., list[dict[str, Any]]]
New = Callable[[], SqlUser]
Clock = Callable[[str], None]
PHONE = "+79006543210"


def later(clock: Clock, interval: str) -> None:
    clock(f"clock_timestamp() + interval '{interval}'")


def changed(subscription: str, status: str = "active", **rest: Any) -> dict[str, Any]:
    return {"kind": f"subscription_{status}", "subscription_id": subscription, **rest}


def open_order_of_erased_user(money: Money, user: SqlUser, provider: str = "stripe") -> int:
    """Create a renewing order whose user is erased while its checkout is open."""
    order = order_of(money, user, "premium_month", provider=provider, p_renews=True)
    user.erase()
    return order


def renewal(sql: Sql, subscription: str) -> dict[str, Any]:
    (row,) = sql("select * from renewals where provider_subscription_id = %s", subscription)
    return row


def refunds(money: Money, payment: str, provider: str = "stripe") -> list[tuple[str, float, str]]:
    rows = money.sql(
        "select status, amount, admin_email from refunds where payment_id = %s",
        money.payment(payment, provider)["id"],
    )
    return [(row["status"], float(row["amount"]), row["admin_email"]) for row in rows]


def claim_cancellations(money: Money, provider: str = "stripe") -> list[dict[str, Any]]:
    claimed: list[dict[str, Any]] = money.call("claim_renewals_to_cancel", p_providers=[provider])
    return claimed


@pytest.mark.parametrize("first", ["subscription", "payment"])
def test_a_subscription_begun_after_the_erasure_is_canceled_and_refunded_with_one_alarm(
    money: Money, sql: Sql, buyer: New, boss: int, first: str
) -> None:
    anna, subscription, pay = buyer(), f"sub_{unique_id()}", unique_id()
    order = open_order_of_erased_user(money, anna)
    events = {
        "subscription": changed(subscription, order_id=order),
        "payment": paid(pay, order, "499.00", subscription_id=subscription),
    }
    alarms: list[str] = []
    for name in sorted(events, reverse=first == "subscription"):
        for repeated in range(2):
            result = record_event(money, anna, events[name], key=f"{name}-{order}", provider="stripe")
            assert result["outcome"] == ("known" if repeated else "applied")
            alarms += message_keys(result.get("outgoing", []))
    assert alarms == [{"subscription": "subscription_alarm_erased", "payment": "payment_alarm_owner"}[first]]

    assert refunds(money, pay) == [("open", 499.0, "system")]
    (orphan,) = claim_cancellations(money)
    assert orphan["subscription_id"] == subscription
    assert orphan["payment_id"] == pay
    assert claim_cancellations(money) == []  # leased
    assert money.call("record_cancel_result", p_renewal_id=orphan["id"], p_is_canceled=True) == {
        "outgoing": []
    }
    assert renewal(sql, subscription)["next_cancel_attempt_at"] is None
    assert (renewal(sql, subscription)["status"], renewal(sql, subscription)["user_id"]) == ("ended", None)

    done = {**refunded(pay, "499.00"), "refund_id": 0}
    assert record_event(money, anna, done, provider="stripe")["outgoing"] == []
    assert refunds(money, pay) == [("done", 499.0, "system")]
    assert order_row(money, order)["status"] == "canceled"
    assert traces(sql, anna) == []


def test_each_later_charge_of_an_erased_user_is_refunded(
    money: Money, sql: Sql, buyer: New, boss: int, clock: Clock
) -> None:
    anna, subscription, pays = buyer(), f"sub_{unique_id()}", [unique_id() for _ in range(3)]
    order = open_order_of_erased_user(money, anna, "cloudpayments")
    first = paid(pays[0], order, "499.00", subscription_id=subscription)
    assert message_keys(record_event(money, anna, first, provider="cloudpayments")["outgoing"]) == [
        "payment_alarm_owner"
    ]
    for days, pay in enumerate(pays[1:], 1):
        later(clock, f"{days * 31} days")
        # Without the order id: the provider sends only the subscription's id.
        result = record_event(
            money, anna, paid(pay, None, "499.00", subscription_id=subscription), provider="cloudpayments"
        )
        assert message_keys(result["outgoing"]) == ["payment_alarm_owner"]
    assert [refunds(money, pay, "cloudpayments") for pay in pays] == [[("open", 499.0, "system")]] * 3
    assert [one["payment_id"] for one in claim_cancellations(money, "cloudpayments")] == [pays[-1]]
    assert traces(sql, anna) == []


def test_an_early_subscription_event_is_applied_once_the_payment_names_its_order(
    money: Money, sql: Sql, buyer: New, boss: int
) -> None:
    anna, subscription = buyer(), f"sc_{unique_id()}"
    order = open_order_of_erased_user(money, anna, "cloudpayments")
    status_event = changed(subscription)
    early = record_event(money, anna, status_event, key=f"early-{subscription}", provider="cloudpayments")
    assert (early["outcome"], early["is_late"]) == ("failed", False)
    first = paid(unique_id(), order, "499.00", subscription_id=subscription)
    record_event(money, anna, first, provider="cloudpayments")
    repeated = record_event(money, anna, status_event, key=f"early-{subscription}", provider="cloudpayments")
    assert repeated == {"outcome": "applied", "outgoing": []}
    assert len(claim_cancellations(money, "cloudpayments")) == 1


@pytest.mark.parametrize("status", ["canceled", "ended"])
def test_an_ended_subscription_is_not_canceled_at_the_provider(
    money: Money, sql: Sql, buyer: New, boss: int, status: str
) -> None:
    anna, subscription = buyer(), f"sub_{unique_id()}"
    order = open_order_of_erased_user(money, anna)
    status_event = changed(subscription, status, order_id=order)
    assert record_event(money, anna, status_event, provider="stripe")["outcome"] == "applied"
    assert claim_cancellations(money) == []
    record_event(money, anna, changed(subscription, order_id=order), provider="stripe")
    assert len(claim_cancellations(money)) == 1
    record_event(money, anna, status_event, provider="stripe")
    assert renewal(sql, subscription)["next_cancel_attempt_at"] is None


def test_a_subscription_resumed_after_the_erasure_is_canceled_again(
    money: Money, sql: Sql, buyer: New
) -> None:
    anna, subscription = buyer(), f"sub_{unique_id()}"
    order = order_of(money, anna, "premium_month", provider="stripe", p_renews=True)
    payment = paid(unique_id(), order, "499.00", subscription_id=subscription)
    record_event(money, anna, payment, key=f"given-{order}", provider="stripe")
    record_event(money, anna, changed(subscription, "canceled"), provider="stripe")
    anna.erase()
    assert claim_cancellations(money) == []
    record_event(money, anna, payment, key=f"other-{order}", provider="stripe")
    assert refunds(money, payment["payment_id"]) == []  # paid and fulfilled before the erasure
    record_event(money, anna, changed(subscription, "past_due"), provider="stripe")
    assert [one["subscription_id"] for one in claim_cancellations(money)] == [subscription]


@pytest.mark.parametrize("comes_back", [True, False])
@pytest.mark.parametrize("amount", ["149.00", "150.00"])
def test_a_one_time_purchase_paid_after_the_erasure_is_refunded_once(
    money: Money, sql: Sql, buyer: New, boss: int, amount: str, comes_back: bool
) -> None:
    anna, pay = buyer(), unique_id()
    order = order_of(money, anna)
    anna.erase()
    if comes_back:
        anna.receive(next_update())
    for _ in range(2):
        record_event(money, anna, paid(pay, order, amount, telegram_id=anna.id))
    assert refunds(money, pay, "yookassa") == [("open", float(amount), "system")]


def test_other_users_payments_and_earlier_ones_are_not_refunded_automatically(
    money: Money, sql: Sql, buyer: New, boss: int
) -> None:
    anna, ben = buyer(), buyer()
    held, other_users, test, unknown = (unique_id() for _ in range(4))
    record_event(money, anna, paid(held, order_of(money, anna), "1.00"))  # already under review
    record_event(money, ben, paid(other_users, order_of(money, ben), telegram_id=anna.id))
    late = order_of(money, anna)
    anna.erase()
    record_event(money, anna, paid(held, None, "1.00"))
    record_event(money, anna, paid(test, late, is_test=True))
    record_event(money, anna, paid(unknown, None))
    assert [refunds(money, pay, "yookassa") for pay in (held, other_users, test, unknown)] == [[]] * 4


def test_a_failing_cancellation_is_retried_and_alarms_the_admins_once(
    money: Money, sql: Sql, buyer: New, boss: int, clock: Clock
) -> None:
    anna, subscription = buyer(), f"sub_{unique_id()}"
    order = open_order_of_erased_user(money, anna)
    record_event(money, anna, changed(subscription, order_id=order), provider="stripe")
    alarms: list[str] = []
    for day in range(6):
        later(clock, f"{day} days 1 minute")
        (orphan,) = claim_cancellations(money)
        result = money.call("record_cancel_result", p_renewal_id=orphan["id"], p_is_canceled=False)
        alarms += message_keys(result["outgoing"])
    assert alarms == ["subscription_alarm_running"]
    assert renewal(sql, subscription)["next_cancel_attempt_at"] is not None
    assert claim_cancellations(money, "cloudpayments") == []


def test_the_providers_payer_id_is_kept_until_the_cancellation(
    money: Money, sql: Sql, buyer: New, boss: int
) -> None:
    anna, subscription = buyer(), f"7:{unique_id()}"
    order = open_order_of_erased_user(money, anna, "prodamus")
    first = paid(unique_id(), order, "499.00", subscription_id=subscription, payer=PHONE)
    record_event(money, anna, first, provider="prodamus")
    (orphan,) = claim_cancellations(money, "prodamus")
    assert orphan["payer"] == PHONE
    money.call("record_cancel_result", p_renewal_id=orphan["id"], p_is_canceled=True)
    assert PHONE not in dump_rows(sql)


# Subscriptions of other shops.


def test_events_of_another_shops_subscription_are_given_up_after_a_day_with_one_alarm(
    money: Money, sql: Sql, boss: int, clock: Clock
) -> None:
    subscription, keys = f"sub_{unique_id()}", [f"foreign-{unique_id()}" for _ in range(3)]
    alarms: list[str] = []
    outcomes: dict[str, list[str]] = {key: [] for key in keys}
    for hours in (0, 23, 25, 72, 24 * 8):
        later(clock, f"{hours} hours")
        for key in keys[: 2 if hours < 72 else 3]:
            result = money.record(changed(subscription, "past_due"), key=key, provider="stripe")
            outcomes[key].append(result["outcome"])
            alarms += message_keys(result.get("outgoing", []))
    for key in keys[:2]:
        assert outcomes[key] == ["failed", "failed", "ignored", "known", "known"]
    assert outcomes[keys[2]] == ["ignored", "known"]
    assert alarms == ["subscription_alarm_unknown"]
    rows = sql("select body, processed_at, error from payment_events where event_key = any(%s)", keys)
    assert all(row["body"] == "" and row["processed_at"] and "M0002" in row["error"] for row in rows)


def test_the_retry_job_gives_up_events_of_unknown_subscriptions(
    money: Money, boss: int, clock: Clock
) -> None:
    subscription = f"sub_{unique_id()}"
    money.record(changed(subscription), provider="stripe")
    money.record(changed(subscription, "ended"), provider="stripe")
    assert money.call("retry_payment_events")["failed"] == 2
    later(clock, "25 hours")
    result = money.call("retry_payment_events")
    assert (result["ignored"], message_keys(result["outgoing"])) == (1, ["subscription_alarm_unknown"])
    assert money.call("retry_payment_events") == {"applied": 0, "failed": 0, "ignored": 0, "outgoing": []}


def test_other_payment_events_of_a_given_up_webhook_event_are_applied(
    money: Money, sql: Sql, boss: int, clock: Clock
) -> None:
    anna, pay, key = money.user(), unique_id(), f"mixed-{unique_id()}"
    money.record(paid(pay, money.order(anna)))
    events = changed(f"sub_{unique_id()}"), refunded(pay, "49.00")
    assert money.record(*events, key=key)["outcome"] == "failed"
    assert float(money.payment(pay)["refunded"]) == 0
    later(clock, "25 hours")
    assert money.record(*events, key=key)["outcome"] == "ignored"
    assert float(money.payment(pay)["refunded"]) == 49


def test_a_given_up_subscription_works_once_its_order_exists(money: Money, sql: Sql, clock: Clock) -> None:
    anna, subscription = money.user(), f"sub_{unique_id()}"
    money.record(changed(subscription), key=f"slow-{subscription}", provider="stripe")
    later(clock, "25 hours")
    money.record(changed(subscription), key=f"slow-{subscription}", provider="stripe")
    order = money.order(anna, "premium_month", provider="stripe", p_renews=True)
    money.record(paid(unique_id(), order, "499.00", subscription_id=subscription), provider="stripe")
    result = money.record(changed(subscription, "canceled"), provider="stripe")
    assert (result["outcome"], renewal(sql, subscription)["status"]) == ("applied", "canceled")


def test_another_failure_is_repeated_by_the_provider_for_a_day_and_then_retried_by_the_job(
    money: Money, clock: Clock
) -> None:
    key = f"broken-{unique_id()}"
    broken = {"kind": "paid", "payment_id": unique_id(), "order_id": 1}
    assert money.record(broken, key=key)["is_late"] is False
    later(clock, "25 hours")
    late = money.record(broken, key=key)
    assert (late["outcome"], late["is_late"]) == ("failed", True)
    assert money.call("retry_payment_events")["failed"] == 1


def test_the_body_of_a_given_up_event_is_deleted(money: Money, sql: Sql, buyer: New, clock: Clock) -> None:
    anna, key = buyer(), f"foreign-{unique_id()}"
    record_event(money, anna, changed(f"sub_{unique_id()}", reason=""), key=key, provider="stripe")
    assert email_of(anna) in dump_rows(sql)
    later(clock, "25 hours")
    record_event(money, anna, changed(f"sub_{unique_id()}", reason=""), key=key, provider="stripe")
    assert email_of(anna) not in dump_rows(sql)
    assert id_of(sql, anna)
