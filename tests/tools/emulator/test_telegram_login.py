"""The page of the fake oauth.telegram.org: who agrees, and what it refuses."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import urllib3

from tools.emulator.stack import Stack


def asked(bare: Stack, **changes: str) -> dict[str, str]:
    values = {
        "client_id": str(bare.telegram.state.bots["assistant"].id),
        "redirect_uri": f"{bare.url}/console/login/callback",
        "response_type": "code",
        "scope": "openid profile",
        "state": "a state & more",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    return values | changes


def show(bare: Stack, **changes: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", f"{bare.url}/oauth/auth?{urlencode(asked(bare, **changes))}", retries=False)


def answer(bare: Stack, page: str, user: str, origin: str = "") -> urllib3.BaseHTTPResponse:
    """Press a button of the page."""
    inputs = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page)
    fields = {name: unescape(value) for name, value in inputs} | {"user": user}
    return urllib3.request(
        "POST",
        f"{bare.url}/oauth/auth",
        body=urlencode(fields),
        headers={"Content-Type": "application/x-www-form-urlencoded", "Origin": origin or bare.url},
        redirect=False,
        retries=False,
    )


def test_a_user_agrees_or_declines(bare: Stack) -> None:
    anna = bare.telegram.user("Anna <b>")
    page = show(bare)
    assert page.status == 200
    text = page.data.decode()
    assert "Anna &lt;b&gt;" in text
    back = answer(bare, text, str(anna.id))
    assert back.status == 303
    values = dict(parse_qsl(urlsplit(back.headers["Location"]).query))
    assert values["state"] == "a state & more"
    assert len(values["code"]) > 30
    for user in ("", "5", "x"):
        declined = dict(parse_qsl(urlsplit(answer(bare, text, user).headers["Location"]).query))
        assert declined == {"error": "access_denied", "state": "a state & more"}


def test_another_site_cannot_press_the_button(bare: Stack) -> None:
    anna = bare.telegram.user("Anna")
    assert answer(bare, show(bare).data.decode(), str(anna.id), "https://evil.example").status == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "1"},
        {"redirect_uri": "https://evil.example/login/callback"},
        {"response_type": "token"},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
    ],
)
def test_a_wrong_request_is_not_sent_back_to_the_site(bare: Stack, changes: dict[str, str]) -> None:
    page = show(bare, **changes)
    assert page.status == 400
    assert "Location" not in page.headers


def test_the_discovery_document_names_the_addresses(bare: Stack) -> None:
    found = urllib3.request("GET", f"{bare.url}/oauth/.well-known/openid-configuration").json()
    assert found["issuer"] == f"{bare.url}/oauth"
    assert "userinfo_endpoint" not in found
    keys = urllib3.request("GET", found["jwks_uri"]).json()["keys"]
    assert {key["alg"] for key in keys} == {"RS256", "ES256K"}
    assert all("use" not in key and "d" not in key for key in keys)
