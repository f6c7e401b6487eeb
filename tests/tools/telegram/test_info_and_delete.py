"""info reports problems of webhooks; delete removes the webhook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared import bots
from tests.tools.telegram.conftest import Run
from tools.emulator.telegram import Telegram
from tools.telegram.info import inline_problems, problems
from tools.telegram.payloads import WebhookInfo
from tools.validation import parse

URL = "https://bots.example/telegram/assistant"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = 3600


def wrong(kinds: tuple[str, ...] = ("message",), **info: Any) -> list[str]:
    read = parse(WebhookInfo, {"url": URL, "pending_update_count": 0} | info)
    return list(problems(read, URL, kinds, NOW))


def ago(seconds: float) -> int:
    return int(NOW.timestamp() - seconds)


def test_all_is_well_after_set_webhooks(telegram: Telegram, run: Run) -> None:
    run("set-webhooks")
    status, output, errors = run("info")
    assert (status, errors) == (0, "")
    assert URL in output
    assert "message, " in output
    assert "WRONG" not in output


def test_no_webhook_is_wrong(run: Run) -> None:
    status, output, _ = run("info")
    assert status == 1
    assert "WRONG: no webhook is set: run ./switchboard telegram set-webhooks" in output


def test_another_address_is_wrong(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("set-webhooks")
    from shared.core.config import settings

    monkeypatch.setenv("PUBLIC_URL", "https://moved.example")
    settings.cache_clear()
    status, output, _ = run("info")
    assert status == 1
    assert "should be https://moved.example/telegram/assistant" in output


def test_waiting_updates_are_wrong(telegram: Telegram, run: Run) -> None:
    telegram.hold()
    run("set-webhooks")
    telegram.user("Anna").chat("assistant").send("/start")
    status, output, _ = run("info")
    assert status == 1
    assert "WRONG: updates wait: 1 " in output


def test_a_missing_update_type_is_wrong(telegram: Telegram, run: Run) -> None:
    run("set-webhooks")
    telegram.bot("assistant").webhook.allowed_updates.remove("callback_query")
    status, output, _ = run("info")
    assert status == 1
    assert "WRONG: callback_query will not come" in output


def test_failing_deliveries_are_wrong(telegram: Telegram, run: Run) -> None:
    run("set-webhooks")
    hook = telegram.bot("assistant").webhook
    hook.last_error_date, hook.last_error_message = int(time.time()), "Wrong response from the webhook: 500"
    status, output, _ = run("info")
    assert status == 1
    assert "WRONG: deliveries fail: Wrong response from the webhook: 500" in output


def test_an_old_error_is_history_unless_updates_wait() -> None:
    old = {"last_error_date": ago(2 * HOUR), "last_error_message": "Connection timed out"}
    assert wrong(**old) == []
    assert "deliveries fail: Connection timed out" in wrong(**old, pending_update_count=2)
    assert wrong(last_error_date=ago(60), last_error_message="x") == ["deliveries fail: x"]


def test_without_allowed_updates_telegrams_default_set_counts() -> None:
    assert wrong(("message", "my_chat_member")) == []
    assert len(wrong(("message", "message_reaction"))) == 1


def test_a_synchronization_error_is_wrong_while_it_is_fresh() -> None:
    assert len(wrong(last_synchronization_error_date=ago(60))) == 1
    assert wrong(last_synchronization_error_date=ago(2 * HOUR)) == []


def test_info_and_delete_need_no_webhook_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_WEBHOOK_SECRET", "")
    assert "WRONG: no webhook is set" in run("info")[1]
    assert run("delete")[0] == 0


def test_delete_takes_the_webhook_away_and_keeps_what_waits(telegram: Telegram, run: Run) -> None:
    run("set-webhooks")
    telegram.hold()
    telegram.user("Anna").chat("assistant").send("/start")
    status, output, _ = run("delete", "--bot", "assistant")
    assert status == 0
    assert "24 hours" in output
    assert telegram.bot("assistant").webhook.url == ""
    assert telegram.pending("assistant") == 1


def test_the_command_runs_alone_and_prints_no_token(telegram: Telegram, tmp_path: Path) -> None:
    """Each command runs in a real process with the environment of a deployment."""
    token = telegram.bot("assistant").token
    environment = {
        "PATH": os.environ["PATH"],
        "TELEGRAM_API_URL": os.environ["TELEGRAM_API_URL"],
        "BOT_TOKENS": json.dumps({"assistant": token}),
        "TELEGRAM_WEBHOOK_SECRET": "the-secret-of-webhooks",
        "PUBLIC_URL": "https://bots.example",
        "LOG_LEVEL": "DEBUG",
    }
    for command in ("set-webhooks", "info", "delete"):
        done = subprocess.run(
            [sys.executable, "-m", "tools.telegram", command],
            env=environment,
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert token.partition(":")[2] not in done.stdout + done.stderr
        assert "the-secret-of-webhooks" not in done.stdout + done.stderr
    assert set(telegram.bot("assistant").commands) >= {"", "ru", "en"}
    assert telegram.bot("assistant").webhook.url == ""


def test_the_bots_handle_something() -> None:
    for name in bots.names():
        assert "message" in bots.load(name).handled_kinds()


@pytest.mark.parametrize(
    ("name", "is_on", "has_inline_mode", "words"),
    [
        ("assistant", False, False, []),
        ("assistant", True, True, []),
        (
            "assistant",
            False,
            True,
            ["INLINE_MODE is on, but inline mode is off at @BotFather: send it /setinline"],
        ),
        ("assistant", True, False, ["on at @BotFather, but INLINE_MODE is off"]),
        ("quiz", False, True, []),
        ("quiz", True, True, ["on at @BotFather, but the bot has none"]),
    ],
)
def test_inline_mode_is_on_at_both_places_or_at_neither(
    name: str, is_on: bool, has_inline_mode: bool, words: list[str]
) -> None:
    found = list(inline_problems(name, is_on, has_inline_mode=has_inline_mode))
    assert len(found) == len(words)
    assert all(word in one for word, one in zip(words, found, strict=True))


def test_info_compares_the_setting_with_botfathers_switch(telegram: Telegram, run: Run) -> None:
    run("set-webhooks")
    telegram.bot("assistant").has_inline_mode = True
    status, output, _ = run("info")
    assert status == 1
    assert "WRONG: inline mode is on at @BotFather, but INLINE_MODE is off" in output
