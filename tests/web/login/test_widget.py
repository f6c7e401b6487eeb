"""The legacy Login Widget: all fields that came are signed, and absent ones are fine."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote, urlencode

import pytest

from shared.core import clock
from shared.web.login import widget
from shared.web.login.identity import LoginRefused, TelegramIdentity

TOKEN = "5768337691:AAH5YkoiEuPk8-FZa32hStHTqXiLPtAEhx8"
OTHER_TOKEN = "6768337691:AAG5YkoiEuPk8-FZa32hStHTqXiLPtAEhx9"
PHOTO = "https://t.me/i/userpic/320/abc.jpg"


def signed(token: str = TOKEN, **fields: str) -> str:
    """Return the query with which the widget comes back."""
    fields = {"id": "279058397", "auth_date": str(int(clock.timestamp())), **fields}
    text = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    key = hashlib.sha256(token.encode()).digest()
    fields["hash"] = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return urlencode(fields, quote_via=quote)


def refused(query: str) -> str:
    """Return the reason of a refusal."""
    with pytest.raises(LoginRefused) as error:
        widget.check(query, TOKEN)
    return str(error.value)


def test_all_fields_are_read() -> None:
    query = signed(first_name="Анна", last_name="K & K", username="anna_k", photo_url=PHOTO)
    expected = TelegramIdentity(279058397, "Анна", "K & K", "anna_k", None)
    assert widget.check(query, TOKEN) == expected


@pytest.mark.parametrize("absent", ["first_name", "last_name", "username", "photo_url"])
def test_any_optional_field_may_be_absent(absent: str) -> None:
    fields = {"first_name": "A", "last_name": "B", "username": "abc", "photo_url": PHOTO}
    del fields[absent]
    assert widget.check(signed(**fields), TOKEN).telegram_id == 279058397


def test_a_field_that_is_new_is_signed_too() -> None:
    query = signed(first_name="A", is_premium="true")
    assert widget.check(query, TOKEN).first_name == "A"
    assert refused(query.replace("is_premium=true", "is_premium=false")) == "the signature does not match"


def test_forged_and_foreign_queries_are_refused() -> None:
    query = signed(first_name="A")
    assert refused(query.replace("279058397", "279058398")) == "the signature does not match"
    assert refused(query + "&next=/admin") == "the signature does not match"
    assert refused(query + "&id=1") == "a field comes twice"
    assert refused(signed(token=OTHER_TOKEN)) == "the signature does not match"
    assert refused(query.rpartition("&hash")[0]) == "the signature does not match"
    assert refused(query + "&x=" + "y" * 5_000) == "too long"


@pytest.mark.parametrize(("ahead", "reason"), [(-620, "too old"), (100, "auth_date is in the future")])
def test_only_fresh_queries_are_accepted(ahead: int, reason: str) -> None:
    assert refused(signed(auth_date=str(int(clock.timestamp()) + ahead))) == reason


@pytest.mark.parametrize("number", ["", "0", "-1", "1e5", "x", "9" * 17])
def test_an_id_is_a_number(number: str) -> None:
    assert refused(signed(id=number)) == "no valid Telegram id"


def test_a_bot_without_a_token_has_no_users() -> None:
    """Anyone could sign with an empty key."""
    with pytest.raises(LoginRefused, match="no such bot"):
        widget.check(signed(token=""), "")


def test_data_of_a_mini_app_is_no_login_of_the_widget() -> None:
    from tools.emulator.telegram.mini_app import sign

    fields = {"id": "5", "auth_date": str(int(clock.timestamp()))}
    query = urlencode({**fields, "hash": sign(fields, TOKEN)})
    assert refused(query) == "the signature does not match"
