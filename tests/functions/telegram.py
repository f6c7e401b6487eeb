"""The telegram function with more bots and handlers than it is deployed with: for what must fail in tests."""

from __future__ import annotations

import functools
import time
from typing import Any

from shared import bots
from shared.core import db
from shared.core.errors import TelegramError
from shared.telegram import Bot, current_context, reply

# Tests that take the database away wait for its return again and again (the real time: ground/test_db.py).
db.CIRCUIT_SECONDS = 1.0

_load = bots.load
_names = bots.names

second = Bot("second", answers_text_with_ai=True)


@second.message_handler(commands=["mode"])
def set_mode(message: Any) -> None:
    current_context().set_mode(message.text.partition(" ")[2])
    reply("set")


@second.message_handler(commands=["data"])
def set_data(message: Any) -> None:
    key, _, value = message.text.partition(" ")[2].partition("=")
    time.sleep(0.3)  # so that a button of the same person comes in between
    current_context().set_data(key, value or None)
    reply("set")


@second.message_handler(commands=["show"])
def show(_message: Any) -> None:
    context = current_context()
    reply(f"{context.mode} {sorted(context.data.items())} {context.usage.requests}", [[("tap", "tap:1")]])


@second.callback_query_handler(func=lambda call: call.data.startswith("tap:"))
def tap(call: Any) -> None:
    time.sleep(0.3)
    current_context().set_data("tapped", call.data.removeprefix("tap:"))
    current_context().answer_callback("tapped")


@second.message_handler(commands=["boom"])
def boom(_message: Any) -> None:
    current_context().set_data("boom", "never")
    raise RuntimeError("the handler broke")


@second.message_handler(commands=["boom_nul"])
def boom_nul(_message: Any) -> None:
    raise RuntimeError("a\0b")


@second.message_handler(commands=["boom_once"])
def boom_once(_message: Any) -> None:
    context = current_context()
    if context.attempt == 1:
        raise RuntimeError("the handler broke once")
    reply("mended")


@second.message_handler(commands=["outside"])
def outside(_message: Any) -> None:
    if current_context().attempt < 5:
        raise TelegramError("sendMessage", 502, "Bad Gateway")
    reply("back")


@second.message_handler(commands=["send"])
def send(message: Any) -> None:
    sent = second.send_message(message.chat.id, "Привет " * 500)
    reply(f"sent {sent.message_id}")


@second.message_handler(commands=["three"])
def three(_message: Any) -> None:
    for number in ("one", "two", "three"):
        reply(number)


@second.message_handler(commands=["certain"])
def certain(_message: Any) -> None:
    reply("certainly", certain=True)


@second.message_handler(func=lambda message: message.caption == "download", content_types=["photo"])
def download(message: Any) -> None:
    file = second.get_file(message.photo[-1].file_id)
    try:
        second.download_file(file.file_path + "x")
    except TelegramError as error:
        refused = error.status
    reply(f"{len(second.download_file(file.file_path))} bytes, then {refused}")


@second.pre_checkout_query_handler(func=lambda _query: True)
def pre_checkout(query: Any) -> None:
    answer = {"pre_checkout_query_id": query.id, "ok": False, "error_message": "not today"}
    current_context().call("answerPreCheckoutQuery", answer)


# telebot gives a message about a refund no content type at all.
@second.payment_handler
def keep_money(update: Any) -> None:
    kind = next(kind for kind in ("successful_payment", "refunded_payment") if kind in update.message)
    second.send_message(update.chat_id, kind)


@second.my_chat_member_handler()
def standing(change: Any) -> None:
    current_context().set_active(change.new_chat_member.status != "kicked")


@second.message_handler(func=lambda message: message.text == "unsettled", content_types=["text"])
def unsettled(_message: Any) -> None:
    reply("not worth a request")


@second.message_handler(content_types=["text"])
def echo(message: Any) -> None:
    context = current_context()
    context.settle()
    context.remember("user", message.text)
    reply(f"{len(context.history)} before this")


@functools.cache
def load(name: str) -> Bot:
    return second if name == "second" else _load(name)


bots.load = load  # type: ignore[assignment]
bots.names = lambda: (*_names(), "second")  # type: ignore[assignment]

from functions.telegram.main import telegram  # noqa: E402

__all__ = ["telegram"]
