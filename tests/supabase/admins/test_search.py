"""Search users by a part of their name: ranked, limited to a page, no character acts as a pattern."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.supabase.admins.users import Call, Sql, new_user

Search = Callable[..., Any]


@pytest.fixture
def search(call: Call, boss: str) -> Search:
    """Return a function that searches as an admin."""

    def search(query: str, limit: int = 8) -> Any:
        return call("admin_search_users", p_query=query, p_admin_email=boss, p_limit=limit)

    return search


def found(result: Any) -> list[str]:
    """Return the first names of the users found, in order."""
    return [user["first_name"] for user in result["users"]]


def test_the_best_match_comes_first(sql: Sql, search: Search) -> None:
    ago = "private.clock() - interval '%s minutes'"
    for first, last, username, minutes in (
        ("Inside", "Xanqorina", None, 1),
        ("Word", "Qorin", None, 2),
        ("Qorin", None, None, 30),
        ("Handle", None, "qorin", 40),
        ("Prefix", None, "qorin_k", 3),
        ("Other", "Person", "another_user", 0),
    ):
        user = new_user(sql, first_name=first, last_name=last, username=username)
        sql(f"update users set last_activity = {ago % minutes} where id = %s", user)
    assert found(search("qorin")) == ["Handle", "Qorin", "Word", "Prefix", "Inside"]
    assert found(search("@QORIN"))[0] == "Handle"
    assert found(search("nqor")) == ["Inside"]
    assert found(search("word qorin")) == ["Word"]


def test_a_page_is_limited_and_reports_more_results(sql: Sql, search: Search) -> None:
    for n in range(10):
        new_user(sql, first_name=f"Pageful {n}")
    result = search("pageful")
    assert (len(result["users"]), result["has_more"]) == (8, True)
    assert (len(search("pageful", 50)["users"]), search("pageful", 50)["has_more"]) == (10, False)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Ёлка Жукова", "ЁЛКА"),
        ("Ёлка Жукова", "жук"),
        ("王小伟", "小伟"),
        ("王小伟", "王小"),
        ("O'Neill", "neill"),
        ("Zé", "zé"),
        ("Anna-Maria", "anna maria"),
    ],
)
def test_names_of_all_alphabets_are_found(sql: Sql, search: Search, name: str, query: str) -> None:
    new_user(sql, first_name=name)
    if query == "小伟":
        assert search(query)["users"] == [], "two characters are looked for where a word begins"
    else:
        assert name in found(search(query))


@pytest.mark.parametrize(
    "query", ["%%", "__", "%_%", "\\", ".*", "a%", "'; --", "()", "  ", "", "x", "\n", "🙂🙂"]
)
def test_no_character_is_a_pattern(sql: Sql, search: Search, query: str) -> None:
    new_user(sql, first_name="Anna%Under_score", username="pattern_1")
    result = search(query)
    assert result is None or result["users"] == []


def test_an_overlong_query_is_cut(search: Search) -> None:
    assert search("ab" * 5000) == {"users": [], "has_more": False}


def test_a_changed_name_is_found_by_the_new_one(sql: Sql, search: Search) -> None:
    user = new_user(sql, first_name="Beforename")
    sql("update users set first_name = 'Aftername' where id = %s", user)
    assert (found(search("beforename")), found(search("aftername"))) == ([], ["Aftername"])


def test_only_admins_search(refused: Callable[..., Any], boss: str) -> None:
    assert refused("admin_search_users", p_query="anna", p_admin_email="eve@example.com") == "N0001"


def test_an_ordinary_update_of_a_user_writes_no_index(sql: Sql, search: Search) -> None:
    """The name index changes only with a name; all other updates of the row are heap-only (HOT)."""
    user = new_user(sql, first_name="Hotname")
    sql("vacuum users")
    before = sql("select pg_stat_get_tuples_hot_updated('users'::regclass) as n")[0]["n"]
    sql("update users set bonus_credits = bonus_credits + 1 where id = %s", user)
    sql("select pg_stat_force_next_flush()")
    assert sql("select pg_stat_get_tuples_hot_updated('users'::regclass) as n")[0]["n"] > before
