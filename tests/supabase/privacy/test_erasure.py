"""An erasure removes the user from every table and for every redelivery; other users lose nothing."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core.errors import Refusal
from shared.telegram import failures
from tests.supabase.privacy.conftest import Sql, SqlUser, call, dump_rows, id_of, next_update
from tests.support import examples
from tools.database import admins

MakeUser = Callable[..., SqlUser]
Connect = Callable[[], psycopg.Connection]
SLOW = settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)


def code_of(sql: Sql, user: SqlUser) -> str:
    """Return a user's referral code."""
    return str(sql("select referral_code from users where telegram_id = %s", user.id)[0]["referral_code"])


def adjust(connect: Connect, user: SqlUser, amount: Any, reference: str) -> Any:
    """Change a user's balance."""
    with connect() as connection:
        return call(
            connection,
            "adjust_balance",
            p_telegram_id=user.id,
            p_amount=amount,
            p_reason="test",
            p_reference=reference,
        )


def test_an_erasure_leaves_no_data_of_the_user(sql: Sql, anna: SqlUser) -> None:
    left = next_update()
    anna.receive(left)
    failed = next_update()
    anna.receive(failed)
    user_id = id_of(sql, anna)
    assert anna.erase() == {
        "outcome": "finished",
        "outgoing": [],
        "follow_up": [],
        "withheld": False,
    }
    assert id_of(sql, anna) is None
    assert str(anna.id) not in dump_rows(sql)
    for table, column in (("bot_sessions", "user_id"), ("messages", "user_id"), ("daily_usage", "user_id")):
        assert not sql(f"select from {table} where {column} = %s", user_id)
    rows = sql("select * from telegram_updates where update_id = any(%s)", [left, failed])
    assert [(row["status"], row["user_id"], row["payload"]) for row in rows] == [("finished", None, None)] * 2


def test_a_redelivery_after_an_erasure_does_not_create_the_user(sql: Sql, anna: SqlUser) -> None:
    before = anna.ask()
    open_one = next_update()
    anna.receive(open_one)
    erasing = next_update()
    anna.receive(erasing, p_kind="callback_query")
    anna.erase(update_id=erasing)
    assert anna.receive(before) == {"outcome": "finished", "answer": None, "outgoing": []}
    assert anna.receive(open_one) == {"outcome": "finished", "answer": None, "outgoing": []}
    again = anna.receive(erasing, p_kind="callback_query")
    assert again["outcome"] == "finished"
    assert again["answer"] == {"method": "sendMessage", "chat_id": anna.id, "text": "gone"}
    assert id_of(sql, anna) is None


def test_the_erasing_call_can_be_repeated(sql: Sql, anna: SqlUser) -> None:
    update_id = next_update()
    anna.receive(update_id)
    first = anna.erase(update_id=update_id)
    assert anna.erase(update_id=update_id) == {key: first[key] for key in ("outcome", "outgoing", "withheld")}


def test_the_final_answer_stays_in_the_outbox_and_other_messages_are_deleted(sql: Sql, anna: SqlUser) -> None:
    sql(
        "insert into telegram_outbox (bot, chat_id, method, parameters, send_after) "
        "values ('assistant', %s, 'sendMessage', '{}', private.clock() + interval '1 hour')",
        anna.id,
    )
    group = next_update()
    anna.receive(group, chat_id=-100123)
    call_ = {"method": "sendMessage", "parameters": {"chat_id": -100123, "text": f"to {anna.id}"}}
    anna.finish(group, p_outgoing=[call_])
    update_id = next_update()
    anna.receive(update_id)
    last = {"method": "sendMessage", "parameters": {"chat_id": anna.id, "text": "gone"}}
    done = anna.finish(
        update_id, p_answer=None, p_outgoing=[last], p_session={"erase": {"hash": anna.hash, "balance": "0"}}
    )
    outbox = sql("select id, chat_id from telegram_outbox")
    assert outbox == [{"id": done["outgoing"][0], "chat_id": anna.id}]
    assert anna.receive(update_id)["outcome"] == "busy"  # the worker that stored it has a minute to send it


def test_an_unparsable_body_that_names_the_user_is_emptied(
    sql: Sql, make_user: MakeUser, connect: Connect, anna: SqlUser
) -> None:
    ben = make_user()
    numbers = [-next_update() for _ in range(2)]
    with connect() as connection:
        for number, user in zip(numbers, (anna, ben), strict=True):
            body = f'{{"from": {{"id": {user.id}}}}}'
            call(connection, "dead_letter_update", p_bot="x", p_update_id=number, p_error="e", p_body=body)
    anna.erase()
    rows = sql("select payload from telegram_updates where update_id = any(%s) order by 1", numbers)
    assert [row["payload"] is None for row in rows] == [False, True]


def test_the_balance_is_booked_out_and_the_ledger_is_anonymized(
    sql: Sql, connect: Connect, anna: SqlUser
) -> None:
    reference = f"shop:{next_update()}"
    adjust(connect, anna, "12.50", reference)
    with pytest.raises(psycopg.Error) as caught:
        anna.erase(balance="12.49")
    assert caught.value.sqlstate == "Y0001"
    assert id_of(sql, anna)
    anna.erase(balance="12.50")
    row = sql("select user_id, amount, id from balance_transactions where reference = %s", reference)[0]
    assert (row["user_id"], row["amount"]) == (None, Decimal("12.50"))
    booked = sql(
        "select amount, balance_after, reason from balance_transactions where id > %s and user_id is null",
        row["id"],
    )
    assert booked == [{"amount": Decimal("-12.50"), "balance_after": Decimal(0), "reason": "erased"}]
    assert sql("select check_balances() as wrong")[0]["wrong"] == []
    with pytest.raises(psycopg.Error) as caught:
        adjust(connect, anna, "12.50", reference)
    assert caught.value.sqlstate == "L0003", "a repeated call does not bring the user back"
    adjust(connect, anna, 1, f"{reference}:late")
    [late] = sql("select balance, has_started, first_name from users where telegram_id = %s", anna.id)
    assert late == {"balance": Decimal(1), "has_started": False, "first_name": ""}, (
        "a new user, as any unseen one"
    )


def test_a_balance_left_by_an_erased_user_is_found(sql: Sql) -> None:
    book = (
        "insert into balance_transactions (amount, balance_after, reason, reference) values (%s, 1, 'x', %s)"
    )
    sql(book, 1, "x:1")
    assert sql("select check_balances() as wrong")[0]["wrong"] == [
        {"user_id": None, "balance": "0", "ledger": "1.00"}
    ]
    sql(book, -1, "x:2")
    assert sql("select check_balances() as wrong")[0]["wrong"] == []


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.one_of(st.integers(-900, 900).filter(bool), st.just("erase"))),
    max_size=12,
)


@SLOW
@given(steps=STEPS)
def test_any_order_of_changes_and_erasures_keeps_the_sum(
    sql: Sql, connect: Connect, make_user: MakeUser, steps: list[tuple[int, Any]]
) -> None:
    def totals() -> tuple[Decimal, Decimal]:
        row = sql(
            "select (select coalesce(sum(amount), 0) from balance_transactions) as ledger, "
            "(select coalesce(sum(balance), 0) from users) as balances"
        )[0]
        return row["ledger"], row["balances"]

    users = [make_user() for _ in range(3)]
    balances = [0, 0, 0]
    for user in users:
        user.receive(next_update())
    ledger, others = totals()
    assert ledger == others
    for who, step in steps:
        user = users[who]
        if step == "erase":
            user.erase(balance=str(balances[who]))
            user.receive(next_update())
            balances[who] = 0
        elif balances[who] + step >= 0:
            adjust(connect, user, step, f"steps:{next_update()}")
            balances[who] += step
        else:
            with pytest.raises(psycopg.Error):
                adjust(connect, user, step, f"steps:{next_update()}")
    assert totals() == (ledger + sum(balances), others + sum(balances))
    assert sql("select check_balances() as wrong")[0]["wrong"] == []


def test_the_audit_log_is_kept_without_the_user(
    sql: Sql, database_url: str, connect: Connect, anna: SqlUser
) -> None:
    sql(
        "insert into audit_log (admin_email, action, user_id, before, after) "
        "values ('boss@example.com', 'warn', %s, '{}', %s)",
        id_of(sql, anna),
        '{"banned": false, "reason": "Anna Petrova shouts"}',
    )
    admins.write(database_url, {"ADMIN_EMAILS": "boss@example.com", "ADMIN_TELEGRAM_IDS": "777000111"})
    with connect() as connection:
        call(
            connection,
            "admin_add_bonus_credits",
            p_user_id=id_of(sql, anna),
            p_credits=5,
            p_admin_email="boss@example.com",
            p_reference=f"erasure:{anna.id % 1000}",
        )
    anna.erase()
    row = sql("select * from audit_log where reference = %s", f"erasure:{anna.id % 1000}")[0]
    assert (row["user_id"], row["after"]["bonus_credits"], row["after"]["credits"]) == (None, 5, 5)
    assert "Anna Petrova" not in dump_rows(sql)
    for change in ("after = '{}'", "action = 'x'", "before = before - 'reason'"):
        with pytest.raises(psycopg.Error) as caught:
            sql(f"update audit_log set {change} where id = %s", row["id"])
        assert caught.value.sqlstate == "T0001"


def test_the_other_user_of_a_referral_keeps_the_credits(
    sql: Sql, make_user: MakeUser, connect: Connect
) -> None:
    anna, ben, carl = make_user(), make_user(), make_user()
    for user in (anna, ben, carl):
        user.receive(next_update())
    for user, by in ((ben, anna), (carl, ben)):
        update_id = next_update()
        user.receive(update_id)
        user.finish(update_id, p_session={"referrer_code": code_of(sql, by)})
        user.ask()
    ben.erase()

    def overview(user: SqlUser) -> Any:
        with connect() as connection:
            return call(connection, "referral_overview", p_user_id=id_of(sql, user))

    about_anna, about_carl = overview(anna), overview(carl)
    assert (about_anna["invited"], about_anna["completed"], about_anna["credits"]) == (1, 1, 10)
    assert about_carl["was_referred"] is True
    rows = sql("select total_referrals, bonus_credits from users where telegram_id = %s", anna.id)
    assert rows == [{"total_referrals": 1, "bonus_credits": 10}]
    with connect() as connection:
        best = call(connection, "top_referrers", p_since="2020-01-01", p_limit=100)
    assert all(row["user_id"] for row in best)
    anna.erase()
    carl.erase()
    assert not sql("select from user_referrals where referrer_id is null and referred_id is null")


def test_a_referred_user_gets_credits_after_the_referrer_was_erased(sql: Sql, make_user: MakeUser) -> None:
    anna, ben = make_user(), make_user()
    anna.receive(next_update())
    update_id = next_update()
    ben.receive(update_id)
    ben.finish(update_id, p_session={"referrer_code": code_of(sql, anna)})
    anna.erase()
    question = next_update()
    ben.receive(question, p_reserve=True)
    assert ben.finish(question, p_reservation="settled")["follow_up"] == []
    assert sql("select bonus_credits, is_newcomer from users where telegram_id = %s", ben.id) == [
        {"bonus_credits": 5, "is_newcomer": False}
    ]


def test_a_waiting_message_that_names_the_erased_user_is_deleted(sql: Sql, make_user: MakeUser) -> None:
    anna, ben = make_user(), make_user(name="Beniamino the Erased")
    anna.receive(next_update())
    update_id = next_update()
    ben.receive(update_id)
    ben.finish(update_id, p_session={"referrer_code": code_of(sql, anna)})
    ben.ask()
    assert "Beniamino" in dump_rows(sql)
    ben.erase()
    assert "Beniamino" not in dump_rows(sql)
    assert sql("select total_referrals from users where telegram_id = %s", anna.id) == [
        {"total_referrals": 1}
    ]


def test_an_update_of_a_restarted_numbering_is_new(sql: Sql, anna: SqlUser) -> None:
    update_id = next_update()
    anna.receive(update_id)
    anna.erase()
    sql(
        "update telegram_updates set received_at = received_at - interval '50 hours' where update_id = %s",
        update_id,
    )
    assert anna.receive(update_id)["outcome"] == "work"


@pytest.mark.parametrize(("code", "ours"), [("Y0001", False), ("Y0002", False), ("L0002", True)])
def test_money_received_between_confirmation_and_erasure_is_no_own_failure(code: str, ours: bool) -> None:
    """The update is redelivered and asks for confirmation again; it is never dead-lettered for this."""
    assert failures.is_own_failure(Refusal(code, "refused")) is ours
