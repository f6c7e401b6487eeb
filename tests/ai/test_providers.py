"""The contract of every provider, checked with payloads recorded in `providers/<key>/`."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from shared.ai import providers
from shared.ai.chat import Usage
from shared.ai.error_handling import RULES
from shared.ai.provider import ChatRequest, ErrorKind, PartialCompletion, Provider, ProviderError
from shared.core.config import settings
from shared.core.errors import (
    AIError,
    AIOverloaded,
    AIRefused,
    AITimeout,
    AITooLong,
    AIUnavailable,
    ConfigError,
)
from tests.ai.asking import MESSAGES, Ask, Lines
from tests.ai.conftest import forget_settings
from tests.ai.raw_server import CHUNKED, END, RawServer, chunk, plain, sends

ROOT = Path(__file__).parents[2]
RECORDED = Path(__file__).parent / "providers"
KEYS = providers.names()

EXPECTED = {
    ErrorKind.INVALID_KEY: AIUnavailable,
    ErrorKind.PERMISSION_DENIED: AIUnavailable,
    ErrorKind.UNSUPPORTED_REGION: AIUnavailable,
    ErrorKind.BLOCKED: AIUnavailable,
    ErrorKind.NO_STREAMING: AIError,
    ErrorKind.NO_CREDIT: AIOverloaded,
    ErrorKind.MODEL_NOT_FOUND: AIUnavailable,
    ErrorKind.RATE_LIMITED: AIOverloaded,
    ErrorKind.CONTENT_REFUSED: AIRefused,
    ErrorKind.CONTEXT_TOO_LONG: AITooLong,
    ErrorKind.INVALID_REQUEST: AIError,
    ErrorKind.SERVER_ERROR: AIError,
    ErrorKind.PROVIDER_TIMEOUT: AITimeout,
}
FOR_THE_OWNER = {
    ErrorKind.INVALID_KEY,
    ErrorKind.PERMISSION_DENIED,
    ErrorKind.UNSUPPORTED_REGION,
    ErrorKind.BLOCKED,
    ErrorKind.NO_CREDIT,
    ErrorKind.MODEL_NOT_FOUND,
}
# The rest is the same for every provider.
OF_EACH = set(EXPECTED) - {
    ErrorKind.PERMISSION_DENIED,
    ErrorKind.UNSUPPORTED_REGION,
    ErrorKind.BLOCKED,
    ErrorKind.NO_STREAMING,
}


class Recorded(NamedTuple):
    key: str
    status: int
    body: Any
    kind: ErrorKind


def recorded_errors() -> list[Any]:
    cases = []
    for key in KEYS:
        for case in json.loads((RECORDED / key / "errors.json").read_text()):
            body = case.get("body", {"error": case.get("error")})
            name = f"{key} {case['status']} {str(case.get('error') or body)[:60]}"
            cases.append(pytest.param(Recorded(key, case["status"], body, ErrorKind(case["kind"])), id=name))
    return cases


def test_the_folder_is_the_list_of_providers() -> None:
    files = {path.stem for path in (ROOT / "shared/ai/providers").glob("*.py")} - {"__init__"}
    assert set(KEYS) == files >= {"openai", "openrouter"}


def test_a_provider_that_does_not_exist_is_a_setting_to_correct() -> None:
    with pytest.raises(ConfigError, match=r"'unknown': CHAT_PROVIDER is one of .*openai, openrouter"):
        providers.load("unknown")


@pytest.mark.parametrize("key", KEYS)
class TestEveryProvider:
    def test_follows_from_its_key(self, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        provider = providers.load(key)
        assert isinstance(provider, Provider)
        assert provider.key == key
        assert re.fullmatch(r"https://[^/]+(/\w+)*", provider.BASE_URL)
        monkeypatch.setenv(f"{key.upper()}_API_KEY", "sk-from-the-environment")
        monkeypatch.delenv(f"{key.upper()}_BASE_URL", raising=False)
        forget_settings()
        assert provider.api_key() == "sk-from-the-environment"
        assert provider.url() == provider.BASE_URL + provider.PATH
        monkeypatch.setenv(f"{key.upper()}_BASE_URL", "http://localhost:1/elsewhere/")
        assert provider.url() == "http://localhost:1/elsewhere" + provider.PATH

    def test_without_a_key_names_the_variable(
        self, key: str, monkeypatch: pytest.MonkeyPatch, ask: Ask
    ) -> None:
        monkeypatch.setenv(f"{key.upper()}_API_KEY", " ")
        with pytest.raises(ConfigError, match=f"{key.upper()}_API_KEY is missing"):
            ask(provider=key)

    def test_is_in_the_example_of_an_environment(self, key: str) -> None:
        example = ROOT / ".env.example"
        if not example.exists():
            pytest.skip("there is no .env.example yet")
        named = set(re.findall(r"^#?\s*([A-Z_]+)=", example.read_text(), re.MULTILINE))
        assert {f"{key.upper()}_API_KEY", f"{key.upper()}_BASE_URL"} <= named, f"add them to {example.name}"

    def test_has_recorded_payloads(self, key: str) -> None:
        found = {path.name for path in (RECORDED / key).glob("*")}
        assert found == {"stream.sse", "whole.json", "errors.json"}, (
            f"record them in tests/ai/providers/{key}"
        )

    def test_requests_a_stream_without_depending_on_optional_params(self, key: str) -> None:
        body = providers.load(key).body(ChatRequest(MESSAGES, "some-model", "f00d", 0.5, "low"))
        assert (body["model"], body["messages"], body["stream"]) == ("some-model", MESSAGES, True)
        assert set(providers.load(key).OPTIONAL_PARAMS) <= set(body) - {"model", "messages", "stream"}
        assert body["max_completion_tokens"] >= 4000

    def test_sends_secrets_only_in_headers(self, key: str) -> None:
        provider = providers.load(key)
        body = provider.body(ChatRequest(MESSAGES, "some-model", "f00d", 0.5))
        assert "sk-secret" not in json.dumps(body) + provider.url()
        assert [name for name, value in provider.headers("sk-secret").items() if "sk-secret" in value] == [
            "Authorization"
        ]

    @pytest.mark.parametrize("size", [1, 17, 100_000])
    def test_reads_its_recorded_stream(self, key: str, size: int, raw: RawServer, ask: Ask) -> None:
        body = (RECORDED / key / "stream.sse").read_bytes()
        raw.next(
            sends(CHUNKED + b"".join(chunk(body[at : at + size]) for at in range(0, len(body), size)) + END)
        )

        answer = ask(provider=key)

        assert (answer.text, answer.finish) == ("Hello, world", "stop")
        assert (answer.usage.tokens_in, answer.usage.tokens_out) == (18, 75)

    def test_reads_its_recorded_whole_answer(self, key: str, raw: RawServer, ask: Ask) -> None:
        raw.next(plain((RECORDED / key / "whole.json").read_bytes()))

        answer = ask(provider=key)

        assert (answer.text, answer.finish) == ("Hello, world", "stop")
        assert (answer.usage.tokens_in, answer.usage.tokens_out) == (18, 75)

    def test_has_every_kind_of_error_recorded(self, key: str) -> None:
        cases = json.loads((RECORDED / key / "errors.json").read_text())
        assert {case["kind"] for case in cases} >= {str(kind) for kind in OF_EACH}
        assert any(case["status"] == 200 for case in cases)


@pytest.mark.parametrize("case", recorded_errors())
def test_a_recorded_error_has_its_kind(case: Recorded, raw: RawServer, ask: Ask, lines: Lines) -> None:
    answer = case.body.encode() if isinstance(case.body, str) else case.body
    raw.next(plain(answer, f"{case.status} Status"))

    with pytest.raises(AIError) as caught:
        ask(provider=case.key, seconds=1.5)  # too little for a retry

    assert type(caught.value) is EXPECTED[case.kind]
    assert case.kind in str(caught.value)
    (line,) = lines("ai_error")
    assert line["kind"] == case.kind
    assert line["severity"] == ("ALERT" if case.kind in FOR_THE_OWNER else "WARNING")
    assert "words of a person" not in json.dumps(line)
    assert "upstream text" not in json.dumps(line)


def test_every_error_kind_has_a_rule() -> None:
    assert set(RULES) == set(ErrorKind)


def test_openrouters_price_is_read(raw: RawServer, ask: Ask) -> None:
    raw.next(plain((RECORDED / "openrouter/whole.json").read_bytes()))
    assert ask(provider="openrouter").usage == Usage(18, 75, Decimal("0.0001545"))


def test_openrouter_gets_no_referer_without_public_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUBLIC_URL")
    forget_settings()
    assert settings().public_url == ""
    assert set(providers.load("openrouter").headers("k")) == {"Authorization", "Content-Type"}


def test_a_provider_is_named_only_in_its_own_files() -> None:
    """Other code iterates `providers.names()`; only the default provider is a setting."""
    named = re.compile("|".join(rf"[\"']{key}[\"']" for key in KEYS))
    homes = {ROOT / "shared/ai/providers" / f"{key}.py" for key in KEYS} | {
        ROOT / "shared/core/config.py",
        ROOT / "shared/core/setting_values.py",
        ROOT / "shared/ai/model_lists.py",  # the form of each list, also of providers that make media alone
    }
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / "shared").rglob("*.py")
        if path not in homes
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if named.search(line)
    ]
    assert found == [], "take it from the registry or the settings"


def test_text_outweighs_a_later_error() -> None:
    provider, draft = providers.load("openai"), PartialCompletion()
    provider.read_event({"choices": [{"delta": {"content": "So far"}}]}, draft)
    provider.read_event({"error": {"message": "gone"}, "choices": [{"finish_reason": "error"}]}, draft)
    assert draft.text() == "So far"
    assert draft.error == ProviderError(ErrorKind.SERVER_ERROR, message="gone")
