"""set-webhooks sends Telegram all that bots and settings declare, and sends nothing twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared import bots
from shared.core import texts
from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.telegram import menus
from shared.telegram.feature import Command, Feature
from tests.tools.telegram.conftest import Run
from tools.emulator.telegram import Telegram
from tools.telegram import __main__ as command
from tools.telegram import set_webhooks

Json = dict[str, Any]


def calls(telegram: Telegram, method: str) -> list[Json]:
    return [call["parameters"] for call in telegram.calls if call["method"] == method]


def test_the_webhook_is_derived_from_settings_and_handlers(telegram: Telegram, run: Run) -> None:
    status, output, errors = run("set-webhooks")
    assert (status, errors) == (0, "")
    assert "https://bots.example/telegram/assistant" in output
    (parameters,) = calls(telegram, "setWebhook")
    assert parameters == {
        "url": "https://bots.example/telegram/assistant",
        "secret_token": "the-new-webhook-secret",
        "allowed_updates": list(bots.load("assistant").handled_kinds()),
        "max_connections": 100,
        "drop_pending_updates": False,
    }
    assert {"message", "callback_query"} <= set(parameters["allowed_updates"])


def test_every_language_has_its_menu_and_the_default_one_serves_all_others(
    telegram: Telegram, run: Run
) -> None:
    run("set-webhooks")
    menus = telegram.bot("assistant").commands
    assert set(menus) == {"", *texts.languages()}
    shown = [item["command"] for item in menus["en"]]
    assert shown == ["menu", "buy", "profile", "new", "chats", "mode", "help"]
    assert menus["en"][0]["description"] == texts.table("en")["command_menu"]
    assert menus["ru"][0]["description"] == texts.table("ru")["command_menu"]
    assert menus[""] == menus["ru"]


def test_every_language_has_its_short_description(telegram: Telegram, run: Run) -> None:
    run("set-webhooks")
    own = telegram.bot("assistant").texts
    assert own["short_description:en"] == texts.table("en")["bot_about"]
    assert own["short_description:"] == texts.table("ru")["bot_about"]


@pytest.mark.parametrize("bot", ["spin", "quiz"])
def test_a_bot_that_is_no_assistant_has_its_own_short_description(
    telegram: Telegram, run: Run, monkeypatch: pytest.MonkeyPatch, bot: str
) -> None:
    monkeypatch.setattr(bots, "names", lambda: (bot,))
    monkeypatch.setenv("BOT_TOKENS", json.dumps({bot: telegram.add_bot(bot).token}))
    run("set-webhooks")
    own = telegram.bot(bot).texts
    assert own["short_description:en"] == texts.table("en")[f"bot_about_{bot}"]
    assert own["short_description:"] == texts.table("ru")[f"bot_about_{bot}"]


def test_the_menu_button_opens_the_mini_app_where_that_is_wanted(
    telegram: Telegram, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSOLE_URL", "https://pages.example")
    run("set-webhooks")
    assert calls(telegram, "setChatMenuButton") == [], "the button may be the owner's"
    monkeypatch.setenv("MINI_APP", "true")
    settings.cache_clear()
    for _ in range(2):
        assert run("set-webhooks")[0] == 0
    (parameters,) = calls(telegram, "setChatMenuButton")
    assert parameters["menu_button"] == {
        "type": "web_app",
        "text": texts.table("ru")["mini_app_button"],
        "web_app": {"url": "https://pages.example/app/assistant"},
    }
    monkeypatch.setenv("CONSOLE_URL", "")
    settings.cache_clear()
    status, _, errors = run("set-webhooks")
    assert status == 1
    assert "MINI_APP needs CONSOLE_URL" in errors


def test_the_default_language_is_a_setting(
    telegram: Telegram, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEFAULT_LANGUAGE", "en")
    run("set-webhooks")
    menus = telegram.bot("assistant").commands
    assert menus[""] == menus["en"] != menus["ru"]


def test_the_second_time_changes_nothing_but_the_webhook(telegram: Telegram, run: Run) -> None:
    run("set-webhooks")
    menus = len(calls(telegram, "setMyCommands"))
    descriptions = len(calls(telegram, "setMyShortDescription"))
    assert run("set-webhooks")[0] == 0
    assert len(calls(telegram, "setMyCommands")) == menus
    assert len(calls(telegram, "setMyShortDescription")) == descriptions
    assert len(calls(telegram, "setWebhook")) == 2


def test_waiting_updates_survive(telegram: Telegram, run: Run) -> None:
    telegram.user("Anna").chat("assistant").send("/start")
    telegram.hold()
    run("set-webhooks")
    assert telegram.pending("assistant") == 1


def test_a_rate_limit_is_waited_for(telegram: Telegram, run: Run, pauses: list[float]) -> None:
    telegram.fail("setWebhook", status=429, retry_after=3, times=2)
    assert run("set-webhooks")[0] == 0
    assert pauses == [3, 3]


def test_a_transient_failure_is_retried(telegram: Telegram, run: Run, pauses: list[float]) -> None:
    telegram.fail("setMyCommands", status=502)
    assert run("set-webhooks")[0] == 0
    assert pauses == [1]


def test_a_long_rate_limit_ends_the_command(telegram: Telegram, run: Run, pauses: list[float]) -> None:
    telegram.fail("setMyShortDescription", status=429, retry_after=3600)
    status, _, errors = run("set-webhooks")
    assert status == 1
    assert "setMyShortDescription: 429" in errors
    assert pauses == []


def test_a_permanent_failure_ends_the_command(telegram: Telegram, run: Run, pauses: list[float]) -> None:
    telegram.fail("setWebhook", status=500, times=100)
    status, _, errors = run("set-webhooks")
    assert status == 1
    assert errors.startswith("setWebhook: 500")
    assert len(calls(telegram, "setWebhook")) == 6
    assert len(pauses) == 5


def test_an_error_is_one_line_without_the_token(
    telegram: Telegram, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "123456789:" + "A" * 35
    monkeypatch.setenv("BOT_TOKENS", f'{{"assistant": "{token}"}}')
    status, output, errors = run("set-webhooks")
    assert (status, output) == (1, "")
    assert errors == "setWebhook: 401 Unauthorized\n"


def test_a_url_without_https_causes_a_warning(
    telegram: Telegram, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLIC_URL", "http://127.0.0.1:1")
    status, _, errors = run("set-webhooks")
    assert status == 0, "the emulator takes it"
    assert "not https" in errors


@pytest.mark.parametrize("variable", ["PUBLIC_URL", "BOT_TOKENS", "TELEGRAM_WEBHOOK_SECRET"])
def test_missing_settings_are_named(run: Run, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "")
    status, _, errors = run("set-webhooks")
    assert status == 1
    assert errors.startswith(f"{variable} is missing")


def test_missing_settings_are_read_from_dotenv(
    telegram: Telegram, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_WEBHOOK_SECRET", "")
    Path(command.DOTENV).write_text(
        "TELEGRAM_WEBHOOK_SECRET=the-secret-of-the-file\nPUBLIC_URL=https://not.this\n"
    )
    assert run("set-webhooks")[0] == 0
    (parameters,) = calls(telegram, "setWebhook")
    assert parameters["secret_token"] == "the-secret-of-the-file"
    assert parameters["url"].startswith("https://bots.example/")


def test_one_bot_can_be_named(telegram: Telegram, run: Run) -> None:
    assert run("set-webhooks", "--bot", "assistant")[0] == 0
    status, _, errors = run("set-webhooks", "--bot", "unknown")
    assert status == 1
    assert "There is no bot 'unknown'; there are: assistant" in errors


def test_a_bot_without_token_and_a_token_without_bot_are_reported(
    telegram: Telegram, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = f'{{"assistant": "{telegram.bot("assistant").token}", "gone": "1:{"a" * 35}"}}'
    monkeypatch.setenv("BOT_TOKENS", tokens)
    monkeypatch.setattr(bots, "names", lambda: ("assistant", "new"))
    status, _, errors = run("set-webhooks")
    assert status == 0
    assert errors.splitlines() == [
        "gone: left out, no package in shared/bots",
        "new: left out, no token in BOT_TOKENS",
    ]


def test_no_bot_at_all_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKENS", f'{{"gone": "1:{"a" * 35}"}}')
    assert run("set-webhooks")[0] == 1


@pytest.mark.parametrize("text", ["", "x" * 257])
def test_a_description_telegram_would_refuse_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(texts, "text", lambda code, key: text)
    with pytest.raises(ConfigError, match="command_menu must have 1 to 256"):
        list(menus.menus(bots.load("assistant"), ["en"]))


def test_a_command_without_a_text_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = bots.load("assistant")
    monkeypatch.setattr(bot, "features", (*bot.features, Feature("x", commands=(Command("unheard_of"),))))
    monkeypatch.setattr(bot, "_menu", ("unheard_of",))
    assert run("set-webhooks")[::2] == (1, "no folder `texts` of shared has command_unheard_of in ru.py\n")


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_command_has_a_description_telegram_takes(language: str) -> None:
    for name in bots.names():
        (shown, _) = menus.menus(bots.load(name), [language])
        menu = [one["command"] for one in shown["commands"]]
        assert menu == list(bots.load(name).menu_commands())
        assert set(menu) <= set(bots.load(name).commands())


def test_the_menu_has_six_to_eight_commands_and_no_shop_while_nothing_is_sold(
    telegram: Telegram, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = bots.load("assistant")
    for shown in (bot.menu_commands(), bot.menu_commands(hidden={"buy"}), bot.menu_commands(for_admin=True)):
        assert 6 <= len(shown) <= 8
    monkeypatch.setenv("DATABASE_URL", "postgresql://backend@127.0.0.1:1/switchboard")
    for currencies, is_shown in ((["USD"], False), (["XTR"], True), ([], False)):
        offered = {
            "currencies": currencies, "referrals": True, "trial_days": 3,
            "channel_trainings": 1,
            "courses": False,
            "image_providers": [],
            "video_providers": [],
        }  # fmt: skip
        monkeypatch.setattr("shared.core.db.call", lambda _name, offered=offered: offered)
        assert run("set-webhooks")[0] == 0
        shown = [item["command"] for item in telegram.bot("assistant").commands["en"]]
        assert ("buy" in shown) is is_shown


def test_given_arguments_need_no_settings(telegram: Telegram, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("BOT_TOKENS", "PUBLIC_URL", "TELEGRAM_WEBHOOK_SECRET", "TELEGRAM_API_URL"):
        monkeypatch.setenv(variable, "")
    done = set_webhooks(
        ["assistant"],
        public_url="http://127.0.0.1:1",
        secret="given",
        default_language="en",
        admins=(),
        has_inline_mode=False,
        call=telegram.request,
    )
    assert done == ("assistant",)
    hook = telegram.bot("assistant").webhook
    assert (hook.url, hook.secret) == ("http://127.0.0.1:1/telegram/assistant", "given")
