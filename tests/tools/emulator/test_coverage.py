"""What docs/emulator.md says of the Bot API is true: methods, fields, refusals, routes, and the example."""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import telebot.apihelper
from PIL import Image

from tests.tools.emulator.receiving import Receiver
from tests.tools.emulator.wire import Client
from tools.emulator import reference
from tools.emulator.stack import Stack
from tools.emulator.telegram import Telegram, TelegramUser
from tools.emulator.telegram.attachments import KINDS as ATTACHMENTS
from tools.emulator.telegram.bot_api import BotApi
from tools.emulator.telegram.call import METHODS, READ, Call, Method, method
from tools.emulator.telegram.coverage import (
    MESSAGE_FIELDS,
    NOT_EMULATED,
    UPDATES,
    coverage,
    ignored_fields,
    specification,
)
from tools.emulator.telegram.errors import ApiError
from tools.emulator.telegram.faults import KINDS, fault_of_kind
from tools.emulator.telegram.model import UPDATE_KINDS, Topic
from tools.emulator.telegram.parameters import Upload
from tools.emulator.telegram.refusals import refusals
from tools.emulator.web import Response

Json = dict[str, Any]
TELEGRAM = Path(inspect.getfile(BotApi)).parent
# pyTelegramBotAPI 4.37.1 calls a method that the Bot API's page names removeMyProfilePhoto.
NOT_OFFICIAL = {"deleteMyProfilePhoto"}
MARKUP = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}
INLINE: Json = {"type": "article", "id": "1", "title": "t", "input_message_content": {"message_text": "m"}}


def test_the_generated_parts_are_current() -> None:
    text = reference.FILE.read_text(encoding="utf-8")
    assert reference.with_generated(text) == text, "run .venv/bin/python -m tools.emulator.reference"


def test_a_page_without_a_place_for_a_part_is_an_error() -> None:
    with pytest.raises(ValueError, match="no place for fake-servers"):
        reference.with_generated("")


def test_every_method_is_official_and_its_fields_are() -> None:
    spec = specification()["methods"]
    for known in METHODS.values():
        there = spec[known.name]
        # sendInvoice takes subscription_period only to refuse it.
        assert known.fields - {*there["fields"], *there["deprecated"]} <= {"subscription_period"}, known.name


def test_the_list_of_methods_has_what_the_library_calls() -> None:
    """Fails when the library is updated to a newer Bot API than bot_api.json: regenerate it."""
    source = inspect.getsource(telebot.apihelper)
    called = set(re.findall(r"method_url = r?[fF]?['\"]([A-Za-z]+)['\"]", source))
    assert len(called) > 150
    assert called - set(specification()["methods"]) == NOT_OFFICIAL


def test_the_kinds_of_updates_are_the_official_ones() -> None:
    assert set(specification()["updates"]) == UPDATE_KINDS
    assert UPDATES <= UPDATE_KINDS


def test_support_is_full_in_part_or_none() -> None:
    found = {one.name: one for one in coverage().methods}
    assert (found["getMyCommands"].support, found["getMyCommands"].missing) == ("full", ())
    assert found["sendMessage"].support == "part"
    assert "business_connection_id" in found["sendMessage"].missing
    assert (found["sendDice"].support, found["sendDice"].fields) == ("none", ())
    assert found["getUserProfilePhotos"].support == "part", "a note says what is simpler"
    assert re.match(r"\d+ of \d+ methods with every field, \d+ in part, \d+ not", coverage().summary)


def test_ignored_parameters_are_named() -> None:
    given = {"chat_id": 1, "text": "x", "business_connection_id": "b", "no_such_field": 1}
    assert ignored_fields("SENDMESSAGE", given) == ["business_connection_id"]
    assert ignored_fields("noSuchMethod", given) == []


# A call of each method, with every field it declares.


@pytest.fixture(scope="module")
def telegram() -> Iterator[Telegram]:
    telegram = Telegram()
    yield telegram
    telegram.stop()


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    return buffer.getvalue()


def values(telegram: Telegram) -> Json:
    """A value for each field of any method, for a private chat with a message and a topic."""
    chat = telegram.user("Anna").chat("assistant")
    chat.send("/start")
    telegram.request("assistant", "sendMessage", {"chat_id": chat.id, "text": "own"})
    telegram.bot("assistant").has_topics = True
    chat.room.topics[77] = Topic(77, "T")
    file = telegram.state.files.add("photos", picture(), "image/png")
    upload = {name: f"attach://{name}" for name in UPLOADS}
    price = [{"label": "x", "amount": 1}]
    own = chat.answers()[0].message_id
    return upload | {
        "chat_id": chat.id, "from_chat_id": chat.id, "user_id": chat.id, "message_id": own,
        "message_ids": [own],
        "message_thread_id": 77, "text": "new", "caption": "c", "parse_mode": "", "entities": [],
        "caption_entities": [], "reply_markup": MARKUP, "reply_parameters": {"message_id": own},
        "file_id": file.file_id, "media": [{"type": "photo", "media": "https://x.test/a.png"}] * 2,
        "latitude": 1, "longitude": 2, "title": "t", "address": "a", "phone_number": "+1", "first_name": "f",
        "currency": "XTR", "prices": price, "payload": "p", "description": "d", "action": "typing",
        "draft_id": 1, "reaction": [], "name": "n", "icon_color": 0x6FB9F0, "url": "http://127.0.0.1:9",
        "commands": [], "scope": {"type": "default"}, "menu_button": {"type": "default"}, "emoji": "👍",
        "question": "q", "options": ["a", "b"], "type": "quiz", "correct_option_ids": [0],
        "ok": False, "error_message": "no", "limit": 1, "telegram_payment_charge_id": "none",
    }  # fmt: skip


UPLOADS = ("photo", "document", "voice", "audio", "video", "animation", "video_note", "sticker")


def special(telegram: Telegram, chat_id: int) -> dict[str, Json]:
    """What single methods need in the place of `values`."""
    anna = telegram.state.users[chat_id]
    room = telegram.state.private_room(chat_id, "assistant")
    group = telegram.group("G", [TelegramUser(telegram.services, anna)], ["assistant"])
    photo = telegram.request(
        "assistant",
        "sendPhoto",
        {"chat_id": chat_id, "photo": "https://x.test/a.png", "reply_markup": MARKUP},
    )["message_id"]
    poll = telegram.request(
        "assistant", "sendPoll", {"chat_id": chat_id, "question": "q", "options": ["a", "b"]}
    )
    _, query = telegram.sender.tap(room, anna, room.messages[photo], "b")
    return {
        "answerCallbackQuery": {"callback_query_id": query},
        "editMessageCaption": {"message_id": photo},
        "editMessageMedia": {
            "message_id": photo,
            "media": {"type": "photo", "media": "https://x.test/b.png"},
        },
        "sendInvoice": {"subscription_period": 0},
        "createInvoiceLink": {"subscription_period": 0},
        "getChatAdministrators": {"chat_id": group.id},
        "getUpdates": {"timeout": 0},
        "stopPoll": {"message_id": poll["message_id"]},
        "setWebhook": {"allowed_updates": []},
    }


@pytest.mark.parametrize("known", METHODS.values(), ids=lambda known: known.name)
def test_a_method_reads_every_field_that_it_declares(telegram: Telegram, known: Method) -> None:
    """Call.raw fails for a field that is not declared; this is the other half."""
    given = values(telegram)
    given |= special(telegram, given["chat_id"]).get(known.name, {})
    parameters = {name: given.get(name, "") for name in known.fields}
    files = {name: Upload(f"{name}.png", "image/png", picture()) for name in UPLOADS}
    refused = ""
    READ.clear()
    try:
        with telegram.state.lock:
            known.run(Call(telegram, telegram.bot("assistant"), parameters, files, known))
    except ApiError as error:
        refused = error.description
    read = {name for called, name in READ if called == known.name}
    telegram.request("assistant", "deleteWebhook", {"drop_pending_updates": True})
    assert read == known.fields, refused


def dump_rows(telegram: Telegram) -> Iterator[Json]:
    """Bring about every kind of message, and return all of them."""
    anna = telegram.user("Anna")
    chat = anna.chat("assistant")
    first = chat.send("one two")
    for kind in ATTACHMENTS:
        chat.attach(kind, caption="/c" if kind == "photo" else None)
    chat.album([("photo", None), ("photo", None)])
    chat.location(), chat.contact(), chat.forward("f")
    chat.send_content({"text": "q"}, first, quote="two")
    chat.edit(first, "/three")
    topic = chat.topic("T").id

    def call(method: str, **parameters: Any) -> Any:
        return telegram.request("assistant", method, {"chat_id": chat.id, **parameters})

    for closes in (True, False):
        call("closeForumTopic" if closes else "reopenForumTopic", message_thread_id=topic)
    call("editForumTopic", message_thread_id=topic, name="U")
    call("sendMessage", text="x", protect_content=True, message_effect_id="e", reply_markup=MARKUP,
         link_preview_options={"is_disabled": True}, message_thread_id=topic)  # fmt: skip
    call("sendPhoto", photo="https://x.test/a", has_spoiler=True, show_caption_above_media=True)
    call("sendPoll", question="q", options=["a", "b"])
    call("sendVenue", latitude=1, longitude=1, title="t", address="a")
    call("pinChatMessage", message_id=first.message_id)
    price = [{"label": "x", "amount": 1}]
    call("sendInvoice", title="t", description="d", payload="p", currency="XTR", prices=price)
    purchase = telegram.stars.pay(next(iter(telegram.stars._invoices.values())), anna.account)
    telegram.stars.answer(purchase.query_id, "assistant", ok=True, error="")
    telegram.stars.refund("assistant", anna.id, purchase.charge_id)
    query = chat.ask_inline("q")
    telegram.request("assistant", "answerInlineQuery", {"inline_query_id": query.id, "results": [INLINE]})
    chat.choose(query, "1")
    group = telegram.group("G", [anna], ["assistant"], kind="group")
    rooms = [chat.room, group.room, group.upgrade().room]
    return (stored.data for room in rooms for stored in room.messages.values())


def test_the_fields_of_a_message_are_the_ones_that_occur() -> None:
    telegram = Telegram()
    try:
        seen = {name for data in dump_rows(telegram) for name in data}
    finally:
        telegram.stop()
    assert seen - set(specification()["message"]) == set(), "a field that the Bot API does not have"
    assert seen == MESSAGE_FIELDS


def test_a_field_that_is_not_declared_is_a_mistake_of_the_emulator(telegram: Telegram) -> None:
    try:

        @method("testOnly", "chat_id")
        def undeclared(call: Call) -> str:
            return call.text("text")

        with pytest.raises(AssertionError, match="testOnly does not declare text"):
            telegram.request("assistant", "testOnly", {})
    finally:
        del METHODS["testonly"]


def test_a_method_that_is_not_emulated_is_not_taken_for_a_misspelled_one(telegram: Telegram) -> None:
    with pytest.raises(ApiError) as refused:
        telegram.request("assistant", "SENDDICE", {})
    words = "Not Implemented: the emulator has no sendDice, see docs/emulator.md"
    assert (refused.value.status, refused.value.description) == (501, words)


@pytest.mark.parametrize(("thing", "names"), NOT_EMULATED.items())
def test_unsupported_methods_and_updates_are_refused_and_never_sent(
    telegram: Telegram, thing: str, names: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    for name in names[0]:
        with pytest.raises(ApiError, match=f"the emulator has no {name}") as refused:
            telegram.request("assistant", name, {"chat_id": 1, "live_period": 60})
        assert refused.value.status == 501
    for name in names[1]:
        assert (name in specification()["updates"]) + (name in specification()["message"]) > 0, name
        assert name not in UPDATES | MESSAGE_FIELDS, name


def test_fields_that_change_the_kind_of_message_are_refused(telegram: Telegram, chat: Any) -> None:
    chat.send("/start")
    place = {"chat_id": chat.id, "latitude": 1, "longitude": 2}
    for name, more, thing in (
        ("sendLocation", {"live_period": 60}, "live locations"),
        ("sendLocation", {"business_connection_id": "b"}, "business accounts"),
    ):
        with pytest.raises(ApiError, match=f"the emulator has no {thing}"):
            telegram.request("assistant", name, {**place, **more})
    assert telegram.request("assistant", "sendLocation", {**place, "business_connection_id": ""})["location"]
    assert len(chat.answers()) == 1


# Refusals: the literals in the code against the list with the sources.


def texts_of(node: ast.expr, module: Any) -> Iterator[str]:
    """Every text that an expression can be, with "…" for what varies."""
    if isinstance(node, ast.IfExp):
        yield from texts_of(node.body, module)
        yield from texts_of(node.orelse, module)
    elif isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(one.value if isinstance(one, ast.Constant) else "…" for one in node.values)  # type: ignore[misc]
    elif isinstance(node, ast.Name) and isinstance(getattr(module, node.id, None), str):
        yield getattr(module, node.id)


def refusals_in_the_code() -> set[str]:
    found: set[str] = set()
    for path in sorted(TELEGRAM.rglob("*.py")):
        name = ".".join(path.relative_to(TELEGRAM).with_suffix("").parts)
        module = importlib.import_module(f"tools.emulator.telegram.{name}".removesuffix(".__init__"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            prefix = {"bad_request": "Bad Request: ", "forbidden": "Forbidden: ", "ApiError": ""}.get(called)
            if called == "message" and len(node.args) == 2:
                found |= {f"Bad Request: {text}" for text in texts_of(node.args[1], module)}
            elif prefix is not None:
                argument = node.args[1] if called == "ApiError" else node.args[0]
                found |= {prefix + text for text in texts_of(argument, module)}
    found |= {fault_of_kind(kind).words() for kind, one in KINDS.items() if one.status}
    return found | {"Bad Request: CHARGE_NOT_FOUND", "Bad Request: CHARGE_ALREADY_REFUNDED"}


def as_pattern(words: str) -> re.Pattern[str]:
    return re.compile(".+".join(re.escape(part) for part in words.split("…")), re.DOTALL)


def test_every_refusal_has_a_source() -> None:
    patterns = [as_pattern(words) for _, words, _ in refusals()]
    built = {"Bad Request: …", "Forbidden: …", "Not Found: …", "No answer"}  # by the functions themselves
    unknown = [
        words
        for words in refusals_in_the_code() - built
        if not any(pattern.fullmatch(words) for pattern in patterns)
    ]
    assert unknown == []


def test_no_refusal_is_listed_that_the_emulator_never_gives() -> None:
    code = refusals_in_the_code()
    sources = "\n".join(path.read_text(encoding="utf-8") for path in TELEGRAM.rglob("*.py"))
    unused = [
        words
        for _, words, _ in refusals()
        if not any(as_pattern(words).fullmatch(one) for one in code)
        and not all(part in sources for part in words.partition(": ")[2].split("…"))
    ]
    assert unused == []


# The example of the page.


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The emulator without functions, and a bot that answers everything."""
    stack = Stack("postgresql://127.0.0.1:1/none", {}, telegram=Telegram(retry_scale=0.01))
    stack.start()
    yield stack
    stack.stop()


def example() -> str:
    text = reference.FILE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.+?)```", text, re.DOTALL)
    return str(code)


def test_the_example_of_the_page_runs(stack: Stack, tmp_path: Path) -> None:
    bot = Client(stack.url, stack.telegram.bot("assistant").token, 0)
    receiver = Receiver()
    receiver.server.start()

    def answer(update: Json) -> Response:
        """Try twice, as a bot that waits for a flood limit does."""
        if "message" in update:
            chat = update["message"]["chat"]["id"]
            bot.call("sendMessage", chat_id=chat, text="hello")["ok"] or bot.call(
                "sendMessage", chat_id=chat, text="hello"
            )
        return Response(200)

    receiver.answer = answer
    stack.telegram.request("assistant", "setWebhook", {"url": receiver.server.url})
    (tmp_path / "test_example.py").write_text(example())
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path],
            cwd=tmp_path,
            env={**os.environ, "EMULATOR_URL": stack.url, "PYTHONPATH": str(reference.ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "4 passed" in done.stdout, done.stdout
    finally:
        bot.pool.clear()
        receiver.server.stop()
