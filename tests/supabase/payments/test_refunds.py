"""Refund requests of admins: stored before the provider is called, one at a time, up to the rest."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.supabase.payments.buyers import order_of
from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.support import examples, in_parallel

EMAIL = "boss@example.com"
DAY = {"yookassa": 82_800}  # seconds that its idempotency keys last
SLOW = settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)


@pytest.fixture(autouse=True)
def _boss(boss: int) -> None:
    """Make sure that there is an admin."""


def paid_order(money: Money, product: str = "credits_100", amount: str = "149.00") -> tuple[int, int, str]:
    """Pay an order; return the user, our id of the payment and the provider's."""
    anna, pay = money.user(), unique_id()
    money.record(paid(pay, money.order(anna, product), amount))
    return anna, int(money.payment(pay)["id"]), pay


def request_refund(money: Money, payment: int, amount: Any = None, **rest: Any) -> dict[str, Any]:
    asked = {
        "p_payment_id": payment,
        "p_amount": amount,
        "p_admin_email": EMAIL,
        "p_call_provider_now": True,
        **rest,
    }
    return dict(money.call("admin_refund_payment", **asked))


def refund_row(money: Money, refund: int) -> dict[str, Any]:
    (row,) = money.sql("select * from refunds where id = %s", refund)
    return row


def claim(money: Money, providers: dict[str, int] | None = None, limit: int = 1000) -> dict[str, Any]:
    return dict(money.call("claim_open_refunds", p_providers=providers or DAY, p_limit=limit))


def move_into_past(money: Money, refund: int, times: str = "3 minutes") -> None:
    """Move one refund into the past by `times`."""
    moved = ", ".join(
        f"{name} = {name} - interval '{times}'"
        for name in ("created_at", "first_attempt_at", "next_attempt_at")
    )
    money.sql(f"update refunds set {moved} where id = %s", refund)


def boss_messages(outgoing: list[dict[str, Any]], boss: int) -> list[str]:
    return [one["parameters"]["key"] for one in outgoing if one["parameters"]["chat_id"] == boss]


def audit_entries(money: Money, payment: int) -> list[tuple[str, Any, Any]]:
    rows = money.sql(
        "select action, before, after from audit_log where (after ->> 'payment')::bigint = %s order by id",
        payment,
    )
    return [(row["action"], row["before"], row["after"]) for row in rows]


# Requests --------------------------------------------------------------------------------------------------


def test_a_refund_request_is_stored_and_audited(money: Money) -> None:
    anna, payment, pay = paid_order(money)
    done = request_refund(money, payment)
    assert (done["outcome"], done["left"], done["currency"]) == ("opened", "149.00", "RUB")
    task = done["task"]
    telegram_id = money.user_row(anna)["telegram_id"]
    assert task | {"texts": None} == {
        "id": done["refund"]["id"],
        "key": refund_row(money, done["refund"]["id"])["key"],
        "attempt": 1,
        "provider": "yookassa",
        "number": pay,
        "amount": "149.00",
        "currency": "RUB",
        "is_whole": True,
        "telegram_id": telegram_id,
        "contact": None,
        "texts": None,
        "languages": [None, "en"],
    }
    assert task["texts"]["en"]["title"] == "100 requests"
    ((action, before, after),) = audit_entries(money, payment)
    assert (action, before["refunded"], after["amount"]) == ("refund_payment", "0", "149.00")
    # No money has moved yet.
    assert money.payment(pay)["status"] == "completed"
    assert money.user_row(anna)["bonus_credits"] == 100


def test_a_confirmed_refund_closes_the_request_and_reverses_the_fulfilment(money: Money, boss: int) -> None:
    anna, payment, pay = paid_order(money)
    refund = request_refund(money, payment)["refund"]["id"]
    result = money.record(refunded(pay, "149.00", f"op-{pay}", refund_id=refund))
    assert message_keys(result["outgoing"]) == ["refunded"]  # the admin sees it in the response
    row = refund_row(money, refund)
    assert (row["status"], row["operation_id"]) == ("done", f"op-{pay}")
    assert money.user_row(anna)["bonus_credits"] == 0
    assert request_refund(money, payment)["outcome"] == "nothing_left"
    assert [entry[0] for entry in audit_entries(money, payment)] == ["refund_payment", "refund_decided"]
    # The provider's webhook arrives as well.
    money.record(refunded(pay, "149.00", f"op-{pay}"))
    assert Decimal(money.payment(pay)["refunded"]) == 149


def test_a_webhook_before_our_own_response_closes_the_request_too(money: Money) -> None:
    _anna, payment, pay = paid_order(money)
    refund = request_refund(money, payment, 50)["refund"]["id"]
    money.record(refunded(pay, "50.00", f"op-{pay}"))
    assert refund_row(money, refund)["status"] == "done"
    money.record(refunded(pay, "50.00", f"op-{pay}", refund_id=refund))
    assert Decimal(money.payment(pay)["refunded"]) == 50
    assert request_refund(money, payment)["left"] == "99.00"


def test_a_repeated_older_operation_closes_no_request(money: Money) -> None:
    _anna, payment, pay = paid_order(money)
    money.record(refunded(pay, "50.00", f"cabinet-{pay}"))
    refund = request_refund(money, payment, 50)["refund"]["id"]
    money.record(refunded(pay, "50.00", f"cabinet-{pay}"))
    assert refund_row(money, refund)["status"] == "open"
    money.record(refunded(pay, "20.00", f"another-{pay}"))
    assert refund_row(money, refund)["status"] == "open"


@pytest.mark.parametrize("amount", [0, -1, "0.001", "12.345"])
def test_an_invalid_amount_is_rejected(money: Money, amount: Any) -> None:
    _anna, payment, _pay = paid_order(money)
    with pytest.raises(psycopg.Error) as caught:
        request_refund(money, payment, amount)
    assert caught.value.sqlstate == "N0004"


def test_reasons_why_a_payment_cannot_be_refunded_are_distinct(money: Money) -> None:
    anna, payment, _pay = paid_order(money)
    assert request_refund(money, payment, "149.01")["outcome"] == "too_much"
    assert request_refund(money, payment, 149, p_left=150)["outcome"] == "changed"
    failed = unique_id()
    money.record({"kind": "failed", "payment_id": failed, "order_id": money.order(anna)})
    assert request_refund(money, money.payment(failed)["id"])["outcome"] == "not_paid"
    disputed = unique_id()
    money.record(paid(disputed, money.order(anna)))
    money.record({"kind": "disputed", "payment_id": disputed, "operation_id": "d", "amount": "100.00"})
    assert request_refund(money, money.payment(disputed)["id"], 50)["outcome"] == "too_much"
    assert request_refund(money, money.payment(disputed)["id"])["refund"]["amount"] == "49.00"
    with pytest.raises(psycopg.Error) as caught:
        request_refund(money, 999_999_999)
    assert caught.value.sqlstate == "N0007"
    assert money.sql("select 1 as x from refunds where payment_id = %s", payment) == []


def test_only_admins_request_refunds(money: Money) -> None:
    _anna, payment, _pay = paid_order(money)
    for function, values in (
        ("admin_refund_payment", {"p_payment_id": payment, "p_amount": None}),
        ("admin_payment", {"p_identifier": str(payment)}),
        ("admin_payments", {}),
        ("admin_check", {}),
    ):
        with pytest.raises(psycopg.Error) as caught:
            money.call(function, p_admin_email="anna@example.com", **values)
        assert caught.value.sqlstate == "N0001", function


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role", "bot_backend"])
def test_each_role_has_exactly_its_rights(database_url: str, money: Money, role: str) -> None:
    _anna, payment, _pay = paid_order(money)
    calls = {
        "admin_refund_payment": ("select public.admin_refund_payment(%s, null, %s)", (payment, EMAIL)),
        "record_refund_result": ("select public.record_refund_result(%s, 'unsure')", (0,)),
        "claim_open_refunds": ("select public.claim_open_refunds(%s, 1)", (Jsonb({}),)),
        "admin_payment": ("select public.admin_payment('1', %s)", (EMAIL,)),
        "admin_payments": ("select public.admin_payments(%s)", (EMAIL,)),
        "admin_check": ("select public.admin_check(%s)", (EMAIL,)),
        "refunds": ("select count(*) from public.refunds", ()),
        "close_refund": ("select private.close_refund(1, '{}')", ()),
    }
    allowed = set()
    for name, (statement, values) in calls.items():
        with psycopg.connect(database_url) as connection:
            connection.execute(f"set role {role}")
            try:
                connection.execute(statement, values)
                allowed.add(name)
            except psycopg.errors.InsufficientPrivilege:
                pass
            connection.rollback()
    expected = {
        "bot_backend": set(calls) - {"refunds", "close_refund"},
        "service_role": {name for name in calls if name.startswith("admin_")},
    }
    assert allowed == expected.get(role, set())


# Repetition and concurrency --------------------------------------------------------------------------------


def test_one_reference_makes_one_request_and_resumes_it(money: Money) -> None:
    _anna, payment, pay = paid_order(money)
    mark = f"telegram:assistant:{pay}"
    first = request_refund(money, payment, 50, p_reference=mark)
    repeated = request_refund(money, payment, 50, p_reference=mark)
    assert (first["outcome"], repeated["outcome"]) == ("opened", "known")
    assert (repeated["task"]["key"], repeated["task"]["attempt"]) == (first["task"]["key"], 2)
    money.record(refunded(pay, "50.00", f"op-{pay}", refund_id=first["refund"]["id"]))
    over = request_refund(money, payment, 50, p_reference=mark)
    assert (over["outcome"], over["refund"]["status"], over["task"]) == ("known", "done", None)
    with pytest.raises(psycopg.Error) as caught:
        request_refund(money, payment, 60, p_reference=mark)
    assert caught.value.sqlstate == "N0003"


def test_two_concurrent_admins_make_one_refund(money: Money) -> None:
    _anna, payment, _pay = paid_order(money)
    outcomes = in_parallel(
        25,
        lambda n: request_refund(money, payment, 50, p_left="149.00", p_reference=f"race:{payment}:{n}")[
            "outcome"
        ],
    )
    assert sorted(outcomes) == ["busy"] * 24 + ["opened"]
    assert len(money.sql("select 1 as x from refunds where payment_id = %s", payment)) == 1


def test_a_confirmation_shown_before_another_refund_refunds_nothing(money: Money) -> None:
    _anna, payment, pay = paid_order(money)
    first = request_refund(money, payment, 50, p_left=149)
    money.record(refunded(pay, "50.00", f"op-{pay}", refund_id=first["refund"]["id"]))
    assert request_refund(money, payment, 50, p_left=149)["outcome"] == "changed"
    assert request_refund(money, payment, 50, p_left=99)["outcome"] == "opened"


def test_fifty_concurrent_calls_with_one_reference_make_one_refund(money: Money) -> None:
    _anna, payment, pay = paid_order(money)
    outcomes = in_parallel(
        25,
        lambda _n: request_refund(money, payment, None, p_reference=f"same:{pay}", p_call_provider_now=False)[
            "outcome"
        ],
    )
    assert sorted(set(outcomes)) == ["known", "opened"]
    assert outcomes.count("opened") == 1


# Other responses of the provider ---------------------------------------------------------------------------


def record_answer(money: Money, refund: int, what: str, error: str = "") -> dict[str, Any]:
    return dict(money.call("record_refund_result", p_refund_id=refund, p_answer=what, p_error=error))


def test_a_refusal_of_the_first_attempt_is_final(money: Money) -> None:
    _anna, payment, _pay = paid_order(money)
    refund = request_refund(money, payment)["refund"]["id"]
    refusal = record_answer(money, refund, "refused", "yookassa answered 400")
    assert (refusal["status"], refusal["error"], refusal["outgoing"]) == (
        "refused",
        "yookassa answered 400",
        [],
    )
    assert claim(money)["tasks"] == []
    assert request_refund(money, payment)["outcome"] == "opened"  # a new request has a new idempotency key


def test_a_refusal_after_an_unanswered_attempt_is_not_final(money: Money, boss: int) -> None:
    _anna, payment, pay = paid_order(money)
    refund = request_refund(money, payment)["refund"]["id"]
    assert record_answer(money, refund, "unsure", "no answer")["status"] == "open"
    move_into_past(money, refund)
    (task,) = claim(money)["tasks"]
    assert (task["key"], task["attempt"]) == (refund_row(money, refund)["key"], 2)
    assert record_answer(money, refund, "refused", "nothing left")["status"] == "open"
    assert request_refund(money, payment)["outcome"] == "busy"
    # The webhook of the first attempt arrives: the refund was executed.
    result = money.record(refunded(pay, "149.00", f"op-{pay}"))
    assert boss_messages(result["outgoing"], boss) == ["refund_result_done"]
    assert refund_row(money, refund)["status"] == "done"


def test_an_open_refund_is_retried_by_one_worker_at_a_time(money: Money) -> None:
    _anna, payment, _pay = paid_order(money)
    refund = request_refund(money, payment)["refund"]["id"]
    assert claim(money)["tasks"] == []  # leased
    move_into_past(money, refund, "61 seconds")
    found = in_parallel(8, lambda _n: len(claim(money)["tasks"]))
    assert sum(found) == 1


def test_a_refund_is_given_up_before_its_idempotency_key_expires(money: Money, boss: int) -> None:
    _anna, payment, pay = paid_order(money)
    refund = request_refund(money, payment)["refund"]["id"]
    record_answer(money, refund, "unsure", "no answer")
    move_into_past(money, refund, "23 hours 1 minute")
    claimed = claim(money)
    assert claimed["tasks"] == []
    assert boss_messages(claimed["outgoing"], boss) == ["refund_result_unknown"]
    assert refund_row(money, refund)["status"] == "unknown"
    assert request_refund(money, payment, 10)["outcome"] == "opened"
    # The webhook arrives late.
    result = money.record(refunded(pay, "149.00", f"op-{pay}"))
    assert boss_messages(result["outgoing"], boss) == ["refund_result_done"]
    assert refund_row(money, refund)["status"] == "done"


def test_an_accepted_refund_is_waited_for(money: Money, boss: int) -> None:
    _anna, payment, pay = paid_order(money)
    refund = request_refund(money, payment)["refund"]["id"]
    assert record_answer(money, refund, "accepted")["is_accepted"] is True
    move_into_past(money, refund, "6 days")
    claimed = claim(money)
    assert (claimed["tasks"], boss_messages(claimed["outgoing"], boss)) == ([], [])
    result = money.record(
        refunded(pay, "149.00", f"op-{pay}") | {"kind": "refund_failed", "reason": "the card is closed"}
    )
    assert boss_messages(result["outgoing"], boss) == ["refund_result_failed"]
    row = refund_row(money, refund)
    assert (row["status"], row["error"]) == ("failed", "the card is closed")
    assert request_refund(money, payment)["outcome"] == "opened"


def test_a_refund_that_fails_after_its_confirmation_is_notified(money: Money, boss: int) -> None:
    anna, payment, pay = paid_order(money)
    refund = request_refund(money, payment)["refund"]["id"]
    money.record(refunded(pay, "149.00", f"op-{pay}", refund_id=refund))
    result = money.record(refunded(pay, "149.00", f"op-{pay}") | {"kind": "refund_failed"})
    assert sorted(message_keys(result["outgoing"])) == ["refund_result_failed", "refund_undone"]
    assert refund_row(money, refund)["status"] == "failed"
    assert money.user_row(anna)["bonus_credits"] == 100
    # A late event changes nothing.
    assert message_keys(money.record(refunded(pay, "149.00", f"op-{pay}"))["outgoing"]) == []
    assert refund_row(money, refund)["status"] == "failed"


def test_the_job_executes_another_services_refund_and_notifies_its_admin(money: Money, boss: int) -> None:
    _anna, payment, _pay = paid_order(money)
    opened = request_refund(money, payment, p_call_provider_now=False)
    refund = opened["refund"]["id"]
    assert opened["task"] is None
    (task,) = claim(money)["tasks"]
    assert task["attempt"] == 1
    assert boss_messages(record_answer(money, refund, "refused", "no")["outgoing"], boss) == [
        "refund_result_refused"
    ]


def test_a_refund_at_an_unconfigured_provider_is_kept_open_for_a_day(money: Money, boss: int) -> None:
    _anna, payment, _pay = paid_order(money)
    refund = request_refund(money, payment, p_call_provider_now=False)["refund"]["id"]
    assert claim(money, {"stripe": 1})["tasks"] == []
    assert refund_row(money, refund)["status"] == "open"
    move_into_past(money, refund, "25 hours")
    assert boss_messages(claim(money, {"stripe": 1})["outgoing"], boss) == ["refund_result_unknown"]


# Other payments, lists and checks --------------------------------------------------------------------------


def test_a_second_charge_is_refunded_and_its_payer_notified(money: Money, boss: int) -> None:
    anna = money.user()
    order, first, second = money.order(anna), unique_id(), unique_id()
    money.record(paid(first, order))
    alarm = money.record(paid(second, order))["outgoing"]
    assert boss_messages(alarm, boss) == ["payment_alarm_second_charge"]
    payment = money.payment(second)["id"]
    assert alarm[0]["parameters"]["buttons"] == [
        [{"key": "admin_button_payment", "data": f"admin:payment:{payment}:new"}]
    ]
    refund = request_refund(money, payment)["refund"]["id"]
    result = money.record(refunded(second, "149.00", f"op-{second}", refund_id=refund))
    assert message_keys(result["outgoing"]) == ["refunded_unused"]
    assert money.user_row(anna)["bonus_credits"] == 100


def test_a_payment_without_an_order_is_refunded_to_the_providers_payer(money: Money) -> None:
    pay = unique_id()
    money.record(paid(pay, None, telegram_id=123456789), provider="telegram_stars")
    task = request_refund(money, money.payment(pay, "telegram_stars")["id"])["task"]
    assert (task["telegram_id"], task["texts"], task["contact"]) == (123456789, None, None)


def test_the_receipt_of_a_renewals_refund_uses_the_first_orders_contact(money: Money) -> None:
    anna, first, next_ = money.user(), unique_id(), unique_id()
    order = money.order(
        anna, "premium_month", provider="cloudpayments", p_renews=True, p_contact="anna@example.com"
    )
    of_one = {"subscription_id": f"sub-{first}"}
    money.record(paid(first, order, "499.00", **of_one), provider="cloudpayments")
    money.record(paid(next_, None, "499.00", **of_one), provider="cloudpayments")
    task = request_refund(money, money.payment(next_, "cloudpayments")["id"])["task"]
    assert task["contact"] == "anna@example.com"
    assert task["texts"]["en"]["title"] == "Premium for a month"


def test_the_lists_show_a_users_payments_and_those_under_review(money: Money) -> None:
    anna, payment, pay = paid_order(money)
    stray = unique_id()
    money.record(paid(stray, None, telegram_id=money.user_row(anna)["telegram_id"]))
    stray_id = money.payment(stray)["id"]
    page = money.call("admin_payments", p_admin_email=EMAIL, p_user_id=anna)
    assert [one["id"] for one in page["payments"]] == [stray_id, payment]
    assert page["payments"][1]["given"] == [{"effect": "credits", "given": 100, "reversed": 0}]
    assert page["next"] is None
    first = money.call("admin_payments", p_admin_email=EMAIL, p_user_id=anna, p_limit=1)
    assert first["next"] == stray_id
    second = money.call(
        "admin_payments", p_admin_email=EMAIL, p_user_id=anna, p_before=first["next"], p_limit=1
    )
    assert [one["id"] for one in second["payments"]] == [payment]

    def open_() -> list[int]:
        return [one["id"] for one in money.call("admin_payments", p_admin_email=EMAIL)["payments"]]

    assert open_() == [stray_id]
    refund = request_refund(money, payment)["refund"]["id"]
    assert open_() == [stray_id, payment]
    money.record(refunded(pay, "149.00", f"op-{pay}", refund_id=refund))
    money.record(refunded(stray, "149.00", f"op-{stray}"))
    assert open_() == []
    # By the provider's id, too.
    found = money.call(
        "admin_payment", p_identifier=stray, p_admin_email=EMAIL, p_providers=["stripe", "yookassa"]
    )
    assert (found["id"], found["user"], found["payer_id"]) == (
        stray_id,
        None,
        money.user_row(anna)["telegram_id"],
    )
    assert (
        money.call("admin_payment", p_identifier=stray, p_admin_email=EMAIL, p_providers=["stripe"]) is None
    )


def test_a_user_card_sums_payments_and_flags_chargebacks(money: Money) -> None:
    anna, _payment, pay = paid_order(money)
    who = str(money.user_row(anna)["telegram_id"])

    def sums() -> dict[str, Any]:
        return dict(money.call("admin_find_user", p_identifier=who, p_admin_email=EMAIL)["money"])

    assert sums() == {
        "payments": 1,
        "sums": [{"currency": "RUB", "paid": "149.00", "refunded": "0"}],
        "chargebacks": 0,
    }
    money.record(refunded(pay, "49.00", f"op-{pay}"))
    money.record({"kind": "disputed", "payment_id": pay, "operation_id": "d", "amount": "100.00"})
    assert sums()["chargebacks"] == 1
    assert sums()["sums"] == [{"currency": "RUB", "paid": "149.00", "refunded": "49.00"}]
    money.record({"kind": "dispute_won", "payment_id": pay, "operation_id": "d"})
    assert sums()["chargebacks"] == 0


def test_the_check_reports_inconsistencies(money: Money) -> None:
    _anna, payment, pay = paid_order(money)
    before = money.call("admin_check", p_admin_email=EMAIL)
    assert before["payments"] == 0
    refund = request_refund(money, payment)["refund"]["id"]
    money.sql("update refunds set status = 'done', operation_id = 'none' where id = %s", refund)
    found = money.call("admin_check", p_admin_email=EMAIL)
    assert found["wrong_payments"] == [
        {"payment": payment, "wrong": "a refund is done without its operation"}
    ]
    money.sql("update refunds set status = 'refused', operation_id = null where id = %s", refund)
    money.record(refunded(pay, "1.00", f"op-{pay}"))


# Erasure ---------------------------------------------------------------------------------------------------


def test_a_payment_of_an_erased_user_can_still_be_refunded(money: Money, buyer: Callable[[], Any]) -> None:
    anna = buyer()
    pay = unique_id()
    money.record(paid(pay, order_of(money, anna), telegram_id=anna.id))
    payment = money.payment(pay)["id"]
    refund = request_refund(money, payment, 50)["refund"]["id"]
    anna.erase()
    task = request_refund(money, payment, 50, p_reference=f"after:{pay}")
    assert task["outcome"] == "busy"
    move_into_past(money, refund, "2 minutes")
    (task,) = claim(money)["tasks"]
    assert (task["telegram_id"], task["contact"]) == (None, None)
    money.record(refunded(pay, "50.00", f"op-{pay}", refund_id=refund))
    assert refund_row(money, refund)["status"] == "done"


# Property --------------------------------------------------------------------------------------------------

steps = st.lists(
    st.tuples(
        st.sampled_from(("ask", "ask", "tell", "callback", "unsure", "refused", "claim", "fail", "cabinet")),
        st.sampled_from(("10", "50", "149", None)),
    ),
    min_size=2,
    max_size=14,
)


@SLOW
@given(steps, st.randoms(use_true_random=False))
def test_refunds_never_exceed_the_payment(
    money: Money, result: list[tuple[str, str | None]], dice: random.Random
) -> None:
    """Two workers run the same steps; the provider executes a key once and refunds up to the paid amount."""
    anna, payment, pay = paid_order(money)
    provider = Shop(money, pay)

    def work(_worker: int) -> None:
        for what, amount in result:
            provider.step(what, payment, amount)

    in_parallel(2, work)
    dice.random()
    assert money.inconsistencies() == []
    row = money.payment(pay)
    assert 0 <= row["refunded"] <= row["amount"]
    # Each refund with status done has its own operation.
    done = money.sql("select operation_id from refunds where payment_id = %s and status = 'done'", payment)
    assert len({one["operation_id"] for one in done}) == len(done)
    assert (
        len(money.sql("select 1 as x from refunds where payment_id = %s and status = 'open'", payment)) <= 1
    )
    share = 1 - row["refunded"] / row["amount"]
    assert money.user_row(anna)["bonus_credits"] >= int(100 * share)


class Shop:
    """A provider's side: what it executed under each idempotency key, and webhooks it has not sent yet."""

    def __init__(self, money: Money, pay: str) -> None:
        self.money = money
        self.pay = pay
        self.by_key: dict[str, str] = {}
        self.done: dict[str, Decimal] = {}
        self.tasks: list[dict[str, Any]] = []

    def step(self, what: str, payment: int, amount: str | None) -> None:
        if what == "ask":
            asked = request_refund(self.money, payment, amount)
            if asked.get("task"):
                self.tasks.append(asked["task"])
        elif what == "claim":
            self.money.sql(
                "update refunds set next_attempt_at = next_attempt_at - interval '1 hour' "
                "where payment_id = %s",
                payment,
            )
            mine = [task for task in claim(self.money)["tasks"] if task["number"] == self.pay]
            self.tasks += mine
        elif what == "cabinet":
            self._give(f"cabinet-{len(self.done)}", Decimal(amount or 1))
        elif self.tasks:
            self._answer(what, self.tasks[-1])

    def _answer(self, what: str, task: dict[str, Any]) -> None:
        if what in ("unsure", "refused"):
            record_answer(self.money, task["id"], what)
            return
        operation = self._give(task["key"], Decimal(task["amount"]))
        if operation is None:
            record_answer(self.money, task["id"], "refused")
            return
        result = refunded(self.pay, task["amount"], operation)
        if what == "fail":
            self.done[task["key"]] = Decimal(0)
            result["kind"] = "refund_failed"
        self.money.record(result | ({} if what == "callback" else {"refund_id": task["id"]}))

    def _give(self, key: str, amount: Decimal) -> str | None:
        if key not in self.done and sum(self.done.values()) + amount > 149:
            return None
        self.done.setdefault(key, amount)
        return f"{self.pay}:{key}"


def test_every_refund_is_notified_with_its_amount(money: Money) -> None:
    anna, _payment, pay = paid_order(money)
    assert message_keys(money.record(refunded(pay, "1.00", f"op-{pay}"))["outgoing"]) == ["refunded_part"]
    assert money.user_row(anna)["bonus_credits"] == 100
    early = unique_id()
    money.record(refunded(early, "149.00", f"op-{early}"))
    result = money.record(paid(early, money.order(anna)))["outgoing"]
    assert message_keys(result) == ["refunded"]
    assert Decimal(result[0]["parameters"]["values"]["money"]["amount"]) == 149


@pytest.mark.parametrize(
    ("payment", "rest"),
    [
        ({"amount": None}, "0"),
        ({"amount": 100}, "100"),
        ({"amount": 100, "refunded": 30, "disputed": 20}, "50"),
        ({"amount": 100, "refunded": 100}, "0"),
        ({"amount": 100, "refunded": 100, "disputed": 100}, "0"),
    ],
)
def test_the_rest_of_a_payment_is_refundable(money: Money, payment: dict[str, Any], rest: str) -> None:
    statement = (
        "select private.refundable_amount(jsonb_populate_record(null::payments, %s::jsonb))::text as rest"
    )
    row = {"id": 0, "refunded": 0, "disputed": 0, **payment}
    assert money.sql(statement, json.dumps(row)) == [{"rest": rest}]


def test_an_open_refund_lowers_the_rest_of_its_payment_alone(money: Money) -> None:
    first, second = unique_id(), unique_id()
    for payment in (first, second):
        money.record(paid(payment, money.order(money.user())))
    number = money.payment(first)["id"]
    money.call("admin_refund_payment", p_payment_id=number, p_amount=Decimal(50), p_admin_email=EMAIL)
    rows = money.sql("select private.refundable_amount(p)::text as rest from payments as p order by p.id")
    assert [row["rest"] for row in rows] == ["99.00", "149.00"]
