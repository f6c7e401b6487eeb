"""What users do in Telegram, over the emulator's HTTP API, and what the bot gets of it."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.tools.emulator.receiving import Receiver, reply
from tests.tools.emulator.wire import Client, HttpApi, refusal
from tools.emulator import storage
from tools.emulator.clock import Clock
from tools.emulator.environment import bot_tokens
from tools.emulator.stack import Stack
from tools.emulator.telegram import Group, Telegram, TelegramUser
from tools.emulator.telegram.state import TelegramState
from tools.emulator.telegram.text import split_text, units
from tools.emulator.web import Response

Json = dict[str, Any]
KINDS = ["message", "edited_message", "callback_query", "my_chat_member", "message_reaction"]


@pytest.fixture
def receiver(bare: Stack, receiver: Receiver) -> Iterator[Receiver]:
    """Gets the bot's updates, and says nothing unless a test makes it."""
    bare.telegram.request("assistant", "setWebhook", {"url": receiver.server.url, "allowed_updates": KINDS})
    yield receiver
    bare.telegram.request("assistant", "deleteWebhook", {"drop_pending_updates": True})


@pytest.fixture
def api(bare: Stack, receiver: Receiver) -> Iterator[HttpApi]:
    api = HttpApi(bare.url)
    yield api
    api.pool.clear()


@pytest.fixture
def anna(api: HttpApi) -> Json:
    return api.post("users", first_name="Anna", language_code="en")


@pytest.fixture
def chat(anna: Json) -> Json:
    return {"user": anna["id"], "bot": "assistant"}


def newest(bare: Stack, receiver: Receiver, kind: str = "") -> Json:
    """The newest update, or the newest of a kind, once all have come."""
    assert bare.telegram.idle(5)
    return [update for update in receiver.updates if kind in ("", *update)][-1]


def picture(width: int = 300, height: int = 150) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_an_own_photo_comes_in_two_sizes(bare: Stack, api: HttpApi, receiver: Receiver, chat: Json) -> None:
    file = {"name": "sea.png", "type": "image/png", "content": picture()}
    sent = api.post("send", kind="photo", text="the sea /help", file=file, **chat)["message"]
    message = newest(bare, receiver)["message"]
    assert [(one["width"], one["height"]) for one in message["photo"]] == [(90, 45), (300, 150)]
    assert message["caption_entities"] == [{"type": "bot_command", "offset": 8, "length": 5}]
    token = bare.telegram.bot("assistant").token
    path = Client(bare.url, token, 0).call("getFile", file_id=message["photo"][-1]["file_id"])
    got = api.pool.request("GET", f"{bare.url}/file/bot{token}/{path['result']['file_path']}")
    assert got.data == base64.b64decode(file["content"])
    assert api.pool.request("GET", bare.url + sent["photo"][-1]["url"]).data == got.data


@pytest.mark.parametrize("kind", [
    "photo", "document", "voice", "audio", "video", "video_note", "animation", "sticker", "location",
    "contact",
])  # fmt: skip
def test_every_kind_can_be_sent(bare: Stack, api: HttpApi, receiver: Receiver, chat: Json, kind: str) -> None:
    api.post("send", kind=kind, **chat)
    assert kind in newest(bare, receiver)["message"]


def test_an_album_is_one_group(bare: Stack, api: HttpApi, receiver: Receiver, chat: Json) -> None:
    files = [{"kind": "photo", "file": {"content": picture()}}, {"kind": "video"}]
    messages = api.post("send", kind="album", text="two", files=files, **chat)["messages"]
    assert bare.telegram.idle(5)
    updates = [update["message"] for update in receiver.updates]
    assert [one.get("caption") for one in updates] == ["two", None]
    assert len({one["media_group_id"] for one in updates}) == 1
    assert [one["message_id"] for one in messages] == [one["message_id"] for one in updates]


@pytest.mark.parametrize(("body", "sentence"), [
    ({"text": "  "}, "There is nothing to send: the text is empty."),
    ({"kind": "poll"},
     "The emulator cannot send a poll; it can send text, forward, album, location, contact, photo, document, "
     "voice, audio, video, video_note, animation, sticker."),
    ({"kind": "location", "live_period": 60}, "The emulator has no live locations."),
    ({"kind": "photo", "text": "x" * 1025}, "Telegram's captions have at most 1024 characters."),
    ({"kind": "photo", "file": {"content": "bm8gcGljdHVyZQ=="}},
     "This file is not a picture: send it as a document."),
    ({"kind": "photo", "file": {"content": "€"}}, "The file's content must be base64."),
    ({"kind": "photo", "file": {"content": ""}}, "The file is empty."),
    ({"kind": "album", "files": [{"kind": "photo"}]},
     "An album has 2 to 10 files: photos and videos, or documents alone, or audio alone."),
    ({"kind": "album", "files": [{"kind": "photo"}, {"kind": "document"}]},
     "An album has 2 to 10 files: photos and videos, or documents alone, or audio alone."),
    ({"text": "x", "reply_to": 999}, "The message to reply to is not there any more."),
    ({"text": "x", "thread": 5}, "There is no such topic, or it is closed."),
    ({"text": "x", "quote": "y"}, "A quote is a part of the message that is replied to."),
])  # fmt: skip
def test_input_that_telegram_apps_cannot_send_is_refused(
    api: HttpApi, chat: Json, body: Json, sentence: str
) -> None:
    assert api.refusal("send", **chat, **body) == sentence


def test_a_reply_quotes_a_part(bare: Stack, api: HttpApi, receiver: Receiver, chat: Json) -> None:
    first = api.post("send", text="😀 one two three", **chat)["message"]["message_id"]
    api.post("send", text="why?", reply_to=first, quote="two", **chat)
    message = newest(bare, receiver)["message"]
    assert message["reply_to_message"]["message_id"] == first
    assert message["quote"] == {"text": "two", "position": 7, "is_manual": True}


def test_a_long_text_is_split_as_an_app_does(
    bare: Stack, api: HttpApi, receiver: Receiver, chat: Json
) -> None:
    text = " ".join(f"word{number}" for number in range(1500))
    messages = api.post("send", text=text, **chat)["messages"]
    assert bare.telegram.idle(5)
    assert [one["message"]["text"] for one in receiver.updates] == [one["text"] for one in messages]
    assert len(messages) == 4
    assert " ".join(one["text"] for one in messages) == text


@given(st.text(alphabet=st.sampled_from("ab 😀\né"), max_size=200), st.integers(2, 20))
def test_the_parts_of_a_text_are_short_and_lose_only_white_space(text: str, limit: int) -> None:
    parts = split_text(text, limit)
    assert all(0 < units(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_an_edit_of_a_caption(bare: Stack, api: HttpApi, receiver: Receiver, chat: Json) -> None:
    sent = api.post("send", kind="photo", text="old", **chat)["message"]["message_id"]
    api.post("edit", message_id=sent, text="new", **chat)
    assert newest(bare, receiver)["edited_message"]["caption"] == "new"


def test_a_deleted_message_is_gone_and_the_bot_gets_no_update(
    bare: Stack, api: HttpApi, receiver: Receiver, chat: Json
) -> None:
    sent = api.post("send", text="secret", **chat)["message"]["message_id"]
    assert bare.telegram.idle(5)
    api.post("delete", message_id=sent, **chat)
    assert api.get("chat", **chat)["messages"] == []
    assert len(receiver.updates) == 1
    assert api.refusal("delete", message_id=sent, **chat) == "There is no such message in this chat."


def test_blocking_and_unblocking_send_my_chat_member(
    bare: Stack, api: HttpApi, receiver: Receiver, chat: Json, anna: Json
) -> None:
    api.post("send", text="hi", **chat)
    bot = Client(bare.url, bare.telegram.bot("assistant").token, anna["id"])
    api.post("block", blocked=True, **chat)
    update = newest(bare, receiver, "my_chat_member")["my_chat_member"]
    user = bare.telegram.bot("assistant").json()
    assert update["old_chat_member"] == {"user": user, "status": "member"}
    assert update["new_chat_member"] == {"user": user, "status": "kicked", "until_date": 0}
    assert (update["chat"]["id"], update["from"]["id"]) == (anna["id"], anna["id"])
    assert refusal(bot.send()) == (403, "Forbidden: bot was blocked by the user")
    assert refusal(bot.call("sendChatAction", chat_id=anna["id"], action="typing"))[0] == 403
    assert api.refusal("send", text="hi", **chat) == "The bot is blocked: unblock it first."
    assert api.get("chat", **chat)["blocked"]

    api.post("block", blocked=False, **chat)
    change = newest(bare, receiver, "my_chat_member")["my_chat_member"]
    assert [change[f"{when}_chat_member"]["status"] for when in ("old", "new")] == ["kicked", "member"]
    assert bot.send()["ok"]
    api.post("block", blocked=False, **chat)
    assert len([one for one in receiver.updates if "my_chat_member" in one]) == 2


def test_topics_of_a_private_chat(
    bare: Stack, api: HttpApi, receiver: Receiver, chat: Json, anna: Json
) -> None:
    bot = Client(bare.url, bare.telegram.bot("assistant").token, anna["id"])
    thread = api.post("topics", name="Cats", **chat)["thread"]
    made = newest(bare, receiver)["message"]
    assert made["forum_topic_created"]["name"] == "Cats"
    assert (made["message_id"], made["message_thread_id"]) == (thread, thread)
    api.post("send", text="meow", thread=thread, **chat)
    message = newest(bare, receiver)["message"]
    assert (message["message_thread_id"], message["is_topic_message"]) == (thread, True)
    assert "reply_to_message" not in message
    assert bot.call("getMe")["result"]["has_topics_enabled"]
    answer = bot.send("purr", message_thread_id=thread)["result"]
    assert (answer["message_thread_id"], answer["is_topic_message"]) == (thread, True)
    assert refusal(bot.send("?", message_thread_id=999)) == (400, "Bad Request: message thread not found")
    assert [one["name"] for one in api.get("chat", **chat)["topics"]] == ["Cats"]


def test_topics_of_a_forum(bare: Stack, api: HttpApi, receiver: Receiver, anna: Json) -> None:
    group = api.post(
        "groups", title="Forum", members=[anna["id"]], bots=["assistant"], admins=["assistant"], forum=True
    )
    assert (
        newest(bare, receiver, "my_chat_member")["my_chat_member"]["new_chat_member"]["status"]
        == "administrator"
    )
    bot = Client(bare.url, bare.telegram.bot("assistant").token, group["id"])
    thread = bot.call("createForumTopic", chat_id=group["id"], name="Dogs")["result"]["message_thread_id"]
    topic = {"chat_id": group["id"], "message_thread_id": thread}
    here = {"user": anna["id"], "group": group["id"], "thread": thread}
    api.post("send", text="woof", **here)
    message = newest(bare, receiver)["message"]
    assert (message["chat"]["is_forum"], message["message_thread_id"]) == (True, thread)
    assert message["reply_to_message"]["forum_topic_created"]["name"] == "Dogs"

    assert bot.call("closeForumTopic", **topic)["ok"]
    assert refusal(bot.call("closeForumTopic", **topic)) == (400, "Bad Request: TOPIC_NOT_MODIFIED")
    assert api.refusal("send", text="woof", **here) == "There is no such topic, or it is closed."
    api.post("groups/bot", group=group["id"], bot="assistant", do="demote")
    assert refusal(bot.send("hi", message_thread_id=thread)) == (400, "Bad Request: TOPIC_CLOSED")
    assert (
        refusal(bot.call("reopenForumTopic", **topic))[1]
        == "Bad Request: not enough rights to create a topic"
    )
    api.post("groups/bot", group=group["id"], bot="assistant", do="promote")
    assert bot.call("reopenForumTopic", **topic)["ok"]
    assert bot.call("editForumTopic", name="Wolves", **topic)["ok"]
    assert bot.call("deleteForumTopic", **topic)["ok"]
    assert refusal(bot.call("editForumTopic", name="x", **topic)) == (400, "Bad Request: TOPIC_ID_INVALID")
    assert api.get("chat", user=anna["id"], group=group["id"])["messages"] == []


def test_a_removed_bot_and_an_upgraded_group(
    bare: Stack, api: HttpApi, receiver: Receiver, anna: Json
) -> None:
    group = api.post("groups", title="Old", members=[anna["id"]], bots=["assistant"], kind="group")["id"]
    bot = Client(bare.url, bare.telegram.bot("assistant").token, group)
    api.post("groups/bot", group=group, bot="assistant", do="remove")
    assert refusal(bot.send()) == (403, "Forbidden: bot was kicked from the group chat")
    api.post("groups/bot", group=group, bot="assistant", do="add")
    assert bot.send()["ok"]

    new = api.post("groups/upgrade", group=group)["id"]
    assert bot.send() == {
        "ok": False, "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": {"migrate_to_chat_id": new},
    }  # fmt: skip
    assert bare.telegram.idle(5)
    services = {one["message"]["chat"]["id"]: one["message"] for one in receiver.updates if "message" in one}
    assert services[group]["migrate_to_chat_id"] == new
    assert services[new]["migrate_from_chat_id"] == group
    assert bot.call("sendMessage", chat_id=new, text="hi")["ok"]
    assert bot.call("leaveChat", chat_id=new)["ok"]
    answer = bot.call("sendMessage", chat_id=new, text="hi")
    assert refusal(answer) == (403, "Forbidden: bot is not a member of the supergroup chat")
    assert api.refusal("groups/upgrade", group=group) == "Only a basic group can be upgraded, and only once."


def test_a_user_known_from_a_group_only_is_not_written_to_first(
    bare: Stack, api: HttpApi, anna: Json
) -> None:
    bot = Client(bare.url, bare.telegram.bot("assistant").token, anna["id"])
    assert refusal(bot.send()) == (400, "Bad Request: chat not found")
    api.post("groups", title="G", members=[anna["id"]], bots=["assistant"])
    assert refusal(bot.send()) == (403, "Forbidden: bot can't initiate conversation with a user")


def test_reactions_go_both_ways(
    bare: Stack, api: HttpApi, receiver: Receiver, chat: Json, anna: Json
) -> None:
    bot = Client(bare.url, bare.telegram.bot("assistant").token, anna["id"])
    number = api.post("send", text="hi", **chat)["message"]["message_id"]
    api.post("react", message_id=number, emoji="🔥", **chat)
    update = newest(bare, receiver, "message_reaction")["message_reaction"]
    assert (update["old_reaction"], update["new_reaction"]) == ([], [{"type": "emoji", "emoji": "🔥"}])
    there = {"chat_id": anna["id"], "message_id": number}
    assert bot.call("setMessageReaction", reaction=[{"type": "emoji", "emoji": "👍"}], **there)["ok"]
    (shown,) = api.get("chat", **chat)["messages"]
    assert shown["reactions"] == [
        {"emoji": "🔥", "by": [anna["id"]]},
        {"emoji": "👍", "by": [int(bot.token.split(":")[0])]},
    ]
    api.post("react", message_id=number, emoji="", **chat)
    assert newest(bare, receiver, "message_reaction")["message_reaction"]["new_reaction"] == []
    refused = bot.call("setMessageReaction", reaction=[{"type": "emoji", "emoji": "🧨"}], **there)
    assert refusal(refused) == (400, "Bad Request: REACTION_INVALID")
    assert (
        api.refusal("react", message_id=number, emoji="🧨", **chat) == "🧨 is none of Telegram's reactions."
    )


def test_a_transcript_lists_events_in_order(
    bare: Stack, api: HttpApi, receiver: Receiver, chat: Json, anna: Json
) -> None:
    bot = Client(bare.url, bare.telegram.bot("assistant").token, anna["id"])
    api.post("send", text="/start", **chat)
    markup = {
        "inline_keyboard": [
            [{"text": "Buy", "callback_data": "buy"}, {"text": "Site", "url": "https://x.test"}]
        ]
    }
    menu = bot.send("Hello!\nWhat now?", reply_markup=markup)["result"]["message_id"]
    tap = api.post("tap", label="Buy", **chat)
    bot.call("answerCallbackQuery", callback_query_id=tap["callback_query_id"], text="Soon")
    bot.call("editMessageText", chat_id=anna["id"], message_id=menu, text="Sold out.")
    mine = api.post("send", text="my key", **chat)["message"]["message_id"]
    bot.call("deleteMessage", chat_id=anna["id"], message_id=mine)
    api.post("send", kind="document", reply_to=menu, **chat)
    api.post("block", blocked=True, **chat)

    transcript = api.get("transcript", **chat)
    name = bare.telegram.bot("assistant").first_name
    lines = transcript["text"].splitlines()
    assert [line[10:] for line in lines] == [
        "Anna: /start",
        f"{name}: Hello!",
        "What now?",
        "[Buy] [Site]",
        "Anna taps [Buy]",
        f"{name} answers the tap: Soon",
        f"{name} edits #{menu}: Sold out.",
        "Anna: (deleted)",
        f"{name} deletes #{mine}",
        f"Anna: (reply to #{menu}) <document notes.txt>",
        "Anna blocks the bot",
    ]
    assert "my key" not in json.dumps(api.get("transcript", **chat))
    assert [one["kind"] for one in transcript["entries"]] == [
        "message", "message", "tap", "toast", "edit", "message", "delete", "message", "block",
    ]  # fmt: skip
    later = api.get("transcript", after=transcript["cursor"], format="text", **chat)
    assert (later["text"], "entries" in later) == ("", False)


def test_an_answer_is_waited_for_until_the_update_is_taken(
    api: HttpApi, receiver: Receiver, chat: Json
) -> None:
    receiver.answer = lambda update: reply(update, text="done")
    sent = api.post("send", text="go", **chat)
    answer = api.get("answer", after=sent["cursor"], timeout=5, **chat)
    assert [one["text"] for one in answer["entries"]] == ["done"]
    assert (answer["timed_out"], answer["pending_updates"]) == (False, 0)


def test_a_missing_answer_is_reported_at_the_deadline(api: HttpApi, receiver: Receiver, chat: Json) -> None:
    sent = api.post("send", text="go", **chat)
    answer = api.get("answer", after=sent["cursor"], timeout=0.1, **chat)
    assert (answer["timed_out"], answer["entries"]) == (True, [])
    receiver.gate.clear()
    try:
        sent = api.post("send", text="go", **chat)
        late = api.get("answer", after=sent["cursor"], timeout=0.1, **chat)
        assert (late["timed_out"], late["pending_updates"]) == (True, 1)
    finally:
        receiver.gate.set()


def test_the_first_thing_a_bot_does_may_be_enough(
    bare: Stack, api: HttpApi, receiver: Receiver, chat: Json, anna: Json
) -> None:
    bot = Client(bare.url, bare.telegram.bot("assistant").token, anna["id"])

    goes_on = threading.Event()

    def slowly(update: Json) -> Response:
        bot.send("working")
        goes_on.wait(10)
        return reply(update, text="done")

    receiver.answer = slowly
    sent = api.post("send", text="go", **chat)
    first = api.get("answer", after=sent["cursor"], timeout=5, first="true", **chat)
    assert [one["text"] for one in first["entries"]] == ["working"]
    goes_on.set()
    whole = api.get("answer", after=sent["cursor"], timeout=5, **chat)
    assert [one["text"] for one in whole["entries"]] == ["working", "done"]


def test_users_are_found_by_their_names(api: HttpApi) -> None:
    api.post("users", first_name="Zoë", username="zoe_one")
    assert api.post("send", user="@ZOE_one", text="hi")["message"]["from"]["first_name"] == "Zoë"
    assert api.post("send", user="zoë", text="hi")["message"]["text"] == "hi"
    api.post("users", first_name="Zoë")
    assert api.refusal("send", user="Zoë", text="hi") == "2 users are named Zoë: give an id or a @username."
    assert api.refusal("send", user="Missing", text="hi") == "There is no such user."


def test_a_name_means_the_listed_user(api: HttpApi) -> None:
    """Each walkthrough adds a user of the same name, and takes the former one out of the list."""
    former, current = (
        api.post("users", first_name="Guest of a tour", walkthrough=True)["id"] for _ in range(2)
    )
    api.post("users/archive", user=former)
    assert api.post("send", user="guest of a tour", text="hi")["message"]["from"]["id"] == current
    api.post("users/archive", user=current)
    assert api.refusal("send", user="guest of a tour", text="hi").startswith("2 users are named")
    assert api.post("send", user=former, text="hi")["message"]["from"]["id"] == former


def test_a_bot_of_ones_own_works_with_its_token(bare: Stack, api: HttpApi, receiver: Receiver) -> None:
    made = api.post("bots", name="mine")
    assert made == api.post("bots", name="mine")
    assert "mine" not in bot_tokens(bare.telegram), "the project's functions know nothing of it"
    bot = Client(bare.url, made["token"], 0)
    assert bot.call("setWebhook", url=receiver.server.url)["ok"]
    receiver.answer = lambda update: reply(update, text="from mine")
    boris = api.post("users", first_name="Boris")["id"]
    sent = api.post("send", user=boris, bot="mine", text="hi")
    answer = api.get("answer", user=boris, bot="mine", after=sent["cursor"])
    assert [one["text"] for one in answer["entries"]] == ["from mine"]
    assert api.refusal("bots", name="No Spaces").startswith("A bot's name has small letters")


def test_topics_and_group_states_survive_a_restart(
    bare: Stack, api: HttpApi, anna: Json, tmp_path: Any
) -> None:
    group = api.post("groups", title="F", members=[anna["id"]], bots=["assistant"], forum=True)["id"]
    thread = api.post("topics", user=anna["id"], group=group, name="Kept")["thread"]
    storage.save(bare.telegram.state, tmp_path / "state.json")
    restored = TelegramState(Clock())
    assert storage.load(restored, tmp_path / "state.json")
    assert restored.groups[group].topics[thread].name == "Kept"
    assert restored.groups[group].forum


def test_a_bot_of_ones_own_survives_a_restart_and_keeps_its_token(
    bare: Stack, api: HttpApi, anna: Json, tmp_path: Path
) -> None:
    made = api.post("bots", name="kept", privacy=False)
    api.post("groups", title="G", members=[anna["id"]], bots=["kept"])
    storage.save(bare.telegram.state, tmp_path / "state.json")
    telegram = Telegram(["assistant"])
    assert storage.load(telegram.state, tmp_path / "state.json")
    try:
        assert (telegram.bot("kept").token, telegram.bot("kept").privacy) == (made["token"], False)
        group = next(room for room in telegram.state.groups.values() if room.bots == ["kept"])
        Group(telegram.services, group).by(
            TelegramUser(telegram.services, telegram.state.users[anna["id"]])
        ).send("hello")
        assert [one["message"]["text"] for one in telegram.request("kept", "getUpdates", {})] == ["hello"]
    finally:
        telegram.stop()
