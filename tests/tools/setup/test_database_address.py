"""A pasted connection string becomes two addresses, with any characters in the password."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import psycopg.conninfo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.setup.database import Address, AddressError, parse, reason

POOLER = "aws-0-eu-central-1.pooler.supabase.com"
REFERENCE = "abcdefghijklmnopqrst"


@pytest.mark.parametrize("password", ["[YOUR-PASSWORD]", "YOUR_PASSWORD", "[your-password]", ""])
def test_the_placeholder_is_no_password(password: str) -> None:
    address = parse(f"postgresql://postgres.{REFERENCE}:{password}@{POOLER}:5432/postgres")
    assert address == Address(POOLER, 5432, "postgres", f"postgres.{REFERENCE}")


def test_the_transaction_pooler_becomes_the_session_pooler() -> None:
    address = parse(f"postgres://postgres.{REFERENCE}:secret@{POOLER}:6543/postgres?sslmode=require")
    assert (address.port, address.query) == (5432, "sslmode=require")
    backend = address.backend("new")
    assert backend.url() == f"postgresql://bot_backend.{REFERENCE}:new@{POOLER}:6543/postgres?sslmode=require"


def test_elsewhere_the_functions_use_the_same_port() -> None:
    assert parse("postgresql://owner:x@db.example.com:5433/app").backend("y").url() == (
        "postgresql://bot_backend:y@db.example.com:5433/app"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"postgresql://postgres:x@db.{REFERENCE}.supabase.co:5432/postgres", "IPv6 only"),
        (f"postgresql://postgres:x@{POOLER}:5432/postgres", "the user is postgres.<project reference>"),
        ("https://supabase.com/dashboard", "It looks like postgresql://"),
        ("postgresql://user:pass@host:port/db", "port in this address is no number"),
        ("", "It looks like"),
    ],
)
def test_an_unusable_address_is_reported_with_the_right_one(text: str, words: str) -> None:
    with pytest.raises(AddressError) as refused:
        parse(text)
    assert words in str(refused.value)
    assert ":x@" not in str(refused.value)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30))
def test_any_password_reaches_libpq_as_it_was_chosen(password: str) -> None:
    address = Address("db.example.com", 5432, "postgres", "postgres", password)
    assert psycopg.conninfo.conninfo_to_dict(address.url())["password"] == password
    assert unquote(urlsplit(address.url()).password or "") == password
    # Pasted escaped, it is read back.
    assert parse(address.url()).password == password


@given(st.text("abc@:/%?#[] ", min_size=1, max_size=20).filter(lambda text: "%" not in text))
def test_a_password_that_was_pasted_unescaped_is_read(password: str) -> None:
    if password.strip() != password:
        return
    assert parse(f"postgresql://owner:{password}@db.example.com:5432/app").password == password


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ('FATAL: password authentication failed for user "postgres"', "The password is wrong"),
        ("FATAL: Tenant or user not found", "does not know the project"),
        ("connection timeout expired", "is the project paused"),
        ("SSL error: certificate verify failed", "another machine answered"),
        ("something new for user olga", "compare host, user and password"),
    ],
)
def test_a_failed_login_is_explained_without_the_servers_words(message: str, words: str) -> None:
    assert words in reason(message)
    assert "olga" not in reason(message)
