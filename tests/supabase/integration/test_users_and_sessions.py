"""What other services do with users and their sessions through SQL functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.supabase.access.users import Call, Sql, create_user, user_id_of
from tests.supabase.privacy.conftest import SqlUser, next_update
from tests.support import in_parallel, new_telegram_id

Refused = Callable[..., str | None]


def session(call: Call, telegram_id: int, bot: str = "course", **chat: int) -> tuple[Any, Any]:
    """Return the session and statistics with a bot."""
    found = call("get_user_session", p_telegram_id=telegram_id, p_bot=bot, **chat)
    return found["session"], found["stats"]


# Users ------------------------------------------------------------------------------------------------------


def test_a_service_finds_a_user_or_creates_one_that_is_still_new_to_the_bots(
    call: Call, connect: Callable[[], psycopg.Connection]
) -> None:
    anna = SqlUser(connect)
    names = {"p_username": "anna_k", "p_first_name": "Anna", "p_language_code": "ru"}
    first = call("get_or_create_user", p_telegram_id=anna.id, **names)
    again = call("get_or_create_user", p_telegram_id=anna.id)
    assert (first["created"], again["created"]) == (True, False)
    assert again["user"] == first["user"]
    user = first["user"]
    assert (user["username"], user["first_name"], user["language"]) == ("anna_k", "Anna", "ru")
    assert (user["plan"], user["balance"], user["total_xp"], user["level"]) == ("FREE", "0.00", 0, 1)
    assert user["has_started"] is False

    assert anna.receive(next_update())["user"]["is_new"] is True

    seen = call("get_or_create_user", p_telegram_id=anna.id)["user"]
    assert (seen["id"], seen["has_started"]) == (user["id"], True)


def test_names_that_are_not_given_stay(sql: Sql, call: Call) -> None:
    anna = create_user(sql, first_name="Anna", last_name="Kern", username="anna")
    user = call("get_or_create_user", p_telegram_id=anna, p_last_name="Ivanova")["user"]
    assert (user["first_name"], user["last_name"], user["username"]) == ("Anna", "Ivanova", "anna")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"p_telegram_id": 0}, "L0001"),
        ({"p_telegram_id": -100123}, "L0001"),
        ({"p_telegram_id": 1 << 52}, "L0001"),
        ({"p_telegram_id": None}, "L0001"),
        ({"p_telegram_id": 777_000}, "L0001"),
        ({"p_username": "@anna"}, "S0001"),
        ({"p_username": ""}, "S0001"),
        ({"p_username": "a" * 65}, "S0001"),
        ({"p_first_name": "a" * 65}, "S0001"),
        ({"p_last_name": "a" * 65}, "S0001"),
        ({"p_language_code": "Russian"}, "S0001"),
        ({"p_language_code": ""}, "S0001"),
        ({"p_language_code": "en-" + "a" * 9}, "S0001"),
    ],
)
def test_invalid_names_and_ids_create_no_user(
    sql: Sql, refused: Refused, values: dict[str, Any], code: str
) -> None:
    before = sql("select count(*) as n from users")
    assert refused("get_or_create_user", **{"p_telegram_id": new_telegram_id(), **values}) == code
    assert sql("select count(*) as n from users") == before


def test_service_accounts_of_another_bots_table_become_no_users(sql: Sql) -> None:
    for account in (777_000, 1_087_968_824, 136_817_688):
        with pytest.raises(psycopg.Error) as refused:
            sql("select private.adopt_user('old', %s, '', '{}')", account)
        assert refused.value.sqlstate == "L0001"
        assert sql("select from users where telegram_id = %s", account) == []


def test_of_ten_calls_at_once_one_creates(sql: Sql, database_url: str) -> None:
    telegram_id = new_telegram_id()

    def work(_number: int) -> bool:
        with psycopg.connect(database_url, autocommit=True) as connection:
            row = connection.execute("select public.get_or_create_user(%s)", [telegram_id]).fetchone()
            assert row
            return bool(row[0]["user"]["telegram_id"] == telegram_id)

    assert all(in_parallel(10, work))
    assert sql("select count(*) as n from users where telegram_id = %s", telegram_id) == [{"n": 1}]


def test_the_language_of_a_service_is_that_of_the_bots(
    call: Call, refused: Refused, connect: Callable[[], psycopg.Connection]
) -> None:
    anna = SqlUser(connect)
    assert call("set_user_language", p_telegram_id=anna.id, p_language="en")["language"] == "en"
    assert anna.receive(next_update())["user"]["language"] == "en"
    assert call("set_user_language", p_telegram_id=anna.id, p_language=None)["language"] == "ru"
    assert refused("set_user_language", p_telegram_id=anna.id, p_language="русский") == "S0001"


def test_users_are_counted(sql: Sql, call: Call) -> None:
    before = call("count_users")
    create_user(sql)
    create_user(sql, has_started=False)
    sql("update users set banned_at = private.clock() where telegram_id = %s", create_user(sql, is_paid=True))
    after = call("count_users")
    assert {key: after[key] - before[key] for key in before} == {
        "users": 3,
        "started": 2,
        "paid": 1,
        "banned": 1,
    }


# Sessions ---------------------------------------------------------------------------------------------------


def test_session_and_statistics_are_saved_together_or_alone(call: Call) -> None:
    anna = new_telegram_id()
    save = lambda **parts: call("save_user_session", p_telegram_id=anna, p_bot="course", **parts)  # noqa: E731
    assert save(p_session={"lesson": 1, "page": 4}, p_stats={"done": 0}) == {
        "session": {"lesson": 1, "page": 4},
        "stats": {"done": 0},
    }
    save(p_stats={"done": 1})
    save(p_session={"page": None, "lesson": 2})
    assert session(call, anna) == ({"lesson": 2}, {"done": 1})
    save(p_session={"fresh": True}, p_replace=True)
    assert session(call, anna) == ({"fresh": True}, {"done": 1})


def test_a_null_inside_a_value_is_kept(call: Call) -> None:
    anna = new_telegram_id()
    call("save_user_session", p_telegram_id=anna, p_bot="course", p_session={"a": {"b": None}, "c": 1})
    call("save_user_session", p_telegram_id=anna, p_bot="course", p_session={"c": 2})
    assert session(call, anna) == ({"a": {"b": None}, "c": 2}, {})


def test_sessions_of_bots_chats_and_topics_are_separate(call: Call) -> None:
    anna = new_telegram_id()
    places: list[dict[str, int]] = [
        {},
        {"p_chat_id": -1007},
        {"p_chat_id": -1007, "p_thread_id": 3},
    ]
    for bot in ("course", "spin"):
        for number, place in enumerate(places):
            call("save_user_session", p_telegram_id=anna, p_bot=bot, p_session={bot: number}, **place)
    for bot in ("course", "spin"):
        assert [session(call, anna, bot, **place)[0] for place in places] == [{bot: 0}, {bot: 1}, {bot: 2}]
    assert session(call, anna, "quiz") == ({}, {})


def test_a_reset_keeps_the_statistics_by_default(call: Call) -> None:
    anna = new_telegram_id()
    save = {"p_session": {"lesson": 1}, "p_stats": {"done": 3}}
    call("save_user_session", p_telegram_id=anna, p_bot="course", **save)
    call("save_user_session", p_telegram_id=anna, p_bot="spin", **save)
    assert call("reset_user_session", p_telegram_id=anna, p_bot="course") is True
    assert session(call, anna) == ({}, {"done": 3})
    assert call("reset_user_session", p_telegram_id=anna, p_bot="course", p_keep_stats=False) is True
    assert session(call, anna) == ({}, {})
    assert session(call, anna, "spin") == ({"lesson": 1}, {"done": 3})
    assert call("reset_user_session", p_telegram_id=anna, p_bot="quiz") is False


def test_an_unknown_user_has_no_session(call: Call) -> None:
    found = call("get_user_session", p_telegram_id=new_telegram_id(), p_bot="course")
    assert found == {"user": None, "session": {}, "stats": {}}


def test_a_service_and_a_bot_change_different_keys_of_one_session(
    sql: Sql, call: Call, make_user: Callable[..., SqlUser]
) -> None:
    anna, update = make_user(), next_update()
    anna.receive(update)
    call("save_user_session", p_telegram_id=anna.id, p_bot="assistant", p_session={"lesson": 1})
    anna.finish(update, p_session={"data": {"awaiting": "name"}})
    assert session(call, anna.id, "assistant")[0] == {"lesson": 1, "awaiting": "name"}


def test_twenty_writers_lose_no_key(database_url: str, call: Call) -> None:
    anna = new_telegram_id()

    def work(number: int) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "select public.save_user_session(%s, 'course', jsonb_build_object(%s::text, 1))",
                [anna, f"key{number}"],
            )

    in_parallel(20, work)
    assert len(session(call, anna)[0]) == 20


@pytest.mark.parametrize(
    "values",
    [
        {"p_bot": ""},
        {"p_bot": "Course"},
        {"p_bot": "a" * 33},
        {"p_bot": None},
        {"p_session": [1]},
        {"p_session": {"text": "я" * 262_144}},
        {"p_stats": {"text": "a" * 262_144}},
    ],
)
def test_invalid_sessions_are_refused(sql: Sql, refused: Refused, values: dict[str, Any]) -> None:
    anna = create_user(sql)
    given = {"p_telegram_id": anna, "p_bot": "course", **values}
    assert refused("save_user_session", **given) == "S0001"
    assert sql("select from bot_sessions where user_id = %s", user_id_of(sql, anna)) == []
