"""A course for the tests, the products that sell it, and what learners do."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

from tests.supabase.admins.users import BOSS, new_user
from tests.supabase.payments.conftest import Money, paid, refunded
from tests.supabase.quiz.players import Time

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]
TIERS = ("basic", "accelerator", "vip")
PRICES = {"basic": 1000, "accelerator": 2500, "vip": 6000}
_numbers = itertools.count(1)


def next_reference(prefix: str = "course-test") -> str:
    """Return a reference that was not used before."""
    return f"{prefix}:{next(_numbers)}"


class School:
    """A published course with a lesson for each tier, sold in rubles and Stars."""

    def __init__(self, sql: Sql, call: Call, money: Money, time: Time) -> None:
        self.sql, self.call, self.money, self.time = sql, call, money, time
        self.course_id = self.course("sales", is_published=True)
        self.lessons = {tier: self.lesson(f"{tier}-lesson", tier=tier) for tier in TIERS}
        for tier in TIERS:
            self.offer(tier, tier)

    def course(self, slug: str, **columns: Any) -> int:
        """Create a course; return its id."""
        return self._insert("courses", slug=slug, texts={"en": {"title": "Sales"}}, **columns)

    def lesson(self, slug: str, course_id: int | None = None, **columns: Any) -> int:
        """Create a lesson; return its id."""
        columns = {"position": next(_numbers), "texts": {"en": {"title": slug, "body": "Text"}}, **columns}
        return self._insert("lessons", course_id=course_id or self.course_id, slug=slug, **columns)

    def cohort(self, starts_at: str, **columns: Any) -> int:
        """Create a cohort; return its id."""
        key = f"cohort-{next(_numbers)}"
        return self._insert("cohorts", course_id=self.course_id, key=key, starts_at=starts_at, **columns)

    def offer(self, product: str, tier: str, price: int | None = None, **columns: Any) -> None:
        """Sell a tier as a product."""
        self.sql(
            "insert into products (key, kind, texts, is_active) values (%s, 'course', %s::jsonb, true)",
            product,
            json.dumps({"en": {"title": product}}),
        )
        for currency, amount in (("RUB", price or PRICES[tier]), ("XTR", (price or PRICES[tier]) / 2)):
            self.sql("insert into product_prices values (%s, %s, %s)", product, currency, amount)
        columns = {"product_key": product, "course_id": self.course_id, "tier": tier, **columns}
        self.sql(
            f"insert into course_offers ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})",
            *columns.values(),
        )

    def learner(self, **columns: Any) -> int:
        """Create a user; return users.id."""
        return new_user(self.sql, **columns)

    def pay(self, order_id: int, number: str = "") -> str:
        """Pay an order; return the number of the payment."""
        number = number or f"course-pay-{next(_numbers)}"
        (order,) = self.sql("select amount, currency from orders where id = %s", order_id)
        self.money.record(paid(number, order_id, str(order["amount"]), order["currency"]))
        return number

    def buy(self, user_id: int, product: str = "basic", currency: str = "RUB", **rest: Any) -> str:
        """Order and pay a product; return the number of the payment."""
        return self.pay(self.money.order(user_id, product, currency, **rest))

    def refund(self, number: str, amount: Any = None) -> Any:
        """Refund a payment, all of it without an amount."""
        amount = amount or self.money.payment(number)["amount"]
        operation = f"course-refund-{next(_numbers)}"
        return self.money.record(refunded(number, str(amount), operation))

    def enrollments(self, user_id: int) -> dict[str, dict[str, Any]]:
        """Return a learner's enrollments that are not withdrawn, by tier."""
        rows = self.sql(
            """select id, user_id, tier, source, amount_paid, currency, payment_id, order_id, cohort_id,
                      enrolled_at, expires_at
                 from enrollments
                where user_id = %s and withdrawn_at is null""",
            user_id,
        )
        return {row["tier"]: row for row in rows}

    def price(self, user_id: int, product: str, currency: str = "RUB") -> str | None:
        """Return what the shop asks of a user for a product, None if it is not for sale."""
        shop = {one["key"]: one for one in self.call("products_for_sale", p_user_id=user_id)}
        return shop[product]["prices"].get(currency) if product in shop else None

    def states(self, user_id: int | None) -> dict[str, str]:
        """Return which lessons are open to a user, by slug."""
        course = self.call("read_course", p_user_id=user_id, p_slug="sales")
        return {lesson["slug"]: lesson["state"] for lesson in course["all_lessons"]}

    def card(self, user_id: int | None) -> Any:
        """Return the course as the dashboard shows it."""
        (card,) = self.call("course_overview", p_user_id=user_id)
        return card

    def read(self, user_id: int | None, slug: str) -> Any:
        """Open a lesson."""
        return self.call("read_lesson", p_user_id=user_id, p_course_slug="sales", p_lesson_slug=slug)

    def watch(self, user_id: int, lesson_id: int, start: int, end: int, **more: Any) -> Any:
        """Report that a part of a video was played."""
        given = {"p_position": end, "p_playback_id": "page-1", **more}
        return self.call(
            "record_watching", p_user_id=user_id, p_lesson_id=lesson_id, p_from=start, p_to=end, **given
        )

    def complete(self, user_id: int, lesson_id: int) -> Any:
        """Press the button *Done*."""
        return self.call("complete_lesson", p_user_id=user_id, p_lesson_id=lesson_id)

    def answer(
        self, user_id: int, lesson_id: int, answers: Any, reference: str = "", version: int = 1
    ) -> Any:
        """Send the form of a quiz."""
        return self.call(
            "answer_lesson_quiz",
            p_user_id=user_id,
            p_lesson_id=lesson_id,
            p_answers=answers,
            p_reference=reference or next_reference("form"),
            p_version=version,
        )

    def progress(self, user_id: int, lesson_id: int) -> dict[str, Any]:
        """Return a learner's row of a lesson."""
        (row,) = self.sql(
            "select * from lesson_progress where (user_id, lesson_id) = (%s, %s)", user_id, lesson_id
        )
        return row

    def bot_user(self, **columns: Any) -> int:
        """Create a user who has written to the assistant; return users.id."""
        user_id = self.learner(**columns)
        self.sql(
            "insert into bot_sessions (user_id, bot, chat_id)"
            " select id, 'assistant', telegram_id from users where id = %s",
            user_id,
        )
        return user_id

    def homework(self, user_id: int, lesson_id: int, text: str = "Done", **more: Any) -> Any:
        """Submit homework."""
        given = {"p_reference": next_reference("homework"), **more}
        return self.call("submit_homework", p_user_id=user_id, p_lesson_id=lesson_id, p_text=text, **given)

    def complete_all(self, user_id: int) -> None:
        """Complete the three lessons."""
        for lesson in self.lessons.values():
            self.complete(user_id, lesson)

    def certificate(self, user_id: int, name: str = "Anna Lee") -> Any:
        """Ask for the certificate."""
        return self.call("issue_course_certificate", p_user_id=user_id, p_slug="sales", p_name=name)

    def enroll(self, user_id: int, tier: str = "basic", **more: Any) -> Any:
        """Enroll a learner by hand."""
        given = {"p_admin_email": BOSS, **more}
        return self.call("admin_enroll", p_user_id=user_id, p_slug="sales", p_tier=tier, **given)

    def video(self, slug: str, seconds: int = 600, **columns: Any) -> int:
        """Create a lesson that is completed by watching its video; return its id."""
        video = {"adapter": "youtube", "reference": "abc"}
        columns = {"completion": "watched", **columns}
        return self.lesson(slug, video=video, duration_seconds=seconds, **columns)

    def _insert(self, table: str, **columns: Any) -> int:
        names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
        values = [json.dumps(v) if isinstance(v, dict | list) else v for v in columns.values()]
        (row,) = self.sql(f"insert into {table} ({names}) values ({marks}) returning id", *values)
        return int(row["id"])
