"""Malformed, oversized and hostile bodies with the right secret: never a 500, never a secret in a log."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import examples, message_update
from tests.telegram.test_updates import Sql, history_of
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack

SLOW = settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
FAKE_KEY = "sk-proj-4f9aQ2b7Lx0TnV3mWc8RzYd1"  # looks like an API key

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
senders = st.fixed_dictionaries(
    {"id": st.integers(-(2**60), 2**60) | json_values, "is_bot": st.booleans() | json_values},
    optional={
        "first_name": st.text(max_size=20) | json_values,
        "username": st.text(max_size=20) | json_values,
        "last_name": json_values,
        "language_code": json_values,
    },
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "message_id": st.integers() | json_values,
        "from": senders | json_values,
        "chat": st.fixed_dictionaries(
            {
                "id": st.integers(1, 2**40) | json_values,
                "type": st.sampled_from(["private", "group"]) | json_values,
            }
        ),
        "date": st.integers() | json_values,
        "text": st.text(max_size=50) | json_values,
        "entities": json_values,
        "reply_to_message": json_values,
        "sticker": json_values,
        "forward_origin": json_values,
    },
)
updates = st.fixed_dictionaries(
    {"update_id": st.integers(10**12, 2**60) | json_values},
    optional={
        "message": messages | json_values,
        "callback_query": st.fixed_dictionaries(
            {},
            optional={"id": st.text(max_size=9), "from": senders, "message": messages, "data": json_values},
        ),
        "edited_message": messages,
        "my_chat_member": json_values,
        "pre_checkout_query": st.fixed_dictionaries(
            {"from": senders},
            optional={"id": st.text(max_size=9) | json_values, "invoice_payload": json_values},
        ),
    },
)


@SLOW
@given(body=st.binary(max_size=300) | json_values.map(lambda v: json.dumps(v).encode()))
def test_any_bytes_are_acknowledged(stack: Stack, body: bytes) -> None:
    assert stack.telegram.deliver(body, "second").status == 200


@SLOW
@given(update=updates)
def test_anything_like_an_update_ends_with_an_acknowledgement(stack: Stack, update: dict[str, Any]) -> None:
    # No response may be a 500: our code must not fail because of a body. A redelivery gets 503
    # while an outbox item of the update is being delivered.
    statuses = {stack.telegram.deliver(update, "second").status for _ in range(4)}
    assert statuses <= {200, 503}


@pytest.mark.parametrize(
    "update",
    [
        {"message": {"from": {"id": 1, "is_bot": False}}},
        {"message": {"from": {"id": 1, "is_bot": False}, "chat": {"id": 1, "type": "private"}, "text": "hi"}},
        {"callback_query": {"from": {"id": 8, "is_bot": False}}},
        {"callback_query": {"id": "1", "from": {"id": 6, "is_bot": False, "username": ""}, "data": "buy"}},
        {"pre_checkout_query": {"id": "1", "from": {"id": 8, "is_bot": False}}},
        {"pre_checkout_query": {"from": {"id": 8, "is_bot": False, "first_name": "A"}}},
    ],
)
@pytest.mark.parametrize("bot", ["assistant", "second"])
def test_an_update_that_telebot_cannot_parse_is_dead_lettered_at_once(
    stack: Stack, bot: str, update: dict[str, Any]
) -> None:
    update = {"update_id": message_update(stack.telegram.user("Anna"), "x")["update_id"], **update}
    assert {stack.telegram.deliver(update, bot).status for _ in range(3)} <= {200, 503}
    assert stack.telegram.deliver(message_update(stack.telegram.user("Anna"), "/help"), bot).status == 200


def test_an_oversized_body_is_dead_lettered_and_the_chat_continues(stack: Stack, sql: Sql) -> None:
    body = json.dumps(message_update(stack.telegram.user("Anna"), "x" * 2_000_000)).encode()
    assert stack.telegram.deliver(body, "second").status == 200
    assert stack.telegram.deliver(body, "second").status == 200
    rows = sql("select status, length(payload #>> '{}') as kept from telegram_updates")
    assert rows == [{"status": "dead_lettered", "kept": 65536}]


@pytest.mark.parametrize(
    "text", ["\0", "a\0b", "😀", "\u202e", "{{}}", "%s %(x)s", "'; drop table users; --", "\\u0000"]
)
def test_strange_texts_are_answered(stack: Stack, text: str) -> None:
    chat = stack.telegram.user(text or "x").chat("second")
    chat.send(text).wait()
    assert chat.answer().text == "0 before this"


def test_a_secret_in_a_message_is_stored_and_logged_nowhere(
    stack: Stack, sql: Sql, clock: Callable[[str], None]
) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    chat.send(f"my key is {FAKE_KEY}, is it good?").wait()
    assert "password or an API key" in chat.answer().text
    assert stack.ai.requests == []
    chat.edit(chat.send("/show"), f"/boom {FAKE_KEY}").wait()
    stack.telegram.user("Ben").chat("second").send(f"/boom {FAKE_KEY}").wait()
    stack.telegram.deliver(f"not json {FAKE_KEY}".encode(), "second")
    dump = sql(
        "select (select coalesce(jsonb_agg(t), '[]') from telegram_updates t)::text "
        "|| (select coalesce(jsonb_agg(m), '[]') from messages m)::text "
        "|| (select coalesce(jsonb_agg(o), '[]') from telegram_outbox o)::text as everything"
    )[0]["everything"]
    assert FAKE_KEY not in dump
    assert FAKE_KEY not in stack.function("telegram").raw_log


def test_a_secret_in_a_quoted_message_is_not_stored(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    quoted = message_update(anna, f"the key is {FAKE_KEY}")["message"]
    update = message_update(anna, "/boom", reply_to_message=quoted)
    for _ in range(3):
        stack.telegram.deliver(update, "second")
    kept = sql("select payload::text as text from telegram_updates where update_id = %s", update["update_id"])
    assert "the key is [hidden]" in kept[0]["text"]
    assert FAKE_KEY not in kept[0]["text"]


@pytest.mark.parametrize("more", [{}, {"quote": {"text": "\bearer abcdefghijkl", "position": 0}}])
def test_redaction_beside_a_control_character_keeps_valid_json(stack: Stack, more: dict[str, Any]) -> None:
    text = "\x01123456:" + "A" * 35
    assert stack.telegram.deliver(message_update(stack.telegram.user("Anna"), text, **more)).status == 200


def test_a_body_nested_too_deep_to_store_is_dead_lettered(stack: Stack) -> None:
    deep = json.loads("[" * 400 + "]" * 400)
    update = message_update(stack.telegram.user("Anna"), "hello", extra=deep)
    assert stack.telegram.deliver(update).status == 200


@pytest.mark.parametrize(
    "message",
    [
        {"entities": [{"type": "mention"}]},
        {"entities": "x"},
        {"entities": [1]},
        {"entities": [{"type": "text_mention"}]},
        {"entities": [{"type": "mention", "offset": "a", "length": 1}]},
        {"reply_to_message": "x"},
    ],
)
def test_a_malformed_group_message_is_dead_lettered(stack: Stack, message: dict[str, Any]) -> None:
    group = {"id": -1001234567890, "type": "supergroup", "title": "Team"}
    update = message_update(stack.telegram.user("Anna"), "lunch", chat=group, **message)
    assert stack.telegram.deliver(update).status == 200


def test_an_error_that_postgres_cannot_store_counts_like_any_other(stack: Stack) -> None:
    update = message_update(stack.telegram.user("Anna"), "/boom_nul")
    assert [stack.telegram.deliver(update, "second").status for _ in range(3)] == [500, 500, 200]


def test_a_nul_in_an_ai_answer_is_removed(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    stack.ai.always(AiBehaviour(text="be\0fore"))
    anna.chat("assistant").send("hello").wait()
    assert history_of(sql, anna.id) == ["user", "assistant"]


def test_no_token_or_password_reaches_a_log(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    stack.telegram.fail("sendMessage", status=500, times=2)
    chat.send("hello").wait()
    log = stack.function("telegram").raw_log
    secrets = [bot.token for bot in stack.telegram.state.bots.values()]
    secrets += [stack.webhook_secret, stack.function("telegram").env["OPENAI_API_KEY"], "backend's password"]
    for secret in secrets:
        assert secret not in log
