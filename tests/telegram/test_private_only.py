"""private_only: personal data is shown only in the private chat, by command, button and link."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from shared import bots
from shared.core import texts
from shared.telegram.feature import ANY
from tests.support import eventually, message_update, new_telegram_id, started_user
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
GROUP = {"id": -1001234500077, "type": "supergroup", "title": "Team"}
PUBLIC_COMMANDS = {
    "start", "help", "language", "mode", "privacy", "terms", "paysupport", "whoami", "clear", "cancel",
    "top", "voice", "image", "video", "prompt",
}  # fmt: skip
PUBLIC_BUTTONS = {"show_help", "show_menu", "show_language", "choose_language", "show_mode", "choose_mode",
                  "old_button", "show_top", "send_picture", "confirm", "decline", "show_options",
                  "choose_option", "act", "edit", "ask_now", "ask_late", "cancel_wait", "show_prompt",
                  "ask_for_prompt", "delete_prompt", "show_price", "regenerate", "go_on",
                  "decide", "end_all", "joined"}  # fmt: skip
BUTTONS = {
    "profile": "profile", "usage": "usage", "referral:qr": "referral", "keys": "keys", "keys:cancel": "keys",
    "keys:add": "keys", "keys:add:openai": "keys", "keys:remove:openai": "keys", "keys:forget:openai": "keys",
    "keys:use:openai": "keys", "keys:plan": "keys", "buy": "buy", "buy:premium_month": "buy",
    "pay:premium_month:telegram_stars:XTR": "buy", "pay!:premium_month:stripe:USD:again": "buy",
    "buy@1": "buy", "shop:plan.PREMIUM": "buy", "once:premium_month": "buy", "auto:premium_month": "buy",
    "card:premium_month:again@1": "buy", "currency:USD": "buy",
    "gifts": "gifts", "gifts@1": "gifts", "gift:1": "gifts", "gift:give:premium_month": "gifts",
    "bal:credits_100": "buy", "bal!:credits_100:149:u7": "buy",
    "promo": "promo", "promo:cancel": "promo",
    "trial": "trial", "trial:start": "trial", "trainings:joined": "trainings",
    "mydata:0": "mydata", "deleteme:yes": "deleteme",
    "deleteme:no": "deleteme", "deleteme:lose:5": "deleteme", "subscription": "subscription",
    "human": "support", "robot": "support", "rate:1:5": "support", "unsubscribe:on": "unsubscribe",
    "other:1": "buy", "payments": "payments", "order:1": "payments",
    "order!:1": "payments", "contact": "profile", "contact:change": "profile",
    "contact:remove": "profile", "contact:cancel": "profile",
    "renewal:1": "subscription", "renewal!:1": "subscription",
    "badges": "badges", "streak": "streak", "xp:picture": "profile", "board": "profile",
    "chats": "chats", "chats:new": "chats", "chats:open:1": "chats", "chats:name:1": "chats",
    "chats:delete:1": "chats", "chats:deleted:1": "chats", "model": "model", "model:=": "model",
    "model:claude_haiku": "model", "memory": "memory", "memory:off": "memory", "memory:open:1": "memory",
    "memory:change:1": "memory", "memory:delete:1": "memory", "memory:clear": "memory",
    "memory:cleared": "memory", "chatfile": "chats", "chatfile:add": "chats", "chatfile:delete:1": "chats",
    "chatshare": "chats", "chatshare:list": "chats", "chatshare:open:1": "chats", "chatshare:stop:1": "chats",
    "chatexport:md": "export", "chatexport:html": "export",
    "images:1": "images", "images:show:1": "images", "videos:1": "videos", "videos:show:1": "videos",
    "remind": "remind", "remind:in:hour": "remind", "remind:delete:1": "remind", "remind:hour:1": "remind",
    "remind:ask:1": "remind",
    "courses": "courses", "course:open:1": "courses", "course:lessons:1": "courses",
    "lesson:done:1:1": "courses", "lesson:ask:1:1": "courses", "lessonquiz:start:1:1": "courses",
}  # fmt: skip


def commands() -> list[str]:
    return list(bots.load("assistant").commands())


def tapped(user: int, data: str) -> dict[str, Any]:
    number = new_telegram_id()
    return {"update_id": number, "callback_query": {
        "id": str(number), "chat_instance": "1", "data": data,
        "from": {"id": user, "is_bot": False, "first_name": "Anna", "language_code": "en"},
        "message": {"message_id": 7, "date": int(time.time()), "chat": GROUP, "text": "menu",
                    "from": {"id": 1, "is_bot": True, "first_name": "b"}}}}  # fmt: skip


def link(stack: Stack, page: str) -> str:
    return f"https://t.me/{stack.telegram.bot('assistant').username}?start=open_{page}"


def button(body: dict[str, Any]) -> str:
    return str(body["reply_markup"]["inline_keyboard"][0][0]["url"])


def test_every_handler_says_whether_it_is_private() -> None:
    bot = bots.load("assistant")
    private = {name for name in bot.commands() if name not in PUBLIC_COMMANDS}
    handlers = [one for one in bot.handlers() if not one.admin]
    for handler in handlers:
        for name in set(handler.commands) - {ANY}:
            assert handler.private_page == (name if name in private else ""), name
    for handler in handlers:
        if handler.kind == "callback_query":
            name, page = handler.function.__name__, handler.private_page
            assert page in private if page else name in PUBLIC_BUTTONS, name
    assert private == set(BUTTONS.values()) | {"menu", "new", "continue"}


@pytest.mark.parametrize("kind", ["group", "supergroup", "weird"])
def test_a_private_command_answers_with_a_link_to_its_page(stack: Stack, kind: str) -> None:
    anna = started_user(stack.telegram)
    username = stack.telegram.bot("assistant").username
    for name in set(commands()) - PUBLIC_COMMANDS:
        update = message_update(anna, f"/{name}@{username}", chat={**GROUP, "type": kind})
        body = json.loads(stack.telegram.deliver(update).body)
        assert body["chat_id"] == GROUP["id"]
        assert body["text"] == texts.text("en", "private_only")
        assert button(body) == link(stack, name)


@pytest.mark.parametrize("data", BUTTONS)
def test_a_private_button_answers_like_its_command(stack: Stack, data: str) -> None:
    mallory = started_user(stack.telegram, name="Mallory")
    body = json.loads(stack.telegram.deliver(tapped(mallory.id, data)).body)
    assert body["method"] == "sendMessage"  # the menu in the group is unchanged
    assert body["text"] == texts.text("en", "private_only")
    assert button(body) == link(stack, BUTTONS[data])


@pytest.mark.parametrize("data", ["menu", "language:en"])
def test_the_menu_of_a_group_shows_neither_plan_nor_balance(stack: Stack, sql: Sql, data: str) -> None:
    anna = started_user(stack.telegram)
    sql("update users set balance = 500, bonus_credits = 7 where telegram_id = %s", anna.id)
    menu = stack.telegram.deliver(message_update(anna, "/menu"))
    assert "Balance: 500" in json.loads(menu.body)["text"]
    shown = json.loads(stack.telegram.deliver(tapped(anna.id, data)).body)
    assert shown["method"] == "editMessageText"
    assert shown["text"] == texts.text("en", "menu")


@pytest.mark.parametrize("page", sorted({*BUTTONS.values(), "payments"} - {"mydata", "usage"}))
def test_the_link_opens_the_page_in_the_private_chat(stack: Stack, page: str) -> None:
    anna = started_user(stack.telegram)
    by_link = json.loads(stack.telegram.deliver(message_update(anna, f"/start open_{page}")).body)
    by_command = json.loads(stack.telegram.deliver(message_update(anna, f"/{page}")).body)
    assert by_link == by_command


def test_the_link_to_a_picture_and_to_no_page(stack: Stack) -> None:
    anna = started_user(stack.telegram)
    chat = anna.chat("assistant")
    chat.send("/start open_usage").wait()
    assert eventually(lambda: [one for one in chat.answers() if one.data.get("photo")])
    body = json.loads(stack.telegram.deliver(message_update(anna, "/start open_nothing")).body)
    assert "Anna" in body["text"]
