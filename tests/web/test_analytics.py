"""The pages of analytics and of the database: figures in both languages, CSV, the report, roles."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from shared.console.routes import PAGES
from shared.core.texts import text
from tests.web.figures import FILL
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
SECTIONS = ["", "/users", "/revenue", "/subscriptions", "/ai", "/learning"]


@pytest.fixture
def owner(stack: Stack, sql: Sql) -> Iterator[Visitor]:
    """A browser in which an owner is logged in."""
    sql("delete from login_attempts")
    chat = stack.telegram.user("Olga", language_code="en").chat("assistant")
    chat.send("/start")
    chat.answer()
    sql("insert into admins (email, telegram_id) values ('figures@example.com', %s)", chat.id)
    found = Visitor(stack)
    found.log_in(chat)
    yield found
    sql("delete from admins where email = 'figures@example.com'")


def fill(sql: Sql) -> None:
    """Give the last days figures of every kind, and a drift."""
    sql(FILL)
    sql("insert into analytics_drifts values (current_date - 1, 'mrr RUB', 5, 4)")


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("is_filled", [False, True])
def test_every_section_in_every_language(owner: Visitor, sql: Sql, language: str, is_filled: bool) -> None:
    if is_filled:
        fill(sql)
    for section in SECTIONS:
        for days in (7, 30, 90, 365):
            page = owner.get(f"/analytics{section}?days={days}&lang={language}")
            assert page.status == 200, page.body
            check_page(page.body)
    assert text(language, "analytics_funnel_about") in owner.get(f"/analytics?lang={language}").body


def test_a_period_that_cannot_be_is_the_usual_one(owner: Visitor) -> None:
    usual = owner.get("/analytics").body
    for asked in (
        "days=9", "days=x", "from=2026-13-01&until=2026-01-01", "from=2026-02-01&until=2026-01-01",
        "from=2020-01-01&until=2026-01-01", "from=0001-01-01&until=0001-01-02", "from=2026-01-01",
    ):  # fmt: skip
        page = owner.get(f"/analytics?{asked}")
        assert page.status == 200
        assert page.body.count("analytics?days=30") == usual.count("analytics?days=30"), asked
    assert owner.get("/analytics?from=2026-01-01&until=2026-01-31").status == 200


def test_each_table_is_a_file(owner: Visitor, sql: Sql) -> None:
    fill(sql)
    for section, figure in (
        ("users", "activity"), ("users", "retention"), ("users", "funnel"), ("users", "funnel_bots"),
        ("revenue", "revenue.RUB"),
        ("revenue", "revenue_product"), ("subscriptions", "mrr.RUB"), ("subscriptions", "moves"),
        ("subscriptions", "mrr_moves.RUB"),
        ("subscriptions", "churn"), ("ai", "ai_models"), ("ai", "ai_plans"), ("learning", "trainings"),
    ):  # fmt: skip
        answer = owner.get(f"/analytics/{section}/{figure}.csv?days=30")
        assert answer.status == 200, figure
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert "attachment" in answer.headers["Content-Disposition"]
        rows = list(csv.reader(io.StringIO(answer.body.removeprefix("\ufeff"))))
        assert len(rows) > 1, figure
        assert {len(row) for row in rows} == {len(rows[0])}
    assert owner.get("/analytics/users/none.csv").status == 404
    assert owner.get("/analytics/none/funnel.csv").status == 404


def test_what_is_gained_and_lost_is_the_sum_of_the_movements(owner: Visitor, sql: Sql) -> None:
    fill(sql)

    def read(figure: str) -> list[list[str]]:
        answer = owner.get(f"/analytics/subscriptions/{figure}.csv?days=30")
        return list(csv.reader(io.StringIO(answer.body.removeprefix("\ufeff"))))[1:]

    moves = {row[0]: [Decimal(cell) for cell in row[3:]] for row in read("mrr.RUB")}
    found = {row[0]: [Decimal(cell) for cell in row[1:]] for row in read("mrr_moves.RUB")}
    assert found == {
        day: [sum(n for n in row if n > 0), -sum(n for n in row if n < 0), sum(row)]
        for day, row in moves.items()
    }
    assert any(gained or lost for gained, lost, _ in found.values())


def test_a_name_is_no_formula_and_no_markup(owner: Visitor, stack: Stack, sql: Sql) -> None:
    evil = '=HYPERLINK("http://evil.example")<script>'
    chat = stack.telegram.user("Eve").chat("assistant")
    chat.send("/start")
    chat.answer()
    (user,) = sql("update users set first_name = %s where telegram_id = %s returning id", evil, chat.id)
    sql(
        "insert into user_referrals (referrer_id, status, referrer_credits, completed_at)"
        " values (%s, 'completed', 10, private.clock())",
        user["id"],
    )
    page = owner.get("/analytics/users")
    check_page(page.body)
    assert "&lt;script&gt;" in page.body
    rows = list(
        csv.reader(io.StringIO(owner.get("/analytics/users/referrers.csv").body.removeprefix("\ufeff")))
    )
    assert rows[1][0] == f"'{evil}"
    assert rows[1][3:] == ["1", "10"]


def test_a_negative_number_stays_a_number(owner: Visitor, sql: Sql) -> None:
    fill(sql)
    rows = list(
        csv.reader(io.StringIO(owner.get("/analytics/subscriptions/moves.csv").body.removeprefix("\ufeff")))
    )
    assert float(rows[1][rows[0].index("churned")]) < 0


def test_the_report_has_an_hour(owner: Visitor, sql: Sql) -> None:
    owner.get("/analytics")
    assert owner.post("/analytics/report", {"hour": "7"}).status == 303
    assert sql("select hour from analytics_reports") == [{"hour": 7}]
    assert '<option value="7" selected>' in owner.get("/analytics").body
    assert owner.post("/analytics/report", {"hour": "24"}).status == 422
    assert owner.post("/analytics/report", {"hour": ""}).status == 303
    assert sql("select hour from analytics_reports") == []


def test_sql_checks_the_role_itself(call: Callable[..., Any], browser: Visitor, anna: Chat, sql: Sql) -> None:
    import psycopg

    (user,) = sql("select id from users where telegram_id = %s", anna.id)
    names = [
        row["name"]
        for row in sql(
            "select proname as name from pg_proc where pronamespace = 'public'::regnamespace"
            " and starts_with(proname, 'analytics_') and 'p_from' = any (proargnames)"
        )
    ]
    assert len(names) >= 8
    for name in names:
        with pytest.raises(psycopg.Error) as caught:
            call(name, p_actor_id=user["id"], p_from="2026-01-01", p_until="2026-01-02")
        assert caught.value.sqlstate == "N0009", name
    for name, values in (
        ("analytics_state", {}),
        ("set_analytics_report", {"p_hour": 1}),
        ("owner_database", {}),
    ):
        with pytest.raises(psycopg.Error) as caught:
            call(name, p_actor_id=user["id"], **values)
        assert caught.value.sqlstate == "N0009", name


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_database_page_shows_health_runs_and_backups(
    owner: Visitor, stack: Stack, sql: Sql, language: str
) -> None:
    empty = owner.get(f"/database?lang={language}")
    assert empty.status == 200, empty.body
    check_page(empty.body)
    assert text(language, "database_good") not in empty.body, "nothing is measured yet"
    assert stack.run_job("health").status == 200
    sql(
        "insert into private.backups (version, place, bytes, sha256, kept_for, stored_at)"
        " values ('20261130000000', 'a', 5000000, %s, 'daily', private.clock())",
        "0" * 64,
    )
    page = owner.get(f"/database?lang={language}")
    check_page(page.body)
    for key in (
        "health_dead_letters",
        "health_size_megabytes",
        "database_kept_daily",
        "database_not_verified",
    ):
        assert text(language, key) in page.body, key


def test_the_pages_only_read(owner: Visitor) -> None:
    reading = [page for page in PAGES if page.path.startswith(("/database", "/analytics"))]
    assert [page.path for page in reading if "POST" in page.methods] == ["/analytics/report"]
