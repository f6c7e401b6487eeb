"""Handlers that fail, wait and store state, for tests of the pipeline."""

from __future__ import annotations

import time
from typing import Any

from shared.core.errors import TelegramError
from shared.telegram import current_context, reply
from shared.telegram.router import Router

router = Router()


@router.message_handler(commands=["mode"])
def set_mode(message: Any) -> None:
    current_context().set_mode(message.text.partition(" ")[2])
    reply("set")


@router.message_handler(commands=["data"])
def set_data(message: Any) -> None:
    key, _, value = message.text.partition(" ")[2].partition("=")
    time.sleep(0.3)  # lets a button of the same user arrive meanwhile
    current_context().set_data(key, value or None)
    reply("set")


@router.message_handler(commands=["show"])
def show(_message: Any) -> None:
    context = current_context()
    reply(f"{context.mode} {sorted(context.data.items())} {context.usage.requests}", [[("tap", "tap:1")]])


@router.callback_query_handler(data="tap:.*")
def tap(call: Any) -> None:
    time.sleep(0.3)
    current_context().set_data("tapped", call.data.removeprefix("tap:"))
    current_context().answer_callback("tapped")


@router.message_handler(commands=["boom"])
def boom(_message: Any) -> None:
    current_context().set_data("boom", "never")
    raise RuntimeError("the handler broke")


@router.message_handler(commands=["boom_nul"])
def boom_nul(_message: Any) -> None:
    raise RuntimeError("a\0b")


@router.message_handler(commands=["boom_once"])
def boom_once(_message: Any) -> None:
    context = current_context()
    if context.attempt == 1:
        raise RuntimeError("the handler broke once")
    reply("mended")


@router.message_handler(commands=["outside"])
def outside(_message: Any) -> None:
    if current_context().attempt < 5:
        raise TelegramError("sendMessage", 502, "Bad Gateway")
    reply("back")


@router.message_handler(commands=["send"])
def send(message: Any) -> None:
    sent = current_context().bot.send_message(message.chat.id, "Привет " * 500)
    reply(f"sent {sent.message_id}")


@router.message_handler(commands=["three"])
def three(_message: Any) -> None:
    for number in ("one", "two", "three"):
        reply(number)


@router.message_handler(commands=["certain"])
def certain(_message: Any) -> None:
    reply("certainly", needs_delivery_result=True)


@router.message_handler(func=lambda message: message.caption == "download", content_types=["photo"])
def download(message: Any) -> None:
    bot = current_context().bot
    file = bot.get_file(message.photo[-1].file_id)
    try:
        bot.download_file(file.file_path + "x")
    except TelegramError as error:
        refused = error.status
    reply(f"{len(bot.download_file(file.file_path))} bytes, then {refused}")


@router.update_handler("pre_checkout_query")
def pre_checkout(query: Any) -> None:
    answer = {"pre_checkout_query_id": query.id, "ok": False, "error_message": "not today"}
    current_context().call("answerPreCheckoutQuery", answer)


# telebot gives a refund message no content type.
@router.payment_handler
def keep_money(update: Any) -> None:
    kind = next(kind for kind in ("successful_payment", "refunded_payment") if kind in update.message)
    current_context().bot.send_message(update.chat_id, kind)


@router.update_handler("my_chat_member")
def standing(change: Any) -> None:
    current_context().set_active(change.new_chat_member.status != "kicked")


@router.message_handler(func=lambda message: message.text == "unsettled")
def unsettled(_message: Any) -> None:
    reply("not worth a request")


@router.message_handler()
def echo(message: Any) -> None:
    context = current_context()
    context.settle()
    context.remember("user", message.text)
    reply(f"{len(context.history)} before this")
