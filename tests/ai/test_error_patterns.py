"""Errors are mapped by their text, and only a clear statement of the provider makes a key invalid.

The errors in `error_patterns.json` are from providers' documentation and public reports: regions
(home-assistant 120072, gemini-cli 1993), firewalls (chatgpt-telegram-bot 460), permissions (PowerToys 32989,
continue 10059), length (litellm 10793, 15968, 21647, 28063), streams (crush 1216, chatbox 2263) and framing
(openclaw 76444).
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from shared.ai import chat, error_patterns
from shared.ai.key_check import Verdict, check_key
from shared.ai.providers import load
from shared.ai.response_reader import error_from_response
from shared.core.errors import AIError, AIUnavailable, UserApiKeyError
from tests.ai.asking import Ask, Lines
from tests.ai.raw_server import RawServer, Script, good, head, plain, sends

VERIFY = {
    "message": "Your organization must be verified to stream this model. Please go to: "
    "https://platform.openai.com/settings/organization/general and click on Verify Organization.",
    "type": "invalid_request_error",
    "param": "stream",
    "code": "unsupported_value",
}
PAGE = "<!DOCTYPE html><html><head><title>{}</title></head><body>…</body></html>"


def error(message: str, code: Any = None, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


CASES = [
    tuple(case[name] for name in ("provider", "status", "body", "kind"))
    for case in json.loads((Path(__file__).parent / "error_patterns.json").read_text())
]


@pytest.mark.parametrize(("provider", "status", "body", "kind"), CASES)
def test_an_error_is_mapped_by_its_text(provider: str, status: int, body: Any, kind: str) -> None:
    raw = body if isinstance(body, str) else json.dumps(body)
    assert error_from_response(load(provider), status, {}, raw.encode()).kind == kind


@pytest.mark.parametrize(("provider", "status", "body", "kind"), CASES)
def test_a_user_api_key_is_disabled_only_when_it_is_invalid(
    raw: RawServer, ask: Ask, provider: str, status: int, body: Any, kind: str
) -> None:
    answer = body.encode() if isinstance(body, str) else body
    raw.next(*[plain(answer, f"{status} Status")] * 2)
    try:
        ask(provider=provider, api_key="sk-their-own-key", seconds=1.5)
    except UserApiKeyError as error:
        assert (error.reason == "refused") == (kind == "invalid_key")
        assert kind in ("invalid_key", "permission_denied", "no_credit", "rate_limited", "model_not_found")
    except AIError:
        assert kind not in (
            "invalid_key",
            "permission_denied",
            "no_credit",
            "rate_limited",
            "model_not_found",
        )


def test_a_cloudflare_challenge_is_recognized_by_its_header() -> None:
    assert error_from_response(load("openai"), 403, {"cf-mitigated": "challenge"}, b"{}").kind == "blocked"


class TestWithoutStreaming:
    def test_an_unverified_organization_is_answered_in_one_piece(self, raw: RawServer, ask: Ask) -> None:
        whole = {"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}
        raw.next(plain({"error": VERIFY}, "400 Bad Request"), plain(whole), plain(whole))
        assert ask().text == "Hello"
        assert raw.requests[0].body["stream"] is True
        assert not {"stream", "stream_options"} & set(raw.requests[1].body)
        assert ask().text == "Hello"
        assert len(raw.requests) == 3, "it is remembered"

    def test_one_users_organization_changes_nothing_for_others(self, raw: RawServer, ask: Ask) -> None:
        raw.next(plain({"error": VERIFY}, "400 Bad Request"), good(), good())
        ask(api_key="sk-their-own-key")
        ask()
        assert [request.body.get("stream") for request in raw.requests] == [True, None, True]

    def test_only_once(self, raw: RawServer, ask: Ask) -> None:
        raw.next(*[plain({"error": VERIFY}, "400 Bad Request")] * 3)
        with pytest.raises(AIError):
            ask()
        assert len(raw.requests) == 2

    def test_other_parameters_are_not_mistaken_for_stream(self, raw: RawServer, ask: Ask) -> None:
        raw.next(plain(error("Unrecognized request argument supplied: stream_options"), "400 Bad Request"))
        ask()
        assert raw.requests[1].body["stream"] is True
        assert "stream_options" not in raw.requests[1].body
        chat._unsupported_params.clear()


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (plain(error("x", "invalid_api_key"), "401 Unauthorized"), "valid one into OPENAI_API_KEY"),
        (plain(error("quota", "insufficient_quota"), "429 No"), "top it up or raise its limit"),
        (plain(error("no", "model_not_found"), "404 Not Found"), "no model gpt-5-mini"),
        (plain(error("Missing scopes: x"), "401 Unauthorized"), "check the key's permissions"),
        (plain(error("Location is not supported"), "403 Forbidden"), "deploy to a supported region"),
        (plain(PAGE.format("Just a moment...").encode(), "403 Forbidden"), "check OPENAI_BASE_URL"),
        (sends(head(kind="text/html", Content_Length="13") + b"<html></html>"), "check OPENAI_BASE_URL"),
    ],
)  # fmt: skip
def test_the_alert_tells_the_owner_what_to_do(
    raw: RawServer, ask: Ask, lines: Lines, answer: Script, advice: str
) -> None:
    raw.next(answer)
    with pytest.raises(AIError):
        ask()
    (line,) = lines("ai_error")
    assert line["severity"] == "ALERT"
    assert advice in line["message"]


def test_the_owner_hears_of_a_region_on_a_users_api_key_too(raw: RawServer, ask: Ask, lines: Lines) -> None:
    raw.next(plain(error("Country, region, or territory not supported"), "403 Forbidden"))
    with pytest.raises(AIUnavailable):
        ask(api_key="sk-their-own-key")
    assert [line["severity"] for line in lines("ai_error")] == ["ALERT"]


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (plain({"data": []}), Verdict.GOOD),
        (plain(error("Incorrect API key", "invalid_api_key"), "401 Unauthorized"), Verdict.REFUSED),
        (plain(error("Missing scopes: api.model.read"), "403 Forbidden"), Verdict.UNKNOWN),
        (plain(error("Country, region, or territory not supported"), "403 Forbidden"), Verdict.UNKNOWN),
        (plain(PAGE.format("Just a moment...").encode(), "403 Forbidden"), Verdict.UNKNOWN),
        (plain(PAGE.format("Welcome").encode()), Verdict.UNKNOWN),
        (plain(b"Unauthorized", "401 Unauthorized"), Verdict.UNKNOWN),
    ],
)
def test_a_key_is_refused_only_by_the_provider(raw: RawServer, answer: Script, verdict: Verdict) -> None:
    raw.next(answer)
    assert check_key("openai", "sk-their-own-key") == verdict


@pytest.mark.parametrize(
    "piece", ["model ", "api key is ", "token count ", "exceeds the ", "<title", "violates our "]
)
def test_matching_takes_bounded_time(piece: str) -> None:
    text = piece * 20_000
    started = time.thread_time()
    for status in (400, 500):
        error_patterns.unambiguous_kind(text)
        error_patterns.probable_kind(status, text)
        error_patterns.page_kind(status, text)
        error_patterns.page_title(text)
    assert time.thread_time() - started < 0.5
