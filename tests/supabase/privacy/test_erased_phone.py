"""Prodamus identifies some subscribers by phone only: it is erased, and later payments still match."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stories.test_buy import link_of, news, speaks, tap
from tests.supabase.privacy.conftest import Sql, dump_rows
from tests.support import eventually
from tools.emulator.payments import Invoice
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

REPEATS, STOP, ERASE = "🔁 Карта (Продамус)", "Отключить автопродление", "🗑 Удалить всё"
_phones = itertools.count(79_995_550_100)


@pytest.fixture
def prodamus(stack: Stack) -> Iterator[Any]:
    """Return its fake server, with callbacks as they were before they named a profile."""
    fake_server: Any = stack.payments["prodamus"]
    fake_server.sends_profiles = False
    yield fake_server
    fake_server.sends_profiles = True


def subscribed(stack: Stack, prodamus: Any) -> tuple[Chat, Invoice, str]:
    """Return a user with a monthly renewal in rubles: chat, invoice and phone."""
    chat = speaks(stack, "ru")
    chat.send("/buy")
    link = link_of(tap(tap(chat.answer(), "Премиум на месяц"), REPEATS))
    invoice = prodamus.invoices[link.rpartition("/")[2]]
    phone = invoice.object["customer_phone"] = f"+{next(_phones)}"
    stack.payments.press(link, "pay")
    news(chat, "оплачено, спасибо!")
    return chat, invoice, phone


def rows_with(sql: Sql, phone: str) -> list[str]:
    """Return the rows that contain a phone number."""
    return [line for line in dump_rows(sql).splitlines() if phone.removeprefix("+") in line]


def renewals(sql: Sql, subscription: str) -> list[dict[str, Any]]:
    """Return the renewals of a subscription."""
    return sql("select * from renewals where provider_subscription_id = %s", subscription)


def test_an_erased_phone_number_still_matches_later_callbacks(stack: Stack, sql: Sql, prodamus: Any) -> None:
    anna, invoice, phone = subscribed(stack, prodamus)
    assert rows_with(sql, phone), "a test that looks for nothing proves nothing"
    claims = sql(
        "select p.claims from payments p join users u on u.id = p.user_id where u.telegram_id = %s", anna.id
    )[0]["claims"]
    assert phone.removeprefix("+") not in claims["subscription_id"]

    anna.send("/subscription")
    shown = eventually(lambda: [one for one in anna.answers() if _has(one, STOP)], 20)[0]
    tap(tap(shown, STOP), "Да, отключить")
    assert invoice.object["plan"]["active_user"] == "0"
    anna.send("/deleteme").wait()
    asked = eventually(lambda: [one for one in anna.answers() if _has(one, ERASE)], 20)[-1]
    tap(tap(asked, ERASE), "🗑 Да, удалить всё")
    assert stack.payments.idle(20)
    assert rows_with(sql, phone) == []
    (renewal,) = renewals(sql, claims["subscription_id"])
    assert (renewal["user_id"], renewal["status"]) == (None, "ended")

    invoice.object["plan"] |= {"active_user": "1"}  # Prodamus charges nevertheless
    prodamus.act(invoice.id, "renew")
    assert stack.payments.idle(20)
    assert len(sql("select from payments where problem = 'owner'")) == 1
    # The subscription is stopped by phone, which only this table keeps until then.
    assert len(rows_with(sql, phone)) == (1 if renewals(sql, claims["subscription_id"])[0]["payer"] else 0)

    def is_stopped() -> bool:
        assert stack.run_job("payments").status == 200
        return invoice.object["plan"]["active_user"] == "0" and rows_with(sql, phone) == []

    eventually(is_stopped, 30)
    assert sql("select * from check_payments()") == []


def _has(answer: Any, words: str) -> bool:
    """Return whether an answer has a button with these words."""
    return any(words in button.text for row in answer.buttons for button in row)
