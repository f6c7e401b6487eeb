"""What every media provider does, at the wire of the emulator's fake servers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.ai.media import providers, wire
from shared.ai.media.base import BaseProvider
from shared.ai.media.contract import (
    OWNER_CAUSES,
    Cause,
    Failed,
    Finished,
    MediaFile,
    MediaOptions,
    MediaProvider,
    MediaRequest,
    Outcome,
    Refused,
    Submitted,
)
from shared.core.errors import ConfigError
from tests.ai.asking import Lines
from tests.ai.media.requests import (
    KINDS,
    MODELS,
    PROMPT,
    body_of,
    deadline,
    media_request,
    picture,
    recorded,
    reference,
)
from tests.ai.raw_server import RawServer, hang_up, head, plain, sends
from tools.emulator.ai.media import Media, MediaBehaviour
from tools.emulator.ai.media.server import APIS


def work(provider: MediaProvider, request: MediaRequest) -> Outcome:
    """Submit and read until the outcome is final."""
    outcome = provider.submit(request, deadline())
    for _ in range(6):
        if not isinstance(outcome, Submitted):
            break
        assert outcome.poll_after_s > 0
        outcome = provider.read(outcome.provider_job_id, deadline())
    return outcome


def files(request: MediaRequest, key: str) -> list[MediaFile]:
    """Return what the provider makes."""
    provider = providers.load(key)
    outcome = work(provider, request)
    assert isinstance(outcome, Finished), outcome
    return [provider.download(file, deadline()) for file in outcome.files]


def variants() -> list[Any]:
    return [pytest.param(*pair, id=f"{pair[0]} {pair[1]}") for pair in sorted(MODELS)]


@pytest.mark.parametrize(("key", "variant"), variants())
class TestSuccess:
    def test_a_file_of_the_size_asked_for(self, media: Media, key: str, variant: Any) -> None:
        (file,) = files(media_request(key, variant), key)
        assert file.data
        assert file.mime in (("image/jpeg", "image/png") if variant == "image" else ("video/mp4",))
        assert file.width and file.height
        assert file.width / file.height == pytest.approx(16 / 9, rel=0.01)
        assert (file.duration_s or 0) > 0 or variant == "image"

    def test_the_request_names_the_user_only_by_the_hash(self, media: Media, key: str, variant: Any) -> None:
        work(providers.load(key), media_request(key, variant))
        (sent,) = media.requests
        assert PROMPT in json.dumps(sent)
        assert "token=" not in json.dumps(sent)

    def test_from_references(self, media: Media, key: str, variant: Any) -> None:
        request = media_request(key, variant, references=(reference(), reference()))
        assert files(request, key)

    def test_one_request_however_long_it_takes(self, media: Media, key: str, variant: Any) -> None:
        media.always(MediaBehaviour(reads=3))
        assert files(media_request(key, variant), key)
        assert len(media.requests) == 1


def test_several_pictures(media: Media) -> None:
    found = files(media_request("openai", options=MediaOptions(count=3)), "openai")
    assert len({file.data for file in found}) == 3


def refusals() -> list[Any]:
    return [
        pytest.param(api.NAME, getattr(api, "VARIANT", "image"), name, id=f"{api.__name__} {name}")
        for api in APIS
        for name in api.REFUSALS
    ]


@pytest.mark.parametrize(("key", "variant", "name"), refusals())
def test_a_refusal_is_final_and_sent_once(
    media: Media, key: str, variant: Any, name: str, lines: Lines
) -> None:
    media.always(MediaBehaviour(refusal=name))
    outcome = work(providers.load(key), media_request(key, variant))
    assert isinstance(outcome, Refused), outcome
    assert len(media.requests) == 1
    assert lines("media_refused")
    assert not lines("media_error")


class TestRecorded:
    @pytest.mark.parametrize(
        ("key", "case", "variant"),
        [
            *recorded("submit", "image"),
            *recorded("submit_video", "video"),
            *recorded("submit_omni", "omni"),
        ],
    )
    def test_answers_to_a_request(
        self, raw_media: RawServer, key: str, case: dict[str, Any], variant: Any, lines: Lines
    ) -> None:
        raw_media.next(answer(case))
        outcome = providers.load(key).submit(media_request(key, variant), deadline())
        compare(outcome, case)
        assert len(raw_media.requests) == 1
        if isinstance(outcome, Failed):
            (line,) = lines("media_error")
            assert line["severity"] == ("ALERT" if outcome.cause in OWNER_CAUSES else "WARNING")
            assert line["error"]


def answer(case: dict[str, Any]) -> Any:
    headers = {name.replace("-", "_"): value for name, value in case.get("headers", {}).items()}
    return plain(body_of(case), f"{case['status']} Status", **headers)


def compare(outcome: Outcome, case: dict[str, Any]) -> None:
    """Compare an outcome with what a recorded case says of it."""
    assert type(outcome).__name__.lower() == case["outcome"], outcome
    for name in ("cause", "may_retry", "spent", "kind", "text", "retry_after_s", "usage"):
        if name in case:
            assert getattr(outcome, name) == case[name]
    if "job" in case:
        assert getattr(outcome, "provider_job_id", None) == case["job"]
    if "cost_usd" in case:
        assert str(getattr(outcome, "cost_usd", None)) == case["cost_usd"]
    if isinstance(outcome, Finished):
        assert len(outcome.files) == case.get("files", 1)
        assert case.get("mime") in (None, outcome.files[0].mime)


@pytest.mark.parametrize(("key", "variant"), variants())
class TestNoAnswer:
    def test_a_refused_connection_may_be_retried(
        self, monkeypatch: pytest.MonkeyPatch, key: str, variant: Any
    ) -> None:
        monkeypatch.setenv(f"{key.upper()}_BASE_URL", "http://127.0.0.1:1/v1/openai")
        outcome = providers.load(key).submit(media_request(key, variant), deadline())
        assert isinstance(outcome, Failed)
        assert (outcome.cause, outcome.may_retry, outcome.spent) == (Cause.UNREACHABLE, True, False)

    def test_no_time_left_to_send_may_be_retried(self, media: Media, key: str, variant: Any) -> None:
        outcome = providers.load(key).submit(media_request(key, variant), deadline(-1))
        assert isinstance(outcome, Failed)
        assert (outcome.cause, outcome.may_retry, outcome.spent) == (Cause.DEADLINE_EXCEEDED, True, False)
        assert not media.requests

    def test_a_timeout_after_arrival_is_not(self, media: Media, key: str, variant: Any) -> None:
        media.next(MediaBehaviour(hang=True))
        outcome = providers.load(key).submit(media_request(key, variant), deadline(0.5))
        assert isinstance(outcome, Failed)
        assert (outcome.cause, outcome.may_retry, outcome.spent) == (Cause.DEADLINE_EXCEEDED, False, None)
        assert len(media.requests) == 1

    def test_a_lost_connection_is_not(self, media: Media, key: str, variant: Any) -> None:
        media.next(MediaBehaviour(drop=True))
        outcome = providers.load(key).submit(media_request(key, variant), deadline())
        assert isinstance(outcome, Failed)
        assert (outcome.cause, outcome.may_retry, outcome.spent) == (Cause.CONNECTION_LOST, False, None)


ODD = {
    "empty": b"",
    "html": b"<html><head><title>Welcome</title></head></html>",
    "truncated": b'{"data": [{"b64_json": "iVBORw0',
    "a list": b"[1, 2]",
    "null": b"null",
    "an empty object": b"{}",
    "deep": b'{"data":' * 2_000,
    "wrong types": b'{"data": {"b64_json": 7}, "candidates": 7, "code": "200", "id": [], "name": {}}',
    "wrong base64": b'{"data": [{"b64_json": "***"}], "candidates": [{"finishReason": "STOP", "content": '
    b'{"parts": [{"inlineData": {"data": "***"}}]}}], "code": 200}',
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize(("key", "variant"), variants())
def test_an_odd_success_is_a_failure_whose_cost_is_unknown(
    raw_media: RawServer, key: str, variant: Any, name: str, lines: Lines
) -> None:
    raw_media.next(plain(ODD[name]))
    outcome = providers.load(key).submit(media_request(key, variant), deadline())
    assert isinstance(outcome, Failed), outcome
    assert outcome.cause in (Cause.INVALID_RESPONSE, Cause.EMPTY)
    assert not outcome.may_retry
    assert outcome.spent is not False
    assert lines("media_error")[0]["error"]


def test_a_body_that_is_too_long_is_not_read_to_the_end(
    raw_media: RawServer, key: str, provider: MediaProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_BYTES", 100_000)
    raw_media.next(
        sends(head(kind="application/json", Content_Length="900000") + b"x" * 150_000, then=hang_up)
    )
    outcome = provider.submit(media_request(key), deadline())
    assert isinstance(outcome, Failed)
    assert (outcome.cause, outcome.may_retry, outcome.spent) == (Cause.INVALID_RESPONSE, False, None)


class TestChecks:
    """What is known to be rejected is not sent."""

    def reject(self, media: Media, key: str, cause: Cause = Cause.INVALID_REQUEST, **more: Any) -> None:
        outcome = providers.load(key).submit(media_request(key, **more), deadline())
        assert isinstance(outcome, Failed)
        assert (outcome.cause, outcome.may_retry, outcome.spent) == (cause, False, False)
        assert not media.requests

    def test_options_of_the_other_kind(self, media: Media, key: str) -> None:
        self.reject(media, key, options=MediaOptions(duration=5))
        self.reject(media, key, options=MediaOptions(sound=True))

    def test_too_many_pictures(self, media: Media, key: str) -> None:
        self.reject(media, key, options=MediaOptions(count=11))
        self.reject(media, key, options=MediaOptions(count=0))

    def test_frames_of_a_picture(self, media: Media, key: str) -> None:
        self.reject(media, key, references=(reference(role="first_frame"),))

    def test_references_that_are_no_pictures(self, media: Media, key: str) -> None:
        for data in (b"", b"%PDF-1.7", picture("GIF")):
            bad = replace(reference(), data=data)
            self.reject(media, key, Cause.INVALID_REFERENCE, references=(bad,))

    def test_too_many_bytes(self, media: Media, key: str) -> None:
        large = replace(reference(), data=picture() + b"\0" * 16_000_000)
        self.reject(media, key, Cause.INVALID_REFERENCE, references=(large, large))

    def test_too_many_references(self, media: Media) -> None:
        for key in ("gemini", "kie_ai", "openai"):
            self.reject(media, key, Cause.INVALID_REFERENCE, references=(reference(),) * 17)

    def test_a_model_of_kie_ai_whose_input_is_not_known(self, media: Media) -> None:
        self.reject(media, "kie_ai", model="magic-1")

    def test_an_option_that_a_model_of_kie_ai_has_not(self, media: Media) -> None:
        self.reject(media, "kie_ai", model="z-image", options=MediaOptions(size="1K"))

    def test_a_reference_without_an_address_at_kie_ai(self, media: Media) -> None:
        bare = replace(reference(), url=None)
        self.reject(media, "kie_ai", Cause.INVALID_REFERENCE, references=(bare,))


class TestSettings:
    def test_a_missing_key_is_named(
        self, media: Media, key: str, provider: MediaProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv(f"{key.upper()}_API_KEY")
        with pytest.raises(ConfigError, match=f"{key.upper()}_API_KEY is missing"):
            provider.submit(media_request(key), deadline())
        assert not media.requests

    def test_a_malformed_address_is_named(
        self, key: str, provider: MediaProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(f"{key.upper()}_BASE_URL", "localhost")
        with pytest.raises(ConfigError, match=f"{key.upper()}_BASE_URL is malformed"):
            provider.submit(media_request(key), deadline())

    def test_a_key_with_a_line_break_is_not_sent(
        self, media: Media, key: str, provider: MediaProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(f"{key.upper()}_API_KEY", "one\r\nX-Other: two")
        with pytest.raises(ConfigError) as caught:
            provider.submit(media_request(key), deadline())
        assert "two" not in str(caught.value)

    def test_a_wrong_key_alerts_the_owner(
        self, media: Media, key: str, provider: MediaProvider, monkeypatch: pytest.MonkeyPatch, lines: Lines
    ) -> None:
        monkeypatch.setenv(f"{key.upper()}_API_KEY", "wrong-key-0123456789")
        outcome = provider.submit(media_request(key), deadline())
        assert isinstance(outcome, Failed)
        assert outcome.cause is Cause.INVALID_KEY
        (line,) = lines("media_error")
        assert line["severity"] == "ALERT"
        assert f"{key.upper()}_API_KEY" in line["message"]

    def test_the_folder_is_the_list(self) -> None:
        assert providers.names() == ("gemini", "kie_ai", "openai", "openrouter")
        with pytest.raises(ConfigError, match="known are gemini, kie_ai"):
            providers.load("sora")

    def test_a_provider_answers_in_its_kinds(self, provider: MediaProvider, key: str) -> None:
        assert isinstance(provider, BaseProvider)
        assert provider.key == key
        assert provider.kinds == {KINDS[variant] for name, variant in MODELS if name == key}


def test_the_log_has_neither_prompt_nor_addresses_nor_keys(
    raw_media: RawServer, key: str, provider: MediaProvider, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sk-secret-value-0123456789"
    monkeypatch.setenv(f"{key.upper()}_API_KEY", secret)
    message = f"Bad: {secret} https://files.example.com/1.png?token=secret {PROMPT.upper()} and more"
    raw_media.next(
        plain({"error": {"message": message, "code": 400}, "code": 500, "msg": message}, "400 Bad")
    )
    outcome = provider.submit(media_request(key), deadline())
    assert isinstance(outcome, Failed)
    for text in (*map(json.dumps, lines()), outcome.message):
        assert "Bad:" in text or "media_error" not in text
        for hidden in (secret, "token=", "newspaper", "NEWSPAPER"):
            assert hidden not in text


def test_no_contract_type_shows_secrets_in_a_traceback() -> None:
    shown = repr(
        media_request("openai", references=(reference(),), callback_url="https://x.example/?token=1")
    )
    shown += repr(MediaFile(data=b"secret", url="https://x.example/secret"))
    assert "secret" not in shown
    assert "token" not in shown
    assert PROMPT not in shown
