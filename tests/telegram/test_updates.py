"""The update pipeline: an update is processed once, however often it is delivered."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.support import deliver_until_done, eventually, in_parallel, message_update, says, started_user
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser

Sql = Callable[..., list[dict[str, Any]]]


def requests_of(sql: Sql, telegram_id: int) -> int:
    """The number of requests in the user's counters."""
    rows = sql(
        "select coalesce(sum(requests), 0)::int as n from daily_usage join users on users.id = user_id "
        "where telegram_id = %s",
        telegram_id,
    )
    return int(rows[0]["n"])


def history_of(sql: Sql, telegram_id: int) -> list[str]:
    """The roles of the user's messages, oldest first."""
    rows = sql(
        "select role from messages join users on users.id = user_id where telegram_id = %s "
        "order by messages.id",
        telegram_id,
    )
    return [row["role"] for row in rows]


def sent_to(stack: Stack, chat_id: int, method: str = "sendMessage") -> list[str]:
    """The texts that reached a chat by explicit calls."""
    return [
        call["parameters"]["text"]
        for call in stack.telegram.calls
        if call["method"] == method
        and call["parameters"].get("chat_id") == chat_id
        and call["via"] == "call"
        and call["ok"]
    ]


def test_fifty_deliveries_of_one_update_at_once_are_one_answer(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    stack.ai.always(AiBehaviour(text="One answer.", delay=0.2))
    update = message_update(anna, "hello")
    responses = in_parallel(50, lambda _: stack.telegram.deliver(update))
    assert {response.status for response in responses} <= {200, 503}
    assert any(response.status == 200 for response in responses)
    assert all(int(r.headers["retry-after"]) >= 1 for r in responses if r.status == 503)
    assert len(stack.ai.requests) == 1
    assert sent_to(stack, anna.id) == ["One answer."]
    assert requests_of(sql, anna.id) == 1
    assert history_of(sql, anna.id) == ["user", "assistant"]
    again = stack.telegram.deliver(update)
    assert (again.status, again.body) == (200, b"")


def test_fifty_messages_at_the_last_free_request_are_served_once(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    sql(
        "insert into daily_usage "
        "select id, 'assistant', (private.clock() at time zone 'Europe/Moscow')::date, 24 "
        "from users where telegram_id = %s",
        anna.id,
    )
    responses = in_parallel(50, lambda n: stack.telegram.deliver(message_update(anna, f"question {n}")))
    assert {response.status for response in responses} == {200}
    refused = [json.loads(r.body)["text"] for r in responses if r.body]
    assert len(refused) == 49
    assert all("reached today’s limit of 25 requests" in text for text in refused)
    assert len(sent_to(stack, anna.id)) == 1
    assert requests_of(sql, anna.id) == 25


def test_an_answer_in_the_response_is_repeated_until_its_delivery_is_known(stack: Stack) -> None:
    anna = stack.telegram.user("Anna")
    first = message_update(anna, "/show")
    answer = stack.telegram.deliver(first, "second")
    assert json.loads(answer.body)["method"] == "sendMessage"
    assert json.loads(stack.telegram.deliver(first, "second").body) == json.loads(answer.body)
    stack.telegram.deliver(message_update(anna, "/show"), "second")
    assert stack.telegram.deliver(first, "second").body == b""


def test_a_lost_response_is_repeated_at_redelivery(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("second")
    stack.telegram.lose_responses()
    sent = chat.send("/show")
    assert "chat" in chat.answer().text
    assert sent.wait().attempts == 2
    assert len(chat.answers()) == 1


def test_an_update_delivered_twice_at_once_is_answered_once(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.telegram.deliver_twice()
    chat.send("hello").wait()
    chat.answer()
    assert len(chat.answers()) == 1
    assert requests_of(sql, anna.id) == 1


def test_an_update_id_is_reused_after_48_hours(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    update = message_update(anna, "hello")
    stack.telegram.deliver(update, "second")
    sql(
        "update telegram_updates set received_at = received_at - interval '49 hours' where update_id = %s",
        update["update_id"],
    )
    update["message"]["text"] = "something else"
    assert json.loads(stack.telegram.deliver(update, "second").body)["text"] == "1 before this"
    assert requests_of(sql, anna.id) == 2


def test_concurrent_deliveries_of_a_reused_update_id_are_answered_once(
    stack: Stack, sql: Sql, database_url: str
) -> None:
    anna = started_user(stack.telegram)
    update = message_update(anna, "hello")
    number = update["update_id"]
    stack.telegram.deliver(update)
    sql(
        "update telegram_updates set received_at = received_at - interval '49 hours' where update_id = %s",
        number,
    )
    stack.ai.always(AiBehaviour(text="again", delay=0.5))
    with psycopg.connect(database_url) as admin:
        admin.execute("select from telegram_updates where update_id = %s for update", (number,))
        threading.Timer(1, admin.rollback).start()
        responses = in_parallel(4, lambda _: stack.telegram.deliver(update))
    assert sorted(response.status for response in responses) == [200, 503, 503, 503]
    assert len(stack.ai.requests) == 2
    assert requests_of(sql, anna.id) == 2


def test_a_redelivery_and_the_commit_do_not_deadlock(stack: Stack, sql: Sql, database_url: str) -> None:
    anna = started_user(stack.telegram, "second")
    update = message_update(anna, "/show")
    number = update["update_id"]
    stack.telegram.deliver(update, "second")
    sql(
        "update telegram_updates set status = 'working', lease_until = private.clock() + interval '1 min' "
        "where update_id = %s",
        number,
    )
    renamed = json.dumps({**update["message"]["from"], "first_name": "Anna the Second"})

    def run(statement: str, *values: Any) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(statement, values)

    with ThreadPoolExecutor(2) as pool:
        with psycopg.connect(database_url) as admin:
            admin.execute("select from users where telegram_id = %s for update", (anna.id,))
            receive = pool.submit(
                run,
                "select receive_update('second', %s, gen_random_uuid(), 'message', %s, %s::jsonb, '{}', 40)",
                number,
                anna.id,
                renamed,
            )
            time.sleep(0.3)
            finish = pool.submit(
                run, """select finish_update('second', %s, 1, '{"language": "ru"}')""", number
            )
            time.sleep(0.3)
        assert (receive.result(), finish.result()) == (None, None)  # a deadlock would raise


def test_a_request_that_is_not_settled_is_released(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram, "second")
    stack.telegram.deliver(message_update(anna, "unsettled"), "second")
    assert requests_of(sql, anna.id) == 0


def test_a_plan_that_was_deleted_is_not_unlimited(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram, "second")
    sql("delete from subscription_limits where vip_level = 0")
    stack.telegram.deliver(message_update(anna, "hello"), "second")
    assert requests_of(sql, anna.id) == 0
    assert stack.telegram.deliver(message_update(anna, "/profile")).status == 200


def test_a_null_inside_of_session_data_is_kept_and_a_key_set_to_null_is_removed(
    stack: Stack, sql: Sql
) -> None:
    anna = started_user(stack.telegram, "second")
    update = message_update(anna, "/show")
    stack.telegram.deliver(update, "second")
    sql("update telegram_updates set status = 'working' where update_id = %s", update["update_id"])
    changes = json.dumps({"data": {"form": {"name": None}, "gone": None}})
    sql("select finish_update('second', %s, 1, %s)", update["update_id"], changes)
    sessions = sql("select session_data from bot_sessions where chat_id = %s", anna.id)
    assert sessions == [{"session_data": {"form": {"name": None}}}]


def test_a_handler_that_always_fails_cannot_block_its_chat(
    stack: Stack, sql: Sql, appoint: Callable[[str], TelegramUser]
) -> None:
    olga = appoint("en")
    olga.chat("second").send("/show").wait()
    anna = stack.telegram.user("Anna")
    chat = anna.chat("second")
    sent = chat.send("/boom")
    chat.send("/show")
    assert says(chat.answer().text, "failed")
    assert sent.wait().attempts == 3
    after = chat.answer().text
    assert "boom" not in after
    row = sql(
        "select status, failures, payload, error from telegram_updates where update_id = %s", sent.update_id
    )[0]
    assert (row["status"], row["failures"]) == ("dead_lettered", 3)
    assert row["payload"]["message"]["text"] == "/boom"
    assert "the handler broke" in row["error"]
    alerts = [
        line for line in stack.function("telegram").logs if line.get("action") == "update_dead_lettered"
    ]
    assert alerts[-1]["severity"] == "ALERT"
    (item,) = sql("select bot, parameters from telegram_outbox where chat_id = %s", olga.id)
    assert (item["bot"], item["parameters"]["key"]) == ("second", "owner_alert")
    assert item["parameters"]["values"]["update_id"] == sent.update_id


def test_a_handler_that_fails_once_succeeds_at_redelivery(stack: Stack, sql: Sql) -> None:
    chat = stack.telegram.user("Anna").chat("second")
    sent = chat.send("/boom_once")
    assert chat.answer().text == "mended"
    assert sent.wait().attempts == 2


def test_failures_of_other_services_are_retried_without_a_limit(stack: Stack, sql: Sql) -> None:
    chat = stack.telegram.user("Anna").chat("second")
    sent = chat.send("/outside")
    assert chat.answer(timeout=60).text == "back"
    row = sql("select failures, attempt from telegram_updates where update_id = %s", sent.update_id)[0]
    assert (row["failures"], row["attempt"]) == (0, 5)


def test_several_replies_arrive_in_order_by_explicit_calls(stack: Stack) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("second")
    chat.send("/three")
    assert [chat.answer().text for _ in range(3)] == ["one", "two", "three"]
    ways = [call["via"] for call in stack.telegram.calls if call["parameters"].get("chat_id") == anna.id]
    assert ways == ["call", "call", "call"]


def test_telebots_own_calls_put_no_parameters_into_the_url(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("second")
    chat.send("/send")
    assert chat.answer().text == ("Привет " * 500).strip()
    assert chat.answer().text.startswith("sent ")


@pytest.mark.parametrize("path_bot", ["nosuch", "assistant/x", ""])
def test_an_unknown_bot_is_404(stack: Stack, path_bot: str) -> None:
    url = stack.function("telegram").url
    response = stack.telegram.delivery.send(
        f"{url}/{path_bot}", b"{}", {"X-Telegram-Bot-Api-Secret-Token": stack.webhook_secret}
    )
    assert response.status == 404


@pytest.mark.parametrize("secret", [None, "", "wrong", "é"])
def test_an_unauthenticated_call_is_401(stack: Stack, sql: Sql, secret: str | None) -> None:
    update = message_update(stack.telegram.user("Anna"), "/show")
    assert stack.telegram.deliver(update, "second", secret=secret).status == 401
    assert not sql("select from telegram_updates where update_id = %s", update["update_id"])


def test_unknown_kinds_are_acknowledged_and_not_stored(stack: Stack, sql: Sql) -> None:
    for update in ({"update_id": 5, "brand_new_kind": {"a": 1}}, {"update_id": 6, "poll": {"id": "1"}}):
        response = stack.telegram.deliver(update)
        assert (response.status, response.body) == (200, b"")
    assert not sql("select from telegram_updates where update_id in (5, 6)")


def test_a_request_across_midnight_counts_for_the_old_day(
    stack: Stack, sql: Sql, clock: Callable[[str], None]
) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    # 20:59:58 UTC is two seconds before midnight in Moscow.
    clock("(timestamptz '2026-11-20 20:59:58+00')")
    chat.send("/start").wait()
    sql(
        "insert into daily_usage select id, 'assistant', '2026-11-20', 24 from users where telegram_id = %s",
        anna.id,
    )
    stack.ai.next(AiBehaviour(text="late", delay=0.5))
    chat.send("before midnight")
    eventually(lambda: requests_of(sql, anna.id) == 25)
    clock("(timestamptz '2026-11-20 21:00:01+00')")
    eventually(lambda: history_of(sql, anna.id) == ["user", "assistant"])
    days = sql(
        "select day::text, requests from daily_usage join users on users.id = user_id where telegram_id = %s",
        anna.id,
    )
    assert [(row["day"], row["requests"]) for row in days] == [("2026-11-20", 25)]
    chat.send("/profile")
    eventually(lambda: any("Today: 0 of 25" in answer.text for answer in chat.answers()))


def test_a_concurrent_button_and_message_keep_both_changes(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("second")
    chat.send("/show")
    button = chat.answer()
    chat.send("/data a=1")
    button.tap("tap").wait()
    assert chat.answer().text == "set"
    chat.send("/show")
    assert "[('a', '1'), ('tapped', '1')]" in chat.answer().text


def test_sessions_are_separate_by_user_bot_and_chat(stack: Stack) -> None:
    anna, ben = stack.telegram.user("Anna"), stack.telegram.user("Ben")
    group = stack.telegram.group("Team", [anna, ben], ["second"])
    anna.chat("second").send("/mode anna").wait()
    ben.chat("second").send("/mode ben").wait()
    group.by(anna).send("/mode group").wait()
    for chat, mode in ((anna.chat("second"), "anna"), (ben.chat("second"), "ben")):
        chat.send("words").wait()
        chat.send("/show").wait()
        assert chat.answers()[-1].text.startswith(mode)
        assert "0 before this" in [answer.text for answer in chat.answers()]
    group.by(anna).send("/show").wait()
    assert group.by(anna).answers()[-1].text.startswith("group")
    group.by(ben).send("/show").wait()
    assert group.by(ben).answers()[-1].text.startswith("chat")
    assistant = anna.chat("assistant")
    assistant.send("/mode").wait()
    assert "Current mode: 💬 Assistant" in assistant.answers()[-1].text


def test_history_of_the_private_chat_is_not_used_in_a_group(stack: Stack) -> None:
    anna = stack.telegram.user("Anna")
    anna.chat("assistant").send("my secret plan").wait()
    group = stack.telegram.group("Team", [anna], ["assistant"])
    group.by(anna).send("@" + stack.telegram.bot("assistant").username + " hello there").wait()
    messages = stack.ai.requests[-1]["messages"]
    assert [m["content"] for m in messages[1:]] == ["hello there"]


def test_an_update_is_dead_lettered_at_the_fifth_crash(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    update = message_update(anna, "/show")
    stack.telegram.deliver(update, "second")
    sql(
        "update telegram_updates set status = 'working', crash_count = 4, "
        "lease_until = private.clock() - interval '1 s' where update_id = %s",
        update["update_id"],
    )
    response = deliver_until_done(stack.telegram, update, "second")
    assert says(json.loads(response.body)["text"], "failed")
    row = sql("select status, error from telegram_updates where update_id = %s", update["update_id"])[0]
    assert (row["status"], row["error"]) == ("dead_lettered", "its workers vanished")
