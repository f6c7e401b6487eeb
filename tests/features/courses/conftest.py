"""The sample course in the database, and learners of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.features.courses import library
from tests.web.visitor import Visitor
from tools.courses import loading
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

SLUG = "telegram-sales"
COURSE = f"/courses/{SLUG}"
Sql = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def course(stack: Stack, database_url: str, sql: Sql) -> Iterator[None]:
    """Load the sample course, on sale."""
    loading.load(database_url, library.FOLDER / SLUG, overwrites=True, is_on_sale=True)
    yield


@pytest.fixture
def anna(stack: Stack) -> Chat:
    return stack.telegram.user("Anna", language_code="en").chat("assistant")


Enroll = Callable[..., Visitor]


@pytest.fixture
def enroll(stack: Stack, sql: Sql, course: None) -> Enroll:
    """Log a user in and give them a tier: `enroll(anna, "basic")`; an empty tier gives nothing."""

    def enroll(chat: Chat, tier: str = "basic", language: str = "en") -> Visitor:
        visitor = Visitor(stack, language)
        visitor.log_in(chat, "/dashboard")
        if tier:
            give(sql, chat, tier)
        return visitor

    return enroll


def give(sql: Sql, chat: Chat, tier: str) -> None:
    """Give a user a tier by hand."""
    sql(
        """select private.grant_tier(u.id, c.id, %s, jsonb_populate_record(null::enrollment_grants,
                                                                          '{"source": "manual"}'))
             from users as u, courses as c where u.telegram_id = %s and c.slug = %s""",
        tier,
        chat.id,
        SLUG,
    )


def take(sql: Sql, chat: Chat) -> None:
    """Withdraw all tiers of a user, as a refund does."""
    sql(
        """update enrollment_grants as g set withdrawn_at = private.clock(), withdrawn_for = 'refund'
             from enrollments as e join users as u on u.id = e.user_id
            where e.id = g.enrollment_id and u.telegram_id = %s""",
        chat.id,
    )
    sql(
        """select private.refresh_enrollments(u.id, c.id)
             from users as u, courses as c where u.telegram_id = %s and c.slug = %s""",
        chat.id,
        SLUG,
    )


def lesson_id(sql: Sql, slug: str) -> int:
    """Return the id of a lesson of the sample course."""
    return int(sql("select id from lessons where slug = %s order by id desc limit 1", slug)[0]["id"])
