"""Only Cloud Scheduler may run a job."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from shared.core import config
from shared.core.errors import ConfigError
from shared.core.http import Response
from shared.scheduled import authorization
from tools.emulator.stack import Stack

ACCOUNT = "scheduler@project.iam.gserviceaccount.com"
PUBLIC_URL = "https://region-project.cloudfunctions.net"
AUDIENCE = f"{PUBLIC_URL}/scheduled"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NOW = datetime.datetime.now(datetime.UTC)


def certificate() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(NOW - datetime.timedelta(days=1))
        .not_valid_after(NOW + datetime.timedelta(days=1))
        .sign(KEY, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


def token(key: rsa.RSAPrivateKey = KEY, **claims: Any) -> str:
    def part(value: dict[str, Any]) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    payload = {
        "iss": "https://accounts.google.com",
        "aud": AUDIENCE,
        "email": ACCOUNT,
        "email_verified": True,
        "iat": int(NOW.timestamp()) - 10,
        "exp": int(NOW.timestamp()) + 3000,
    } | claims
    signed = part({"alg": "RS256", "kid": "k1", "typ": "JWT"}) + b"." + part(payload)
    signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings of a deployed function and Google's certificates."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://x:y@localhost/z")
    monkeypatch.setenv("BOT_TOKENS", json.dumps({"assistant": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}))
    monkeypatch.setenv("TELEGRAM_WEBHOOK_SECRET", "webhook-secret-of-tests")
    monkeypatch.setenv("PUBLIC_URL", PUBLIC_URL)
    monkeypatch.setenv("USER_HASH_KEY", "a-key-of-at-least-32-characters-for-tests")
    monkeypatch.setenv("SCHEDULER_SECRET", "the-new-secret-of-jobs,the-old-secret-of-jobs")
    monkeypatch.setenv("SCHEDULER_SERVICE_ACCOUNT", ACCOUNT)
    certificates = json.dumps({"k1": certificate()}).encode()
    monkeypatch.setattr(authorization, "_cache", {})
    monkeypatch.setattr(authorization, "_fetch", lambda *_a, **_k: Response(200, {}, certificates))
    config.settings.cache_clear()
    yield
    config.settings.cache_clear()


@pytest.mark.parametrize("secret", ["the-new-secret-of-jobs", "the-old-secret-of-jobs"])
def test_old_and_new_secrets_are_accepted_during_a_rotation(google: None, secret: str) -> None:
    assert authorization.is_authorized(f"Bearer {secret}")


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "Basic the-new-secret-of-jobs", "Bearer a.b.c"]
)
def test_other_authorization_headers_are_rejected(google: None, header: str | None) -> None:
    assert not authorization.is_authorized(header)


def test_the_service_account_is_accepted(google: None) -> None:
    assert authorization.is_authorized(f"Bearer {token()}")


@pytest.mark.parametrize(
    "make",
    [
        lambda: token(OTHER_KEY),
        lambda: token(email="other@project.iam.gserviceaccount.com"),
        lambda: token(email_verified=False),
        lambda: token(email_verified="true"),
        lambda: token(email_verified=1),
        lambda: token(email=[ACCOUNT]),
        lambda: token(email=None),
        lambda: token(aud="https://elsewhere.example"),
        lambda: token(aud=PUBLIC_URL),
        lambda: token(aud=7),
        lambda: token(aud={"a": 1}),
        lambda: token(iss=["https://accounts.google.com"]),
        lambda: token(exp="tomorrow"),
        lambda: token(exp=None),
        lambda: token(iat=[]),
        lambda: token(iss="https://evil.example"),
        lambda: token(exp=int(NOW.timestamp()) - 3600),
    ],
    ids=[
        "signed by another",
        "another account",
        "unverified",
        "verified as a text",
        "verified as a number",
        "a list of accounts",
        "no account",
        "another audience",
        "the audience of another function",
        "a number as audience",
        "an object as audience",
        "a list of issuers",
        "an expiry that is no number",
        "no expiry",
        "an issue date that is no number",
        "another issuer",
        "expired",
    ],
)
def test_other_tokens_are_rejected(google: None, make: Callable[[], str]) -> None:
    assert not authorization.is_authorized(f"Bearer {make()}")


def test_every_call_is_rejected_without_configuration(google: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCHEDULER_SECRET")
    monkeypatch.delenv("SCHEDULER_SERVICE_ACCOUNT")
    config.settings.cache_clear()
    assert not authorization.is_authorized("Bearer ")
    assert not authorization.is_authorized(f"Bearer {token()}")


def test_an_unauthorized_call_is_401_and_an_unknown_job_404(stack: Stack) -> None:
    url = stack.function("scheduled").url
    send = stack.telegram.delivery.send
    right = {"Authorization": f"Bearer {stack.scheduler.secret}"}
    assert send(f"{url}/sweep", b"", {}).status == 401
    assert send(f"{url}/sweep", b"", {"Authorization": "Bearer wrong"}).status == 401
    assert send(f"{url}/nosuch", b"", right).status == 404
    assert send(f"{url}/scheduled/sweep", b"", right).status == 200
    assert isinstance(stack.run_job("sweep").json()["stale"], int)


def test_certificates_are_cached_and_a_failure_is_cached_briefly(
    google: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = Response(200, {}, json.dumps({"k1": certificate()}).encode())
    answers = [Response(503, {}, b""), good]
    now = [1000.0]
    monkeypatch.setattr(authorization, "_fetch", lambda *_a: answers.pop(0))
    monkeypatch.setattr(authorization, "monotonic", lambda: now[0])
    assert not authorization.is_authorized(f"Bearer {token()}")
    assert not authorization.is_authorized(f"Bearer {token()}")
    now[0] += 11
    assert all(authorization.is_authorized(f"Bearer {token()}") for _ in range(3))
    assert answers == []


def test_without_public_url_no_token_is_accepted(google: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUBLIC_URL")
    config.settings.cache_clear()
    with pytest.raises(ConfigError, match="PUBLIC_URL"):
        authorization.is_authorized(f"Bearer {token()}")
