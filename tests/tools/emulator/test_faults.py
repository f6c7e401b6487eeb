"""Faults of the Bot API: which calls fail, how, how often, and what is seen of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from tests.tools.emulator.receiving import Receiver, reply
from tests.tools.emulator.wire import Client, HttpApi, refusal
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat
from tools.emulator.telegram.faults import KINDS

Json = dict[str, Any]


@pytest.fixture
def api(bare: Stack) -> Iterator[HttpApi]:
    bare.telegram.faults.clear()
    api = HttpApi(bare.url)
    yield api
    api.pool.clear()


@pytest.fixture
def chat(bare: Stack) -> Chat:
    chat = bare.telegram.user("Anna").chat("assistant")
    chat.send("/start")
    return chat


@pytest.fixture
def bot(bare: Stack, chat: Chat) -> Iterator[Client]:
    client = Client(bare.url, bare.telegram.bot("assistant").token, chat.id)
    yield client
    client.pool.clear()


@pytest.mark.parametrize(("kind", "more", "answer"), [
    ("rate_limit", {"retry_after": 7},
     {"error_code": 429, "description": "Too Many Requests: retry after 7",
      "parameters": {"retry_after": 7}}),
    ("rate_limit", {},
     {"error_code": 429, "description": "Too Many Requests: retry after 1",
      "parameters": {"retry_after": 1}}),
    ("server_error", {}, {"error_code": 500, "description": "Internal Server Error"}),
    ("bad_gateway", {}, {"error_code": 502, "description": "Bad Gateway"}),
    ("unauthorized", {}, {"error_code": 401, "description": "Unauthorized"}),
    ("blocked", {}, {"error_code": 403, "description": "Forbidden: bot was blocked by the user"}),
    ("deactivated", {}, {"error_code": 403, "description": "Forbidden: user is deactivated"}),
    ("not_started", {},
     {"error_code": 403, "description": "Forbidden: bot can't initiate conversation with a user"}),
    ("kicked", {}, {"error_code": 403, "description": "Forbidden: bot was kicked from the supergroup chat"}),
    ("chat_not_found", {}, {"error_code": 400, "description": "Bad Request: chat not found"}),
    ("migrated", {"migrate_to_chat_id": -1001},
     {"error_code": 400, "description": "Bad Request: group chat was upgraded to a supergroup chat",
      "parameters": {"migrate_to_chat_id": -1001}}),
])  # fmt: skip
def test_a_fault_answers_in_telegrams_words_once(
    api: HttpApi, bot: Client, chat: Chat, kind: str, more: Json, answer: Json
) -> None:
    api.post("faults", kind=kind, method="sendMessage", **more)
    assert bot.send("not sent") == {"ok": False, **answer}
    assert bot.send("sent")["ok"]
    assert [one.text for one in chat.answers()] == ["sent"]


def test_a_status_and_words_of_ones_own(api: HttpApi, bot: Client) -> None:
    api.post("faults", method="SENDMESSAGE", status=400, description="Bad Request: CHAT_RESTRICTED")
    assert refusal(bot.send()) == (400, "Bad Request: CHAT_RESTRICTED")


def test_a_fault_meets_only_what_it_names(api: HttpApi, bot: Client, bare: Stack) -> None:
    other = bare.telegram.user("Boris").chat("assistant")
    other.send("/start")
    fault = api.post("faults", kind="server_error", method="sendMessage", text="PRICE", user=bot.chat_id)
    assert bot.call("getMe")["ok"]
    assert bot.send("hello")["ok"]
    assert bot.call("sendMessage", chat_id=other.id, text="the price")["ok"]
    assert not bot.send("the price")["ok"]
    assert fault["fault"]["chat_id"] == bot.chat_id


def test_the_words_of_a_caption_and_of_an_album_are_matched(api: HttpApi, bot: Client) -> None:
    api.post("faults", kind="server_error", text="страница", count="always")
    assert not bot.call("sendPhoto", chat_id=bot.chat_id, photo="https://x.test/a.png", caption="Страница")[
        "ok"
    ]
    media = [{"type": "photo", "media": "https://x.test/a.png", "caption": "эта страница"}] * 2
    assert not bot.call("sendMediaGroup", chat_id=bot.chat_id, media=media)["ok"]
    assert bot.call("sendMediaGroup", chat_id=bot.chat_id, media=[{**media[0], "caption": "x"}] * 2)["ok"]


def test_faults_count_down_in_their_order(api: HttpApi, bot: Client) -> None:
    api.post("faults", kind="blocked", method="sendMessage", count=2)
    api.post("faults", kind="chat_not_found", method="sendMessage")
    assert [bot.send().get("error_code") for _ in range(4)] == [403, 403, 400, None]
    assert api.get("faults")["faults"] == []


def test_always_lasts_until_it_is_cleared(api: HttpApi, bot: Client) -> None:
    fault = api.post("faults", kind="bad_gateway", count="always")["fault"]
    other = api.post("faults", kind="blocked", method="sendPhoto")["fault"]
    assert [bot.send()["ok"] for _ in range(3)] == [False] * 3
    assert api.get("faults")["faults"] == [fault | {"used": 3}, other]
    assert api.post("faults/clear", id=fault["id"])["faults"] == [other]
    assert bot.send()["ok"]
    assert api.post("faults/clear") == {"removed": 1, "faults": []}


@pytest.mark.parametrize(("kind", "sent"), [("reset", 0), ("answer_lost", 1)])
def test_a_connection_is_reset(api: HttpApi, bot: Client, chat: Chat, kind: str, sent: int) -> None:
    api.post("faults", kind=kind, method="sendMessage")
    with pytest.raises(urllib3.exceptions.ProtocolError, match="Connection reset by peer"):
        bot.send()
    assert len(chat.answers()) == sent
    assert bot.send()["ok"]


@pytest.mark.parametrize(("more", "sent"), [({}, 0), ({"executed": True}, 1)])
def test_a_call_hangs_until_the_caller_gives_up(
    api: HttpApi, bot: Client, chat: Chat, more: Json, sent: int
) -> None:
    api.post("faults", kind="timeout", method="sendMessage", **more)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        bot.raw(f"/bot{bot.token}/sendMessage", json={"chat_id": bot.chat_id, "text": "x"}, timeout=0.2)
    assert len(chat.answers()) == sent


def test_a_slow_answer_is_the_right_one(api: HttpApi, bot: Client) -> None:
    api.post("faults", kind="slow", seconds=0.2)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        bot.raw(f"/bot{bot.token}/getMe", timeout=0.05)
    api.post("faults", kind="slow", seconds=0.05)
    assert bot.call("getMe")["ok"]


def test_a_used_fault_is_in_the_trace(api: HttpApi, bot: Client, bare: Stack) -> None:
    fault = api.post("faults", kind="rate_limit", method="sendMessage")["fault"]
    bot.send()
    api.post("faults", kind="reset", method="sendMessage")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        bot.send()
    # A slow getMe of an earlier test may end in between.
    events = [one for one in api.get("trace", limit=12)["events"] if "getMe" not in one["title"]]
    start = next(n for n, one in enumerate(events) if one["title"].startswith("Fault set: rate_limit"))
    armed, refused, _, lost = events[start : start + 4]
    assert armed["title"] == "Fault set: rate_limit for sendMessage, 1x"
    assert (refused["kind"], refused["status"]) == ("telegram_call", 429)
    assert refused["detail"]["fault"] == fault | {"used": 1, "count": 0}
    assert (lost["status"], lost["detail"]["answer"]) == (None, "")
    assert lost["detail"]["error"] == "The fault left the call without an answer."


def test_a_fault_of_a_method_in_the_webhooks_answer_is_in_the_trace(api: HttpApi, bare: Stack) -> None:
    receiver = Receiver()
    receiver.server.start()
    receiver.answer = lambda update: reply(update, text="hello")
    bare.telegram.request("assistant", "setWebhook", {"url": receiver.server.url})
    try:
        chat = bare.telegram.user("Vera").chat("assistant")
        api.post("faults", kind="blocked", method="sendMessage", user=chat.id)
        sent = chat.send("hi").wait()
        assert chat.answers() == []
        (event,) = [one for one in bare.trace.of(sent.update.trace_id) if one["kind"] == "reply"]
        assert event["detail"]["error"] == "Forbidden: bot was blocked by the user"
        assert event["detail"]["answer"]["fault"]["kind"] == "blocked"
    finally:
        bare.telegram.request("assistant", "deleteWebhook", {})
        receiver.server.stop()


@pytest.mark.parametrize(("body", "sentence"), [
    ({}, "A fault needs a kind, or a status between 400 and 599."),
    ({"status": 200}, "A fault needs a kind, or a status between 400 and 599."),
    ({"kind": "flood"}, f"There is no fault named flood; there are {', '.join(KINDS)}."),
    ({"kind": "blocked", "method": "sendMesage"}, "The emulator has no method sendMesage."),
    ({"kind": "blocked", "bot": "missing"}, "There is no bot named missing."),
    ({"kind": "blocked", "count": 0}, "count is at least 1."),
    ({"kind": "blocked", "count": "many"}, "count must be a number."),
    ({"kind": "blocked", "user": "Missing"}, "There is no such user."),
])  # fmt: skip
def test_a_fault_that_makes_no_sense_is_refused(api: HttpApi, body: Json, sentence: str) -> None:
    assert api.refusal("faults", **body) == sentence
    assert api.get("faults")["faults"] == []


def test_every_kind_can_be_set(api: HttpApi) -> None:
    for kind in KINDS:
        assert api.post("faults", kind=kind)["fault"]["kind"] == kind
    assert [one["kind"] for one in api.get("faults")["kinds"]] == list(KINDS)
