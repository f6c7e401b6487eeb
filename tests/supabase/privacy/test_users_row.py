"""The users row: the language of Telegram or the configured one, and updated_at."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import new_telegram_id

Sql = Callable[..., list[dict[str, Any]]]


def upsert(sql: Sql, telegram_id: int, **user: Any) -> dict[str, Any]:
    """Upsert a user with Telegram's values, ten minutes after the last activity."""
    sql(
        "update users set last_activity = last_activity - interval '10 minutes' where telegram_id = %s",
        telegram_id,
    )
    [row] = sql(
        "select (private.upsert_user(%s, private.clock())).*",
        json.dumps({"id": telegram_id, "first_name": "Anna", **user}),
    )
    return row


def test_without_a_language_of_telegram_the_configured_one_is_kept(sql: Sql) -> None:
    sql("update private.settings set value = '\"en\"' where key = 'default_language'")
    assert upsert(sql, new_telegram_id())["language_code"] == "en"
    sql("update private.settings set value = '\"ru\"' where key = 'default_language'")
    telegram_id = new_telegram_id()
    assert upsert(sql, telegram_id)["language_code"] == "ru"
    assert upsert(sql, telegram_id, language_code="pt-BR")["language_code"] == "pt-BR"
    assert upsert(sql, telegram_id)["language_code"] == "pt-BR", "an update without one takes nothing away"


def test_a_user_that_another_service_adds_has_the_configured_language(sql: Sql) -> None:
    [row] = sql("insert into users (telegram_id) values (%s) returning language_code", new_telegram_id())
    assert row == {"language_code": "ru"}


@pytest.mark.parametrize("change", ["bonus_credits = 1", "language = 'en'", "is_active = false"])
def test_updated_at_follows_every_change_and_nothing_else(
    sql: Sql, clock: Callable[[str], None], change: str
) -> None:
    telegram_id = new_telegram_id()
    clock("timestamptz '2030-01-01 10:00+00'")
    sql("insert into users (telegram_id) values (%s)", telegram_id)

    def updated_at() -> str:
        [row] = sql(
            "select (updated_at at time zone 'UTC')::time::text as t from users where telegram_id = %s",
            telegram_id,
        )
        return str(row["t"])

    assert updated_at() == "10:00:00"
    clock("timestamptz '2030-01-01 11:00+00'")
    sql("update users set bonus_credits = bonus_credits where telegram_id = %s", telegram_id)
    assert updated_at() == "10:00:00", "nothing changed"
    sql(f"update users set {change} where telegram_id = %s", telegram_id)
    assert updated_at() == "11:00:00"
