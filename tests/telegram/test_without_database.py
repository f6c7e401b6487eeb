"""DB_ENABLED=false: the bot answers each message without state and refuses features that need a database."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.core import config
from shared.core.errors import ConfigError
from tests.conftest import make_stack
from tests.support import eventually, message_update
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat


@pytest.fixture(scope="module")
def stack_without_database(backend_url: str) -> Iterator[Stack]:
    """A stack with DB_ENABLED=false and an unreachable database."""
    stack = make_stack(backend_url, DB_ENABLED="false", DATABASE_URL="", FALLBACK_MESSAGES_PER_MINUTE="1000")
    stack.start()
    yield stack
    stack.stop()


def ask(chat: Chat, text: str) -> Any:
    seen = len(chat.answers())
    chat.send(text).wait(timeout=20)
    return eventually(lambda: chat.answers()[seen:], 20)[0]


def test_text_is_answered_with_the_database_disabled(stack_without_database: Stack) -> None:
    chat = stack_without_database.telegram.user("Anna", language_code="en").chat("assistant")
    stack_without_database.ai.next(AiBehaviour(text="Just this."))
    assert ask(chat, "hello").text == "Just this."
    assert "run without a database" in ask(chat, "/start").text
    profile = ask(chat, "/profile").text
    assert "no plans, balances or history" in profile
    assert "right now" not in profile
    assert '"database_disabled"' in stack_without_database.function("telegram").raw_log
    assert '"severity":"ALERT"' not in stack_without_database.function("telegram").raw_log


@pytest.mark.parametrize(
    "command", ["/clear", "/usage", "/buy", "/payments", "/keys", "/promo", "/trial", "/mydata", "/deleteme"]
)
@pytest.mark.parametrize(("language", "words"), [("en", "without a database"), ("ru", "без базы данных")])
def test_features_that_need_a_database_are_refused(
    stack_without_database: Stack, command: str, language: str, words: str
) -> None:
    chat = stack_without_database.telegram.user("Anna", language_code=language).chat("assistant")
    assert words in ask(chat, command).text


def test_only_offline_features_are_offered(stack_without_database: Stack) -> None:
    bot = stack_without_database.telegram.bot("assistant")
    offered = {"start", "help", "profile", "privacy", "whoami"}
    for code in ("", "en", "ru"):
        assert {one["command"] for one in bot.commands[code]} == offered
    chat = stack_without_database.telegram.user("Anna", language_code="en").chat("assistant")
    help_ = ask(chat, "/help")
    assert set(re.findall(r"^/(\w+)", help_.text, re.MULTILINE)) == offered - {"start"}
    for name in sorted(offered - {"start"}):
        assert "isn’t available here" not in ask(chat, f"/{name}").text
    for answer in (help_, ask(chat, "/start")):
        assert [one.text for row in answer.buttons for one in row] == ["👤 Profile", "❓ Help"]


@pytest.mark.parametrize(("language", "words"), [("en", "Nothing. This bot runs"), ("ru", "Ничего. Бот")])
def test_privacy_says_that_nothing_is_stored(
    stack_without_database: Stack, language: str, words: str
) -> None:
    chat = stack_without_database.telegram.user("Anna", language_code=language).chat("assistant")
    assert words in ask(chat, "/privacy").text


def test_old_messages_and_buttons_are_answered_too(stack_without_database: Stack) -> None:
    anna = stack_without_database.telegram.user("Anna", language_code="en")
    old = message_update(anna, "/profile", date=int(time.time()) - 3600)
    assert stack_without_database.telegram.deliver(old).status == 200
    menu = ask(anna.chat("assistant"), "/start")
    menu.tap("👤 Profile").wait()
    eventually(lambda: any("no plans" in one.text for one in anna.chat("assistant").answers()), 20)


def _blocked(update: dict[str, Any]) -> dict[str, Any]:
    message = update["message"]
    user = {"id": message["from"]["id"], "is_bot": False, "first_name": "Anna"}
    change = {
        "chat": message["chat"],
        "from": message["from"],
        "date": message["date"],
        "old_chat_member": {"user": user, "status": "member"},
        "new_chat_member": {"user": user, "status": "kicked", "until_date": 0},
    }
    return {"update_id": update["update_id"], "my_chat_member": change}


def _migrated(update: dict[str, Any]) -> dict[str, Any]:
    message = {key: value for key, value in update["message"].items() if key != "text"}
    group = {"id": -1001, "type": "group", "title": "Team"}
    return {**update, "message": {**message, "chat": group, "migrate_to_chat_id": -1000000001}}


@pytest.mark.parametrize("change", [_blocked, _migrated])
def test_updates_that_only_change_stored_state_are_acknowledged(
    stack_without_database: Stack, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    update = change(message_update(stack_without_database.telegram.user("Anna"), "hello"))
    answer = stack_without_database.telegram.deliver(update)
    assert (answer.status, answer.body) == (200, b"")


def test_payment_updates_are_not_acknowledged(stack_without_database: Stack) -> None:
    update = message_update(stack_without_database.telegram.user("Anna"), "")
    update["message"]["successful_payment"] = {
        "currency": "XTR",
        "total_amount": 5,
        "invoice_payload": "5",
        "telegram_payment_charge_id": "charge",
        "provider_payment_charge_id": "",
    }
    assert stack_without_database.telegram.deliver(update).status == 503


def test_an_invalid_body_is_acknowledged(stack_without_database: Stack) -> None:
    assert stack_without_database.telegram.deliver(b"not JSON", "second").status == 200


def test_payments_and_jobs_refuse_clearly(stack_without_database: Stack) -> None:
    answer = stack_without_database.payments["fake"].probe()  # type: ignore[attr-defined]
    assert (answer.status, answer.body) == (503, b"payments need a database: DB_ENABLED=false")
    job = stack_without_database.run_job("sweep")
    assert (job.status, job.json()) == (200, {"skipped": "jobs need a database: DB_ENABLED=false"})


@pytest.mark.parametrize("value", ["0", "no", "False", "off"])
def test_only_true_and_false_are_accepted(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DB_ENABLED", value)
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:b@c/d")
    config.settings.cache_clear()
    try:
        with pytest.raises(ConfigError, match="DB_ENABLED is malformed: must be true or false"):
            config.settings()
    finally:
        config.settings.cache_clear()
