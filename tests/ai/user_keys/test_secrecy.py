"""A user's key is never in clear in a dump, in Postgres' files, in a log or in a trace."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import make_stack
from tests.stories.test_keys import a_key, add, ask_to_add, is_gone, requests_of
from tests.support import deliver_until_done, eventually, message_update, says
from tests.telegram.test_crashes import LATER, kill
from tools.database.embedded import Server
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser

Sql = Callable[..., list[dict[str, Any]]]


def dump(database_url: str) -> str:
    """Return every column of every row of every table as text."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        tables = connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables "
            "where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert ("public.user_tokens",) in tables
        rows = [connection.execute(f"select t::text from {table} as t").fetchall() for (table,) in tables]
    return "\n".join(text for table in rows for (text,) in table)


def files_with(server: Server, key: str) -> list[str]:
    """Return the files of the data directory, with write-ahead log and server log, that contain a key."""
    with psycopg.connect(server.url("migrated", "supabase_admin"), autocommit=True) as connection:
        connection.execute("checkpoint")
    found = subprocess.run(
        ["grep", "-rlaF", key, str(server.data)], capture_output=True, text=True, check=False
    )
    return found.stdout.split()


def assert_nowhere(stack: Stack, database_url: str, server: Server, key: str) -> None:
    """Assert that no ten characters of the key's random part are anywhere."""
    random = key[-32:]
    parts = {random[i : i + 10] for i in range(len(random) - 9)}
    for place, text in {
        "the dump": dump(database_url),
        "the log of telegram": stack.function("telegram").raw_log,
        "the log of scheduled": stack.function("scheduled").raw_log,
        "the trace": json.dumps(stack.trace.events(), ensure_ascii=False, default=str),
    }.items():
        assert not {part for part in parts if part in text}, f"{place} holds a part of the key"
    assert files_with(server, key) == []


@pytest.fixture
def user(stack: Stack) -> TelegramUser:
    return stack.telegram.user("Anna")


def test_a_key_is_stored_nowhere_in_clear(
    stack: Stack, database_url: str, server: Server, user: TelegramUser
) -> None:
    chat = user.chat("assistant")
    keys = [a_key(name) for name in ("OpenAI", "Google Gemini")] + [a_key("Anthropic", "wrong")]
    for name, key in zip(("OpenAI", "Google Gemini", "Anthropic"), keys, strict=True):
        add(chat, name, key)
    chat.send("/cancel")
    chat.answer(20)
    # The provider repeats the whole key in its refusal; the key matches no known pattern.
    stack.ai.next(
        AiBehaviour(status=401, error={"message": f"No: {keys[1]}", "code": 401, "status": "UNAUTHENTICATED"})
    )
    chat.send("a question on the key")
    assert says(chat.answer(20).text, "user_api_key_refused")
    plain = f"nothing secret {secrets.token_hex(8)}"
    chat.send(plain)
    chat.answer(20)
    assert files_with(server, plain), "what is stored in clear would be found"
    for key in keys:
        assert_nowhere(stack, database_url, server, key)


def test_a_key_of_unknown_format_is_stored_nowhere_in_clear(
    stack: Stack, database_url: str, server: Server, user: TelegramUser
) -> None:
    chat = user.chat("assistant")
    key = secrets.token_hex(20)
    assert says(add(chat, "OpenAI", key).text, "keys_added", last_four=key[-4:])
    assert_nowhere(stack, database_url, server, key)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_that_dies_with_the_key_asks_for_it_again(
    stack: Stack,
    database_url: str,
    server: Server,
    clock: Callable[[str], None],
    user: TelegramUser,
    when: Any,
) -> None:
    """The worker is killed before or after the commit, and only the sweep continues."""
    chat = user.chat("assistant")
    ask_to_add(chat, "OpenAI")
    chat.services.updates.idle(20)
    key = secrets.token_hex(20)
    sent = chat.send_content({"text": "one"})  # gives the message a number
    chat.answer(20)
    update = message_update(user, key, message_id=sent.message_id)
    stack.database.on("finish_update", when=when, do=lambda: kill(stack))
    stack.database.on("finish_update", when=when, do="cut")
    assert stack.telegram.deliver(update).status != 200
    clock(LATER)
    stack.function("telegram").restart()
    if when == "before":
        stack.run_job("sweep")
        assert says(chat.answer(20).text, "keys_again", name="OpenAI")
        chat.send(key)
        assert says(chat.answer(20).text, "keys_added")
    else:
        again = stack.telegram.deliver(update)
        assert says(again.json()["text"], "keys_added", last_four=key[-4:])
    assert_nowhere(stack, database_url, server, key)


def test_a_redelivery_brings_the_key_again_and_keeps_it_once(
    stack: Stack, sql: Sql, database_url: str, server: Server, user: TelegramUser
) -> None:
    chat = user.chat("assistant")
    ask_to_add(chat, "OpenAI")
    key = secrets.token_hex(20)
    stack.database.on("finish_update", when="before", do="cut", times=1)
    stack.telegram.lose_responses(1)
    stack.telegram.deliver_twice(1)
    sent = chat.send(key)
    assert says(chat.answer(20).text, "keys_added")
    sent.wait(timeout=20)
    assert is_gone(chat, sent)
    rows = sql(
        "select last_four from user_tokens t join users u on u.id = user_id where telegram_id = %s", user.id
    )
    assert rows == [{"last_four": key[-4:]}]
    assert_nowhere(stack, database_url, server, key)


def test_a_changed_message_may_bring_the_key(
    stack: Stack, database_url: str, server: Server, user: TelegramUser
) -> None:
    chat = user.chat("assistant")
    ask_to_add(chat, "OpenAI")
    sent = chat.send("my key")
    assert says(chat.answer(20).text, "keys_no_key")
    key = secrets.token_hex(20)
    chat.edit(sent, key)
    assert says(chat.answer(20).text, "keys_added", last_four=key[-4:])
    assert is_gone(chat, sent)
    assert_nowhere(stack, database_url, server, key)


def test_a_forwarded_key_is_content_and_is_neither_taken_nor_stored(
    stack: Stack, database_url: str, server: Server, user: TelegramUser
) -> None:
    chat = user.chat("assistant")
    ask_to_add(chat, "OpenAI")
    key = secrets.token_hex(20)
    chat.forward(key)
    assert "forwarded" in chat.answer(20).text
    assert key not in dump(database_url)
    assert key not in stack.function("telegram").raw_log
    assert files_with(server, key) == []


def test_messages_while_a_key_is_expected_are_not_stored(stack: Stack, sql: Sql, user: TelegramUser) -> None:
    chat = user.chat("assistant")
    ask_to_add(chat, "OpenAI")
    word = secrets.token_hex(20)
    update = message_update(
        user,
        "what is this?",
        caption=word,
        quote={"text": word, "position": 0},
        author_signature=word,
    )
    kept: list[str] = []
    stack.database.on(
        "finish_update",
        when="before",
        do=lambda: kept.extend(
            row["text"]
            for row in sql(
                "select payload::text as text from telegram_updates where update_id = %s", update["update_id"]
            )
        ),
    )
    deliver_until_done(stack.telegram, update, "assistant")
    assert kept
    assert word not in kept[0]
    assert json.loads(kept[0])["message"]["text"] == "[hidden]"
    assert json.loads(kept[0])["message"]["from"]["id"] == user.id


def test_during_an_outage_a_key_is_not_sent_to_the_ai(stack: Stack, user: TelegramUser) -> None:
    chat = user.chat("assistant")
    ask_to_add(chat, "OpenAI")
    probe = stack.telegram.user("Probe")
    stack.database.down()
    eventually(lambda: stack.telegram.deliver(message_update(probe, "/show"), "second").status == 200, 20)
    chat.send(secrets.token_hex(20))
    assert "looks like a password or an API key" in chat.answer(20).text
    assert stack.ai.requests == []
    chat.send("/keys")
    assert says(chat.answer(20).text, "offline_unavailable")


@pytest.mark.parametrize("whose", ["another person's", "another provider's"])
def test_a_ciphertext_copied_to_another_row_is_refused(
    stack: Stack, sql: Sql, user: TelegramUser, whose: str
) -> None:
    chat, victim = user.chat("assistant"), stack.telegram.user("Ben").chat("assistant")
    add(victim, "OpenAI", a_key("OpenAI"))
    add(
        chat,
        "Anthropic" if "provider" in whose else "OpenAI",
        a_key("Anthropic" if "provider" in whose else "OpenAI"),
    )
    if whose == "another person's":
        sql(
            "update user_tokens t set ciphertext = v.ciphertext from users a, users b, user_tokens v "
            "where a.telegram_id = %s and b.telegram_id = %s and v.user_id = b.id and t.user_id = a.id",
            chat.id,
            victim.id,
        )
    else:
        sql(
            "update user_tokens t set provider = 'openrouter' from users u "
            "where u.telegram_id = %s and t.user_id = u.id",
            chat.id,
        )
    chat.send("whose key is this?")
    chat.answer(20)
    assert stack.ai.headers[-1]["authorization"] == "Bearer emulator-openai"
    assert requests_of(sql, chat.id) == 1
    assert "user_api_key_unreadable" in stack.function("telegram").raw_log


@pytest.fixture
def without_keys(backend_url: str) -> Iterator[Stack]:
    """Return a stack without TOKEN_ENCRYPTION_KEYS."""
    stack = make_stack(backend_url, TOKEN_ENCRYPTION_KEYS="")
    stack.start()
    yield stack
    stack.stop()


def test_without_an_encryption_key_the_owner_gets_instructions(without_keys: Stack) -> None:
    for language, for_users, for_admins in (
        ("en", "This bot doesn’t support your own keys.", "./switchboard keys new"),
        ("ru", "Свои ключи в этом боте не поддерживаются.", "./switchboard keys new"),
    ):
        anna = without_keys.telegram.user("Anna", language_code=language).chat("assistant")
        anna.send("/keys")
        assert for_users in anna.answer(20).text
        owner = message_update(without_keys.telegram.user("Boss", language_code=language), "/keys")
        owner["message"]["from"]["id"] = owner["message"]["chat"]["id"] = 777000111
        answer = without_keys.telegram.deliver(owner).json()["text"]
        assert for_admins in answer


def test_with_a_lost_encryption_key_the_plan_answers(stack: Stack, without_keys: Stack, sql: Sql) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    add(chat, "OpenAI", a_key("OpenAI"))
    account = without_keys.telegram.state.add_user(chat.user)
    there = TelegramUser(without_keys.telegram.services, account).chat("assistant")
    there.send("does this reach you?")
    there.answer(20)
    assert without_keys.ai.headers[-1]["authorization"] == "Bearer emulator-openai"
    assert requests_of(sql, chat.id) == 1


def test_the_emulators_data_contains_no_key(stack: Stack, tmp_path: Path, user: TelegramUser) -> None:
    from tools.emulator import storage

    key = a_key("OpenAI")
    add(user.chat("assistant"), "OpenAI", key)
    storage.save(stack.telegram.state, tmp_path / "state.json")
    assert key not in (tmp_path / "state.json").read_text()
