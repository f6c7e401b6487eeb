"""export_user_data: all data of the user, in parts of limited size, and no data of other users."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from shared.core.texts import table
from shared.features.privacy.export_file import SECTIONS
from tests.supabase.privacy.conftest import Sql, SqlUser, call, id_of, next_update

Connect = Callable[[], psycopg.Connection]
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d")


@pytest.fixture
def export(connect: Connect, sql: Sql) -> Callable[..., Any]:
    """Return a function that exports a user's data."""

    def run(user: SqlUser, **more: Any) -> Any:
        with connect() as connection:
            return call(connection, "export_user_data", p_user_id=id_of(sql, user), **more)

    return run


def test_every_section_has_its_texts(anna: SqlUser, export: Callable[..., Any]) -> None:
    assert set(export(anna)["sections"]) == set(SECTIONS)
    for code in ("ru", "en"):
        for name in (*SECTIONS, "messages"):
            assert {f"section_{name}", f"section_{name}_about"} <= set(table(code))


def test_the_export_holds_no_data_of_other_users(
    sql: Sql, make_user: Callable[..., SqlUser], export: Callable[..., Any]
) -> None:
    anna, ben, carl = make_user(name="Anna X"), make_user(name="Ben X"), make_user(name="Carl X")
    for user in (anna, ben, carl):
        user.ask()
    sql(
        "insert into user_referrals (referrer_id, referred_id, status) values (%s, %s, 'completed'), "
        "(%s, %s, 'completed')",
        *(id_of(sql, user) for user in (anna, ben, ben, carl)),
    )
    exported = export(ben)
    assert len(exported["sections"]["referrals"]["invited"]) == 1
    assert exported["sections"]["referrals"]["invited_by"]["status"] == "completed"
    exported = json.dumps(exported)
    assert "Ben X" in exported
    assert str(ben.id) in exported
    for other in (anna, carl):
        assert other.name not in exported
        assert str(other.id) not in exported


def test_times_are_iso_8601(anna: SqlUser, export: Callable[..., Any]) -> None:
    exported = export(anna)
    times = [exported["sections"]["user"]["created_at"], *(m["created_at"] for m in exported["messages"])]
    assert len(times) == 3
    assert all(ISO.fullmatch(time) for time in times)


def test_parts_join_without_a_gap_for_any_part_size(
    sql: Sql, anna: SqlUser, export: Callable[..., Any]
) -> None:
    sql(
        "insert into messages (user_id, bot, chat_id, role, content) "
        "select %s, case when n %% 2 = 0 then 'second' else 'assistant' end, n %% 3, 'user', "
        "n || repeat('я', n %% 7 * 10) from generate_series(1, 300) as n",
        id_of(sql, anna),
    )
    for size in (1, 200, 5000, 10_000_000):
        after, seen, parts = 0, [], 0
        while after is not None:
            part = export(anna, p_after=after, p_bytes=size)
            assert (part["sections"] is None) == (after > 0)
            assert part["messages"]
            seen += [message["content"] for message in part["messages"][:-1] or part["messages"]]
            seen += [part["messages"][-1]["content"]] if len(part["messages"]) > 1 else []
            after, parts = part["next"], parts + 1
        assert [int(re.match(r"\d+", content)[0]) for content in seen[2:]] == list(range(1, 301))  # type: ignore[index]
        assert parts == (302 if size == 1 else parts)
    assert parts == 1


def test_the_export_of_an_unknown_user_is_null(connect: Connect) -> None:
    with connect() as connection:
        assert call(connection, "export_user_data", p_user_id=-1) is None


def test_secrets_of_updates_were_never_stored(anna: SqlUser, export: Callable[..., Any]) -> None:
    update_id = next_update()
    anna.receive(update_id)
    rows = [row for row in export(anna)["sections"]["updates"] if row["update_id"] == update_id]
    assert rows[0]["payload"] == {"words": f"words of {anna.id}"}
    assert "delivery" not in rows[0]


@pytest.mark.parametrize(
    ("role", "may"),
    [("bot_backend", True), ("service_role", False), ("anon", False), ("authenticated", False)],
)
def test_only_our_functions_and_the_secret_key_may_call(
    database_url: str, sql: Sql, anna: SqlUser, role: str, may: bool
) -> None:
    for statement in (
        f"select public.export_user_data({id_of(sql, anna)})",
        "select public.retention_periods()",
        f"select public.finish_update('assistant', {next_update()}, 1, '{{\"erase\": {{}}}}')",
    ):
        with psycopg.connect(database_url, prepare_threshold=None) as connection:
            connection.execute(f"set local role {role}")
            if may:
                connection.execute(statement)
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
            connection.rollback()


@pytest.mark.parametrize("role", ["bot_backend", "service_role", "anon", "authenticated"])
@pytest.mark.parametrize(
    "statement",
    [
        "select from public.erased_users",
        "delete from public.erased_users",
        "select private.anonymize_update('assistant', 1)",
        "select private.user_data_sections(1)",
        "select private.expire_tombstones(1)",
    ],
)
def test_no_role_bypasses_the_functions(database_url: str, role: str, statement: str) -> None:
    with psycopg.connect(database_url, prepare_threshold=None) as connection:
        connection.execute(f"set local role {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
