"""A recurring payment of a buyer who erased their data is stopped and refunded."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from tests.payments import provider_lists
from tests.stories.test_admin import labels
from tests.stories.test_buy import LABELS, LABELS_RU, SAYS, link_of, speaks, tap
from tests.stories.test_refunds import ask
from tests.support import eventually, says
from tools.emulator.payments import NotPossible
from tools.emulator.payments.callbacks import Callback
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat
from tools.emulator.telegram.users import TelegramUser

Sql = Callable[..., list[dict[str, Any]]]
RENEWING = provider_lists.RENEWING


def recurring_checkout(chat: Chat, provider: str, language: str) -> str:
    product = {"en": "Premium for a month", "ru": "Премиум на месяц"}[language]
    name = {"en": LABELS, "ru": LABELS_RU}[language][provider]
    chat.send("/buy")
    shelf = tap(chat.answer(), product)
    page = tap(shelf, f"🔁 {name}")
    if SAYS[language]["receipt"] in page.text:
        chat.send("anna@example.com")
        page = chat.answer()
    return link_of(page)


def erase(stack: Stack, sql: Sql, chat: Chat) -> None:
    sure = ask(chat, "/deleteme")
    sure.tap(labels(sure)[0][0]).wait()
    eventually(lambda: not sql("select 1 as x from users where telegram_id = %s", chat.id), 30)


def state(sql: Sql, order: int) -> dict[str, Any]:
    rows = sql(
        "select r.next_cancel_attempt_at, p.refunded, "
        "(select status from refunds where payment_id = p.id) as refund "
        "from payments p join renewals r on r.provider = p.provider "
        "and r.provider_subscription_id = p.claims ->> 'subscription_id' "
        "where (p.claims ->> 'order_id')::bigint = %s",
        order,
    )
    return rows[0] if rows else {}


@pytest.mark.parametrize("provider", RENEWING)
def test_a_payment_after_erasure_is_refunded_and_its_renewal_stopped(
    stack: Stack, sql: Sql, appoint: Callable[..., TelegramUser], provider: str
) -> None:
    boss = appoint("en").chat("assistant")
    ask(boss, "/start")
    language = "ru" if provider == "prodamus" else "en"  # its subscriptions are in roubles
    anna = speaks(stack, language)
    link = recurring_checkout(anna, provider, language)
    (order,) = sql(
        "select o.id from orders o join users u on u.id = o.user_id where u.telegram_id = %s", anna.id
    )
    if provider == "cloudpayments":
        # It asks before it takes money, and would hear no: they erase themselves in between.
        hook = "update orders set user_id = null, status = 'canceled' where id = %s"
        stack.database.on("check_order", when="after", do=lambda: sql(hook, order["id"]))
    else:
        erase(stack, sql, anna)

    invoice = stack.payments.press(link, "pay")
    assert stack.payments.idle(60)

    callback_ids = [callback.id for callback in invoice.callbacks]
    attempts = [one for one in stack.payments[provider].callbacks.attempts if one["id"] in callback_ids]
    assert {one["id"] for one in attempts if one["status"] == 200} == set(callback_ids)
    can_refund = provider != "prodamus"

    def is_settled() -> bool:
        assert stack.run_job("payments").status == 200
        now = state(sql, order["id"])
        return bool(now) and now["next_cancel_attempt_at"] is None and now["refund"] in ("done", "refused")

    eventually(is_settled, 90)
    assert stack.payments.idle(60)
    now = state(sql, order["id"])
    assert (now["refund"], now["refunded"] > 0) == (("done", True) if can_refund else ("refused", False))
    if provider == "stripe":
        subscription = stack.payments["stripe"].subscriptions[invoice.object["subscription"]]  # type: ignore[attr-defined]
        assert subscription["cancel_at_period_end"]
    else:
        with pytest.raises(NotPossible):
            stack.payments.press(link, "renew")
    alarms = [one.text for one in boss.answers() if "🚨" in one.text]
    assert len(alarms) == 1, alarms
    if not can_refund:
        eventually(lambda: any(says(one.text, "refund_result_refused") for one in boss.answers()), 20)
    assert stack.run_job("payments").status == 200
    assert sql("select * from check_payments()") == []


def say(stack: Stack, body: bytes) -> int:
    """Send a signed callback of the fake provider; return the status of the response."""
    fake: Any = stack.payments["fake"]
    headers = {"Content-Type": "application/json", "X-Fake-Signature": fake._sign(body)}
    return int(fake.callbacks.ask(Callback("said", lambda _attempt: (headers, body))).status)


@pytest.mark.parametrize(
    ("body", "action"),
    [
        (
            b'{"id": "%s", "type": "x",'
            b' "events": [{"kind": "subscription_active", "subscription_id": "%s"}]}',
            "payment_event_ignored",
        ),
        (b'{"id": "", "type": "%s", "events": [{"kind": "%s"}]}', "webhook_payload_invalid"),
    ],
)
def test_an_event_that_cannot_be_applied_is_retried_for_a_day_with_one_alert(
    stack: Stack, clock: Callable[[str], None], body: bytes, action: str
) -> None:
    name = secrets.token_hex(8).encode()
    before = stack.function("payments").raw_log.count(action)
    statuses = []
    for hours in (0, 1, 25, 72, 192):
        clock(f"clock_timestamp() + interval '{hours} hours'")
        statuses.append(say(stack, body % (name, name)))
    assert statuses == [503, 503, 200, 200, 200]
    lines = [line for line in stack.function("payments").raw_log.splitlines() if f'"{action}"' in line]
    alerts = [line for line in lines[before:] if '"severity":"ALERT"' in line]
    assert len(alerts) == 1
