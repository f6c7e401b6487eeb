"""OpenID Connect against the fake issuer: the exchange of codes, and every check of the id_token."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from shared.core import http
from shared.web.login import id_token, keys
from shared.web.login.identity import LoginRefused, TelegramIdentity
from shared.web.login.keys import KeySet
from shared.web.login.oidc import Provider, new_verifier
from tools.emulator.clock import Clock
from tools.emulator.telegram.model import Account
from tools.emulator.telegram.state import TelegramState
from tools.emulator.telegram_login import LoginServer
from tools.emulator.trace import Trace
from tools.emulator.web import HttpServer, Request, Response

TOKEN = "5768337691:AAH5YkoiEuPk8-FZa32hStHTqXiLPtAEhx8"
CLIENT = "5768337691"
ANNA = Account(279058397, "Анна", "К.", "anna_k", "ru")


@pytest.fixture(scope="module")
def server() -> Iterator[LoginServer]:
    """The fake issuer, with two bots and a user."""
    state = TelegramState(Clock())
    state.add_user(ANNA)
    state.add_bot("assistant", TOKEN)
    state.add_bot("quiz", "6768337691:AAG5YkoiEuPk8-FZa32hStHTqXiLPtAEhx9")

    def handle(request: Request) -> Response:
        return login.handle(request) or Response(404)

    listener = HttpServer(handle)
    login = LoginServer(lambda: listener.url, Trace(), state)
    listener.start()
    yield login
    listener.stop()


@pytest.fixture
def provider(server: LoginServer) -> Provider:
    """The issuer as the assistant sees it, without keys in memory."""
    server.forget()
    return of(server)


def of(server: LoginServer, client: str = CLIENT, secret: str = "", redirect: str = "") -> Provider:
    return Provider(
        server.issuer,
        client,
        secret or server.secret,
        redirect or server.redirect_uris[0],
        KeySet(server.issuer),
    )


def code_for(provider: Provider, server: LoginServer, verifier: str) -> str:
    """Let Anna agree, and return the code."""
    asked = dict(parse_qsl(urlsplit(provider.authorize_url("the-state", verifier)).query))
    back = dict(parse_qsl(urlsplit(server.agree(asked, ANNA.id)).query))
    assert back["state"] == "the-state"
    return back["code"]


def log_in(provider: Provider, server: LoginServer) -> TelegramIdentity:
    verifier = new_verifier()
    return provider.exchange(code_for(provider, server, verifier), verifier)


def refused(provider: Provider, server: LoginServer) -> str:
    with pytest.raises(LoginRefused) as error:
        log_in(provider, server)
    return str(error.value)


def test_a_login(provider: Provider, server: LoginServer) -> None:
    assert log_in(provider, server) == TelegramIdentity(ANNA.id, "Анна К.", None, "anna_k")


def test_the_address_asks_for_a_code_with_pkce(provider: Provider) -> None:
    verifier = new_verifier()
    address = urlsplit(provider.authorize_url("s t&a=te", verifier))
    asked = dict(parse_qsl(address.query))
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{provider.issuer}/auth"
    assert asked["state"] == "s t&a=te"
    assert asked["code_challenge_method"] == "S256"
    assert verifier not in address.query
    assert "nonce" not in asked
    assert provider.client_secret not in address.query


def test_two_verifiers_differ() -> None:
    assert new_verifier() != new_verifier()
    assert 43 <= len(new_verifier()) <= 128


def test_a_code_works_once_and_with_its_verifier_alone(provider: Provider, server: LoginServer) -> None:
    verifier = new_verifier()
    code = code_for(provider, server, verifier)
    with pytest.raises(LoginRefused, match="invalid_grant"):
        provider.exchange(code, new_verifier())
    with pytest.raises(LoginRefused, match="invalid_grant"):
        provider.exchange(code, verifier)


@pytest.mark.parametrize("code", ["", "x" * 3_000, "no-such-code"])
def test_a_wrong_code_is_refused(provider: Provider, code: str) -> None:
    with pytest.raises(LoginRefused):
        provider.exchange(code, new_verifier())


def test_a_code_of_another_client_is_refused(provider: Provider, server: LoginServer) -> None:
    verifier = new_verifier()
    code = code_for(provider, server, verifier)
    with pytest.raises(LoginRefused, match="invalid_grant"):
        of(server, client="6768337691").exchange(code, verifier)


def test_a_wrong_client_secret_is_named_in_the_reason(provider: Provider, server: LoginServer) -> None:
    wrong = of(server, secret="a wrong: secret/%")
    verifier = new_verifier()
    with pytest.raises(LoginRefused, match="401, invalid_client") as error:
        wrong.exchange(code_for(provider, server, verifier), verifier)
    assert "wrong" not in str(error.value)
    assert "wrong: secret" not in repr(wrong)


def test_an_issuer_that_fails(provider: Provider, server: LoginServer) -> None:
    server.fail("page")
    assert refused(provider, server) == "the token endpoint answered 502, an unknown error"
    server.fail("<script>secret</script>")
    assert refused(provider, server) == "the token endpoint answered 400, an unknown error"
    server.fail("drop")
    with pytest.raises(http.RequestError):
        log_in(provider, server)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://oauth.telegram.org.evil.example"}, "the token is of another issuer"),
        ({"iss": None}, "the token is of another issuer"),
        ({"aud": "6768337691"}, "the token is for another client"),
        ({"aud": [CLIENT, "6768337691"]}, "the token is for another client"),
        ({"aud": None}, "the token is for another client"),
        ({"aud": {"a": CLIENT}}, "the token is for another client"),
        ({"id": None}, "the token has no claim id"),
        ({"id": "x"}, "no valid Telegram id"),
        ({"id": 1.5}, "no valid Telegram id"),
        ({"id": True}, "no valid Telegram id"),
        ({"exp": 1_000_000_000}, "too old"),
        ({"iat": 1_000_000_000}, "too old"),
        ({"iat": 99_999_999_999}, "the token is from the future"),
        ({"exp": None}, "the token has no times"),
        ({"iat": None}, "the token has no times"),
        ({"iat": "1"}, "the token has no times"),
        ({"nonce": "of another login"}, "the token belongs to another login"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(
    provider: Provider, server: LoginServer, claims: dict[str, Any], reason: str
) -> None:
    server.claims = claims
    assert refused(provider, server) == reason


@pytest.mark.parametrize(
    "claims", [{"aud": int(CLIENT)}, {"aud": [CLIENT]}, {"id": str(ANNA.id)}, {"sub": "1"}, {"name": None}]
)
def test_claims_that_may_differ(provider: Provider, server: LoginServer, claims: dict[str, Any]) -> None:
    server.claims = claims
    assert log_in(provider, server).telegram_id == ANNA.id


# The id_token alone, with keys of our own.


def made(kind: str) -> tuple[Any, dict[str, Any]]:
    """Return a private key and its JWK."""
    if kind == "RS256":
        secret: Any = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = jwt.algorithms.RSAAlgorithm.to_jwk(secret.public_key())
    elif kind == "EdDSA":
        secret = ed25519.Ed25519PrivateKey.generate()
        public = jwt.algorithms.OKPAlgorithm.to_jwk(secret.public_key())
    else:
        secret = ec.generate_private_key(ec.SECP256R1() if kind == "ES256" else ec.SECP256K1())
        public = jwt.algorithms.ECAlgorithm.to_jwk(secret.public_key())
    return secret, json.loads(public) | {"kid": kind}


def token_of(secret: Any, algorithm: str, kid: str | None = None, **claims: Any) -> str:
    now = int(time.time())
    values = {"iss": "https://issuer", "aud": CLIENT, "id": 5, "iat": now, "exp": now + 600, **claims}
    return jwt.encode(values, secret, algorithm=algorithm, headers={"kid": kid or algorithm})


def key_set(monkeypatch: pytest.MonkeyPatch, *found: Any, calls: list[float] | None = None) -> KeySet:
    def request(method: str, url: str, *, timeout: float) -> http.Response:
        assert (method, url) == ("GET", "https://issuer/.well-known/jwks.json")
        assert timeout <= 10
        if calls is not None:
            calls.append(1)
        return http.Response(200, {}, json.dumps({"keys": found}).encode())

    monkeypatch.setattr(keys.http, "request", request)
    return KeySet("https://issuer")


def check(token: str, known: KeySet) -> int:
    return id_token.check(token, "https://issuer", CLIENT, known).telegram_id


@pytest.mark.parametrize("kind", ["RS256", "ES256", "EdDSA"])
def test_algorithms_that_are_accepted(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    secret, public = made(kind)
    assert check(token_of(secret, kind), key_set(monkeypatch, public)) == 5


def test_other_algorithms_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    secret, public = made("RS256")
    curve_secret, curve = made("ES256K")
    shared = {"kty": "oct", "kid": "HS256", "k": base64.urlsafe_b64encode(b"k" * 32).decode()}
    known = key_set(monkeypatch, public, curve, shared)
    none = ".".join(
        (base64.urlsafe_b64encode(b'{"alg":"none","kid":"RS256"}').decode().rstrip("="), "e30", "")
    )
    for token in (
        token_of(curve_secret, "ES256K"),
        token_of(b"k" * 32, "HS256"),
        token_of(secret, "RS512", "RS256"),
        none,
    ):
        with pytest.raises(LoginRefused, match="names no algorithm of ours or no key"):
            check(token, known)


def test_a_key_verifies_its_own_algorithm_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attacker signs with HS256 and the public key as secret, or names the key of another kind."""
    curve_secret, curve = made("ES256")
    _, public = made("RS256")
    known = key_set(monkeypatch, public, curve)
    with pytest.raises(LoginRefused, match="cannot be verified"):
        check(token_of(curve_secret, "ES256", "RS256"), known)
    stranger, _ = made("ES256")
    with pytest.raises(LoginRefused, match="InvalidSignatureError"):
        check(token_of(stranger, "ES256"), known)


def test_keys_of_an_unknown_kind_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    secret, public = made("RS256")
    strange: list[Any] = [
        {"kty": "EC", "crv": "P-9999", "kid": "new", "alg": "ES9999", "x": "AA", "y": "AA"},
        {"kty": "AKP", "kid": "quantum", "alg": "ML-DSA-44", "pub": "AA"},
        {"kid": 7},
        "text",
        None,
    ]
    known = key_set(monkeypatch, *strange, public)
    assert check(token_of(secret, "RS256"), known) == 5
    with pytest.raises(LoginRefused, match="unknown kind"):
        check(token_of(secret, "RS256", "quantum"), known)


def test_an_unknown_key_reads_the_set_again_at_most_every_30_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    secret, public = made("RS256")
    calls: list[float] = []
    known = key_set(monkeypatch, public, calls=calls)
    now = 1_000.0
    monkeypatch.setattr(keys, "monotonic", lambda: now)
    assert check(token_of(secret, "RS256"), known) == 5
    for _ in range(5):
        with pytest.raises(LoginRefused, match="no key has the id"):
            check(token_of(secret, "RS256", "another"), known)
    assert len(calls) == 1
    now += 31
    for _ in range(5):
        with pytest.raises(LoginRefused):
            check(token_of(secret, "RS256", "another"), known)
    assert len(calls) == 2
    now += 590
    assert check(token_of(secret, "RS256"), known) == 5
    assert len(calls) == 2
    now += 20
    assert check(token_of(secret, "RS256"), known) == 5
    assert len(calls) == 3


def test_known_keys_stay_while_the_issuer_cannot_be_reached(
    provider: Provider, server: LoginServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert log_in(provider, server).telegram_id == ANNA.id
    now = time.monotonic() + 700
    monkeypatch.setattr(keys, "monotonic", lambda: now)
    verifier = new_verifier()
    code = code_for(provider, server, verifier)
    real = keys.http.request

    def request(method: str, url: str, **more: Any) -> http.Response:
        if method == "GET":
            raise http.ConnectFailed("no network")
        return real(method, url, **more)

    monkeypatch.setattr(keys.http, "request", request)
    assert provider.exchange(code, verifier).telegram_id == ANNA.id


def test_an_issuer_that_uses_another_key(
    provider: Provider, server: LoginServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert log_in(provider, server).telegram_id == ANNA.id
    server.keys.rotate()
    assert refused(provider, server) == "no key has the id that the token names"
    now = time.monotonic() + 31
    monkeypatch.setattr(keys, "monotonic", lambda: now)
    assert log_in(provider, server).telegram_id == ANNA.id


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "é.é.é", "x" * 9_000, "e30.e30.AA", "." * 100])
def test_text_that_is_no_token_is_refused(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    with pytest.raises(LoginRefused):
        check(token, key_set(monkeypatch, made("RS256")[1]))
