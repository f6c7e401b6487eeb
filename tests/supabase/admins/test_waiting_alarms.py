"""Alarms raised before an admin's first message are delivered after it: exactly once, at most 101."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.supabase.admins.users import BOSS, Call, Sql
from tests.support import eventually, in_parallel, new_telegram_id, new_update_id, started_user
from tools.database import admins
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser

ALARM = "select private.notify_admins('admin_alert_bot_cost', %s::jsonb, p_bot => 'assistant')"
DELIVERED = (
    "select o.bot, o.parameters -> 'values' ->> 'bot' as name from telegram_outbox as o "
    "where o.chat_id = %s order by o.id"
)


@pytest.fixture
def new_admin(database_url: str) -> int:
    """Create the only admin, who has written to no bot; return the Telegram id."""
    number = new_telegram_id()
    admins.write(database_url, {"ADMIN_EMAILS": BOSS, "ADMIN_TELEGRAM_IDS": str(number)})
    return number


@pytest.fixture
def owner(database_url: str) -> Iterator[Callable[[], psycopg.Connection]]:
    """`owner()` opens a transaction as the database owner, which a test commits."""
    opened: list[psycopg.Connection] = []

    def begin() -> psycopg.Connection:
        opened.append(psycopg.connect(database_url, prepare_threshold=None))
        return opened[-1]

    yield begin
    for connection in opened:
        connection.close()


def alarm(run: Callable[..., Any], name: str) -> None:
    """Raise an alarm."""
    run(ALARM, json.dumps({"bot": name, "limit": 20}))


def statement_runner(connection: psycopg.Connection) -> Callable[..., Any]:
    """Return a function that runs statements on a connection."""
    return lambda statement, *values: connection.execute(statement, values)


def write(call: Call, number: int, chat: int | None = None, bot: str = "assistant") -> int:
    """Receive a message of a user to a bot, in private or in another chat; return the update_id."""
    update = new_update_id()
    call(
        "receive_update",
        p_bot=bot,
        p_update_id=update,
        p_delivery="11111111-1111-1111-1111-111111111111",
        p_kind="message",
        p_chat_id=number if chat is None else chat,
        p_telegram_user=json.dumps({"id": number, "first_name": "Boss", "language_code": "en"}),
        p_payload="{}",
        p_lease_seconds=30,
    )
    return update


def delivered(sql: Sql, number: int) -> list[str]:
    """Return the names in the alarms enqueued for a user."""
    return [row["name"] for row in sql(DELIVERED, number)]


def test_alarms_wait_for_the_first_message_and_arrive_once_in_order(
    sql: Sql, call: Call, new_admin: int
) -> None:
    for name in ("one", "two", "three"):
        alarm(sql, name)
    call("sweep")
    assert delivered(sql, new_admin) == []
    write(call, new_admin, chat=-1005)  # a message in a group does not allow a bot to write to the admin
    call("sweep")
    assert delivered(sql, new_admin) == []
    write(call, new_admin, bot="second")
    assert call("sweep")["alarms"] == 3
    assert call("sweep")["alarms"] == 0
    alarm(sql, "four")
    assert delivered(sql, new_admin) == ["one", "two", "three", "four"]
    assert {row["bot"] for row in sql(DELIVERED, new_admin)} == {"second"}
    assert sql("select from private.waiting_alarms") == []


def test_an_alarm_for_one_admin_waits_for_that_admin_only(
    sql: Sql, database_url: str, new_admin: int
) -> None:
    both = f"{new_admin},{new_telegram_id()}"
    admins.write(database_url, {"ADMIN_EMAILS": f"{BOSS},ann@example.com", "ADMIN_TELEGRAM_IDS": both})
    sql("select private.notify_admins('owner_alert', '{}', p_admin_email => 'ann@example.com')")
    assert sql("select email from private.waiting_alarms") == [{"email": "ann@example.com"}]


def test_a_corrected_admin_id_gets_the_waiting_alarms_and_a_removed_admin_none(
    sql: Sql, call: Call, database_url: str, new_admin: int
) -> None:
    alarm(sql, "one")
    right = new_telegram_id()
    admins.write(database_url, {"ADMIN_EMAILS": BOSS, "ADMIN_TELEGRAM_IDS": str(right)})
    write(call, new_admin)
    call("sweep")
    assert delivered(sql, new_admin) == []
    write(call, right)
    call("sweep")
    assert delivered(sql, right) == ["one"]
    admins.write(database_url, {"ADMIN_EMAILS": BOSS, "ADMIN_TELEGRAM_IDS": str(new_telegram_id())})
    alarm(sql, "two")
    admins.write(database_url, {"ADMIN_EMAILS": "ann@example.com", "ADMIN_TELEGRAM_IDS": "1"})
    assert sql("select from private.waiting_alarms") == []


def test_beyond_a_hundred_alarms_only_their_number_is_sent(sql: Sql, call: Call, new_admin: int) -> None:
    for number in range(104):
        alarm(sql, str(number))
    assert sql("select count(*) as n from private.waiting_alarms")[0]["n"] == 101
    write(call, new_admin)
    assert call("sweep")["alarms"] == 101
    assert delivered(sql, new_admin)[:100] == [str(number) for number in range(100)]
    last = sql(
        "select parameters from telegram_outbox where chat_id = %s order by id desc limit 1", new_admin
    )
    assert (last[0]["parameters"]["key"], last[0]["parameters"]["values"]) == (
        "admin_alarms_more", {"count": 4},
    )  # fmt: skip


def test_an_alarm_that_commits_after_the_first_message_is_not_lost(
    sql: Sql, call: Call, new_admin: int, owner: Callable[[], psycopg.Connection]
) -> None:
    late = owner()
    alarm(statement_runner(late), "late")  # it read the admin before the first message
    write(call, new_admin)
    assert call("sweep")["alarms"] == 0
    late.commit()
    alarm(sql, "direct")
    assert call("sweep")["alarms"] == 1
    assert sorted(delivered(sql, new_admin)) == ["direct", "late"]


def test_sweeps_and_alarms_at_once_deliver_each_alarm_once(
    sql: Sql, call: Call, new_admin: int, owner: Callable[[], psycopg.Connection]
) -> None:
    connections = [owner() for _ in range(8)]

    def work(n: int) -> None:
        if n == 8:
            write(call, new_admin)
        elif n > 8:
            call("sweep")
        else:
            for number in range(5):
                alarm(statement_runner(connections[n]), f"{n}-{number}")
                connections[n].commit()

    in_parallel(14, work)
    call("sweep")
    assert sorted(delivered(sql, new_admin)) == sorted(
        f"{n}-{number}" for n in range(8) for number in range(5)
    )


def test_a_sweep_skips_alarms_that_another_one_is_enqueueing(
    sql: Sql, call: Call, new_admin: int, owner: Callable[[], psycopg.Connection]
) -> None:
    alarm(sql, "one")
    write(call, new_admin)
    first = owner()
    assert first.execute("select private.enqueue_waiting_alarms(10)").fetchone() == (1,)
    assert call("sweep")["alarms"] == 0
    first.rollback()  # it crashed: the next sweep delivers
    assert call("sweep")["alarms"] == 1
    assert delivered(sql, new_admin) == ["one"]


def test_an_erased_user_is_named_in_no_waiting_alarm(sql: Sql, call: Call, new_admin: int) -> None:
    gone, stays = new_telegram_id(), new_telegram_id()
    for number in (gone, stays):
        sql("select private.notify_admins('admin_alert_user_cost', %s)", json.dumps({"user": number}))
    erase = {"erase": {"hash": f"{gone:064x}", "balance": "0"}}
    update = write(call, gone)
    call("finish_update", p_bot="assistant", p_update_id=update, p_attempt=1, p_session=json.dumps(erase))
    assert sql("select values from private.waiting_alarms") == [{"values": {"user": stays}}]


def test_an_alarm_keeps_no_error_of_an_erased_user(sql: Sql, call: Call, new_admin: int) -> None:
    gone, stays = new_telegram_id(), new_telegram_id()
    updates = [write(call, number) for number in (gone, stays)]
    for update in updates:
        values = {"bot": "assistant", "update_id": update, "failures": 3, "error": "said: secret"}
        sql("select private.notify_admins('owner_alert', %s)", json.dumps(values))
    erase = {"erase": {"hash": f"{gone:064x}", "balance": "0"}}
    update = write(call, gone)
    call("finish_update", p_bot="assistant", p_update_id=update, p_attempt=1, p_session=json.dumps(erase))
    kept = sql("select values from private.waiting_alarms order by id")
    assert [one["values"]["update_id"] for one in kept] == updates, "no alarm is lost"
    assert [one["values"]["error"] for one in kept] == ["—", "said: secret"]


def test_alarms_wait_for_thirty_days(sql: Sql, call: Call, new_admin: int) -> None:
    for name in ("old", "young"):
        alarm(sql, name)
    age = (
        "update private.waiting_alarms set created_at = private.clock() - %s::interval "
        "where values ->> 'bot' = %s"
    )
    sql(age, "30 days 1 minute", "old")
    sql(age, "29 days 23 hours", "young")
    assert call("sweep")["alarms"] == 0
    assert [one["values"]["bot"] for one in sql("select values from private.waiting_alarms")] == ["young"]
    write(call, new_admin)
    call("sweep")
    assert delivered(sql, new_admin) == ["young"]


@pytest.mark.parametrize("without_telegram", [False, True])
def test_without_an_admin_alarms_wait_for_the_first_admin_who_starts(
    sql: Sql, call: Call, database_url: str, without_telegram: bool
) -> None:
    if without_telegram:
        sql("insert into admins (email) values ('mail@example.com')")
    for name in ("one", "two"):
        alarm(sql, name)
    sql("select private.notify_admins('owner_alert', '{}', p_admin_email => 'gone@example.com')")
    assert call("sweep")["alarms"] == 0
    first, second = new_telegram_id(), new_telegram_id()
    emails = f"{BOSS},second@example.com"
    admins.write(database_url, {"ADMIN_EMAILS": emails, "ADMIN_TELEGRAM_IDS": f"{first},{second}"})
    assert call("sweep")["alarms"] == 0, "no admin has started a bot yet"
    write(call, second)
    assert call("sweep")["alarms"] == 2
    write(call, first)
    assert call("sweep")["alarms"] == 0
    assert (delivered(sql, first), delivered(sql, second)) == ([], ["one", "two"])
    alarm(sql, "three")
    assert (delivered(sql, first), delivered(sql, second)) == (["three"], ["one", "two", "three"])


def test_without_an_admin_a_hundred_alarms_wait_and_the_rest_are_counted(sql: Sql) -> None:
    for number in range(103):
        alarm(sql, str(number))
    assert sql("select count(*)::int as n from private.waiting_alarms") == [{"n": 101}]
    assert sql("select values from private.waiting_alarms where key = 'admin_alarms_more'") == [
        {"values": {"count": 3}}
    ]


def test_an_owner_who_starts_the_bot_gets_the_waiting_alarms(
    stack: Stack, sql: Sql, appoint: Callable[[str], TelegramUser]
) -> None:
    olga = appoint("en")
    broken = started_user(stack.telegram, "second").chat("second")
    assert broken.send("/boom").wait().attempts == 3
    stack.run_job("sweep")
    chat = olga.chat("assistant")
    assert chat.answers() == []
    chat.send("/start").wait()
    chat.answer()
    assert stack.run_job("sweep").status == 200
    assert "We couldn’t process an update" in chat.answer().text
    seen = len(chat.answers())
    stack.run_job("sweep")
    eventually(stack.telegram.idle, 5)
    assert len(chat.answers()) == seen
