"""Names chosen by users are shown without invisible and control characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import message_update, new_telegram_id, started_user
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser

Sql = Callable[..., list[dict[str, Any]]]
NAME = "\u202eevil.example\u200b"
SHOWN = "evil.\u2060example"


def _start(stack: Stack, number: int, payload: str = "", **user: Any) -> str:
    update = message_update(stack.telegram.user("x"), f"/start {payload}".strip())
    update["message"]["from"] = {"id": number, "is_bot": False, "language_code": "en", **user}
    update["message"]["chat"] = {"id": number, "type": "private"}
    return str(stack.telegram.deliver(update).json()["text"])


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ({"first_name": NAME}, f"Hi, {SHOWN}!"),
        ({"first_name": "\u3164", "username": "anna_k"}, "Hi, anna_k!"),
        ({"first_name": "\u200b"}, "Hi, {id}!"),
    ],
)
def test_the_welcome_shows_a_clean_name(stack: Stack, user: dict[str, Any], shown: str) -> None:
    number = new_telegram_id()
    assert shown.format(id=number) in _start(stack, number, **user)


def test_an_admin_sees_a_clean_name(stack: Stack, appoint: Callable[..., TelegramUser]) -> None:
    olga, number = appoint("en"), new_telegram_id()
    _start(stack, number, first_name=NAME, last_name="\u202eb", username="anna_k")
    chat = olga.chat("assistant")
    chat.send(f"/user {number}")
    assert f"{SHOWN} b (@anna_k)" in chat.answer().text


@pytest.mark.parametrize(("name", "shown"), [(NAME, SHOWN), ("\u200b", "👤")])
def test_the_notice_of_a_referral_shows_a_clean_name(stack: Stack, sql: Sql, name: str, shown: str) -> None:
    anna = started_user(stack.telegram)
    code = sql("select referral_code as code from users where telegram_id = %s", anna.id)[0]["code"]
    guest = started_user(stack.telegram, name="Guest")
    sql("delete from users where telegram_id = %s", guest.id)
    _start(stack, guest.id, f"ref_{code}", first_name=name)
    update = message_update(guest, "hello")
    update["message"]["from"]["first_name"] = name
    stack.telegram.deliver(update)
    notice = anna.chat("assistant").answer(10).text
    assert shown in notice
    assert "\u202e" not in notice
