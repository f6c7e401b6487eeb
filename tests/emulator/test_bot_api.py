"""The Bot API at wire level: its answers, its limits, its words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from tests.emulator.wire import Client, refusal
from tools.emulator.telegram import Chat, Telegram
from tools.emulator.web import HttpServer

Json = dict[str, Any]


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    telegram = Telegram()
    yield telegram
    telegram.stop()


@pytest.fixture
def chat(telegram: Telegram) -> Chat:
    chat = telegram.person("Anna", language_code="ru").chat("assistant")
    chat.send("/start")
    return chat


@pytest.fixture
def bot(telegram: Telegram, chat: Chat) -> Iterator[Client]:
    server = HttpServer(telegram.handle)
    server.start()
    client = Client(server.url, telegram.bot("assistant").token, chat.id)
    yield client
    client.pool.clear()
    server.stop()


def test_get_me_knows_the_bot(bot: Client) -> None:
    me = bot.call("getMe")["result"]
    assert (me["is_bot"], me["id"], me["username"]) == (
        True,
        int(bot.token.split(":")[0]),
        "switchboard_assistant_bot",
    )


def test_a_wrong_token_is_unauthorized(bot: Client) -> None:
    answer = bot.raw("/bot123:wrong/getMe")
    assert (answer.status, answer.json()) == (
        401,
        {"ok": False, "error_code": 401, "description": "Unauthorized"},
    )


@pytest.mark.parametrize(("path", "description"), [
    ("/bot{token}/noSuchMethod", "Not Found: method not found"),
    ("/botnonsense/getMe", "Not Found"),
])  # fmt: skip
def test_unknown_methods_and_paths_are_not_found(bot: Client, path: str, description: str) -> None:
    answer = bot.raw(path.format(token=bot.token))
    assert (answer.status, refusal(answer.json())) == (404, (404, description))


@pytest.mark.parametrize("how", ["json", "form", "multipart", "query"])
def test_parameters_come_in_four_ways(bot: Client, chat: Chat, how: str) -> None:
    markup = {"inline_keyboard": [[{"text": "Да", "callback_data": "yes"}]]}
    fields = {"chat_id": str(bot.chat_id), "text": "привет", "reply_markup": json.dumps(markup)}
    path = f"/bot{bot.token}/sendMessage"
    if how == "json":
        bot.raw(path, json=fields | {"chat_id": bot.chat_id, "reply_markup": markup})
    elif how == "query":
        bot.raw(f"{path}?{urlencode(fields)}")
    else:
        bot.raw(path, fields=fields, encode_multipart=how == "multipart")

    answer = chat.answer(timeout=1)
    assert answer.text == "привет"
    assert [[(one.text, one.data) for one in row] for row in answer.buttons] == [[("Да", "yes")]]


def test_a_connection_is_kept_alive(bot: Client) -> None:
    for _ in range(3):
        bot.call("getMe")
    pool = bot.pool.connection_from_url(bot.url)
    assert (pool.num_connections, pool.num_requests) == (1, 3)


@pytest.mark.parametrize(("parameters", "description"), [
    ({"text": ""}, "message text is empty"),
    ({"text": " \n "}, "message text is empty"),
    ({"text": "x" * 4097}, "message is too long"),
    ({"text": "😀" * 2049}, "message is too long"),
    ({"chat_id": 1}, "chat not found"),
    ({"chat_id": None}, "chat_id is empty"),
    ({"parse_mode": "Markdown2"}, "unsupported parse_mode"),
    ({"text": "Hi!", "parse_mode": "MarkdownV2"},
     "can't parse entities: Character '!' is reserved and must be escaped with the preceding '\\'"),
    ({"text": "*bold", "parse_mode": "MarkdownV2"},
     "can't parse entities: Can't find end of Bold entity at byte offset 0"),
    ({"text": "й _x", "parse_mode": "MarkdownV2"},
     "can't parse entities: Can't find end of Italic entity at byte offset 3"),
    ({"text": "<b>x", "parse_mode": "HTML"},
     "can't parse entities: Can't find end tag corresponding to start tag \"b\""),
    ({"text": "a <div>", "parse_mode": "HTML"},
     "can't parse entities: Unsupported start tag \"div\" at byte offset 2"),
    ({"text": "<b>x</i>", "parse_mode": "HTML"},
     "can't parse entities: Unmatched end tag at byte offset 4, expected \"</b>\", found \"</i>\""),
    ({"text": "hi", "entities": [{"type": "bold", "offset": 0, "length": 3}]},
     "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 3"),
    ({"text": "😀x", "entities": [{"type": "bold", "offset": 1, "length": 1}]},
     "entity begins or ends in a middle of a UTF-16 symbol at offset 1"),
    ({"reply_parameters": {"message_id": 99}}, "message to be replied not found"),
    ({"reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "я" * 33}]]}},
     "BUTTON_DATA_INVALID"),
    ({"reply_markup": {"inline_keyboard": [[{"text": "a"}]]}},
     "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
    ({"reply_markup": "{"}, "can't parse reply keyboard markup JSON object"),
])  # fmt: skip
def test_bad_messages_are_refused_in_telegrams_words(bot: Client, parameters: Json, description: str) -> None:
    answer = bot.call("sendMessage", **{"chat_id": bot.chat_id, "text": "hi"} | parameters)
    assert refusal(answer) == (400, f"Bad Request: {description}")


@pytest.mark.parametrize("text", ["x" * 4096, "😀" * 2048])
def test_a_message_may_have_4096_units(bot: Client, text: str) -> None:
    assert bot.send(text)["result"]["text"] == text


@pytest.mark.parametrize(("mode", "source", "text", "entities"), [
    ("HTML", "<b>Hi</b> &amp; <a href=\"https://a.b/?x=1&amp;y\">go</a>", "Hi & go",
     [("bold", 0, 2), ("text_link", 5, 2)]),
    ("HTML", "😀<i>a<b>b</b></i>", "😀ab", [("italic", 2, 2), ("bold", 3, 1)]),
    ("HTML", '<pre><code class="language-python">x = 1</code></pre>', "x = 1", [("pre", 0, 5)]),
    ("MarkdownV2", "*a _b_*\\! `c\\`` ||d||", "a b! c` d",
     [("bold", 0, 3), ("italic", 2, 1), ("code", 5, 2), ("spoiler", 8, 1)]),
    ("MarkdownV2", "__u__ ~s~ [t](http://e.x/\\))", "u s t",
     [("underline", 0, 1), ("strikethrough", 2, 1), ("text_link", 4, 1)]),
    ("MarkdownV2", "```python\nx\\=1```", "x=1", [("pre", 0, 3)]),
    ("MarkdownV2", ">q\n>r\nplain", "q\nr\nplain", [("blockquote", 0, 3)]),
    (None, "see /help or @switchboard_x", "see /help or @switchboard_x",
     [("bot_command", 4, 5), ("mention", 13, 14)]),
])  # fmt: skip
def test_formatting_becomes_entities(
    bot: Client, mode: str | None, source: str, text: str, entities: list[tuple[str, int, int]]
) -> None:
    result = bot.send(source, **({"parse_mode": mode} if mode else {}))["result"]
    assert result["text"] == text
    assert [(one["type"], one["offset"], one["length"]) for one in result["entities"]] == entities


def test_white_space_is_trimmed_and_entities_move_along(bot: Client) -> None:
    result = bot.send("  hi  ", entities=[{"type": "bold", "offset": 2, "length": 2}])["result"]
    assert (result["text"], result["entities"]) == ("hi", [{"type": "bold", "offset": 0, "length": 2}])


def test_a_reply_shows_what_it_answers(bot: Client, chat: Chat) -> None:
    sent = chat.send("question")
    bot.send("answer", reply_parameters={"message_id": sent.message_id})
    assert chat.answer(1).reply_to == sent.message_id
    assert bot.send("x", reply_parameters={"message_id": 99, "allow_sending_without_reply": True})["ok"]


def test_editing_changes_the_message_and_refuses_no_change(bot: Client, chat: Chat) -> None:
    message_id = bot.send("first")["result"]["message_id"]
    shown = chat.answer(1)
    target = {"chat_id": bot.chat_id, "message_id": message_id}
    edited = bot.call("editMessageText", **target, text="second")["result"]
    assert (shown.text, "edit_date" in edited) == ("second", True)

    code, description = refusal(bot.call("editMessageText", **target, text="second"))
    assert (code, description[:40]) == (400, "Bad Request: message is not modified: sp")
    assert refusal(bot.call("editMessageText", **target | {"message_id": 77}, text="x"))[1].endswith(
        "message to edit not found"
    )


def test_only_own_messages_can_be_edited(bot: Client, chat: Chat) -> None:
    sent = chat.send("mine")
    answer = bot.call("editMessageText", chat_id=bot.chat_id, message_id=sent.message_id, text="yours")
    assert refusal(answer) == (400, "Bad Request: message can't be edited")


def test_buttons_can_be_taken_away(bot: Client, chat: Chat) -> None:
    markup = {"inline_keyboard": [[{"text": "a", "callback_data": "a"}]]}
    message_id = bot.send("menu", reply_markup=markup)["result"]["message_id"]
    target = {"chat_id": bot.chat_id, "message_id": message_id}
    assert not bot.call("editMessageReplyMarkup", **target, reply_markup=markup)["ok"]
    assert bot.call("editMessageReplyMarkup", **target)["ok"]
    assert chat.answer(1).buttons == []


def test_deleted_messages_are_gone(bot: Client, chat: Chat) -> None:
    first, second = (bot.send(text)["result"]["message_id"] for text in ("a", "b"))
    assert bot.call("deleteMessage", chat_id=bot.chat_id, message_id=first)["result"] is True
    assert refusal(bot.call("deleteMessage", chat_id=bot.chat_id, message_id=first))[0] == 400
    assert bot.call("deleteMessages", chat_id=bot.chat_id, message_ids=[first, second])["ok"]
    assert chat.answers() == []


def test_a_tap_is_answered_once_it_is_known_and_young(bot: Client, chat: Chat, telegram: Telegram) -> None:
    bot.send("menu", reply_markup={"inline_keyboard": [[{"text": "a", "callback_data": "a"}]]})
    tap = chat.answer(1).tap("a")
    too_long = bot.call("answerCallbackQuery", callback_query_id=tap.query_id, text="x" * 201)
    assert refusal(too_long)[0] == 400
    assert bot.call("answerCallbackQuery", callback_query_id=tap.query_id, text="done", show_alert=True)["ok"]
    assert tap.answer(1) == {"text": "done", "alert": True}

    telegram.clock.advance(151)
    for query_id in (tap.query_id, "1"):
        code, description = refusal(bot.call("answerCallbackQuery", callback_query_id=query_id))
        assert (code, description[:29]) == (400, "Bad Request: query is too old")


def test_photos_and_documents_come_by_upload_by_id_and_by_url(bot: Client, chat: Chat) -> None:
    path = f"/bot{bot.token}/sendDocument"
    fields = {
        "chat_id": str(bot.chat_id),
        "caption": "*c*",
        "parse_mode": "MarkdownV2",
        "document": ("a.txt", b"text"),
    }
    document = bot.raw(path, fields=fields).json()["result"]
    assert (document["document"]["file_name"], document["caption"]) == ("a.txt", "c")

    again = bot.call("sendDocument", chat_id=bot.chat_id, document=document["document"]["file_id"])["result"]
    assert again["document"]["file_unique_id"] == document["document"]["file_unique_id"]
    assert bot.call("sendPhoto", chat_id=bot.chat_id, photo="https://example.org/cat.jpg")["result"]["photo"]
    assert refusal(bot.call("sendPhoto", chat_id=bot.chat_id, photo="unknown"))[0] == 400

    album = bot.raw(f"/bot{bot.token}/sendMediaGroup", fields={
        "chat_id": str(bot.chat_id), "one": ("1.png", b"1"), "two": ("2.png", b"2"),
        "media": json.dumps([{"type": "photo", "media": "attach://one"}, {"type": "photo", "media": "attach://two"}]),
    }).json()["result"]  # fmt: skip
    assert len({item["media_group_id"] for item in album}) == 1
    assert len(album) == 2
    assert len(chat.answers()) == 5


def test_a_persons_file_can_be_downloaded_with_the_token_only(bot: Client, chat: Chat) -> None:
    sent = chat.document("notes.txt", b"secret notes")
    file = bot.call("getFile", file_id=sent.stored.data["document"]["file_id"])["result"]
    got = bot.pool.request("GET", f"{bot.url}/file/bot{bot.token}/{file['file_path']}")
    assert (got.status, got.data) == (200, b"secret notes")
    assert bot.pool.request("GET", f"{bot.url}/file/bot1:x/{file['file_path']}").status == 401


def test_a_webhook_is_described(bot: Client, telegram: Telegram) -> None:
    telegram.hold()
    url = "https://example.org/hook"
    assert bot.call("setWebhook", url=url, max_connections=7, allowed_updates=["message", "nonsense"])["ok"]
    info = bot.call("getWebhookInfo")["result"]
    assert (info["url"], info["max_connections"], info["allowed_updates"]) == (url, 7, ["message"])
    assert info["pending_update_count"] == 1
    assert refusal(bot.call("setWebhook", url="http://example.org"))[0] == 400
    assert refusal(bot.call("setWebhook", url=url, secret_token="a b"))[0] == 400
    assert bot.call("deleteWebhook", drop_pending_updates=True)["ok"]
    assert bot.call("getWebhookInfo")["result"]["pending_update_count"] == 0


def test_commands_and_texts_are_kept_for_each_language(bot: Client) -> None:
    for language in ("", "ru"):
        commands = [{"command": "start", "description": f"begin {language}"}]
        assert bot.call("setMyCommands", commands=commands, language_code=language)["ok"]
    assert bot.call("getMyCommands", language_code="ru")["result"][0]["description"] == "begin ru"
    assert bot.call("getMyCommands", scope={"type": "all_private_chats"})["result"] == []
    assert refusal(bot.call("setMyCommands", commands=[{"command": "No!", "description": "x"}]))[0] == 400
    bot.call("deleteMyCommands", language_code="ru")
    assert bot.call("getMyCommands", language_code="ru")["result"] == []

    bot.call("setMyDescription", description="All", language_code="")
    assert bot.call("getMyDescription", language_code="ru")["result"] == {"description": "All"}


def test_who_blocked_the_bot_cannot_be_reached(bot: Client, chat: Chat) -> None:
    chat.block()
    assert refusal(bot.send()) == (403, "Forbidden: bot was blocked by the user")
    chat.unblock()
    assert bot.send()["ok"]


def test_nobody_is_written_to_first(bot: Client, telegram: Telegram) -> None:
    stranger = telegram.person("Boris")
    stranger.chat("assistant")
    assert (
        refusal(bot.call("sendMessage", chat_id=stranger.id, text="hi"))[1] == "Bad Request: chat not found"
    )


def test_a_failure_on_request_looks_like_telegrams(bot: Client, telegram: Telegram, chat: Chat) -> None:
    telegram.fail("sendMessage", status=429, retry_after=3)
    answer = bot.raw(f"/bot{bot.token}/sendMessage", json={"chat_id": bot.chat_id, "text": "x"})
    assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
    assert answer.json() == {
        "ok": False, "error_code": 429, "description": "Too Many Requests: retry after 3",
        "parameters": {"retry_after": 3},
    }  # fmt: skip
    assert bot.send()["ok"]
    assert len(chat.answers()) == 1


def test_a_call_may_be_done_and_its_answer_lost(bot: Client, telegram: Telegram, chat: Chat) -> None:
    telegram.fail("sendMessage", timeout=True, executed=True)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        bot.pool.request(
            "POST", f"{bot.url}/bot{bot.token}/sendMessage?chat_id={bot.chat_id}&text=x", timeout=0.2
        )
    assert len(chat.answers()) == 1


def test_calls_are_remembered(bot: Client, telegram: Telegram) -> None:
    bot.send("one")
    bot.call("sendMessage", chat_id=bot.chat_id, text="")
    calls = [(call["method"], call["parameters"]["text"], call["via"], call["ok"]) for call in telegram.calls]
    assert calls == [("sendMessage", "one", "call", True), ("sendMessage", "", "call", False)]
