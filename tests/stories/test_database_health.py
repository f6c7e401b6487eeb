"""The job `health`: one alert when a figure of the database is bad, one message when it is good again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.conftest import ADMIN
from tests.stories.test_admin import Appoint, Sql
from tests.support import eventually, in_parallel, says
from tests.telegram.test_updates import sent_to
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat, TelegramUser

Call = Callable[..., Any]
Clock = Callable[[str], None]
WATCHED = "dead_letters"
START = "timestamptz '2026-12-01 10:00+00'"
NOT_ALWAYS = {
    "backup_hours", "cache_miss_percent", "changes_by_hand", "cron_failures", "environment_behind_hours",
    "growth_megabytes", "slow_statement_milliseconds", "unused_indexes",
}  # fmt: skip


@pytest.fixture(autouse=True)
def only_dead_letters(sql: Sql) -> None:
    """Leave one limit: what else the machine is doing must not alert."""
    sql(
        "update private.settings set value = '0' where starts_with(key, 'health_')"
        " and key <> 'health_alert_hours'"
    )
    sql("update private.settings set value = '30' where key = 'health_samples_days'")
    limit(sql, WATCHED, 2)


def limit(sql: Sql, kind: str, most: float) -> None:
    sql("update private.settings set value = %s where key = %s", json.dumps(most), f"health_{kind}")


def dead_letter(sql: Sql, count: int = 2) -> None:
    sql(
        "insert into telegram_updates (bot, update_id, kind, status, payload, error)"
        " select 'assistant', -n, 'message', 'dead_lettered', '{\"text\": \"Anna 79001234567\"}',"
        " 'secret words'"
        " from generate_series(1, %s) n",
        count,
    )


def figures(sql: Sql) -> dict[str, dict[str, Any]]:
    return {row["kind"]: row for row in sql("select * from private.health_figures()")}


def run(stack: Stack) -> dict[str, Any]:
    response = stack.run_job("health")
    assert response.status == 200
    done: dict[str, Any] = json.loads(response.body)
    return done


def started(user: TelegramUser) -> Chat:
    chat = user.chat("assistant")
    chat.send("/start")
    chat.answer()
    return chat


def alerts_of(stack: Stack, chat: Chat) -> list[str]:
    return [text for text in sent_to(stack, chat.id) if text.startswith(("🚨", "✅"))]


# Alerts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ru"])
def test_an_alert_comes_once_an_hour_and_resolves_once(
    stack: Stack, appoint: Appoint, sql: Sql, clock: Clock, language: str
) -> None:
    boss = started(appoint(language))
    clock(START)
    assert run(stack)["alerts"] == []
    dead_letter(sql)
    found = []
    for minutes in (15, 30, 60, 76):
        clock(f"{START} + interval '{minutes} minutes'")
        done = run(stack)
        assert done["bad"] == [WATCHED]
        found.append((done["alerts"], done["resolved"]))
    assert found == [([WATCHED], []), ([], []), ([], []), ([WATCHED], [])]
    clock(f"{START} + interval '25 hours'")
    assert [run(stack)["resolved"], run(stack)["resolved"]] == [[WATCHED], []]
    first, again, resolved = alerts_of(stack, boss)
    assert says(first, "admin_alert_health", language, value=2, most=2, setting="health_dead_letters")
    assert first == again
    assert says(resolved, "admin_alert_health_resolved", language, value=0)


def test_a_figure_that_swings_alerts_no_more_than_once_an_hour(stack: Stack, sql: Sql, clock: Clock) -> None:
    found = []
    for minutes in range(0, 75, 15):
        clock(f"{START} + interval '{minutes} minutes'")
        sql("delete from telegram_updates where status = 'dead_lettered'")
        if minutes % 30 == 0:
            dead_letter(sql)
        done = run(stack)
        found.append((len(done["alerts"]), len(done["resolved"])))
    assert found == [(1, 0), (0, 1), (0, 0), (0, 0), (1, 0)]


def test_the_pause_between_alerts_is_a_setting(stack: Stack, sql: Sql, clock: Clock) -> None:
    sql("update private.settings set value = '24' where key = 'health_alert_hours'")
    clock(START)
    dead_letter(sql)
    assert run(stack)["alerts"] == [WATCHED]
    clock(f"{START} + interval '23 hours'")
    assert run(stack)["alerts"] == []


def test_a_limit_that_was_removed_ends_the_alert_without_a_word(
    stack: Stack, appoint: Appoint, sql: Sql
) -> None:
    boss = started(appoint())
    dead_letter(sql)
    run(stack)
    limit(sql, WATCHED, 0)
    assert run(stack)["resolved"] == []
    sql("delete from telegram_updates where status = 'dead_lettered'")
    limit(sql, WATCHED, 2)
    assert run(stack)["resolved"] == []
    assert len(alerts_of(stack, boss)) == 1


def test_of_two_runs_at_once_one_alerts(call: Call, sql: Sql) -> None:
    dead_letter(sql)
    found = in_parallel(6, lambda _n: call("record_health"))
    assert sorted(len(one["alerts"]) for one in found) == [0, 0, 0, 0, 0, 1]
    sql("delete from telegram_updates where status = 'dead_lettered'")
    found = in_parallel(6, lambda _n: call("record_health"))
    assert sorted(len(one["resolved"]) for one in found) == [0, 0, 0, 0, 0, 1]


def test_a_run_beside_another_one_does_nothing(call: Call, sql: Sql, database_url: str) -> None:
    dead_letter(sql)
    with psycopg.connect(database_url) as other:
        other.execute("select public.record_health()")
        assert call("record_health") == {
            "figures": 0, "bad": [], "alerts": [], "resolved": [], "outgoing": [],
        }  # fmt: skip
        other.rollback()
    assert call("record_health")["alerts"] == [WATCHED]


def test_texts_have_nothing_of_users(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss = started(appoint())
    dead_letter(sql)
    run(stack)
    (text,) = alerts_of(stack, boss)
    kept = json.dumps(sql("select kind, value::text, names from private.health_samples"))
    for words in (text, kept):
        assert not any(word in words for word in ("Anna", "79001234567", "secret words", ADMIN, "Olga"))


# What the database knows of its migrations and backups: what makes the figure bad, and what mends it.
CAUSES = {
    "changes_by_hand": (
        "create index users_by_hand on public.users (created_at)", "drop index public.users_by_hand",
    ),
    "environment_behind_hours": (
        "update private.database_identity set behind_since = private.clock() - interval '25 hours'",
        "update private.database_identity set behind_since = null",
    ),
    "overdue_backups": (
        "update private.settings set value = '30' where key = 'retention_backups_days';"
        " insert into private.backups (taken_at, version, place, bytes, sha256, kept_for, stored_at) values"
        " (private.clock() - interval '33 days', '1', 'gs://b/x', 1, repeat('a', 64), 'daily', now())",
        "update private.backups set deleted_at = private.clock()",
    ),
    "backup_hours": (
        "insert into private.backups (taken_at, version, place, bytes, sha256, kept_for, stored_at) values"
        " (private.clock() - interval '27 hours', '1', 'gs://b/x', 1, repeat('a', 64), 'daily', now()),"
        " (private.clock(), '1', 'gs://b/half', 1, repeat('b', 64), 'daily', null)",
        "update private.backups set stored_at = private.clock() where stored_at is null",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CAUSES)
def test_migrations_and_backups_alert_once_an_hour_and_resolve_once(
    stack: Stack, appoint: Appoint, sql: Sql, kind: str
) -> None:
    boss = started(appoint("en"))
    sql("insert into private.database_identity values ('production', true) on conflict do nothing")
    sql(
        "insert into private.catalogue_snapshots (version, hash, entries, fingerprint)"
        " values ('1', 'x', '{}', private.catalogue_fingerprint())"
    )
    limit(sql, kind, {"environment_behind_hours": 24, "backup_hours": 26}.get(kind, 1))
    assert run(stack)["alerts"] == []
    bad, mended = CAUSES[kind]
    sql(bad)
    try:
        found = []
        for passed in ("15 minutes", "15 minutes", "46 minutes"):
            # Not the clock of the tests: it is a function whose text would change.
            sql(f"update private.health_alerts set alerted_at = alerted_at - interval '{passed}'")
            found.append(run(stack)["alerts"])
        assert found == [[kind], [], [kind]]
    finally:
        sql(mended)
    assert [run(stack)["resolved"], run(stack)["resolved"]] == [[kind], []]
    first, again, resolved = alerts_of(stack, boss)
    assert first == again
    assert "Database: production" in first and "Back to normal" in resolved


def test_a_run_of_the_tool_in_progress_is_no_change_by_hand(sql: Sql) -> None:
    sql(
        "insert into private.catalogue_snapshots (version, hash, entries, fingerprint)"
        " values ('1', 'x', '{}', 'x')"
    )
    assert figures(sql)["changes_by_hand"]["value"] == 1
    sql(
        "insert into private.migration_runs (kind, actor, backend_pid, backend_start)"
        " values ('sync', 'a build', 1, now())"
    )
    assert figures(sql)["changes_by_hand"]["value"] is None


def test_dated_partitions_do_not_change_the_fingerprint(sql: Sql, call: Call) -> None:
    call("sweep")
    before = sql("select private.catalogue_fingerprint() as it")
    sql(
        "create table public.api_usage_2031_01 partition of public.api_usage"
        " for values from ('2031-01-01') to ('2031-02-01')"
    )
    try:
        assert sql("select private.catalogue_fingerprint() as it") == before
    finally:
        sql("drop table public.api_usage_2031_01")


# Figures ---------------------------------------------------------------------------------------------------


def test_every_figure_has_a_limit_and_a_text(sql: Sql) -> None:
    kinds = figures(sql)
    settings = {
        row["key"] for row in sql("select key from private.settings where starts_with(key, 'health_')")
    }
    assert {f"health_{kind}" for kind in kinds} == settings - {"health_samples_days", "health_alert_hours"}
    from shared.core import texts

    for language in ("en", "ru"):
        assert all(texts.has(language, f"health_{kind}") for kind in kinds)


def test_a_healthy_database_has_all_figures_that_it_can_tell(sql: Sql, call: Call) -> None:
    call("sweep")  # makes the partitions
    call("record_health")  # with the rights that postgres has on a hosted Supabase
    kinds = {row["kind"]: row for row in sql("select * from private.health_samples")}
    assert {kind for kind, row in kinds.items() if row["value"] is None} <= NOT_ALWAYS
    for kind in (
        "invalid_indexes", "unvalidated_constraints", "unindexed_foreign_keys", "missing_partitions",
        "dead_letters", "payments_in_doubt",
    ):  # fmt: skip
        assert kinds[kind]["value"] == 0, kinds[kind]
    assert kinds["size_megabytes"]["value"] > 1
    assert kinds["connections_percent"]["value"] > 0


@contextmanager
def made(sql: Sql, *statements: str) -> Iterator[None]:
    """Make objects in schema public for the time of a test."""
    try:
        for statement in statements:
            sql(statement)
        yield
    finally:
        sql("drop table if exists public.of_a_test cascade")


def test_an_unused_index_is_mute_for_a_week_after_the_statistics_were_reset(sql: Sql, clock: Clock) -> None:
    limit(sql, "unused_indexes", 1)
    with made(
        sql,
        "create table public.of_a_test (n bigint, t text)",
        "insert into public.of_a_test select n, repeat('x', 40) || n from generate_series(1, 20000) n",
        "create index of_a_test_idx on public.of_a_test (t)",
    ):
        sql("select pg_stat_reset()")
        sql("select pg_stat_force_next_flush()")
        eventually(lambda: sql("select from pg_stat_database where datname = current_database()"
                               " and stats_reset > clock_timestamp() - interval '1 minute'"), 10)  # fmt: skip
        clock("clock_timestamp() + interval '6 days'")
        assert figures(sql)["unused_indexes"]["value"] is None
        clock("clock_timestamp() + interval '8 days'")
        found = figures(sql)["unused_indexes"]
        assert found["is_bad"]
        assert "public.of_a_test_idx" in found["names"]


def test_broken_and_missing_parts_of_the_schema_are_named(sql: Sql) -> None:
    with made(
        sql,
        "create table public.of_a_test (n bigint, user_id bigint)",
        "insert into public.of_a_test values (1, null)",
        "create index of_a_test_idx on public.of_a_test (n)",
        "update pg_index set indisvalid = false where indexrelid = 'public.of_a_test_idx'::regclass",
        "alter table public.of_a_test add constraint of_a_test_user foreign key (user_id) references users",
        "alter table public.of_a_test add constraint of_a_test_check check (n > 5) not valid",
    ):
        found = figures(sql)
    assert found["invalid_indexes"]["names"] == ["public.of_a_test_idx"]
    assert found["unindexed_foreign_keys"]["names"] == ["public.of_a_test.of_a_test_user"]
    assert found["unvalidated_constraints"]["names"] == ["public.of_a_test.of_a_test_check"]


def test_a_full_sequence_and_a_missing_partition_are_found(sql: Sql, clock: Clock) -> None:
    with made(
        sql,
        "create table public.of_a_test (id smallint generated always as identity)",
        "select setval('public.of_a_test_id_seq', 30000)",
    ):
        found = figures(sql)["sequences_percent"]
    assert found["value"] > 90
    assert found["names"] == ["public.of_a_test_id_seq"]
    clock("timestamptz '2031-05-20 00:00+00'")
    missing = figures(sql)["missing_partitions"]
    assert missing["names"] == ["public.api_usage_2031_05", "public.api_usage_2031_06"]


def test_an_idle_transaction_is_named_by_process_and_role(sql: Sql, database_url: str) -> None:
    with psycopg.connect(database_url) as idle:
        idle.execute("select 1")
        pid = idle.info.backend_pid
        found = figures(sql)
        for kind in ("transaction_minutes", "idle_transaction_minutes"):
            assert any(name.startswith(f"{pid} (") for name in found[kind]["names"])
        assert found["blocked_sessions"]["value"] == 0


def test_without_the_right_to_see_sessions_they_are_not_available(sql: Sql, call: Call) -> None:
    limit(sql, "connections_percent", 1)
    sql("revoke pg_monitor from postgres")
    try:
        done = call("record_health")
        sessions = sql(
            "select kind from private.health_samples where value is null"
            " and kind in ('blocked_sessions', 'connections_percent', 'transaction_minutes')"
        )
    finally:
        sql("grant pg_monitor to postgres")
    assert len(sessions) == 3
    assert done["alerts"] == []


def test_backups_count_where_there_is_a_table_of_them(sql: Sql, clock: Clock) -> None:
    has_table = sql("select to_regclass('private.backups') is not null as has")[0]["has"]
    if not has_table:
        assert figures(sql)["backup_hours"]["value"] is None
        sql("create table private.backups (at timestamptz)")
    try:
        if not has_table:
            assert figures(sql)["backup_hours"]["value"] is None
            sql("insert into private.backups (at) values ('2026-12-01 09:00+00')")
            limit(sql, "backup_hours", 26)
            clock("timestamptz '2026-12-02 10:00+00'")
            assert figures(sql)["backup_hours"]["value"] == 25
            clock("timestamptz '2026-12-02 11:00+00'")
            assert figures(sql)["backup_hours"]["is_bad"]
    finally:
        if not has_table:
            sql("drop table private.backups")


def test_failed_runs_of_cron_count_where_it_is_installed(sql: Sql) -> None:
    assert figures(sql)["cron_failures"]["value"] is None
    sql("create schema cron")
    try:
        sql("create table cron.job_run_details (jobid bigint, status text, start_time timestamptz)")
        sql("insert into cron.job_run_details values (7, 'failed', now()), (7, 'succeeded', now()),"
            " (8, 'failed', now() - interval '2 days')")  # fmt: skip
        found = figures(sql)["cron_failures"]
        assert (found["value"], found["names"]) == (1, ["job 7"])
        sql("grant usage on schema cron to postgres")
        sql("set role postgres")
        assert figures(sql)["cron_failures"]["value"] is None, "the table may not be read"
    finally:
        sql("reset role")
        sql("drop schema cron cascade")


# For admins ------------------------------------------------------------------------------------------------


def test_admins_see_the_newest_figures_and_lines_of_30_days(
    appoint: Appoint, call: Call, sql: Sql, clock: Clock
) -> None:
    appoint()
    for day in (1, 20, 35):
        clock(f"timestamptz '2026-12-01 10:00+00' + interval '{day} days'")
        call("record_health")
    dead_letter(sql)
    clock("timestamptz '2026-12-01 10:15+00' + interval '35 days'")
    call("record_health")
    found = call("admin_health", p_admin_email=ADMIN)
    (watched,) = [figure for figure in found["figures"] if figure["kind"] == WATCHED]
    assert (watched["value"], watched["most"], watched["is_bad"]) == ("2.00", "2", True)
    assert watched["alerted_at"] == found["at"]
    assert [point["value"] for point in found["lines"][WATCHED]] == ["0.00", "2.00"]
    assert sql("select count(distinct at) as n from private.health_samples")[0]["n"] == 3, "30 days are kept"


def test_others_see_nothing(call: Call) -> None:
    with pytest.raises(psycopg.Error) as caught:
        call("admin_health", p_admin_email="stranger@example.com")
    assert caught.value.sqlstate == "N0001"
