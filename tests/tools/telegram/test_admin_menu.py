"""set-webhooks: only admins see admin commands, in their own chats."""

from __future__ import annotations

from typing import Any

import pytest

from shared import bots
from shared.core import texts
from shared.telegram import menus
from shared.telegram.feature import Command, Feature
from tests.tools.telegram.conftest import Run
from tools.emulator.telegram import Telegram


def menus_of(telegram: Telegram, chat_id: int) -> dict[str, list[str]]:
    """The commands of one chat's own menus, by language."""
    prefix = f"chat:{chat_id}:"
    return {
        key.removeprefix(prefix): [item["command"] for item in items]
        for key, items in telegram.bot("assistant").commands.items()
        if key.startswith(prefix)
    }


def started(telegram: Telegram) -> int:
    """Return the id of a user who has written to the bot."""
    user = telegram.user("Olga")
    user.chat("assistant").send("/start")
    return user.id


def test_the_chat_of_an_admin_has_common_and_admin_commands(
    telegram: Telegram, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss, other, guest = (started(telegram) for _ in range(3))
    monkeypatch.setenv("ADMIN_TELEGRAM_IDS", f"{boss},{other}")
    assert run("set-webhooks")[0] == 0
    bot = bots.load("assistant")
    for admin in (boss, other):
        menus = menus_of(telegram, admin)
        assert set(menus) == {"", *texts.languages()}
        assert menus["en"] == [
            "menu", "clear", "stats", "user", "payment", "products", "promocode", "help",
        ]  # fmt: skip
    assert {"grant", "ban", "audit"} <= set(bot.admin_commands())
    assert menus_of(telegram, guest) == {}
    common = {
        item["command"] for code in ("", "ru", "en") for item in telegram.bot("assistant").commands[code]
    }
    assert not common & set(bot.admin_commands())


def test_an_admin_without_a_chat_is_skipped(
    telegram: Telegram, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = started(telegram)
    monkeypatch.setenv("ADMIN_TELEGRAM_IDS", f"999999999,{boss}")
    status, _, errors = run("set-webhooks")
    assert (status, errors) == (0, "")
    assert menus_of(telegram, boss)
    assert menus_of(telegram, 999999999) == {}


def test_other_errors_are_not_skipped(telegram: Telegram, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_TELEGRAM_IDS", str(started(telegram)))
    bot = bots.load("assistant")
    monkeypatch.setattr(bot, "_admin_menu", ("НЕТ",))
    monkeypatch.setattr(
        bot, "features", (*bot.features, Feature("x", commands=(Command("НЕТ", admin=True),)))
    )
    monkeypatch.setattr(menus, "description", lambda *_: "x")
    status, _, errors = run("set-webhooks")
    assert (status, errors) == (1, "setMyCommands: 400 Bad Request: BOT_COMMAND_INVALID\n")


def test_the_second_time_changes_nothing(
    telegram: Telegram, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADMIN_TELEGRAM_IDS", str(started(telegram)))

    def changes() -> list[Any]:
        return [call for call in telegram.calls if call["method"] == "setMyCommands"]

    run("set-webhooks")
    before = len(changes())
    run("set-webhooks")
    assert len(changes()) == before


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_admin_command_has_a_description_telegram_takes(language: str) -> None:
    bot = bots.load("assistant")
    (known, _) = menus.menus(bot, [language], admin=5)
    assert known["scope"] == {"type": "chat", "chat_id": 5}
    assert [one["command"] for one in known["commands"]] == list(bot.menu_commands(for_admin=True))
    for name in bot.admin_commands():
        assert 1 <= len(texts.text(language, f"command_{name}")) <= 256
