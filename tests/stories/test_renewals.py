"""Renewals that the job charges at YooKassa: success, declines and crashes, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.test_buy import link_of, news, speaks, tap
from tests.support import eventually, in_parallel
from tools.emulator import clock as clocks
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
Clock = Callable[[str], None]
WORDS = {
    "en": {
        "shop": "What would you like to buy?",
        "product": "Premium for a month",
        "way": "🔁 Card or SBP (YooKassa)",
        "pay": "every month\n\nTurn off auto-renewal anytime",
        "paid": "Paid, thank you!",
        "renewed": "has been renewed until",
        "late": "you’ll keep your plan until",
        "given_up": "we couldn’t charge you, so auto-renewal is off",
        "shown": "The last charge failed. We’ll try again",
        "stop": "Turn off auto-renewal",
        "yes": "Yes, turn it off",
        "off": "Auto-renewal is off",
        "off_late": "Auto-renewal is off, and you won’t be charged again",
        "busy": "is being charged right now",
    },
    "ru": {
        "shop": "Что хотите купить?",
        "product": "Премиум на месяц",
        "way": "🔁 Карта или СБП (ЮKassa)",
        "pay": "затем 499\u00a0₽ каждый месяц",
        "paid": "Действует до",
        "renewed": "продлено до",
        "late": "не удалось списать оплату за новый период",
        "given_up": "списать оплату не получилось",
        "shown": "Последнее списание не прошло. Попробуем ещё раз",
        "stop": "Отключить автопродление",
        "yes": "Да, отключить",
        "off": "Автопродление отключено",
        "off_late": "Автопродление отключено, новых списаний не будет",
        "busy": "списывается оплата",
    },
}


class Subscriber:
    """A subscriber whose plan renews with a card at YooKassa."""

    def __init__(self, stack: Stack, sql: Sql, clock: Clock, language: str) -> None:
        self.stack, self.sql, self.clock = stack, sql, clock
        self.words = WORDS[language]
        self.fake_server: Any = stack.payments["yookassa"]
        self.chat: Chat = speaks(stack, language)
        self.chat.send("/buy")
        page = tap(tap(self.chat.answer(), self.words["product"]), self.words["way"])
        self.chat.send("anna@example.com")
        page = self.chat.answer()
        assert self.words["pay"] in page.text
        self.link = link_of(page)
        self.press("pay")
        news(self.chat, self.words["paid"])

    def press(self, action: str) -> None:
        self.stack.payments.press(self.link, action)

    def after_period(self, days: float) -> float:
        """Set the clock to `days` after the end of the charged period; return its lead in seconds.

        A month has 28 to 31 days, so a count from the day of the purchase would depend on today.
        """
        (row,) = self.sql(
            "select extract(epoch from charged_until - clock_timestamp())::float8 as seconds "
            "from renewals where id = %s",
            self.row()["id"],
        )
        lead = float(row["seconds"]) + days * 86_400
        self.lead_by(lead)
        return lead

    def lead_by(self, seconds: float) -> None:
        """Set the clock to `seconds` from now."""
        self.clock(f"clock_timestamp() + interval '{seconds} seconds'")

    def run(self) -> None:
        """Run the job once and wait until all callbacks are delivered."""
        answer = self.stack.run_job("payments")
        assert answer.status == 200, answer.body
        assert self.stack.payments.idle(30)

    def run_until(self, check: Callable[[], Any]) -> None:
        def is_so() -> Any:
            self.run()
            return check()

        eventually(is_so, 90)

    def row(self) -> dict[str, Any]:
        (row,) = self.sql(
            "select r.* from renewals r join users u on u.id = r.user_id where u.telegram_id = %s",
            self.chat.id,
        )
        return row

    def periods(self) -> list[dict[str, Any]]:
        """Return the orders of the periods after the first."""
        return self.sql("select * from orders where renewal_id = %s order by id", self.row()["id"])

    def taken(self) -> list[str]:
        """Return the ids of these orders that were paid at YooKassa."""
        mine = {str(order["id"]) for order in self.periods()}
        return [
            invoice.object["metadata"]["order_id"]
            for invoice in list(self.fake_server.invoices.values())
            if invoice.object["metadata"]["order_id"] in mine and invoice.state == "paid"
        ]

    def is_renewed(self, times: int) -> bool:
        return len([order for order in self.periods() if order["status"] == "completed"]) == times

    def count(self, words: str) -> int:
        return sum(self.words[words] in one.text for one in self.chat.answers())

    def level(self) -> int:
        assert self.stack.run_job("sweep").status == 200
        return int(
            self.sql("select vip_level from users where telegram_id = %s", self.chat.id)[0]["vip_level"]
        )

    def agrees(self) -> None:
        assert len(set(self.taken())) == len(self.taken()), "a period was charged twice"
        assert self.sql("select * from check_payments()") == []


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_card_is_charged_each_period_until_it_is_declined(
    stack: Stack, sql: Sql, clock: Clock, language: str
) -> None:
    anna = Subscriber(stack, sql, clock, language)

    anna.after_period(1.2)
    anna.run_until(lambda: anna.is_renewed(1))
    news(anna.chat, anna.words["renewed"])
    anna.after_period(1.2)
    anna.run_until(lambda: anna.is_renewed(2))
    eventually(lambda: anna.count("renewed") == 2, 30)
    assert anna.level() == 1
    assert len(anna.taken()) == 2
    receipts = [
        invoice
        for invoice in anna.fake_server.invoices.values()
        if invoice.object["metadata"]["order_id"] in anna.taken()
    ]
    assert len(receipts) == 2

    anna.press("fail_renewal")
    anna.after_period(1.2)
    anna.run_until(lambda: anna.row()["status"] == "past_due")
    news(anna.chat, anna.words["late"])
    assert anna.level() == 1, "days of grace"
    anna.chat.send("/subscription")
    news(anna.chat, anna.words["shown"])
    anna.press("mend_renewal")
    anna.after_period(1.8)
    anna.run_until(lambda: anna.is_renewed(3))
    eventually(lambda: anna.count("renewed") == 3, 30)
    assert anna.row()["status"] == "active"

    anna.press("remove_method")
    anna.after_period(1.2)
    anna.run_until(lambda: anna.row()["status"] == "ended")
    news(anna.chat, anna.words["given_up"])
    assert anna.row()["saved_method"] is None
    assert anna.level() == 0
    anna.after_period(40)
    anna.run()
    assert len(anna.taken()) == 3
    anna.agrees()


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_declined_card_ends_the_renewal_after_the_grace_period(
    stack: Stack, sql: Sql, clock: Clock, language: str
) -> None:
    anna = Subscriber(stack, sql, clock, language)
    anna.press("fail_renewal")
    for attempt, days in enumerate((1.2, 1.9, 3, 4.5), start=1):
        anna.after_period(days)
        anna.run_until(lambda attempt=attempt: anna.row()["attempts"] == attempt)
    assert anna.count("late") == 1, "one message"
    anna.after_period(5.5)
    anna.run_until(lambda: anna.row()["status"] == "ended")
    news(anna.chat, anna.words["given_up"])
    assert anna.level() == 0
    assert anna.taken() == []
    assert [order["status"] for order in anna.periods()] == ["canceled"]
    anna.agrees()


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_stopped_renewal_is_not_charged(stack: Stack, sql: Sql, clock: Clock, language: str) -> None:
    anna = Subscriber(stack, sql, clock, language)
    anna.press("fail_renewal")
    anna.after_period(1.2)
    anna.run_until(lambda: anna.row()["status"] == "past_due")
    news(anna.chat, anna.words["late"])
    anna.press("mend_renewal")
    anna.chat.send("/subscription")
    shown = eventually(lambda: [one for one in anna.chat.answers() if anna.words["shown"] in one.text], 30)
    sure = tap(shown[0], anna.words["stop"])
    sql("update renewals set attempt_started_at = private.clock(), "
        "lease_until = private.clock() + interval '1 hour' where id = %s", anna.row()["id"])  # fmt: skip
    assert anna.words["busy"] in tap(sure, anna.words["yes"]).text
    sql("update renewals set attempt_started_at = null, lease_until = null where id = %s", anna.row()["id"])
    anna.chat.send("/subscription")
    shown = eventually(lambda: [one for one in anna.chat.answers() if anna.words["shown"] in one.text], 30)
    assert anna.words["off_late"] in tap(tap(shown[0], anna.words["stop"]), anna.words["yes"]).text
    assert anna.row()["saved_method"] is None
    anna.after_period(3)
    anna.run_until(lambda: anna.row()["status"] == "ended")
    assert anna.taken() == []
    assert anna.level() == 0


def test_a_lost_response_is_requested_again_and_charges_once(stack: Stack, sql: Sql, clock: Clock) -> None:
    anna = Subscriber(stack, sql, clock, "en")
    anna.fake_server.callbacks.lose_next(50)
    anna.fake_server.unsure = 50
    anna.after_period(1.2)
    anna.run_until(lambda: len(anna.taken()) == 1)
    assert anna.row()["attempt_started_at"] is not None
    anna.fake_server.unsure = 0
    anna.after_period(1.5)
    anna.run_until(lambda: anna.is_renewed(1))
    news(anna.chat, anna.words["renewed"])
    anna.agrees()


def test_a_charge_is_found_after_its_idempotency_key_expired(stack: Stack, sql: Sql, clock: Clock) -> None:
    anna = Subscriber(stack, sql, clock, "en")
    real, anna.fake_server.clock = anna.fake_server.clock, clocks.Clock()
    anna.fake_server.clock.advance(anna.after_period(1.2))
    anna.fake_server.callbacks.lose_next(50)
    anna.fake_server.unsure = 50
    anna.run_until(lambda: len(anna.taken()) == 1)
    anna.fake_server.unsure = 0
    anna.fake_server.clock.advance(2 * 86_400)
    anna.after_period(3.2)
    anna.run_until(lambda: anna.is_renewed(1))
    anna.fake_server.clock = real
    anna.agrees()


def test_concurrent_jobs_charge_once(stack: Stack, sql: Sql, clock: Clock) -> None:
    people = [Subscriber(stack, sql, clock, "en") for _ in range(4)]
    anna = people[0]
    anna.after_period(1.2)
    in_parallel(4, lambda _n: stack.run_job("payments"))
    anna.run_until(lambda: all(one.is_renewed(1) for one in people))
    for one in people:
        news(one.chat, one.words["renewed"])
        assert len(one.taken()) == 1
    anna.agrees()


STEPS = [
    ("claim_due_renewals", "before"),
    ("claim_due_renewals", "after"),
    ("record_payment_event", "before"),
    ("record_payment_event", "after"),
]


@pytest.mark.parametrize(("function", "when"), STEPS)
def test_a_killed_job_charges_a_period_once(
    stack: Stack, sql: Sql, clock: Clock, function: str, when: Any
) -> None:
    anna = Subscriber(stack, sql, clock, "en")
    anna.fake_server.callbacks.lose_next(50)  # only the job sees the charge
    scheduled = stack.function("scheduled")
    lead = anna.after_period(1.2)
    stack.database.on(function, when=when, do=scheduled.kill)
    stack.run_job("payments")
    eventually(lambda: not scheduled.pid, 30)
    stack.database.clear()
    scheduled.restart()
    anna.lead_by(lead + 0.2 * 86_400)
    anna.run_until(lambda: anna.is_renewed(1))
    # The sweep delivers the outbox of the killed worker.
    eventually(lambda: stack.run_job("sweep").status == 200 and anna.count("renewed"), 30)
    assert len(anna.taken()) == 1
    anna.agrees()


def test_the_profile_shows_the_end_and_the_renewal_of_a_plan(stack: Stack, sql: Sql, clock: Clock) -> None:
    anna = Subscriber(stack, sql, clock, "en")

    def profile() -> str:
        anna.chat.send("/profile").wait()
        return anna.chat.answers()[-1].text

    text = profile()
    assert re.search(r"Plan active until \d{1,2} \w{3} \d{4}", text)
    assert "Auto-renewal: on\nToday: " in text, "what belongs to the plan is below it"
    anna.chat.send("/subscription").wait()
    tap(tap(anna.chat.answers()[-1], anna.words["stop"]), anna.words["yes"])
    assert "Auto-renewal: off\n" in profile()
