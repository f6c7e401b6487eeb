"""Charges of saved payment methods: once per period for any number of attempts, and none after the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.supabase.payments.renewing import Renewing
from tests.support import in_parallel

Clock = Callable[[str], None]
MOSCOW = ZoneInfo("Europe/Moscow")
BEGINS = "timestamptz '2027-01-10 12:00:00+03'"
DUE = "timestamptz '2027-02-10 12:00:01+03'"


def at(clock: Clock, hours: float) -> None:
    """Move the clock to `hours` after the end of the paid month."""
    clock(f"timestamptz '2027-02-10 12:00:01+03' + interval '{hours} hours'")


@pytest.fixture
def anna(money: Money, clock: Clock) -> Renewing:
    """A user whose month, paid with a saved card, ends now."""
    clock(BEGINS)
    anna = Renewing(money)
    assert anna.claim() == {"due": 0, "charges": [], "outgoing": []}
    clock(DUE)
    return anna


def test_an_ended_period_is_charged_with_the_saved_method(anna: Renewing, money: Money) -> None:
    assert anna.row()["saved_method"] == anna.method
    assert money.payment(anna.pay, anna.provider)["saved_method"] is None, "moved to the renewal"
    got = anna.claim()
    (charge,) = got["charges"]
    (order,) = anna.orders()
    assert got["due"] == 1
    assert charge["order_id"] == order["id"]
    assert (charge["saved_method"], charge["attempt"], charge["is_status_check"]) == (anna.method, 0, False)
    assert (charge["amount"], charge["currency"], charge["contact"]) == ("499.00", "RUB", "anna@example.com")
    assert charge["telegram_id"] == anna.user()["telegram_id"]
    assert charge["texts"]["ru"]["title"] == "Премиум на месяц"
    assert (order["status"], order["renews"], float(order["amount"])) == ("pending", False, 499)


def test_a_charge_grants_the_next_period_once(anna: Renewing, money: Money, clock: Clock) -> None:
    charge, pay = anna.charge(), unique_id()
    result = anna.paid(charge, pay)
    assert message_keys(result["outgoing"]) == ["renewed"]
    assert anna.paid(charge, pay)["outgoing"] == []
    assert money.ends_at(anna.user_id) == datetime(2027, 3, 10, 12, tzinfo=MOSCOW)
    row = anna.row()
    assert (row["status"], row["attempts"], row["attempt_started_at"], row["lease_until"]) == (
        "active",
        0,
        None,
        None,
    )
    assert row["charge_at"] == row["charged_until"] == datetime(2027, 3, 10, 12, tzinfo=MOSCOW)
    assert (row["saved_method"], money.payment(pay, anna.provider)["saved_method"]) == (anna.method, None)
    assert money.payment(pay, anna.provider)["renewal_id"] == row["id"]
    assert anna.claim()["due"] == 0
    clock("timestamptz '2027-03-10 12:00:01+03'")
    second = anna.charge()
    assert second["order_id"] != charge["order_id"]
    anna.paid(second)
    assert money.ends_at(anna.user_id) == datetime(2027, 4, 10, 12, tzinfo=MOSCOW)


def test_a_renewal_keeps_its_price(anna: Renewing, money: Money) -> None:
    money.sql(
        "update product_prices set amount = 599 where product_key = 'premium_month' and currency = 'RUB'"
    )
    money.sql("update products set is_active = false where key = 'premium_month'")
    assert anna.charge()["amount"] == "499.00"


def test_one_of_many_concurrent_jobs_charges(anna: Renewing) -> None:
    charges = [charge for got in in_parallel(12, lambda _n: anna.claim()) for charge in got["charges"]]
    assert len(charges) == 1
    assert len(anna.orders()) == 1


def test_a_crash_or_missing_answer_is_followed_by_the_same_attempt(anna: Renewing, clock: Clock) -> None:
    first = anna.charge()
    assert anna.claim()["charges"] == []
    at(clock, 0.2)
    second = anna.charge()
    assert (second["order_id"], second["attempt"]) == (first["order_id"], first["attempt"])
    assert second["attempt_started_at"] == first["attempt_started_at"]
    at(clock, 0.3)
    assert anna.claim()["charges"] == []
    at(clock, 15)
    third = anna.charge()
    at(clock, 17)
    assert anna.claim()["charges"] == [], "the interval grows"
    assert third["order_id"] == first["order_id"]
    assert len(anna.orders()) == 1


def test_an_unknown_outcome_is_queried_before_another_charge(
    anna: Renewing, money: Money, clock: Clock
) -> None:
    first = anna.charge()
    assert not first["is_status_check"]
    at(clock, 20.1)
    look = anna.charge()
    assert (look["is_status_check"], look["order_id"], look["attempt_started_at"]) == (
        True,
        first["order_id"],
        first["attempt_started_at"],
    )
    for _ in range(2):
        money.call("abort_charge", p_renewal_id=look["id"], p_attempt=look["attempt"])
    again = anna.charge()
    assert (again["is_status_check"], again["order_id"], again["attempt"]) == (False, first["order_id"], 1)
    money.call("abort_charge", p_renewal_id=look["id"], p_attempt=look["attempt"])
    assert anna.row()["attempt_started_at"] is not None, "another attempt is open"


def test_a_pending_charge_is_queried_by_its_provider_id(anna: Renewing, money: Money, clock: Clock) -> None:
    first = anna.charge()
    money.call("save_checkout", p_order_id=first["order_id"], p_url=None, p_reference="slow-1")
    at(clock, 0.2)
    assert anna.charge()["reference"] == "slow-1"
    anna.declined(first)
    at(clock, 13)
    assert anna.charge()["reference"] is None


def test_a_declined_charge_notifies_once_and_is_retried_until_the_renewal_ends(
    anna: Renewing, money: Money, clock: Clock
) -> None:
    attempts, result = [], []
    for hours in (0, 12.1, 36.2, 68.3):
        at(clock, hours)
        charge = anna.charge()
        attempts.append(charge["attempt"])
        result += anna.declined(charge)["outgoing"]
        assert anna.row()["status"] == "past_due"
        at(clock, hours + 1)
        assert anna.claim() == {"due": 0, "charges": [], "outgoing": []}
        anna.sweep()
        assert anna.user()["vip_level"] == 1, "within the grace period"
    assert attempts == [0, 1, 2, 3]
    assert message_keys(result) == ["renewal_past_due"]
    until = result[0]["parameters"]["values"]["until"]["date"]
    assert datetime.fromisoformat(until) == datetime(2027, 2, 13, 12, tzinfo=MOSCOW)
    assert len(anna.orders()) == 1

    at(clock, 72.1)
    over = anna.claim()
    assert over["charges"] == []
    assert message_keys(over["outgoing"]) == ["renewal_given_up"]
    row = anna.row()
    assert (row["status"], row["saved_method"], row["charge_at"]) == ("ended", None, None)
    assert anna.orders()[0]["status"] == "canceled"
    anna.sweep()
    assert anna.user()["vip_level"] == 0
    assert anna.claim()["due"] == 0
    assert money.call("enqueue_expiry_reminders") is not None
    rows = money.sql("select reminded from subscriptions where user_id = %s", anna.user_id)
    assert "over" not in (rows[0]["reminded"] or ""), "the end of the renewal was notified already"


def test_a_later_successful_attempt_restores_the_renewal(anna: Renewing, money: Money, clock: Clock) -> None:
    anna.declined(anna.charge())
    at(clock, 12.5)
    assert message_keys(anna.paid(anna.charge())["outgoing"]) == ["renewed"]
    row = anna.row()
    assert (row["status"], row["attempts"]) == ("active", 0)
    assert money.ends_at(anna.user_id) == datetime(2027, 3, 10, 12, tzinfo=MOSCOW), (
        "the grace period is not free"
    )


def test_a_permanently_unusable_method_ends_the_renewal(anna: Renewing, clock: Clock) -> None:
    result = anna.declined(anna.charge(), "canceled")
    assert message_keys(result["outgoing"]) == ["renewal_given_up"]
    assert (anna.row()["status"], anna.row()["saved_method"]) == ("ended", None)
    at(clock, 100)
    assert anna.claim()["due"] == 0


def test_a_permanent_decline_is_never_retried(anna: Renewing, clock: Clock) -> None:
    charge = anna.charge()
    refusal = {"kind": "failed", "payment_id": unique_id(), "order_id": charge["order_id"], "is_final": True}
    assert message_keys(anna.record(refusal)["outgoing"]) == ["renewal_given_up"]
    assert anna.record(refusal)["outgoing"] == []
    assert (anna.row()["status"], anna.row()["saved_method"]) == ("ended", None)
    for hours in (12.1, 36.2, 68.3, 200):
        at(clock, hours)
        assert anna.claim()["due"] == 0


def test_a_period_without_a_timely_attempt_alarms_once(
    anna: Renewing, money: Money, clock: Clock, boss: int
) -> None:
    at(clock, 24 * 3 + 1)  # the job runs again after the grace period
    claimed = anna.claim()
    assert message_keys(claimed["outgoing"]) == ["renewal_alarm_missed"]
    assert len(claimed["charges"]) == 1
    at(clock, 24 * 5)
    assert money.call("alarm_missed_charges") == []
    anna.paid(claimed["charges"][0])
    assert len(anna.orders()) == 1


def test_a_late_attempt_within_the_grace_period_does_not_alarm(
    anna: Renewing, money: Money, clock: Clock, boss: int
) -> None:
    at(clock, 24 * 3 - 1)
    assert anna.claim()["outgoing"] == []


def test_only_one_of_several_missed_periods_is_charged_and_none_after_a_month(
    anna: Renewing, money: Money, clock: Clock, boss: int
) -> None:
    at(clock, 24 * 31)
    claimed = anna.claim()
    assert message_keys(claimed["outgoing"]) == ["renewal_alarm_missed", "renewal_given_up"]
    assert claimed["charges"] == []


@pytest.mark.parametrize(
    ("status", "hours", "expected"),
    [
        ("active", 24 * 4 - 1, 0),
        ("active", 24 * 4 + 1, 1),
        ("past_due", 200, 0),
        ("canceled", 200, 0),
        ("ended", 200, 0),
    ],
)
def test_a_missing_charge_of_the_provider_alarms_once(
    money: Money, clock: Clock, boss: int, status: str, hours: float, expected: int
) -> None:
    order = money.order(money.user(), "premium_month", provider="prodamus", p_renews=True)
    name = f"sub-{unique_id()}"
    money.record(paid(unique_id(), order, "499.00", subscription_id=name), provider="prodamus")
    money.sql("update renewals set alarmed_period = charged_until where provider_subscription_id <> %s", name)
    money.sql(
        "update renewals set status = %s, charged_until = timestamptz '2027-02-10 12:00+03' "
        "where provider_subscription_id = %s",
        status,
        name,
    )
    at(clock, hours)
    assert message_keys(money.call("alarm_missed_charges")) == ["renewal_alarm_missed"] * expected
    assert money.call("alarm_missed_charges") == []


def test_a_decline_without_a_payment_id_counts_as_a_decline(anna: Renewing) -> None:
    refusal = {"kind": "failed", "order_id": anna.charge()["order_id"], "reason": "invalid_request receipt"}
    assert message_keys(anna.record(refusal, key=f"r-{anna.provider}")["outgoing"]) == ["renewal_past_due"]
    assert anna.record(refusal)["outgoing"] == []
    assert anna.row()["attempts"] == 1


def test_a_rejected_receipt_contact_is_requested_and_used_for_the_next_attempt(
    anna: Renewing, money: Money, clock: Clock
) -> None:
    charge = anna.charge()
    assert charge["contact"] == "anna@example.com"
    refusal = {"kind": "failed", "order_id": charge["order_id"], "reason": "contact_refused"}
    (result,) = anna.record(refusal, key=f"c-{anna.provider}")["outgoing"]
    assert result["parameters"]["key"] == "renewal_contact_refused"
    assert result["parameters"]["buttons"][0][0]["data"] == "contact:change"

    money.call("change_receipt_contact", p_user_id=anna.user_id, p_contact="+79991234567")

    at(clock, 12.5)
    charge = anna.charge()
    assert charge["contact"] == "+79991234567"
    assert message_keys(anna.paid(charge)["outgoing"]) == ["renewed"]
    at(clock, 24 * 40)
    assert anna.charge()["contact"] == "+79991234567", "and the periods after it"


def test_a_new_receipt_contact_applies_to_later_charges_of_that_user_only(money: Money) -> None:
    anna, ben = Renewing(money), Renewing(money)
    other = money.order(anna.user_id, "credits_100", p_contact="old@example.com")
    money.call("change_receipt_contact", p_user_id=anna.user_id, p_contact="new@example.com")
    money.call("change_receipt_contact", p_user_id=-1, p_contact="missing@example.com")
    rows = money.sql("select id, contact from orders where id = any(%s)", [anna.first, ben.first, other])
    assert {row["id"]: row["contact"] for row in rows} == {
        anna.first: "new@example.com", ben.first: "anna@example.com", other: "old@example.com",
    }  # fmt: skip


def test_a_payment_after_the_end_of_the_renewal_is_fulfilled(
    anna: Renewing, money: Money, clock: Clock
) -> None:
    charge = anna.charge()
    anna.declined(charge, "canceled")
    anna.sweep()
    at(clock, 48)
    assert message_keys(anna.paid(charge)["outgoing"]) == ["renewed"]
    assert anna.user()["vip_level"] == 1
    row = anna.row()
    assert (row["status"], row["saved_method"], row["charge_at"]) == ("ended", None, None)


def test_a_second_charge_of_one_period_is_held_with_an_alarm(anna: Renewing, money: Money, boss: int) -> None:
    charge = anna.charge()
    anna.paid(charge)
    result = anna.paid(charge)
    assert message_keys(result["outgoing"]) == ["payment_alarm_second_charge", "payment_held_second_charge"]
    assert money.ends_at(anna.user_id) == datetime(2027, 3, 10, 12, tzinfo=MOSCOW)


# Renewals that are not charged.


def cancel(anna: Renewing) -> str:
    done = anna.money.call("cancel_renewal", p_user_id=anna.user_id, p_renewal_id=anna.row()["id"])
    return str(done["outcome"])


def test_a_canceled_renewal_is_not_charged_and_its_payment_method_is_deleted(
    anna: Renewing, clock: Clock
) -> None:
    clock(BEGINS)
    assert cancel(anna) == "canceled"
    assert anna.row()["saved_method"] is None
    assert anna.claim()["due"] == 0
    clock(DUE)
    assert anna.claim() == {"due": 1, "charges": [], "outgoing": []}
    assert anna.row()["status"] == "ended"
    assert anna.orders() == []


def test_a_renewal_cannot_be_canceled_while_it_is_being_charged(anna: Renewing, clock: Clock) -> None:
    charge = anna.charge()
    assert cancel(anna) == "busy"
    anna.paid(charge)
    assert cancel(anna) == "canceled"


def test_a_cancellation_during_an_unknown_outcome_keeps_querying_it(
    anna: Renewing, money: Money, clock: Clock
) -> None:
    charge = anna.charge()
    at(clock, 0.1)
    assert cancel(anna) == "canceled"
    at(clock, 0.2)
    look = anna.charge()
    assert (look["is_status_check"], look["saved_method"], look["order_id"]) == (
        True,
        None,
        charge["order_id"],
    )
    money.call("abort_charge", p_renewal_id=look["id"], p_attempt=look["attempt"])
    assert anna.claim()["charges"] == []
    assert anna.row()["status"] == "ended"


def test_a_decline_after_the_cancellation_sends_no_message(anna: Renewing, clock: Clock) -> None:
    charge = anna.charge()
    at(clock, 0.1)
    cancel(anna)
    assert anna.declined(charge)["outgoing"] == []
    assert anna.row()["status"] == "canceled"
    assert anna.claim()["charges"] == []
    assert anna.row()["status"] == "ended"


@pytest.mark.parametrize("kind", ["refunded", "disputed"])
def test_no_charge_after_a_refund_or_dispute(anna: Renewing, kind: str) -> None:
    anna.record(refunded(anna.pay, "499.00", kind=kind))
    assert anna.claim() == {"due": 1, "charges": [], "outgoing": []}
    assert anna.row()["status"] == "ended"


def test_no_third_charge_after_a_refund_of_the_second_period(anna: Renewing, clock: Clock) -> None:
    pay = unique_id()
    anna.paid(anna.charge(), pay)
    anna.record(refunded(pay, "499.00"))
    clock("timestamptz '2027-03-10 12:00:01+03'")
    assert anna.claim()["charges"] == []


def test_a_partial_refund_does_not_stop_the_renewal(anna: Renewing) -> None:
    anna.record(refunded(anna.pay, "99.00"))
    assert anna.charge()["amount"] == "499.00"


def test_a_banned_user_is_not_charged(anna: Renewing, money: Money) -> None:
    money.sql("update users set banned_at = private.clock() where id = %s", anna.user_id)
    assert anna.claim() == {"due": 1, "charges": [], "outgoing": []}
    assert anna.row()["status"] == "ended"


def test_the_charge_waits_for_the_end_of_another_purchase(anna: Renewing, money: Money, clock: Clock) -> None:
    anna.declined(anna.charge())
    money.record(paid(unique_id(), money.order(anna.user_id, "premium_month"), "499.00"))
    assert money.ends_at(anna.user_id) == datetime(2027, 3, 10, 12, tzinfo=MOSCOW)
    at(clock, 12.1)
    assert anna.claim() == {"due": 1, "charges": [], "outgoing": []}
    row = anna.row()
    assert (row["status"], row["attempts"]) == ("active", 0)
    assert row["charge_at"] == datetime(2027, 3, 10, 12, tzinfo=MOSCOW)
    assert anna.orders()[0]["status"] == "canceled"
    clock("timestamptz '2027-03-10 12:00:01+03'")
    charge = anna.charge()
    assert (charge["order_id"], charge["attempt"]) == (anna.orders()[1]["id"], 0)


def test_a_user_being_erased_is_skipped(
    anna: Renewing, connect: Callable[[], Any], database_url: str
) -> None:
    with psycopg.connect(database_url) as erasing:
        erasing.execute("select from users where id = %s for update", [anna.user_id])
        assert anna.claim() == {"due": 1, "charges": [], "outgoing": []}
        erasing.rollback()
    assert anna.row()["status"] == "active"


def test_no_charge_is_made_a_month_late(anna: Renewing, clock: Clock) -> None:
    at(clock, 24 * 31)
    assert message_keys(anna.claim()["outgoing"]) == ["renewal_given_up"]


def test_a_renewal_that_its_provider_charges_is_never_claimed(money: Money, clock: Clock) -> None:
    clock(BEGINS)
    user, provider = money.user(), f"other-{unique_id()}"
    order = money.order(user, "premium_month", provider=provider, p_renews=True)
    first = paid(unique_id(), order, "499.00", subscription_id=f"sub-{unique_id()}", saved_method="card")
    money.record(first, provider=provider)
    clock(DUE)
    assert money.call("claim_due_renewals", p_providers=[provider])["due"] == 0
    (row,) = money.sql("select * from renewals where provider = %s", provider)
    assert (row["saved_method"], row["charge_at"]) == (None, None)


@pytest.mark.parametrize(
    "function", ["claim_due_renewals", "abort_charge", "star_position", "unrecorded_events"]
)
def test_only_the_backend_role_may_call(money: Money, database_url: str, function: str) -> None:
    calls = {
        "claim_due_renewals": "claim_due_renewals('[]')",
        "abort_charge": "abort_charge(1, 1)",
        "star_position": "star_position('unknown')",
        "unrecorded_events": "unrecorded_events('x', '[]')",
    }
    for role, may in (("anon", False), ("service_role", False), ("bot_backend", True)):
        with psycopg.connect(database_url) as connection:
            connection.execute(f"set role {role}")
            if may:
                connection.execute(f"select public.{calls[function]}")
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"select public.{calls[function]}")
            connection.rollback()


def test_an_active_renewal_prevents_the_erasure_and_an_erased_user_is_not_charged(
    anna: Renewing, money: Money, clock: Clock
) -> None:
    erase = "select private.anonymize_payment_data(u) from users as u where u.id = %s"
    with pytest.raises(psycopg.DatabaseError, match="a renewal is running") as refused:
        money.sql(erase, anna.user_id)
    assert refused.value.sqlstate == "Y0002"
    charge = anna.charge()
    at(clock, 0.1)
    cancel(anna)
    money.sql(erase, anna.user_id)
    at(clock, 30)
    assert anna.claim()["due"] == 0
    row = anna.row()
    assert (row["status"], row["saved_method"], row["attempt_started_at"]) == ("ended", None, None)
    assert money.sql("select contact from orders where id = %s", charge["order_id"]) == [{"contact": None}]


def test_a_promo_month_is_used_up_before_the_next_charge(anna: Renewing, money: Money, clock: Clock) -> None:
    money.sql("select private.extend_subscription(%s, 'PREMIUM', 'promo', 'month', null)", anna.user_id)
    assert anna.claim()["charges"] == []
    assert anna.row()["charge_at"] == datetime(2027, 3, 10, 12, tzinfo=MOSCOW)
    clock("timestamptz '2027-03-10 12:00:01+03'")
    anna.sweep()
    assert anna.user()["vip_level"] == 1, "within the grace period of either subscription"
    anna.paid(anna.charge())
    assert money.ends_at(anna.user_id) == datetime(2027, 4, 10, 12, tzinfo=MOSCOW)
