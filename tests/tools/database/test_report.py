"""`report --html`: one page with what each environment is, and the SQL functions with its data."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.tools.database.two_environments import LATER, World
from tools.database.report import drawing

pytestmark = pytest.mark.database
ADMIN = "owner@example.com"
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def page(world: World, tmp_path: Path, *arguments: str) -> str:
    path = tmp_path / "page.html"
    status, out, error = world.run("report", "--html", str(path), *arguments)
    assert status == 0, error
    assert out.startswith("Written: ")
    return path.read_text()


def words(text: str) -> str:
    """Return what a reader sees."""
    visible = re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL)
    return " ".join(html.unescape(visible).split())


def as_service(world: World, query: str, *values: object) -> dict:
    with psycopg.connect(world.server.url("production", "supabase_admin")) as connection:
        connection.execute("set local role service_role")
        row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return row[0]


def test_the_page_shows_both_environments(world: World, tmp_path: Path) -> None:
    world.add("-- One.\ncreate table public.one (a int);\n")
    world.both()
    world.add("-- Two.\nselect 1 / 0;\n", 2)
    assert world.run("sync")[0] == 1
    world.on(world.production, "create index users_by_hand on public.users (created_at)")
    world.on(
        world.production,
        "insert into private.health_samples (kind, at, value)"
        " select 'outbox_minutes', now() - g * interval '4 h', 3 from generate_series(0, 20) g",
    )
    world.on(
        world.production,
        "insert into private.backups (taken_at, version, place, bytes, sha256, kept_for, verified_at)"
        f" values (now() + interval '1 s', '{LATER + 1}', 'gs://kept/one.age', 34000000, repeat('a', 64),"
        " 'daily', now())",
    )
    text = page(world, tmp_path)
    seen = words(text)
    assert "development pending Version" in seen
    assert "production changed by hand Version" in seen
    assert "added index public.users_by_hand" in seen
    assert "./switchboard database drift --on production --undo" in seen
    assert "sync failed" in seen
    assert "22012 division by zero in migration" in seen
    assert "just now, 34.0 MB, restored and equal" in seen
    assert "gs://kept/one.age" in seen
    assert text.count('aria-label="outbox, 30 days, at most 3.0 min"') == 1
    row = re.search(rf"<tr><th scope=\"row\"><code>{LATER + 1}</code>.*?</tr>", text, re.DOTALL)
    assert row is not None
    assert words(row[0]).count("UTC, 1 statement") == 2
    assert "production" not in words(page(world, tmp_path, "--on", "development")).split("Migrations")[0]


def test_nothing_comes_from_elsewhere_and_everything_is_escaped(world: World, tmp_path: Path) -> None:
    world.both()
    world.on(world.production, """create index "<script>alert(1)</script>" on public.users (created_at)""")
    world.on(
        world.production,
        "insert into private.migration_runs (kind, actor, finished_at, outcome, error, backend_pid,"
        " backend_start) values ('sync', '<img src=x onerror=alert(1)>', now(), 'failed', '<b>\"', 1, now())",
    )
    text = page(world, tmp_path)
    assert "<script" not in text
    assert "<img" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert re.findall(r"""(?:src|href)=["'](?!#)""", text) == []
    assert re.findall(r"url\(|@import|https?://", text) == []


def test_no_password_is_on_it_and_an_unreachable_environment_is_shown(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.both()
    monkeypatch.setenv("DEVELOPMENT_DATABASE_URL", "postgresql://postgres:geheim-7@127.0.0.1:1/x")
    text = page(world, tmp_path)
    assert "geheim" not in text
    assert "development unreachable Postgres: connection failed" in words(text)
    assert "production in step" in words(text)


def test_an_environment_that_is_older_than_the_functions_is_shown_without_them(
    world: World, tmp_path: Path
) -> None:
    world.both()
    world.on(
        world.production,
        "drop function public.admin_migration_history, public.admin_database_overview,"
        " private.health_figures, private.migration_history, private.database_overview cascade",
    )
    seen = words(page(world, tmp_path))
    assert "production changed by hand" in seen
    assert "Health: production" not in seen


def test_services_read_the_same_with_the_address_of_an_admin(world: World) -> None:
    world.add("-- One.\ncreate table public.one (a int);\n")
    world.both()
    world.on(world.production, f"insert into public.admins (email) values ('{ADMIN}')")
    overview = as_service(world, "select public.admin_database_overview(%s)", ADMIN)
    assert (overview["environment"], overview["version"], overview["name"]) == (
        "production", f"{LATER + 1}", "later_1",
    )  # fmt: skip
    assert (overview["half_done"], overview["backups"][0]["kept_for"]) == ([], "migration")
    assert overview["last_run"]["outcome"] == "done"
    assert overview["snapshot"]["entries"] > 1000
    history = as_service(world, "select public.admin_migration_history(%s, 1)", ADMIN)
    (run,) = history["runs"]
    assert (run["kind"], run["steps"][-1]["name"], run["steps"][-1]["statements"]) == ("sync", "later_1", 1)
    assert json.dumps(history)
    for function in ("admin_database_overview", "admin_migration_history"):
        with pytest.raises(psycopg.Error) as caught:
            as_service(world, f"select public.{function}(%s)", "stranger@example.com")
        assert caught.value.sqlstate == "N0001"


def test_a_migration_that_stopped_is_half_done_in_sql_as_in_the_tool(world: World) -> None:
    world.on(
        world.development,
        "create table public.codes (a int); alter table public.codes owner to postgres;"
        " insert into public.codes values (1), (1)",
    )
    world.both()
    world.add("-- Index.\ncreate unique index concurrently if not exists codes_a on public.codes (a);\n")
    assert world.run("sync")[0] == 6
    query = "select private.database_overview() -> 'half_done'"
    assert world.on(world.development, query) == [([f"{LATER + 1}"],)]
    assert world.run("abandon")[0] == 0
    assert world.on(world.development, query) == [([],)]


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_no_other_role_may_ask(world: World, role: str) -> None:
    with psycopg.connect(world.server.url("production", "supabase_admin")) as connection:
        connection.execute(f"set local role {role}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select public.admin_database_overview('owner@example.com')")


def points(drawn: str) -> list[list[tuple[float, float]]]:
    return [
        [tuple(float(number) for number in pair.split(",")) for pair in one.split()]
        for one in re.findall(r'<polyline class="line" points="([^"]*)"', drawn)
    ]  # fmt: skip


def test_a_line_has_its_place_in_time_its_limit_and_its_gaps() -> None:
    day = timedelta(days=1)
    line = [(NOW - 30 * day, 0.0), (NOW - 30 * day + day / 6, 10.0), (NOW - 15 * day, 5.0), (NOW, 10.0)]
    drawn = drawing.draw(line, 20, NOW, 'outbox "quoted"')
    found = points(drawn)
    assert [len(one) for one in found] == [2, 2, 2]
    assert found[0][0] == (0.0, drawing.HEIGHT - drawing.PAD)
    assert found[0][1][1] == pytest.approx(drawing.HEIGHT / 2)
    assert found[1][0][0] < drawing.WIDTH / 2 < found[1][1][0]
    assert found[2][1][0] == drawing.WIDTH
    assert f'class="limit" x1="0" x2="{drawing.WIDTH}" y1="{drawing.PAD}.0"' in drawn
    assert 'aria-label="outbox &#34;quoted&#34;"' in drawn


def test_a_line_of_nothing_but_zero_lies_at_the_bottom() -> None:
    drawn = drawing.draw([(NOW - timedelta(hours=4), 0.0), (NOW, 0.0)], None, NOW, "x")
    assert {y for part in points(drawn) for _, y in part} == {drawing.HEIGHT - drawing.PAD}
    assert "limit" not in drawn
