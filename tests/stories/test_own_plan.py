"""A plan that an owner added as a row: every page of a user who has it works and shows its key."""

from __future__ import annotations

import pytest

from tests.stories.test_buy import Sql, speaks
from tests.stories.test_receipt_contact import ask
from tests.support import says
from tools.emulator.stack import Stack

PLAN = "TEAM"


@pytest.fixture
def plan(sql: Sql) -> str:
    sql(
        "insert into subscription_limits (plan, daily_requests, vip_level) "
        "select %s, 500, max(vip_level) + 1 from subscription_limits",
        PLAN,
    )
    return PLAN


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_page_shows_the_plan(stack: Stack, sql: Sql, plan: str, language: str) -> None:
    anna = speaks(stack, language)
    sql(
        "insert into subscriptions (user_id, plan, source, starts_at, ends_at) "
        "select id, %s, 'admin', now(), now() + interval '9 days' from users where telegram_id = %s",
        plan,
        anna.id,
    )
    sql("select private.refresh_access(id) from users where telegram_id = %s", anna.id)
    for page in ("subscription", "deleteme", "profile", "menu"):
        assert plan in ask(anna, f"/{page}").text, page
    for page in ("usage", "buy", "payments"):
        assert not says(ask(anna, f"/{page}").text, "failed"), page
