"""Addresses of databases: read beyond doubt or refused, and no password in any output."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.redaction import REDACTED
from tests.support import for_each
from tools.database import addresses, output
from tools.database.errors import AddressError

ROOT = Path(__file__).parents[3]
SIGNS = "@:/?#%[] '\"\\&=+;,$!*()<>|^~`{}"
HARMLESS = "Zq9xWv7kLp"


def awkward() -> Iterator[str]:
    """Yield passwords with each strange sign at the start, in the middle, at the end, and in pairs."""
    for sign in SIGNS:
        yield from (
            sign + HARMLESS,
            HARMLESS + sign,
            HARMLESS[:5] + sign + HARMLESS[5:],
            sign + HARMLESS + sign,
        )
    for one, two in zip(SIGNS, SIGNS[3:], strict=False):
        yield f"{one}{HARMLESS}{two}{HARMLESS[::-1]}"


def dsn(password: str, host: str = "127.0.0.1:1") -> str:
    return f"postgresql://postgres.ref:{password}@{host}/postgres"


def pieces(password: str) -> list[str]:
    return [piece for piece in (HARMLESS, HARMLESS[:5], HARMLESS[5:], HARMLESS[::-1]) if piece in password]


def test_there_are_more_than_a_hundred_awkward_passwords() -> None:
    assert len(set(awkward())) > 100


@for_each("password", lambda: sorted(set(awkward())))
def test_an_awkward_password_is_read_right_or_refused_and_never_repeated(password: str) -> None:
    escaped = addresses.read(dsn(quote(password, safe="")))
    assert escaped["password"] == password
    try:
        read = addresses.read(dsn(password))
    except AddressError as error:
        assert not any(piece in str(error) for piece in pieces(password)), error
    else:
        assert read["password"] == password
        assert (read["host"], read["port"]) == ("127.0.0.1", "1")


@for_each("password", lambda: sorted(set(awkward())))
def test_nothing_of_an_awkward_password_passes_the_output(password: str) -> None:
    for url in (dsn(password), dsn(quote(password, safe=""))):
        stream = io.StringIO()
        printed = output.Redacting(stream, addresses.secrets(url))
        host = url.rpartition("@")[2]
        for text in (
            f"connection to {url} failed",
            f'could not translate host name "{password.rpartition("@")[2]}@{host}"',
            f"password={password}",
            f"invalid port {password!r}",
        ):
            printed.write(text)
        assert not any(piece in stream.getvalue() for piece in pieces(password)), stream.getvalue()
        assert REDACTED in stream.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(
    "password", ["p@Zq9xWv7kLp", "Zq9xW/v7kLp", "Zq9xWv7kLp#x", "%zzZq9xWv7kLp", "Zq9xWv7kLp"]
)
@pytest.mark.parametrize(
    "command", [["status"], ["sync", "--on", "production"], ["doctor"], ["status", "--json"]]
)
def test_no_command_prints_it(command: list[str], password: str) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "DATABASE_ADMIN_URL": dsn(password),
        "DEVELOPMENT_DATABASE_URL": dsn(password),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tools.database", *command],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode in (1, 7)
    assert "Traceback" not in done.stderr
    assert not any(piece in done.stdout + done.stderr for piece in pieces(password))


@settings(max_examples=200)
@given(
    st.text(min_size=4, max_size=30).filter(
        lambda text: "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
    )
)
def test_an_escaped_password_is_always_read_as_it_is(password: str) -> None:
    assert addresses.read(dsn(quote(password, safe="")))["password"] == password


@given(st.text(max_size=60))
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    for url in (text, f"postgresql://{text}", dsn(text)):
        addresses.secrets(url)
        try:
            addresses.read(url)
        except AddressError as error:
            assert len(str(error)) < 400


@pytest.mark.parametrize(("url", "is_pooler"), [
    ("postgresql://u:p@h:6543/x", True), ("postgresql://u:p@h:5432/x", False),
    ("host=h port=6543 dbname=x", True), ("postgresql://u:p@h/x", False),
])  # fmt: skip
def test_the_transaction_pooler_is_known_by_its_port(url: str, is_pooler: bool) -> None:
    assert addresses.is_transaction_pooler(url) is is_pooler


def test_a_password_without_an_address_form_is_known_as_well() -> None:
    assert "Zq9xWv7kLp" in addresses.secrets("host=h password=Zq9xWv7kLp dbname=x")
