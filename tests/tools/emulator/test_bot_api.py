"""The Bot API at wire level: its answers, its limits, its words."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from tests.tools.emulator.wire import Client, refusal
from tools.emulator.telegram import Chat, Telegram
from tools.emulator.telegram.attachments import Attachment
from tools.emulator.telegram.files import picture
from tools.emulator.web import HttpServer

Json = dict[str, Any]


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    telegram = Telegram()
    yield telegram
    telegram.stop()


@pytest.fixture
def chat(telegram: Telegram) -> Chat:
    chat = telegram.user("Anna", language_code="ru").chat("assistant")
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


@pytest.mark.parametrize(("body", "description"), [
    (b"[1]", "JSON object expected"), (b"chat_id=1", "JSON object expected"),
    (b'{"chat_id": 1', "can't parse JSON object"),
])  # fmt: skip
def test_a_body_that_is_no_json_object_is_refused(bot: Client, body: bytes, description: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = bot.raw(f"/bot{bot.token}/sendMessage", body=body, headers=headers).json()
    assert refusal(answer) == (400, f"Bad Request: {description}")
    assert bot.raw(f"/bot{bot.token}/getMe", body=b"", headers=headers).json()["ok"]


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
        "chat_id": str(bot.chat_id), "one": ("1.png", picture()), "two": ("2.png", picture()),
        "media": json.dumps([{"type": "photo", "media": "attach://one"}, {"type": "photo", "media": "attach://two"}]),
    }).json()["result"]  # fmt: skip
    assert len({item["media_group_id"] for item in album}) == 1
    assert len(album) == 2
    assert len(chat.answers()) == 5


@pytest.mark.parametrize(("content", "status", "description"), [
    (b"no picture", 400, "Bad Request: IMAGE_PROCESS_FAILED"),
    (b"", 400, "Bad Request: file must be non-empty"),
    (picture() + b"0" * 10485760, 400,
     f"Bad Request: file of size {len(picture()) + 10485760} bytes is too big for a photo; "
     "the maximum size is 10485760 bytes"),
    (b"0" * (50 * 1024 * 1024 + 1), 413, "Request Entity Too Large"),
], ids=["text", "empty", "10 MB", "50 MB"])  # fmt: skip
def test_a_photo_that_is_none_is_refused(bot: Client, content: bytes, status: int, description: str) -> None:
    fields = {"chat_id": str(bot.chat_id), "photo": ("a.png", content)}
    answer = bot.raw(f"/bot{bot.token}/sendPhoto", fields=fields).json()
    assert refusal(answer) == (status, description)


@pytest.mark.parametrize(("width", "height", "is_taken"), [
    (9000, 1000, True), (9001, 1000, False), (400, 20, True), (401, 20, False),
])  # fmt: skip
def test_the_sides_of_a_photo_have_limits(
    bot: Client, monkeypatch: pytest.MonkeyPatch, width: int, height: int, is_taken: bool
) -> None:
    monkeypatch.setattr("tools.emulator.telegram.methods.media.image_size", lambda content: (width, height))
    fields = {"chat_id": str(bot.chat_id), "photo": ("a.png", picture())}
    answer = bot.raw(f"/bot{bot.token}/sendPhoto", fields=fields).json()
    assert answer["ok"] is is_taken
    assert is_taken or answer["description"] == "Bad Request: PHOTO_INVALID_DIMENSIONS"


PHOTO = {"type": "photo", "media": "https://x.test/a.png"}


@pytest.mark.parametrize(("media", "description"), [
    (None, 'parameter "media" is required'),
    ({}, "expected an Array of InputMedia"),
    ([], "there are no messages to send"),
    (["x"], "can't parse InputMedia: expected an Object"),
    ([{"media": "x"}], 'can\'t parse InputMedia: Can\'t find field "type"'),
    ([{"type": "photo"}], "can't parse InputMedia: media not found"),
    ([{"type": "animation", "media": "https://x.test/a.mp4"}],
     'can\'t parse InputMedia: type "animation" can\'t be used in sendMediaGroup'),
    ([{"type": "sticker", "media": "https://x.test/a"}],
     'can\'t parse InputMedia: type "sticker" is unsupported'),
    ([PHOTO] * 11, "too many messages to send as an album"),
    ([PHOTO, {"type": "document", "media": "https://x.test/a"}],
     "document can't be mixed with other media types"),
    ([PHOTO, {"type": "audio", "media": "https://x.test/a"}], "audio can't be mixed with other media types"),
    ([PHOTO | {"caption": "x" * 1025}], "message caption is too long"),
])  # fmt: skip
def test_an_album_that_is_none_is_refused_whole(
    bot: Client, chat: Chat, media: Any, description: str
) -> None:
    answer = bot.call("sendMediaGroup", chat_id=bot.chat_id, media=media)
    assert refusal(answer) == (400, f"Bad Request: {description}")
    assert chat.answers() == []


def test_the_photo_that_spoils_an_album_is_named(bot: Client) -> None:
    media = [{"type": "photo", "media": f"attach://{name}"} for name in ("one", "two")]
    files = {"one": ("1.png", picture()), "two": ("2.png", b"2")}
    fields = {"chat_id": str(bot.chat_id), "media": json.dumps(media), **files}
    answer = bot.raw(f"/bot{bot.token}/sendMediaGroup", fields=fields).json()
    words = 'Bad Request: failed to send message #2 with the error message "IMAGE_PROCESS_FAILED"'
    assert refusal(answer) == (400, words)


def test_an_album_of_one_is_an_ordinary_message(bot: Client) -> None:
    (message,) = bot.call("sendMediaGroup", chat_id=bot.chat_id, media=[PHOTO])["result"]
    assert "media_group_id" not in message


def test_a_file_keeps_its_type(bot: Client, chat: Chat) -> None:
    document = chat.document().stored.data["document"]["file_id"]
    answer = bot.call("sendPhoto", chat_id=bot.chat_id, photo=document)
    assert refusal(answer) == (400, "Bad Request: can't use file of type Document as Photo")
    media = {"type": "photo", "media": document}
    own = bot.call("sendPhoto", chat_id=bot.chat_id, photo="https://x.test/a.png")["result"]["message_id"]
    answer = bot.call("editMessageMedia", chat_id=bot.chat_id, message_id=own, media=media)
    assert refusal(answer) == (400, "Bad Request: can't use file of type Document as Photo")
    media = {"type": "document", "media": document, "caption": "c"}
    changed = bot.call("editMessageMedia", chat_id=bot.chat_id, message_id=own, media=media)["result"]
    assert ("photo" in changed, changed["document"]["file_id"], changed["caption"]) == (False, document, "c")


@pytest.mark.parametrize(("wanted", "description"), [
    (None, "message identifiers are not specified"),
    ([], "message identifiers are not specified"),
    ({"a": 1}, "expected an Array of message identifiers"),
    (list(range(1, 102)), "too many message identifiers specified"),
    ([None], "message identifier must be a Number"),
    (["x"], "can't parse message identifier as Number"),
    ([0], "invalid message identifier specified"),
])  # fmt: skip
def test_wrong_numbers_of_messages_are_refused(bot: Client, wanted: Any, description: str) -> None:
    for method in ("deleteMessages", "copyMessages", "forwardMessages"):
        answer = bot.call(method, chat_id=bot.chat_id, from_chat_id=bot.chat_id, message_ids=wanted)
        assert refusal(answer) == (400, f"Bad Request: {description}")


def test_several_messages_are_copied_and_forwarded(bot: Client, chat: Chat) -> None:
    bot.call("sendPhoto", chat_id=bot.chat_id, photo="https://x.test/a.png", caption="c")
    there = {"chat_id": bot.chat_id, "from_chat_id": bot.chat_id, "message_ids": [1, 2, 99]}
    copies = bot.call("copyMessages", remove_caption=True, **there)["result"]
    assert [one["message_id"] for one in copies] == [3, 4]
    forwards = bot.call("forwardMessages", **there)["result"]
    assert [one["message_id"] for one in forwards] == [5, 6]
    copied, forwarded = chat.answers()[2].data, chat.answers()[3].data
    assert "caption" not in copied and "forward_origin" not in copied
    assert forwarded["forward_origin"]["sender_user"]["id"] == chat.user.id


def test_places_contacts_and_pins(bot: Client, chat: Chat) -> None:
    place = {"latitude": 55.75, "longitude": "37.6"}
    sent = bot.call("sendLocation", chat_id=bot.chat_id, horizontal_accuracy=5, **place)["result"]
    assert sent["location"] == {"latitude": 55.75, "longitude": 37.6, "horizontal_accuracy": 5.0}
    assert (
        refusal(bot.call("sendLocation", chat_id=bot.chat_id, longitude=1))[1]
        == "Bad Request: latitude is empty"
    )
    venue = bot.call("sendVenue", chat_id=bot.chat_id, title="Café", address="Street 1", **place)["result"]
    assert (venue["venue"]["title"], venue["location"]["latitude"]) == ("Café", 55.75)
    contact = bot.call("sendContact", chat_id=bot.chat_id, phone_number="+1", first_name="A")["result"]
    assert contact["contact"] == {"phone_number": "+1", "first_name": "A"}
    number = sent["message_id"]
    assert bot.call("pinChatMessage", chat_id=bot.chat_id, message_id=number)["ok"]
    assert chat.room.messages[max(chat.room.messages)].data["pinned_message"]["message_id"] == number
    assert bot.call("unpinChatMessage", chat_id=bot.chat_id)["ok"]
    for method, missing in (("sendContact", "phone_number"), ("sendVenue", "title")):
        answer = bot.call(method, chat_id=bot.chat_id, latitude=1, longitude=1)
        assert refusal(answer) == (400, f'Bad Request: parameter "{missing}" is required')
    answer = bot.call("sendLocation", chat_id=bot.chat_id, latitude=91, longitude=1)
    assert refusal(answer) == (400, "Bad Request: invalid location specified")
    answer = bot.call("unpinChatMessage", chat_id=bot.chat_id, message_id=number)
    assert refusal(answer) == (400, "Bad Request: message to unpin not found")


def test_options_become_fields_of_the_message(bot: Client) -> None:
    sent = bot.send(protect_content=True, message_effect_id="e1", link_preview_options={"is_disabled": True})
    message = sent["result"]
    assert (message["has_protected_content"], message["effect_id"]) == (True, "e1")
    assert message["link_preview_options"] == {"is_disabled": True}


def test_updates_are_fetched_until_they_are_confirmed(bot: Client, telegram: Telegram, chat: Chat) -> None:
    chat.send("two")
    first, second = bot.call("getUpdates")["result"]
    assert (first["message"]["text"], second["message"]["text"]) == ("/start", "two")
    assert [one["update_id"] for one in bot.call("getUpdates", limit=1)["result"]] == [first["update_id"]]
    rest = bot.call("getUpdates", offset=second["update_id"])["result"]
    assert [one["update_id"] for one in rest] == [second["update_id"]]
    chat.send("three")
    newest = bot.call("getUpdates", offset=-1)["result"]
    assert [one["message"]["text"] for one in newest] == ["three"]
    assert bot.call("getUpdates", offset=newest[0]["update_id"] + 1)["result"] == []
    assert telegram.pending("assistant") == 0
    assert bot.call("getWebhookInfo")["result"]["pending_update_count"] == 0


def test_a_poll_waits_for_the_first_update(bot: Client, chat: Chat) -> None:
    offset = bot.call("getUpdates")["result"][-1]["update_id"] + 1
    timer = threading.Timer(0.1, chat.send, ("late",))
    timer.start()
    (update,) = bot.call("getUpdates", offset=offset, timeout=4)["result"]
    assert update["message"]["text"] == "late"
    timer.join()


def test_polls_end_each_other_and_a_webhook_forbids_them(bot: Client, telegram: Telegram) -> None:
    offset = bot.call("getUpdates")["result"][-1]["update_id"] + 1
    ended: list[Json] = []
    first = threading.Thread(
        target=lambda: ended.append(
            Client(bot.url, bot.token, 0).call("getUpdates", offset=offset, timeout=4)
        )
    )
    first.start()
    telegram.state.wait(lambda: telegram.bot("assistant").polls == 2, 4)
    bot.call("getUpdates")
    first.join(4)
    words = (
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    )
    assert refusal(ended[0]) == (409, words)
    bot.call("setWebhook", url="http://127.0.0.1:9")
    assert refusal(bot.call("getUpdates"))[0] == 409


def test_a_users_file_can_be_downloaded_with_the_token_only(bot: Client, chat: Chat) -> None:
    sent = chat.document("notes.txt", b"secret notes")
    file = bot.call("getFile", file_id=sent.stored.data["document"]["file_id"])["result"]
    got = bot.pool.request("GET", f"{bot.url}/file/bot{bot.token}/{file['file_path']}")
    assert (got.status, got.data) == (200, b"secret notes")
    assert bot.pool.request("GET", f"{bot.url}/file/bot1:x/{file['file_path']}").status == 401


def test_a_link_to_a_file_is_valid_for_an_hour(bot: Client, chat: Chat, telegram: Telegram) -> None:
    sent = chat.document("notes.txt", b"notes")
    path = chat.services.state.files.by_id(sent.stored.data["document"]["file_id"]).path
    link = f"{bot.url}/file/bot{bot.token}/{path}"
    assert bot.pool.request("GET", link).status == 404, "getFile has not been called"
    bot.call("getFile", file_id=sent.stored.data["document"]["file_id"])
    assert bot.pool.request("GET", link).status == 200
    chat.services.state.clock.advance(3_601)
    assert bot.pool.request("GET", link).status == 404


def test_a_file_of_more_than_20_megabytes_cannot_be_downloaded(bot: Client, chat: Chat) -> None:
    size = 20 * 1024 * 1024
    whole, larger = (
        chat.document("film.bin", b"0" * count).stored.data["document"] for count in (size, size + 1)
    )
    path = bot.call("getFile", file_id=whole["file_id"])["result"]["file_path"]
    assert len(bot.pool.request("GET", f"{bot.url}/file/bot{bot.token}/{path}").data) == size
    assert refusal(bot.call("getFile", file_id=larger["file_id"])) == (400, "Bad Request: file is too big")


def test_a_bot_uploads_at_most_50_megabytes(bot: Client) -> None:
    size, fields = 50 * 1024 * 1024, {"chat_id": str(bot.chat_id)}
    for count, is_taken in ((size, True), (size + 1, False)):
        upload = fields | {"document": ("film.bin", b"0" * count)}
        answer = bot.raw(f"/bot{bot.token}/sendDocument", fields=upload).json()
        assert answer["ok"] is is_taken
    assert refusal(answer) == (413, "Request Entity Too Large")


@pytest.mark.parametrize("sender", ["user", "bot"])
def test_a_photo_has_sizes_and_a_picture_file_a_thumbnail(bot: Client, chat: Chat, sender: str) -> None:
    content = picture(size=1000)
    if sender == "user":
        photo = chat.photo(content=content).stored.data["photo"]
        file = chat.attach("document", Attachment(content, "a.png", "image/png")).stored.data["document"]
    else:
        path, fields = f"/bot{bot.token}", {"chat_id": str(bot.chat_id)}
        sent = bot.raw(f"{path}/sendPhoto", fields=fields | {"photo": ("a.png", content)})
        photo = sent.json()["result"]["photo"]
        sent = bot.raw(f"{path}/sendDocument", fields=fields | {"document": ("a.png", content)})
        file = sent.json()["result"]["document"]
    assert [(one["width"], one["height"]) for one in photo] == [(side, side) for side in (90, 320, 800, 1000)]
    assert len({one["file_id"] for one in photo}) == 4
    assert photo[-1]["file_size"] == len(content)
    again = bot.call("sendPhoto", chat_id=bot.chat_id, photo=photo[0]["file_id"])["result"]["photo"]
    assert again == photo
    assert (file["thumbnail"]["width"], file["thumbnail"]["height"]) == (320, 320)
    small = bot.call("getFile", file_id=file["thumbnail"]["file_id"])["result"]
    assert small["file_size"] < len(content)


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


def test_a_user_who_blocked_the_bot_cannot_be_reached(bot: Client, chat: Chat) -> None:
    chat.block()
    assert refusal(bot.send()) == (403, "Forbidden: bot was blocked by the user")
    chat.unblock()
    assert bot.send()["ok"]


def test_a_bot_cannot_write_first(bot: Client, telegram: Telegram) -> None:
    stranger = telegram.user("Boris")
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
