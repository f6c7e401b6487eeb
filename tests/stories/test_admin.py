"""What admins do in their chat, in both languages; other users have no admin commands."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import says
from tools.emulator.stack import Stack
from tools.emulator.telegram.test_objects import Answer
from tools.emulator.telegram.users import Chat, TelegramUser

Sql = Callable[..., list[dict[str, Any]]]
Appoint = Callable[..., TelegramUser]
ADMIN_COMMANDS = (
    "stats", "user", "grant", "givetrainings", "addbalance", "reset", "plan", "ban", "unban", "promocode",
    "audit", "xp", "badge",
)  # fmt: skip
_numbers = itertools.count(1)


def ask(chat: Chat, text: str) -> Answer:
    """Send a message and return the bot's answer."""
    chat.send(text).wait(timeout=20)
    return chat.answer()


def started_user(stack: Stack, name: str = "Анна") -> TelegramUser:
    """Return a user with a @name who has started the assistant."""
    user = stack.telegram.user(name, "ru", f"known_{next(_numbers)}")
    ask(user.chat("assistant"), "/start")
    return user


def labels(answer: Answer) -> list[list[str]]:
    return [[button.text for button in row] for row in answer.buttons]


def tap(answer: Answer, label: str) -> str:
    """Tap a button, wait until the message changed and return what was shown over the chat."""
    tapped = answer.tap(label)
    answer.wait_for_edit()
    return str(tapped.answer()["text"])


def column(sql: Sql, user: TelegramUser, name: str) -> Any:
    return sql(f"select {name} as value from users where telegram_id = %s", user.id)[0]["value"]


# For other users -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ADMIN_COMMANDS)
def test_admin_commands_are_unknown_to_other_users(stack: Stack, appoint: Appoint, command: str) -> None:
    appoint()
    anna = started_user(stack)
    chat = anna.chat("assistant")
    known, unknown = ask(chat, f"/{command} {anna.id}"), ask(chat, f"/nosuch {anna.id}")
    assert (known.text, known.entities, known.buttons) == (unknown.text, unknown.entities, unknown.buttons)
    calls = [call for call in stack.telegram.calls if call["parameters"].get("chat_id") == anna.id][-2:]
    assert calls[0]["via"] == calls[1]["via"] == "response"
    assert calls[0]["parameters"] == calls[1]["parameters"]


def test_help_menu_and_buttons_hide_admin_features_from_other_users(
    stack: Stack, appoint: Appoint, sql: Sql
) -> None:
    boss, anna = appoint(), started_user(stack)
    help_ = ask(anna.chat("assistant"), "/help")
    assert not re.search(r"/(user|grant|reset|plan|ban|unban|promocode|audit|stats)\b", help_.text)
    menus = stack.telegram.bot("assistant").commands
    shown = {item["command"] for code in ("", "ru", "en") for item in menus[code]}
    assert not shown & set(ADMIN_COMMANDS)
    for data in ("admin:grant:%s:100", "admin:plan:%s:PREMIUM", "admin:ban_yes:%s", "admin:audit:%s:0"):
        tapped = anna.chat("assistant").tap(help_.stored, data % anna.id)
        old = anna.chat("assistant").tap(help_.stored, "nosuch")
        assert tapped.answer() == old.answer()
    assert column(sql, anna, "bonus_credits") == 0
    assert column(sql, anna, "vip_level") == 0
    assert not sql(
        "select 1 as x from audit_log where user_id = (select id from users where telegram_id = %s)", boss.id
    )


def test_admin_commands_are_unknown_in_groups(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint(), started_user(stack)
    group = stack.telegram.group("Team", [boss, anna], ["assistant"])
    username = stack.telegram.bot("assistant").username
    group.by(boss).send(f"/grant@{username} {anna.id} 10").wait(timeout=20)
    assert says(group.by(boss).answer().text, "unknown_command")
    group.by(boss).send(f"/help@{username}").wait(timeout=20)
    assert "/grant" not in group.by(boss).answer().text
    assert column(sql, anna, "bonus_credits") == 0


def test_a_removed_admin_loses_all_rights(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint(), started_user(stack)
    card = ask(boss.chat("assistant"), f"/user {anna.id}")
    sql("delete from admins")
    assert says(card.tap("🎁 Give").answer(20)["text"], "button_old")
    assert says(ask(boss.chat("assistant"), f"/grant {anna.id} 5").text, "unknown_command")
    assert column(sql, anna, "bonus_credits") == 0


# Their own help and usage ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "title"), [("ru", "Для администраторов"), ("en", "For admins")])
def test_the_help_of_an_admin_has_a_section_for_admins(
    stack: Stack, appoint: Appoint, language: str, title: str
) -> None:
    help_ = ask(appoint(language).chat("assistant"), "/help")
    common, _, own = help_.text.partition(title)
    assert "/profile" in common
    assert own_commands(own) >= set(ADMIN_COMMANDS)
    units = help_.text.encode("utf-16-le")
    bold = next(e for e in help_.entities if e["type"] == "bold" and e["offset"] > len(common) - 3)
    assert units[bold["offset"] * 2 : (bold["offset"] + bold["length"]) * 2].decode("utf-16-le") == title


def own_commands(text: str) -> set[str]:
    return set(re.findall(r"/(\w+) —", text))


@pytest.mark.parametrize(("language", "not_found"), [("ru", "Не удалось найти"), ("en", "can’t find")])
def test_invalid_input_gets_an_example_and_an_unknown_user_is_reported(
    stack: Stack, appoint: Appoint, language: str, not_found: str
) -> None:
    chat = appoint(language).chat("assistant")
    for text, example in (
        ("/user", "/user @name"),
        ("/user %%%", "/user @name"),
        ("/user x", "/user @name"),
        ("/addbalance @name", "/addbalance @name 100"),
        ("/addbalance @name 1.234", "/addbalance @name 100"),
        ("/grant", "/grant @name 50"),
        ("/grant @name", "/grant @name 50"),
        ("/grant @name many", "/grant @name 50"),
        ("/grant @name 0", "/grant @name 50"),
        ("/grant @name ٣", "/grant @name 50"),
        ("/reset", "/reset @name"),
        ("/plan @name", "/plan @name PREMIUM 30"),
        ("/plan @name PREMIUM soon", "/plan @name PREMIUM 30"),
        ("/plan @name PREMIUM 30 40", "/plan @name PREMIUM 30"),
        ("/plan @name PREMIUM 0", "/plan @name PREMIUM 30"),
        ("/ban", "/ban @name"),
        ("/unban", "/unban @name"),
        ("/audit one two", "/audit @name"),
    ):
        assert example in ask(chat, text).text, text
    for text in (
        "/user @missing_user",
        "/user two words",
        "/addbalance 1 5",
        "/grant 1 5",
        "/reset 1",
        "/plan 1 PREMIUM",
        "/ban 1",
        "/unban 1",
        "/audit @missing_user",
    ):
        assert not_found in ask(chat, text).text, text


def test_a_part_of_a_name_lists_matching_users(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint("en").chat("assistant"), started_user(stack, "Zinaida")
    for command in ("/grant {} 5", "/ban {}", "/plan {} PREMIUM 3", "/payments {}", "/audit {}"):
        assert f"ID: {anna.id}" in ask(boss, command.format("Zinaid")).text, command
    assert column(sql, anna, "bonus_credits") == 0, "nothing was done to a guess"


@pytest.mark.parametrize(
    "form", ["@\u200b{}", "«@{}»", "@{}.", "\u00a0@{}\ufeff", "https://t.me/{}", "`{}`", "\n@{},"]
)
def test_a_user_is_found_by_a_pasted_name(stack: Stack, appoint: Appoint, sql: Sql, form: str) -> None:
    boss, anna = appoint("en").chat("assistant"), started_user(stack)
    name = form.format(column(sql, anna, "username"))
    assert f"@{column(sql, anna, 'username')}" in ask(boss, f"/user {name}").text
    ask(boss, f"/grant {name} 5\u200b a «reason».")
    assert column(sql, anna, "bonus_credits") == 5
    (entry,) = sql("select after::text as details from audit_log order by id desc limit 1")
    assert "a «reason»." in entry["details"], "words that are kept stay as they were written"
