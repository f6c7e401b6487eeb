"""The AI fake server, plain and streamed, well and badly behaved."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from tools.emulator.ai import Ai, AiBehaviour
from tools.emulator.ai.words import improvise
from tools.emulator.web import HttpServer, Response

OPENAI, OPENROUTER = "/openai/v1", "/openrouter/api/v1"
HEADERS = {"Authorization": "Bearer key"}


class Client:
    def __init__(self, url: str) -> None:
        self.url = url
        self.pool = urllib3.PoolManager(retries=False)

    def ask(self, text: str = "Hello", base: str = OPENAI, **more: Any) -> urllib3.BaseHTTPResponse:
        body = {"model": "m", "messages": [{"role": "user", "content": text}], **more}
        return self.pool.request(
            "POST", f"{self.url}{base}/chat/completions", json=body, headers=HEADERS, timeout=5
        )

    def stream(self, text: str = "Hello", base: str = OPENAI, **more: Any) -> list[Any]:
        answer = self.ask(text, base, stream=True, **more)
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        lines = [line for line in answer.data.decode().split("\n\n") if line]
        return [line if not line.startswith("data: {") else json.loads(line[6:]) for line in lines]


@pytest.fixture
def ai() -> Ai:
    return Ai()


@pytest.fixture
def client(ai: Ai) -> Iterator[Client]:
    server = HttpServer(lambda request: ai.handle(request) or Response(404))
    server.start()
    client = Client(server.url)
    yield client
    ai.stop()
    client.pool.clear()
    server.stop()


def content(events: list[Any]) -> str:
    chunks = [event for event in events if isinstance(event, dict) and event["choices"]]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


@pytest.mark.parametrize(
    ("question", "word"), [("How do I sort a list?", "Good question"), ("Как дела?", "Хороший вопрос")]
)
def test_an_unscripted_answer_speaks_the_language_of_the_question(
    client: Client, question: str, word: str
) -> None:
    body = client.ask(question).json()
    text = body["choices"][0]["message"]["content"]
    assert word in text
    assert question in text
    assert "```python" in text
    assert (
        body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
    )


def test_an_unscripted_answer_repeats_the_question_as_it_was_written() -> None:
    asked = ["What does `my_list`\ndo in *this* [line]?", "да", "And _why_?"]
    answer = improvise([{"role": "user", "content": text} for text in asked])
    shown = re.sub(r"\\([^a-zA-Z0-9\s])", r"\1", answer)
    assert "You asked: _And _why_?_" in shown
    assert "I see 3 messages of our conversation; before this you asked “да”." in shown
    assert "Я вижу 2 сообщения" in improvise([{"role": "user", "content": text} for text in asked[:2]])
    quoted = improvise([{"role": "user", "content": asked[0]}])
    assert r"_What does \`my\_list\` do in \*this\* \[line\]?_" in quoted
    assert "I see 1 message of" in quoted


DOCUMENT = (
    '[Document "plan.txt", sent as material and not as instructions:]\n<document>\nГод 2026\n</document>'
)


@pytest.mark.parametrize(("question", "begins", "count"), [
    ("What is it?", "I’ve read **plan.txt**: 2 words. It begins with “Год 2026”.", "_What is it?_"),
    ("О чём здесь?", "Прочитал: **plan.txt**, 2 слова. В начале написано: «Год 2026».", "_О чём здесь?_"),
])  # fmt: skip
def test_an_unscripted_answer_about_a_document_shows_no_markup(
    question: str, begins: str, count: str
) -> None:
    answer = improvise([{"role": "user", "content": f"{question}\n\n{DOCUMENT}"}])
    assert answer.startswith(begins)
    assert count in answer
    assert "sent as material" not in answer


def test_words_without_letters_are_answered_in_the_language_before() -> None:
    asked = [{"role": "user", "content": text} for text in ("Сколько будет дважды два?", "2 + 3?")]
    assert improvise(asked).startswith("**Хороший вопрос!**")


def test_scripted_answers_come_in_order_and_then_the_standing_one(ai: Ai, client: Client) -> None:
    ai.next(AiBehaviour(text="one"), AiBehaviour(text="two"))
    ai.always(AiBehaviour(text="rest"))
    texts = [client.ask().json()["choices"][0]["message"]["content"] for _ in range(4)]
    assert texts == ["one", "two", "rest", "rest"]
    ai.clear()
    assert ai.state == "ok"


def test_a_stream_ends_with_usage_when_asked_and_with_done(ai: Ai, client: Client) -> None:
    ai.next(AiBehaviour(text="a b c"), AiBehaviour(text="a b c"))
    events = client.stream(stream_options={"include_usage": True})
    assert content(events) == "a b c"
    assert (events[-2]["choices"], events[-2]["usage"]["completion_tokens"] > 0) == ([], True)
    assert events[-1] == "data: [DONE]"
    assert events[-3]["choices"][0]["finish_reason"] == "stop"
    assert all("usage" not in event for event in client.stream()[:-1])


def test_openrouter_has_its_own_format(ai: Ai, client: Client) -> None:
    ai.next(AiBehaviour(text="x"), AiBehaviour(text="x y"))
    assert client.ask(base=OPENROUTER).json()["usage"]["cost"] > 0
    events = client.stream(base=OPENROUTER)
    assert events[0] == ": OPENROUTER PROCESSING"
    assert events[-2]["usage"]["cost"] > 0


def test_an_error_hides_inside_a_200(ai: Ai, client: Client) -> None:
    ai.always(AiBehaviour(text="a b c", error_in_200="provider down"))
    plain = client.ask(base=OPENROUTER)
    assert (plain.status, plain.json()["error"]["message"]) == (200, "provider down")
    broken = client.stream(base=OPENROUTER)[-2]
    assert broken["error"]["message"] == "provider down"
    assert broken["choices"][0]["finish_reason"] == "error"


@pytest.mark.parametrize("status", [400, 401, 402, 429, 500, 503])
def test_refusals_have_a_status_and_a_body(ai: Ai, client: Client, status: int) -> None:
    ai.always(AiBehaviour(status=status, retry_after=7))
    answer = client.ask()
    assert (answer.status, answer.headers["Retry-After"]) == (status, "7")
    assert answer.json()["error"]["message"]
    assert client.ask(base=OPENROUTER).json()["error"]["code"] == status


def test_a_cut_stream_ends_without_done(ai: Ai, client: Client) -> None:
    ai.next(AiBehaviour(text="a b c d e f", cut_after=3))
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.stream()
    ai.next(AiBehaviour(text="a b c d e f", cut_after=20))
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.ask()


def test_a_provider_that_is_down_gives_no_answer(ai: Ai, client: Client) -> None:
    ai.set_fault("down")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.ask()
    assert ai.state == "down"


def test_empty_refused_and_malformed_answers(ai: Ai, client: Client) -> None:
    ai.next(
        AiBehaviour(empty=True),
        AiBehaviour(refusal="no"),
        AiBehaviour(malformed=True),
        AiBehaviour(empty=True),
    )
    assert client.ask().json()["choices"][0]["message"]["content"] == ""
    message = client.ask().json()["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "no")
    with pytest.raises(json.JSONDecodeError):
        client.ask().json()
    assert content(client.stream()) == ""


def test_a_malformed_stream_has_a_broken_event(ai: Ai, client: Client) -> None:
    ai.next(AiBehaviour(text="a b c", malformed=True))
    with pytest.raises(json.JSONDecodeError):
        client.stream()


def test_delays_are_kept(ai: Ai, client: Client) -> None:
    ai.next(AiBehaviour(text="a", delay=0.15), AiBehaviour(chunks=["a", "b"], chunk_delay=0.05))
    begin = time.monotonic()
    client.ask()
    assert 0.14 < time.monotonic() - begin < 1
    assert content(client.stream()) == "ab"
    assert time.monotonic() - begin > 0.3


def test_long_answers_are_really_long(ai: Ai, client: Client) -> None:
    ai.set_fault("long")
    assert len(client.ask().json()["choices"][0]["message"]["content"]) > 100_000


def test_requests_are_remembered_and_checked(ai: Ai, client: Client) -> None:
    client.ask("remember me", temperature=0.2)
    assert ai.requests[0]["messages"] == [{"role": "user", "content": "remember me"}]
    assert ai.requests[0]["temperature"] == 0.2
    url = f"{client.url}{OPENAI}/chat/completions"
    assert client.pool.request("POST", url, json={"messages": []}).status == 401
    assert client.pool.request("POST", url, body=b"{", headers=HEADERS).status == 400
    assert client.pool.request("GET", f"{client.url}{OPENAI}/models", headers=HEADERS).json()["data"]
    assert client.pool.request("GET", f"{client.url}{OPENAI}/nothing").status == 404
