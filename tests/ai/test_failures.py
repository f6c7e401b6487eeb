"""Failed completions: retries, exceptions, log lines, and what they never contain."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from shared.ai import chat
from shared.ai.provider import ChatRequest
from shared.core.errors import (
    AIError,
    AIOverloaded,
    AIRefused,
    AITimeout,
    AIUnavailable,
    ConfigError,
    ExternalServiceError,
)
from tests.ai.asking import KEY, MESSAGES, Ask, Lines
from tests.ai.raw_server import (
    CHUNKED,
    END,
    RawServer,
    Script,
    chunk,
    event,
    good,
    hang_up,
    plain,
    sends,
    silence,
    stream,
)
from tools.emulator.ai import Ai, AiBehaviour

LONG = [
    {"role": "system", "content": "Be brief."},
    *({"role": ("user", "assistant")[number % 2], "content": f"old {number}"} for number in range(9)),
    {"role": "user", "content": "now"},
]
TOO_LONG = {"message": "maximum context length is 9 tokens", "code": "context_length_exceeded"}


def error(status: int, message: str = "Oops", code: str | int | None = None, **headers: str) -> Script:
    return plain({"error": {"message": message, "code": code}}, f"{status} Status", **headers)


def failed_event(**inside: Any) -> bytes:
    return b"data: " + json.dumps(inside).encode() + b"\n\n"


class TestRetried:
    @pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504, 520, 529])
    def test_after_a_temporary_error(self, raw: RawServer, ask: Ask, no_pause: None, status: int) -> None:
        raw.next(error(status))
        assert ask().text == "Hello"
        assert len(raw.requests) == 2
        assert raw.requests[0].body == raw.requests[1].body

    def test_only_once(self, raw: RawServer, ask: Ask, no_pause: None) -> None:
        raw.next(error(500), error(500))
        with pytest.raises(AIError):
            ask()
        assert len(raw.requests) == 2

    def test_an_error_inside_a_stream_before_any_text(self, raw: RawServer, ask: Ask, no_pause: None) -> None:
        body = chunk(failed_event(choices=[{"delta": {"role": "assistant", "content": ""}}]))
        body += chunk(failed_event(error={"code": 502, "message": "Provider returned error"}, choices=[]))
        raw.next(sends(CHUNKED + body + END))
        assert ask(provider="openrouter").text == "Hello"

    def test_after_a_short_pause(self, raw: RawServer, ask: Ask) -> None:
        raw.next(error(500))
        answer = ask()
        assert 300 <= answer.milliseconds < 1000

    @pytest.mark.parametrize(
        ("status", "headers"),
        [(429, {"Retry_After": "0.4"}), (503, {"retry_after_ms": "400", "Retry_After": "9"})],
    )
    def test_after_the_delay_of_retry_after(
        self, raw: RawServer, ask: Ask, status: int, headers: dict[str, str]
    ) -> None:
        raw.next(error(status, **headers))
        answer = ask()
        assert answer.text == "Hello"
        assert 400 <= answer.milliseconds < 1000

    def test_with_the_sizes_of_both_attempts(
        self, raw: RawServer, ask: Ask, no_pause: None, lines: Lines
    ) -> None:
        raw.next(error(500))
        answer = ask()
        assert answer.request_bytes == sum(int(r.headers["content-length"]) for r in raw.requests)
        refusal = json.dumps({"error": {"message": "Oops", "code": None}})
        assert answer.response_bytes == len(refusal) + len(stream("Hello"))
        assert [(line["status"], line["finish"]) for line in lines("ai_call")] == [
            (500, "server_error"),
            (200, "stop"),
        ]

    def test_when_the_connection_is_refused(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch, no_pause: None, lines: Lines
    ) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
        with pytest.raises(AIError) as caught:
            ask()
        assert type(caught.value) is AIError
        assert [line["kind"] for line in lines("ai_error")] == ["unreachable", "unreachable"]


class TestNotRetried:
    @pytest.mark.parametrize(
        ("script", "exception"),
        [
            (error(400), AIError),
            (error(401), AIUnavailable),
            (error(402), AIOverloaded),
            (error(403), AIUnavailable),
            (error(404), AIUnavailable),
            (error(429), AIOverloaded),
            (error(429, Retry_After="3"), AIOverloaded),
            (error(429, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"), AIOverloaded),
            (error(429, code="insufficient_quota", Retry_After="1"), AIOverloaded),
            (error(503, Retry_After="60"), AIError),
            (error(500, x_should_retry="false"), AIError),
            (error(400, code="content_policy_violation"), AIRefused),
            (sends(CHUNKED, then=hang_up), AIError),
            (hang_up, AIError),
        ],
    )
    def test_after_permanent_errors_and_possibly_paid_requests(
        self, raw: RawServer, ask: Ask, script: Script, exception: type[AIError]
    ) -> None:
        raw.next(script)
        with pytest.raises(AIError) as caught:
            ask()
        assert type(caught.value) is exception
        assert len(raw.requests) == 1

    def test_without_enough_time_left(self, raw: RawServer, ask: Ask) -> None:
        raw.next(error(500))
        with pytest.raises(AIError):
            ask(seconds=2.1)  # less than the pause and a try that makes sense
        assert len(raw.requests) == 1

    def test_after_text_has_arrived(self, raw: RawServer, ask: Ask, lines: Lines) -> None:
        raw.next(
            sends(CHUNKED + chunk(event("One ") + failed_event(error={"code": 502, "message": "x"})) + END)
        )
        answer = ask(provider="openrouter")
        assert (answer.text, answer.finish) == ("One ", "broken")
        assert len(raw.requests) == 1
        (line,) = lines("ai_error")
        assert (line["kind"], line["status"], line["error"]) == ("server_error", 502, "x")


class TestTooLong:
    def test_the_older_half_is_left_out(self, raw: RawServer, ask: Ask) -> None:
        raw.next(plain({"error": TOO_LONG}, "400 Bad Request"))
        assert ask(messages=LONG).text == "Hello"
        first, second = (request.body["messages"] for request in raw.requests)
        assert first == LONG
        assert second == [LONG[0], *LONG[7:]]
        assert second[1] == {"role": "user", "content": "old 6"}, "a history begins with the user"

    def test_only_once(self, raw: RawServer, ask: Ask) -> None:
        raw.next(*[plain({"error": TOO_LONG}, "400 Bad Request")] * 2)
        with pytest.raises(AIError):
            ask(messages=LONG)
        assert len(raw.requests) == 2

    def test_a_message_that_is_too_long_by_itself_is_not_retried(self, raw: RawServer, ask: Ask) -> None:
        raw.next(plain({"error": TOO_LONG}, "400 Bad Request"))
        with pytest.raises(AIError):
            ask()
        assert len(raw.requests) == 1

    def test_a_temporary_error_of_the_shorter_request_is_retried(
        self, raw: RawServer, ask: Ask, no_pause: None
    ) -> None:
        raw.next(plain({"error": TOO_LONG}, "400 Bad Request"), error(500))
        assert ask(messages=LONG).text == "Hello"
        assert raw.requests[1].body == raw.requests[2].body

    @pytest.mark.parametrize(("length", "left"), [(0, None), (1, 0), (2, 1), (3, 1), (50, 25)])
    def test_half_of_the_history_is_left_out(self, length: int, left: int | None) -> None:
        history = [{"role": "user", "content": str(number)} for number in range(length)]
        for system in ([], MESSAGES[:1]):
            shorter = ChatRequest([*system, *history, MESSAGES[1]], "m").without_older_half()
            if left is None:
                assert shorter is None
            else:
                assert shorter is not None
                assert shorter.messages == [*system, *history[length - left :], MESSAGES[1]]


class TestUnsupportedParameters:
    MESSAGE = "Unsupported value: 'temperature' does not support 0.2 with this model."

    def test_are_left_out_and_remembered(self, raw: RawServer, ask: Ask) -> None:
        raw.next(error(400, self.MESSAGE, "unsupported_value"))
        assert ask(temperature=0.2).text == "Hello"
        assert [("temperature" in request.body) for request in raw.requests] == [True, False]
        assert raw.requests[1].body["safety_identifier"] == "f00d"

        ask(temperature=0.2)
        assert len(raw.requests) == 3, "the next user does not wait for a retry"
        assert "temperature" not in raw.requests[2].body

        ask(temperature=0.2, model="another")
        assert raw.requests[3].body["temperature"] == 0.2

    def test_are_recognized_in_any_servers_message(self, raw: RawServer, ask: Ask) -> None:
        detail = [
            {"type": "extra_forbidden", "loc": ["body", name]}
            for name in ("safety_identifier", "prompt_cache_key")
        ]
        raw.next(plain({"detail": detail}, "422 Unprocessable Entity"))
        assert ask().text == "Hello"
        assert not {"safety_identifier", "prompt_cache_key"} & set(raw.requests[1].body)

    def test_are_not_guessed(self, raw: RawServer, ask: Ask) -> None:
        raw.next(error(400, "The messages make no sense"))
        with pytest.raises(AIError):
            ask()
        assert chat._unsupported_params == {}

    def test_a_second_rejection_ends_the_retries(self, raw: RawServer, ask: Ask) -> None:
        raw.next(*[error(400, self.MESSAGE)] * 2)
        with pytest.raises(AIError):
            ask(temperature=0.2)
        assert len(raw.requests) == 2


class TestRefused:
    @pytest.mark.parametrize(
        "body",
        [
            event("I wo") + event(finish="content_filter"),
            failed_event(choices=[{"delta": {"role": "assistant", "content": "", "refusal": None}}])
            + failed_event(choices=[{"delta": {"refusal": "I can't help"}}]),
            failed_event(error={"code": "content_policy_violation", "message": "no"}),
        ],
    )
    def test_in_a_stream(self, raw: RawServer, ask: Ask, body: bytes) -> None:
        raw.next(sends(CHUNKED + chunk(body) + END))
        with pytest.raises(AIRefused):
            ask()
        assert len(raw.requests) == 1

    def test_in_one_piece(self, raw: RawServer, ask: Ask) -> None:
        raw.next(
            plain({"choices": [{"message": {"content": None, "refusal": "No."}, "finish_reason": "stop"}]})
        )
        with pytest.raises(AIRefused):
            ask()

    def test_by_the_fake_server(self, ai: Ai, ask: Ask) -> None:
        ai.next(AiBehaviour(refusal="I can't help with that."))
        with pytest.raises(AIRefused):
            ask()


@pytest.mark.parametrize(
    ("behaviour", "exception"),
    [
        (AiBehaviour(empty=True), AIError),
        (AiBehaviour(text=" \n "), AIError),
        (AiBehaviour(empty=True, finish_reason="length"), AIError),  # all tokens went into reasoning
        (AiBehaviour(cut_after=0), AIError),
        (AiBehaviour(status=401), AIUnavailable),
        (AiBehaviour(status=402), AIOverloaded),
        (AiBehaviour(status=429, retry_after=20), AIOverloaded),
        (AiBehaviour(hang=True), AITimeout),
    ],
)
@pytest.mark.parametrize("provider", ["openai", "openrouter"])
def test_the_fake_servers_faults_raise_their_exceptions(
    ai: Ai, ask: Ask, behaviour: AiBehaviour, exception: type[AIError], provider: str
) -> None:
    ai.always(behaviour)
    with pytest.raises(AIError) as caught:
        ask(provider=provider, seconds=0.15 if behaviour.hang else 5)
    assert type(caught.value) is exception
    assert isinstance(caught.value, ExternalServiceError)


@pytest.mark.parametrize(
    "behaviour", [AiBehaviour(malformed=True), AiBehaviour(error_in_200="Oops"), AiBehaviour(cut_after=3)]
)
def test_earlier_answers_are_kept_when_the_fake_server_fails(
    ai: Ai, ask: Ask, behaviour: AiBehaviour
) -> None:
    ai.always(behaviour)
    answer = ask(provider="openrouter")
    assert answer.finish == "broken"
    assert answer.text
    assert len(ai.requests) == 1


class TestSaid:
    def test_to_the_owner_who_must_act(self, raw: RawServer, ask: Ask, lines: Lines) -> None:
        raw.next(error(401, "Incorrect API key", "invalid_api_key"))
        with pytest.raises(AIError):
            ask()
        (line,) = lines("ai_error")
        assert line["severity"] == "ALERT"
        assert line["message"] == "openai rejects our API key: put a valid one into OPENAI_API_KEY"
        assert (line["provider"], line["model"], line["status"]) == ("openai", "gpt-5-mini", 401)
        assert (line["code"], line["error"]) == ("invalid_api_key", "Incorrect API key")

    def test_not_to_the_owner_for_a_users_key(self, raw: RawServer, ask: Ask, lines: Lines) -> None:
        raw.next(error(401, "No such key: theirs-and-secret"))
        with pytest.raises(AIError):
            ask(api_key="theirs-and-secret")
        (line,) = lines("ai_error")
        assert line["severity"] == "WARNING"
        assert line["error"] == "No such key: [hidden]"

    def test_without_secrets_and_in_few_words(self, raw: RawServer, ask: Ask, lines: Lines) -> None:
        padding = "x" * 495
        raw.next(error(400, f"{padding}{KEY}"), error(400, f"key {KEY} " + "y" * 9999))
        for _ in range(2):
            with pytest.raises(AIError) as caught:
                ask()
            assert KEY not in str(caught.value)
        first, second = lines("ai_error")
        assert "sk-" not in first["error"], "a secret that is cut in two is still one"
        assert second["error"].startswith("key [hidden] yyy")
        assert len(second["error"]) == 500

    def test_never_in_the_error_that_others_see(self, raw: RawServer, ask: Ask) -> None:
        raw.next(error(400, "their words", "their_code"))
        with pytest.raises(AIError) as caught:
            ask()
        assert str(caught.value) == "openai: 400 invalid_request their_code"

    def test_without_the_url_when_the_connection_is_refused(
        self, ask: Ask, lines: Lines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/hidden-path")
        with pytest.raises(AIError):
            ask(seconds=1)
        assert "hidden-path" not in json.dumps(lines())


@pytest.mark.parametrize("key", ["sk-two\nlines: 1", "sk-ключ"])
def test_a_key_that_cannot_be_sent_is_not_repeated(
    raw: RawServer, ask: Ask, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    with pytest.raises(AIError) as theirs:
        ask(api_key=key)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY is malformed") as ours:
        ask()
    assert key[3:] not in str(theirs.value) + str(ours.value)
    assert raw.requests == []


def test_content_without_text_is_not_an_answer(raw: RawServer, ask: Ask) -> None:
    raw.next(plain({"choices": [{"message": {"content": [{"type": "image_url"}]}, "finish_reason": "stop"}]}))
    with pytest.raises(AIError):
        ask()


def test_a_timeout_of_the_provider_is_a_timeout(raw: RawServer, ask: Ask, no_pause: None) -> None:
    raw.next(error(504), error(504))
    with pytest.raises(AITimeout):
        ask()


def test_a_retry_keeps_the_deadline(raw: RawServer, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "MIN_RETRY_SECONDS", 0.1)
    raw.next(error(500), silence)
    started = time.monotonic()
    with pytest.raises(AITimeout):
        ask(seconds=0.5)
    assert 0.49 <= time.monotonic() - started < 0.75


def test_answers_after_an_error_are_good_again(raw: RawServer, ask: Ask, no_pause: None) -> None:
    raw.next(error(500), hang_up)
    with pytest.raises(AIError):
        ask()
    raw.next(good("Fine"))
    assert ask().text == "Fine"
