"""Redaction finds credentials in any text and leaves ordinary words unchanged."""

from __future__ import annotations

import re
import string

import pytest
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.redaction import REDACTED, looks_like_secret, redact
from shared.core.secret_prefixes import SECRET_PREFIXES
from tests.support import for_each

RANDOM = "A1b2C3D4E5f6G7h8I9j0K1l2M3n4O5p6"
SECRETS = {
    "openai": f"sk-proj-{RANDOM}",
    "openai without a digit": "sk-abcdefghijklmnopqrstuvwx",
    "anthropic": f"sk-ant-api03-{RANDOM}",
    "openrouter": f"sk-or-v1-{RANDOM}",
    "google": f"AIza{RANDOM}",
    "google of 2026": f"AQ.{RANDOM}",
    "google oauth": f"ya29.{RANDOM}",
    "groq": f"gsk_{RANDOM}",
    "xai": f"xai-{RANDOM}",
    "hugging face": f"hf_{RANDOM}",
    "replicate": f"r8_{RANDOM}",
    "perplexity": f"pplx-{RANDOM}",
    "github": f"ghp_{RANDOM}",
    "github fine-grained": f"github_pat_{RANDOM}",
    "gitlab": f"glpat-{RANDOM[:20]}",
    "stripe": f"sk_live_{RANDOM}",
    "stripe restricted": f"rk_live_{RANDOM}",
    "stripe webhook": f"whsec_{RANDOM}",
    "yookassa": f"live_{RANDOM}",
    "crypto pay": f"12345:AA{RANDOM}",
    "telegram": f"123456789:AA{RANDOM}",
    "slack": f"xoxb-{RANDOM}",
    "slack app": f"xapp-1-{RANDOM}",
    "npm": f"npm_{RANDOM}",
    "sendgrid": f"SG.{RANDOM}.{RANDOM}",
    "digitalocean": f"dop_v1_{RANDOM}",
    "supabase": f"sb_secret_{RANDOM}",
    "aws id": "AKIAIOSFODNN7EXAMPLE",
    "aws secret beside its name": "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "jwt": f"eyJhbGciOiJIUzI1NiJ9.{RANDOM}.{RANDOM}",
    "pem": f"-----BEGIN PRIVATE KEY-----\nMIIEvQ{RANDOM}\n",
    "password in an address": "postgres://user:p4ss@host/database",
    "basic": "Authorization: Basic dXNlcjpwYXNzd29yZDEyMw==",
    "bearer": f"Bearer {RANDOM}",
    "bearer with a tab": f"Bearer\t{RANDOM}",
    "named in Russian": f"мой пароль: {RANDOM}",
    "wide letters": f"\uff53\uff4b-{RANDOM}",
    "invisible letters": f"sk-\u200bproj-{RANDOM}",
    "broken into lines": f"sk-proj-{RANDOM[:10]}\n{RANDOM[10:]}",
    "behind a full stop": f"see.sk-proj-{RANDOM}",
}


@pytest.mark.parametrize(
    "around", ["{}", "here it is: {} ok?", "мой{}", '{{"key":"{}"}}', "a\n{}\nb", "({})."]
)
@for_each("kind", SECRETS)
def test_a_secret_is_found_anywhere_in_a_text(kind: str, around: str) -> None:
    text = around.format(SECRETS[kind])
    assert looks_like_secret(text)
    left = redact(text)
    assert REDACTED in left
    assert RANDOM[10:] not in left
    assert "wJalr" not in left


def test_a_disguised_secret_beside_a_plain_one_is_found() -> None:
    left = redact(f"sk-proj-{RANDOM} and \uff53\uff4b-{RANDOM} and sk-\u200bproj-{RANDOM}")
    assert left == f"{REDACTED} and {REDACTED} and {REDACTED}"


def test_a_secret_behind_an_escaped_line_break_is_found() -> None:
    assert RANDOM not in redact(f'{{"text":"my key\\nsk-proj-{RANDOM}"}}')


@for_each("start", SECRET_PREFIXES)
def test_every_prefix_of_the_catalogue_is_found(start: str) -> None:
    tail = "aB3dE5.gH7" if start == "eyJ" else "aB3dE5fgH7"
    key = start + (tail * 12)[: max(SECRET_PREFIXES[start], 10)]
    assert redact(f"use {key} please") == f"use {REDACTED} please"


# A second catalogue, and random keys of its shapes. Left out are patterns that also fit words, or need a
# name beside them, or describe addresses.
_LEFT_OUT = {
    "Artifactory Credentials",
    "Azure Storage Account access key",
    "Base64 High Entropy String",
    "Basic Auth Credentials",
    "Cloudant Credentials",
    "Discord Bot Token",
    "Hex High Entropy String",
    "IBM Cloud IAM Key",
    "IBM COS HMAC Credentials",
    "JSON Web Token",
    "Mailchimp Access Key",
    "NPM tokens",
    "Private Key",
    "Public IP (ipv4)",
    "Secret Keyword",
    "Slack Token",
    "SoftLayer Credentials",
    "Square OAuth Secret",
    "Twilio API Key",
}
_CATALOGUE = [
    (name, pattern)
    for name, plugin in sorted(get_mapping_from_secret_type_to_class().items())
    if name not in _LEFT_OUT
    for pattern in plugin.denylist
    if "aws" not in pattern.pattern  # forty letters behind the word AWS
]


@for_each("entry", _CATALOGUE)
def test_keys_of_another_catalogue_are_found(entry: tuple[str, re.Pattern[str]]) -> None:
    name, pattern = entry
    ascii_only = st.from_regex(pattern, fullmatch=True, alphabet=st.sampled_from(string.printable[:95]))

    @settings(max_examples=30, deadline=None, derandomize=True)
    @given(ascii_only)
    def check(key: str) -> None:
        # A pattern without bounds also draws keys too short to be one.
        if len(key) >= 30 and re.search(r"[0-9]", key[5:60]):
            assert looks_like_secret(f"here: {key} end"), name

    check()


@pytest.mark.parametrize(
    "text",
    [
        "skateboarding championship",
        "sk-learn-pipeline-with-something",
        "call me at 12345:30",
        "см. https://example.com/a:b",
        "https://t.me/assistant_bot?start=promo_WINTER2026",
        "550e8400-e29b-41d4-a716-446655440000",
        "9b74c9897bac770ffc029102a200c5de",
        "basic understanding of bearer bonds",
        "the key: value pairs and the token: ring",
        "ключ: откройте дверь, пароль: не нужен",
        "cs_test_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        "AgACAgIAAxkBAAIBZ2c-sk-2kAAF4Yx3Y2xhc3NpZmllZAACqLkxG9m0sUvR4-hf_AbCdEf0123456",
        "for key_name in dictionary_of_values_2026:",
        "a" * 5000,
        "",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert not looks_like_secret(text)
    assert redact(text) == text


@given(st.text(max_size=400))
def test_redaction_changes_only_secrets_in_any_text(text: str) -> None:
    left = redact(text)
    assert looks_like_secret(text) == (left != text)
    assert redact(left) == left
