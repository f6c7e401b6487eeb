"""The contract of every provider: only authentic webhooks count, and no input breaks it.

A new provider has its recorded webhooks and sample.py in recorded/<provider>/.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from shared.core.errors import ConfigError
from shared.payments.events import EventKind
from shared.payments.provider import (
    MAX_BODY,
    InvalidPayload,
    InvalidSignature,
    PaymentError,
    Provider,
    WebhookRequest,
)
from shared.payments.providers import load, names
from tests.payments import provider_lists
from tests.payments.conftest import body_of
from tests.payments.sample import Sample, samples, with_headers
from tests.support import examples

SAMPLES = samples()
SIGNED = [key for key, sample in SAMPLES.items() if sample.HEADERS]
CASES = [(key, name) for key, sample in SAMPLES.items() for name, _ in sample.recorded()]
DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
GARBAGE = ("", " ", "0", "é", "\udce9", "\ud800", "a" * 8000, "t=1,v1=", "=,=,=", "sha256=00", "\x00", "null")


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest, environment: Callable[..., None]) -> Sample:
    found = SAMPLES[request.param]
    environment(**found.ENV)
    return found


@pytest.fixture
def provider(sample: Sample) -> Provider:
    return load(sample.KEY)


signed = pytest.mark.parametrize("sample", SIGNED, indirect=True)


def accept(provider: Provider, call: WebhookRequest) -> Any:
    provider.verify(call)
    return provider.parse(call)


def test_every_provider_has_a_sample() -> None:
    assert set(provider_lists.REAL) <= set(SAMPLES), "add tests/payments/recorded/<provider>/sample.py"
    for key, sample in SAMPLES.items():
        assert key == sample.KEY
        assert sample.recorded(), f"record callbacks in tests/payments/recorded/{key}"


@pytest.mark.parametrize("key", names())
def test_declared_capabilities_match_the_implemented_methods(
    key: str, environment: Callable[..., None]
) -> None:
    provider = load(key)
    assert provider.key == key
    is_outside = provider.API_URL.startswith("https://") and not provider.API_URL.endswith("/")
    assert is_outside or not provider.API_URL or key == "fake"
    assert provider.CURRENCIES
    assert all(currency == currency.upper() for currency in provider.CURRENCIES)
    assert {"month", "year"} >= provider.RECURRING_PERIODS
    assert bool(provider.SUPPORTS_STATUS) == ("fetch" in _own(provider))
    assert bool(provider.SUPPORTS_REFUNDS) == ("refund" in _own(provider))
    assert bool(provider.RECURRING_PERIODS) == ("cancel_subscription" in _own(provider))
    assert bool(provider.SUPPORTS_SAVED_METHODS) == ("charge_saved_method" in _own(provider))
    assert bool(provider.SUPPORTS_SAVED_METHODS) == ("find_charge" in _own(provider))


def _own(provider: Provider) -> set[str]:
    return set(vars(type(provider)))


def test_a_provider_is_configured_only_with_all_required_settings(
    sample: Sample, provider: Provider, environment: Callable[..., None]
) -> None:
    assert provider.is_configured()
    for variable in provider.required_variables():
        environment(**{variable: "  "})
        assert not provider.is_configured()
        environment(**{variable: sample.ENV[variable]})


def test_responses_mean_success_retry_and_rejection(sample: Sample, provider: Provider) -> None:
    call = sample.sign(sample.paid())
    assert provider.success_response(call).status == 200
    assert (
        provider.retry_response(call).status >= 500
        or provider.retry_response(call).body != provider.success_response(call).body
    )
    assert 400 <= provider.rejection_response(call).status < 500


@pytest.mark.parametrize(("key", "name"), CASES, ids=[f"{key}-{name}" for key, name in CASES])
def test_recorded_webhooks_are_parsed(
    key: str, name: str, environment: Callable[..., None], answers: dict[str, Any]
) -> None:
    sample, provider = SAMPLES[key], load(key)
    environment(**sample.ENV)
    case = dict(sample.recorded())[name]
    answers.update(case.get("answers", {}))
    for _ in range(2):
        event = accept(provider, sample.sign(body_of(case), case=case))
        assert [payment_event.to_json() for payment_event in event.payment_events] == case["events"]
        assert (event.key, event.type) == (case["key"], case["type"])


@pytest.mark.parametrize(
    ("key", "vector"),
    [(key, vector) for key, sample in SAMPLES.items() for vector in sample.vectors()],
    ids=lambda value: value if isinstance(value, str) else value["name"],
)
def test_published_signatures_are_valid(
    key: str, vector: dict[str, Any], environment: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample, provider = SAMPLES[key], load(key)
    values, call = sample.vector(vector)
    environment(**(sample.ENV | values))
    monkeypatch.setattr("time.time", lambda: float(vector.get("timestamp", 0)))
    provider.verify(call)
    environment(**{sample.SECRET: "another"})
    with pytest.raises(InvalidSignature):
        provider.verify(call)


@signed
def test_a_changed_body_is_not_authentic(sample: Sample, provider: Provider) -> None:
    call = sample.sign(sample.paid())
    provider.verify(call)
    middle = len(call.body) // 2
    for body in (
        call.body + b" ",
        b" " + call.body,
        call.body[:-1],
        b"",
        call.body[:middle] + bytes([call.body[middle] ^ 1]) + call.body[middle + 1 :],
    ):
        with pytest.raises(InvalidSignature):
            provider.verify(
                WebhookRequest(call.kind, call.method, call.headers, body, call.query, call.client_address)
            )


@signed
def test_a_changed_signature_is_not_authentic(sample: Sample, provider: Provider) -> None:
    call = sample.sign(sample.paid())
    for name in sample.HEADERS:
        value = call.headers[name]
        others = dict.fromkeys(sample.HEADERS, "")
        for changed in (
            value[:-1],
            value[::-1],
            value + "0",
            value[:-1] + ("0" if value[-1] != "0" else "1"),
        ):
            with pytest.raises(InvalidSignature):
                provider.verify(with_headers(call, **others | {name: changed}))


@signed
def test_a_missing_signature_is_not_authentic(sample: Sample, provider: Provider) -> None:
    call = sample.sign(sample.paid())
    with pytest.raises(InvalidSignature):
        provider.verify(
            WebhookRequest(call.kind, call.method, {}, call.body, call.query, call.client_address)
        )


@signed
@pytest.mark.parametrize("garbage", GARBAGE, ids=[ascii(text[:8]) for text in GARBAGE])
def test_any_header_value_only_raises_invalid_signature(
    sample: Sample, provider: Provider, garbage: str
) -> None:
    call = sample.sign(sample.paid())
    for body in (call.body, b"\xff\xfe", b""):
        odd = WebhookRequest(call.kind, call.method, dict.fromkeys(sample.HEADERS, garbage), body, call.query)
        with pytest.raises(InvalidSignature):
            provider.verify(odd)


def test_without_a_secret_nothing_is_authentic(
    sample: Sample, provider: Provider, environment: Callable[..., None]
) -> None:
    for blank in ("", "   "):
        environment(**{sample.SECRET: blank})
        for call in (sample.sign(sample.paid(), secret=""), sample.sign(sample.paid())):
            with pytest.raises((ConfigError, InvalidSignature)):
                provider.verify(call)


@signed
def test_secrets_can_be_rotated(sample: Sample, provider: Provider, environment: Callable[..., None]) -> None:
    old = sample.sign(sample.paid())
    if sample.ROTATED is not None:
        environment(**sample.ROTATED)
        provider.verify(old)
        with pytest.raises(InvalidSignature):
            provider.verify(sample.sign(sample.paid(), secret=sample.ROTATED[sample.SECRET]))
    environment(**{sample.SECRET: "entirely-another"})
    with pytest.raises(InvalidSignature):
        provider.verify(old)


HOSTILE = {
    "not utf-8": b'{"a": "\xff\xfe"}',
    "deep": DEEP,
    "deep list": b"[" * 100_000,
    "oversized": b'{"a": "' + b"x" * (MAX_BODY * 2) + b'"}',
    "empty": b"",
    "list": b"[]",
    "null": b"null",
    "number": b"1e999",
    "zero bytes": b"\x00" * 100,
    "half": b'{"id": ',
    "surrogate": b'{"id": "\\ud800"}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_are_rejected_and_when_signed_invalid(
    sample: Sample, provider: Provider, answers: dict[str, Any], name: str
) -> None:
    body = HOSTILE[name]
    if sample.HEADERS:
        with pytest.raises(InvalidSignature):
            provider.verify(WebhookRequest("", "POST", {}, body))
    with pytest.raises((InvalidPayload, InvalidSignature)):
        accept(provider, sample.sign(body))


def test_an_unknown_event_is_stored_and_changes_nothing(
    sample: Sample, provider: Provider, answers: dict[str, Any]
) -> None:
    event = accept(provider, sample.sign(sample.unknown()))
    assert event.key
    assert {payment_event.kind for payment_event in event.payment_events} <= {EventKind.OTHER}


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("paid"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values within a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, one in inside for place in places(one, (*path, name)))]


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


@given_settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_an_authentic_body_with_any_value_anywhere_is_parsed_or_invalid(
    sample: Sample, provider: Provider, answers: dict[str, Any], data: st.DataObject
) -> None:
    cases = [case for _, case in sample.recorded() if "body" in case]
    if not cases:
        pytest.skip("its bodies are no JSON")
    case = data.draw(st.sampled_from(cases))
    answers.update(case.get("answers", {}))
    place = data.draw(st.sampled_from(places(case["body"])))
    body = json.dumps(replaced(case["body"], place, data.draw(ODD)), ensure_ascii=True).encode()
    try:
        event = accept(provider, sample.sign(body, case=case))
    except (InvalidPayload, InvalidSignature, PaymentError):
        return
    assert event.key
    for payment_event in event.payment_events:
        plain = payment_event.to_json()
        assert "\0" not in json.dumps(plain)
        assert payment_event.kind is not EventKind.PAID or (
            payment_event.amount is not None and payment_event.currency and payment_event.payment_id
        )


@signed
@given_settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.binary(max_size=200), header=st.text(max_size=60))
def test_random_requests_are_not_authentic(
    sample: Sample, provider: Provider, body: bytes, header: str
) -> None:
    with pytest.raises(InvalidSignature):
        provider.verify(WebhookRequest("", "POST", dict.fromkeys(sample.HEADERS, header), body))
