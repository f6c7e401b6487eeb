"""Concurrent work of the user being erased neither fails permanently nor restores any data."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.supabase.privacy.conftest import Sql, SqlUser, call, dump_rows, id_of, next_update
from tests.support import eventually, in_parallel

pytestmark = pytest.mark.slow

MakeUser = Callable[..., SqlUser]
Begin = Callable[[], psycopg.Connection]
ALREADY_FINISHED = {"outcome": "finished", "answer": None, "outgoing": []}


@pytest.fixture
def in_background() -> Any:
    """Return a function that starts a call in another thread."""
    with ThreadPoolExecutor(4) as pool:
        yield pool.submit


def is_waiting(sql: Sql, future: Future[Any]) -> bool:
    """Return whether the call waits for a lock; fail if it is done."""
    assert not future.done(), future.result()
    return bool(
        sql("select from pg_stat_activity where wait_event_type = 'Lock' and usename = 'bot_backend'")
    )


def finish_settled(anna: SqlUser, update_id: int, **more: Any) -> Any:
    """Finish a served request with an answer, a message and a Bot API call."""
    words = [{"role": "assistant", "content": f"late words to {anna.id}"}]
    last = {"method": "sendMessage", "parameters": {"chat_id": anna.id, "text": f"late to {anna.id}"}}
    return anna.finish(update_id, p_reservation="settled", p_messages=words, p_outgoing=[last], **more)


def test_an_answer_after_the_erasure_is_discarded(sql: Sql, anna: SqlUser) -> None:
    question = next_update()
    anna.receive(question, p_reserve=True)
    anna.erase()
    assert finish_settled(anna, question) == {"outcome": "superseded"}
    assert anna.receive(question) == ALREADY_FINISHED
    assert id_of(sql, anna) is None
    assert str(anna.id) not in dump_rows(sql)


def test_an_erasure_waits_for_an_answer_that_is_being_committed(
    sql: Sql, anna: SqlUser, transaction: Begin, in_background: Any
) -> None:
    question = next_update()
    anna.receive(question, p_reserve=True)
    answering = transaction()
    finish_settled(anna, question, on=answering)
    erased = in_background(anna.erase)
    eventually(lambda: is_waiting(sql, erased), 20)
    answering.commit()
    assert erased.result()["outcome"] == "finished"
    assert str(anna.id) not in dump_rows(sql)


@pytest.mark.parametrize("work", ["finish", "fail", "reserve", "receive again"])
def test_a_call_that_waits_for_the_erasure_finds_no_user(
    sql: Sql, anna: SqlUser, connect: Begin, transaction: Begin, in_background: Any, work: str
) -> None:
    question = next_update()
    anna.receive(question)
    erasing = transaction()
    # The other call holds the update row, which the erasure skips, and waits for the user.

    def other() -> Any:
        given = {"p_bot": "assistant", "p_update_id": question, "p_attempt": 1}
        if work == "finish":
            return finish_settled(anna, question)
        if work == "receive again":
            return anna.receive(question)
        with connect() as connection:
            if work == "fail":
                return call(connection, "fail_update", **given, p_error="broken")
            return call(connection, "reserve_request", **given)

    update_id = next_update()
    anna.receive(update_id, p_kind="callback_query")
    anna.erase(on=erasing, update_id=update_id)
    result = in_background(other)
    eventually(lambda: is_waiting(sql, result), 20)
    erasing.commit()
    assert result.result()["outcome"] in ("superseded", "finished")
    assert anna.receive(question) == ALREADY_FINISHED
    assert id_of(sql, anna) is None
    assert str(anna.id) not in dump_rows(sql)


def test_a_locked_update_row_is_skipped_and_anonymized_by_its_worker(
    sql: Sql, anna: SqlUser, transaction: Begin
) -> None:
    question = next_update()
    anna.receive(question)
    sql(
        "update telegram_updates set status = 'failed', lease_until = private.clock() - interval '1 hour' "
        "where update_id = %s",
        question,
    )
    sweeping = transaction()
    stale = call(sweeping, "stale_updates", p_limit=10)
    assert [update["update_id"] for update in stale] == [question]
    anna.erase()
    sweeping.commit()
    assert anna.receive(question) == ALREADY_FINISHED
    assert id_of(sql, anna) is None
    assert str(anna.id) not in dump_rows(sql)


def test_a_message_received_during_the_erasure_is_finished_by_it(
    sql: Sql, anna: SqlUser, transaction: Begin
) -> None:
    erasing = transaction()
    erasing_update = next_update()
    anna.receive(erasing_update, p_kind="callback_query")
    anna.erase(on=erasing, update_id=erasing_update)
    message = next_update()
    assert anna.receive(message)["outcome"] == "work"  # it read the user before the erasure committed
    erasing.commit()
    assert finish_settled(anna, message) == {"outcome": "superseded"}
    assert anna.receive(message) == ALREADY_FINISHED
    assert id_of(sql, anna) is None
    assert str(anna.id) not in dump_rows(sql)


@pytest.mark.parametrize("more", [{"chat_id": -100500}, {"p_reserve": True}])
def test_a_message_that_collides_with_the_erasure_is_retried(
    sql: Sql, anna: SqlUser, transaction: Begin, in_background: Any, more: Any
) -> None:
    erasing = transaction()
    erasing_update = next_update()
    anna.receive(erasing_update, p_kind="callback_query")
    anna.erase(on=erasing, update_id=erasing_update)
    before = id_of(sql, anna)
    message = next_update()
    received = in_background(anna.receive, message, **more)
    eventually(lambda: is_waiting(sql, received), 20)
    erasing.commit()
    with pytest.raises(psycopg.errors.SerializationFailure):  # shared/core/db.py repeats the call
        received.result()
    assert anna.receive(message, **more)["outcome"] == "work"
    assert id_of(sql, anna) not in (None, before)


def test_two_confirmations_at_once_erase_once_without_a_deadlock(sql: Sql, make_user: MakeUser) -> None:
    for _ in range(10):
        anna = make_user()
        anna.ask()
        updates = [next_update() for _ in range(4)]
        for update_id in updates:
            anna.receive(update_id, p_kind="callback_query")
        done = in_parallel(4, lambda n, a=anna, u=updates: a.erase(update_id=u[n])["outcome"])
        assert sorted(done) == ["finished", "superseded", "superseded", "superseded"]
        assert id_of(sql, anna) is None
        assert str(anna.id) not in dump_rows(sql)


def test_an_outbox_item_being_delivered_is_neither_kept_nor_sent_later(
    sql: Sql, anna: SqlUser, connect: Begin
) -> None:
    question = next_update()
    anna.receive(question, p_reserve=True)
    (outbox_item,) = finish_settled(anna, question)["outgoing"]
    sql("update telegram_outbox set send_after = private.clock() - interval '1 s' where id = %s", outbox_item)
    with connect() as connection:
        claimed = call(connection, "claim_outbox", p_limit=10)
        assert [call_["id"] for call_ in claimed] == [outbox_item]
        anna.erase()
        later = [{"id": outbox_item, "outcome": "later", "retry_after": 1, "error": "429"}]
        assert call(connection, "record_deliveries", p_results=later) == {"dropped": 0}
        sql("update telegram_outbox set send_after = private.clock() where id = %s", outbox_item)
    assert str(anna.id) not in dump_rows(sql)


def test_a_sweep_releases_no_request_of_an_erased_user(
    sql: Sql, anna: SqlUser, transaction: Begin, connect: Begin, in_background: Any
) -> None:
    question = next_update()
    anna.receive(question, p_reserve=True)
    sql(
        "update telegram_updates set lease_until = private.clock() - interval '1 hour', "
        "received_at = received_at - interval '1 hour' where update_id = %s",
        question,
    )
    erasing = transaction()
    erasing_update = next_update()
    anna.receive(erasing_update, p_kind="callback_query")
    with connect() as connection:
        anna.erase(on=erasing, update_id=erasing_update)
        swept = in_background(call, connection, "sweep")
        erasing.commit()
        assert swept.result()["released"] == 0
    assert anna.receive(question) == ALREADY_FINISHED
    assert str(anna.id) not in dump_rows(sql)


def test_everything_at_once_ends_with_exact_sums_and_without_a_deadlock(
    sql: Sql, make_user: MakeUser, connect: Begin
) -> None:
    users = [make_user() for _ in range(6)]
    for user in users:
        user.receive(next_update())
    codes: dict[int, str] = {}

    def act(n: int) -> str:
        choice = random.Random(n)
        user, other = choice.sample(users, 2)
        update_id = next_update()
        try:
            kind = choice.choice(["ask", "ask", "erase", "pay", "bring", "again", "sweep"])
            if kind == "ask":
                if user.receive(update_id, p_reserve=True)["outcome"] == "work":
                    finish_settled(user, update_id)
            elif kind == "erase":
                user.erase(balance="1000000")
            elif kind == "bring":
                user.receive(update_id)
                user.finish(update_id, p_session={"referrer_code": codes.get(other.id, "none")})
            elif kind == "again":
                user.receive(update_id)
                user.receive(update_id)
            elif kind == "sweep":
                with connect() as connection:
                    call(connection, "sweep")
            else:
                with connect() as connection:
                    call(
                        connection,
                        "adjust_balance",
                        p_telegram_id=user.id,
                        p_amount=3,
                        p_reason="test",
                        p_reference=f"all:{update_id}",
                    )
        except psycopg.Error as error:
            return error.sqlstate or "?"
        return "done"

    outcomes: list[str] = []
    for batch in range(12):
        rows = sql("select telegram_id, referral_code from users where telegram_id = any(%s)",
                   [user.id for user in users])  # fmt: skip
        codes.update({row["telegram_id"]: row["referral_code"] for row in rows})
        outcomes += in_parallel(12, lambda n, b=batch: act(b * 12 + n))
    # L0001: no such user for a balance change; 40001: erased at this moment, the call is repeated.
    assert set(outcomes) <= {"done", "L0001", "40001"}, outcomes
    assert outcomes.count("done") > 100
    assert sql("select check_balances() as wrong")[0]["wrong"] == []
    for user in users:
        user.receive(next_update())
        user.erase(balance="1000000")
        assert str(user.id) not in dump_rows(sql)
