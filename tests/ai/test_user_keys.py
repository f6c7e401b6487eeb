"""Users' API keys: recognizing the provider, checking a key, its model, its errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.ai import providers
from shared.ai.key_check import Verdict, check_key
from shared.core.config import settings
from shared.core.errors import AIError, AIOverloaded, AITimeout, ConfigError, UserApiKeyError
from tests.ai.asking import Ask, Lines
from tests.ai.conftest import forget_settings
from tests.ai.raw_server import RawServer, plain
from tools.emulator.ai import Ai, AiBehaviour
from tools.emulator.ai.dialects import DIALECTS

KEYS = providers.names()
CHECKED = [key for key in KEYS if providers.load(key).KEY_CHECK_PATH]
REAL = {
    "openai": [
        "sk-proj-4f9aQ2b7Lx0TnV3mWc8RzYd1",
        "sk-4f9aQ2b7Lx0TnV3mWc8RzYd1",
        "sk-svcacct-4f9aQ2b7Lx0TnV3m",
    ],
    "openrouter": ["sk-or-v1-4f9aQ2b7Lx0TnV3mWc8RzYd1"],
    "anthropic": ["sk-ant-api03-4f9aQ2b7Lx0TnV3mWc8RzYd1-AA"],
    "gemini": ["AIzaSyB4f9aQ2b7Lx0TnV3mWc8RzYd1x", "AQ.Ab8RN6K4f9aQ2b7Lx0TnV3mWc8RzYd1x"],
    "github": ["ghp_4f9aQ2b7Lx0TnV3mWc8RzYd1", "github_pat_11ABCDEFG0_4f9aQ2b7Lx0TnV3m"],
}


def test_every_provider_has_a_fake_server_and_examples() -> None:
    assert set(REAL) == set(KEYS) == {dialect.name for dialect in DIALECTS}


@pytest.mark.parametrize(("provider", "key"), [(name, key) for name, keys in REAL.items() for key in keys])
@pytest.mark.parametrize("text", ["{}", "my key is {}, is it good?", "API_KEY='{}'", "«{}»"])
def test_a_key_identifies_its_provider(provider: str, key: str, text: str) -> None:
    assert providers.recognize(text.format(key)) == (provider, key)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "sk-learn", "task-force-of-sixteen-people", "risk-or-no-risk-is-the-question", "sk-or-"],
)
def test_ordinary_words_are_not_keys(text: str) -> None:
    assert providers.recognize(text) is None


@pytest.mark.parametrize("provider", CHECKED)
def test_the_provider_says_whether_a_key_is_good(provider: str, ai: Ai) -> None:
    good, wrong = REAL[provider] * 2 if len(REAL[provider]) == 1 else REAL[provider][:2]
    assert check_key(provider, good) is Verdict.GOOD
    ai.refuse(wrong)
    assert check_key(provider, wrong) is Verdict.REFUSED
    assert ai.checks == [good, wrong]


def test_without_a_check_no_request_is_sent(ai: Ai) -> None:
    assert check_key("github", "ghp_wrong") is Verdict.UNKNOWN
    assert ai.checks == []


@pytest.mark.parametrize("provider", CHECKED)
@pytest.mark.parametrize(
    "behaviour", [AiBehaviour(status=0), AiBehaviour(status=503), AiBehaviour(status=429)]
)
def test_a_failing_provider_leaves_a_key_unverified(provider: str, ai: Ai, behaviour: AiBehaviour) -> None:
    ai.always(behaviour)
    assert check_key(provider, REAL[provider][0]) is Verdict.UNKNOWN


def test_a_key_whose_account_is_empty_is_good(ai: Ai) -> None:
    ai.always(AiBehaviour(status=402))
    assert check_key("openai", REAL["openai"][0]) is Verdict.GOOD


def test_a_key_check_times_out(ai: Ai) -> None:
    ai.always(AiBehaviour(hang=True))
    assert check_key("openai", REAL["openai"][0], timeout=0.3) is Verdict.UNKNOWN


def test_anthropic_keys_are_checked_with_x_api_key(raw: RawServer) -> None:
    raw.next(plain({"data": []}))
    assert check_key("anthropic", "sk-ant-api03-1234567890123456") is Verdict.GOOD
    (request,) = raw.requests
    assert request.path == "/v1/models"
    assert request.headers["x-api-key"] == "sk-ant-api03-1234567890123456"
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in request.headers


@pytest.mark.parametrize("provider", CHECKED)
def test_a_key_that_a_provider_repeats_is_not_logged(provider: str, raw: RawServer, lines: Lines) -> None:
    key = "unheard-of-shape-1234567890"
    raw.next(plain({"error": {"message": f"Incorrect API key provided: {key}"}}, "401 Unauthorized"))
    assert check_key(provider, key) is Verdict.REFUSED
    assert key not in json.dumps(lines())


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (AiBehaviour(status=401), "refused"),
        (AiBehaviour(status=402), "credit"),
        (AiBehaviour(status=404), "model"),
        (AiBehaviour(status=429, retry_after=30), "rate"),
    ],
)
@pytest.mark.parametrize("provider", ["openai", "anthropic", "openrouter"])
def test_errors_that_users_can_resolve_have_a_reason(
    provider: str, ai: Ai, ask: Ask, lines: Lines, behaviour: AiBehaviour, reason: str
) -> None:
    ai.always(behaviour)
    with pytest.raises(UserApiKeyError) as caught:
        ask(provider=provider, api_key=REAL[provider][0])
    assert (caught.value.reason, caught.value.text_key) == (reason, f"user_api_key_{reason}")
    (line,) = lines("ai_error")
    assert (line["severity"], line["is_user_api_key"]) == ("WARNING", True)
    assert REAL[provider][0] not in json.dumps(line)
    with pytest.raises(AIError) as ours:
        ask(provider=provider)
    assert not isinstance(ours.value, UserApiKeyError)


def test_other_errors_are_not_about_the_key(ai: Ai, ask: Ask, no_pause: None) -> None:
    ai.always(AiBehaviour(status=500))
    with pytest.raises(AIError) as caught:
        ask(api_key=REAL["openai"][0])
    assert type(caught.value) is AIError
    ai.always(AiBehaviour(hang=True))
    with pytest.raises(AITimeout):
        ask(api_key=REAL["openai"][0], seconds=0.3)


@pytest.mark.parametrize("key", ["ключ", "sk-with a\nline", "sk-with\x7fcontrol"])
def test_a_key_that_no_header_can_hold_is_refused_without_repeating_it(ask: Ask, key: str) -> None:
    with pytest.raises(UserApiKeyError) as caught:
        ask(api_key=key)
    assert caught.value.reason == "refused"
    assert key not in str(caught.value)


def test_an_answer_records_whose_key_was_used(ai: Ai, ask: Ask) -> None:
    assert ask().is_user_api_key is False
    assert ask(api_key=REAL["openai"][0]).is_user_api_key is True


@pytest.mark.parametrize("provider", KEYS)
def test_every_provider_answers_with_a_users_key(provider: str, ai: Ai, ask: Ask) -> None:
    ai.always(AiBehaviour(text="It speaks."))
    answer = ask(provider=provider, api_key=REAL[provider][0], model=providers.load(provider).MODEL)
    assert (answer.text, answer.provider, answer.is_user_api_key) == ("It speaks.", provider, True)
    assert answer.usage.tokens_out == 2
    assert len(ai.requests) == 1, "nothing was refused and asked again"


def test_the_model_for_user_keys_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert providers.load("anthropic").user_api_key_model() == "claude-haiku-5-5"
    monkeypatch.setenv("USER_API_KEY_MODELS", '{"anthropic": "claude-opus-5-5"}')
    forget_settings()
    assert providers.load("anthropic").user_api_key_model() == "claude-opus-5-5"
    assert providers.load("gemini").user_api_key_model() == "gemini-3.8-flash"


@pytest.mark.parametrize("value", ["hunter2", "[]", '{"anthropic": 5}', '{"anthropic": ""}'])
def test_a_malformed_list_of_models_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("USER_API_KEY_MODELS", value)
    forget_settings()
    with pytest.raises(ConfigError, match="USER_API_KEY_MODELS is malformed"):
        settings()


def test_keys_of_a_discontinued_service_need_a_replacement_url(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = [key for key in KEYS if providers.load(key).IS_DISCONTINUED]
    assert closed == ["github"]
    monkeypatch.delenv("GITHUB_BASE_URL", raising=False)
    assert not providers.load("github").accepts_user_api_keys()
    monkeypatch.setenv("GITHUB_BASE_URL", "https://gateway.example/v1")
    assert providers.load("github").accepts_user_api_keys()
    assert providers.load("openai").accepts_user_api_keys()


def test_errors_of_our_own_account_are_ours(ai: Ai, ask: Ask, lines: Lines) -> None:
    ai.always(AiBehaviour(status=402))
    with pytest.raises(AIOverloaded):
        ask()
    (line,) = lines("ai_error")
    assert line["severity"] == "ALERT"


def test_a_list_as_an_error_is_read(raw: RawServer, ask: Ask) -> None:
    error: Any = [{"error": {"code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED"}}]
    raw.next(plain(error, "429 Too Many Requests"))
    with pytest.raises(UserApiKeyError) as caught:
        ask(provider="gemini", api_key=REAL["gemini"][0], seconds=1.5)
    assert caught.value.reason == "rate"
