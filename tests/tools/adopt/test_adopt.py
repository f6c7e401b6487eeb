"""`./switchboard adopt` on a real Postgres, with the tables of three different bots."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg.rows import dict_row

from shared.core.signatures import user_hash
from tools.adopt import __main__ as command
from tools.adopt import adoption
from tools.database import migrate
from tools.database.embedded import Server

pytestmark = pytest.mark.database

KEY = "a key of this test that is long enough"
Sql = Callable[..., list[dict[str, Any]]]

# The trainer of the first bots: their column names, other tables and views that refer to it.
TRAINER = """
    create table public.users (
      id serial primary key, telegram_id bigint unique not null, telegram_user_name varchar(255),
      first_name varchar(255), last_name varchar(255), "VIP_level" integer default 0,
      registration_date timestamp default now(), total_trainings integer default 0,
      total_score integer default 0, total_xp integer default 0,
      level integer default 1, balance numeric(10, 2) default 0,
      is_paid boolean default false, is_admin boolean default false, subscription_end timestamptz,
      language varchar(10) default 'ru', favorite_color text
    );
    create table public.payments
      (id serial primary key, user_id integer references public.users, amount numeric);
    create view public.rich_users as select telegram_id, balance from public.users where balance > 100;
    create function public.award_xp(p_id bigint) returns integer language sql
      as 'update public.users set total_xp = total_xp + 1 where telegram_id = p_id
      returning total_xp';
    insert into public.users (telegram_id, telegram_user_name, first_name, last_name, "VIP_level",
      registration_date, total_trainings, total_score, total_xp, level, balance, is_paid, subscription_end,
      language)
    values
      (101, 'anna_k', 'Anna', 'K', 0, '2024-05-01 12:00', 12, 1850, 1850, 5, 0, false, null, 'ru'),
      (102, '@boris', 'Boris', null, 2, '2024-06-01 12:00', 3, 300, 300, 3, 499.90, true,
        now() + '40 days', 'en'),
      (103, null, 'Clara', null, 0, '2024-07-01 12:00', 0, 0, 0, 1, 0, true, null, 'ru'),
      (104, 'dan', 'Dan', null, 1, '2024-08-01 12:00', 0, 0, 0, 1, 120, true, now() - interval '1 day', 'ru'),
      (105, 'eva', 'Eva', null, 0, '2024-08-01 12:00', 0, 0, -5, 1, 0, false, null, 'ru'),
      (106, 'fil', repeat('F', 65), null, 0, '2024-08-01 12:00', 0, 0, 5, 1, 0, false, null, 'ru'),
      (-107, 'gus', 'Gus', null, 0, '2024-08-01 12:00', 0, 0, 5, 1, 0, false, null, 'ru');
    insert into public.payments (user_id, amount) select id, 499 from public.users where telegram_id = 102;
"""
# Everything is text, and there is no key at all.
SHEET = """
    create table public.users (tg_id text, username text, name text, lang text, joined_at varchar(40),
      xp text,
      wallet_balance text, is_premium text, premium_until text, banned text);
    insert into public.users values
      ('201', 'olga', 'Olga', 'Русский', '01.03.2024 10:30', '120', '10,50', 'yes', '2999-01-01', 'no'),
      (' 202 ', 'Petr Ivanov', 'Petr', 'klingon', 'yesterday', '7.0', '', '0', '', 'yes'),
      ('203', '', 'Raya', '', '1709280000', '', '', 'no', '', ''),
      ('204', '', 'Sam', 'en_US', '', '1.5', '', '', '', ''),
      ('205', '', 'Tom', 'en', '', '', '1.005', '', '', ''),
      ('206', '', 'Uma', 'en', '', '', '-1', '', '', ''),
      ('207', '', 'Vic', 'en', '', '', '', '', '', ''),
      ('0207', '', 'Vic again', 'en', '', '9', '', '', '', ''),
      ('abc', '', 'Wrong', 'en', '', '', '', '', '', ''),
      (null, '', 'None', 'en', '', '', '', '', '', ''),
      ('9007199254740993', '', 'Too high', 'en', '', '', '', '', '', '');
"""
# Numbers of odd types, a quoted name, and a partitioned schema of its own.
ODD = """
    create schema bot;
    create table bot."Users" ("user_id" double precision primary key, experience double precision,
      balance money, vip smallint, created date, "last_seen" timestamptz, last_activity text, tags text[]);
    insert into bot."Users" values
      (301, 1500, 1.5, 1, '2024-01-01', '2024-02-01T00:00Z', null, '{a}'),
      (302.5, 1, 0, 0, null, null, null, null),
      (303, 2000000, 0, 0, null, null, null, null),
      (304, null, null, 7, null, null, null, null);
"""


class Result(NamedTuple):
    status: int
    text: str
    error: str
    report: dict[str, Any]


@pytest.fixture
def url(empty_url: str) -> str:
    return empty_url


@pytest.fixture
def sql(url: str, server: Server) -> Iterator[Sql]:
    """Runs SQL as superuser."""
    with psycopg.connect(
        server.url("empty", "supabase_admin"), autocommit=True, prepare_threshold=None
    ) as connection:
        connection.row_factory = dict_row  # type: ignore[assignment]

        def run(statement: str, *arguments: Any) -> list[dict[str, Any]]:
            cursor = connection.execute(statement.encode(), arguments or None)
            return cursor.fetchall() if cursor.description else []  # type: ignore[return-value]

        yield run


@pytest.fixture
def adopt(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    """Runs the command and returns what it prints and reports."""
    monkeypatch.setenv("USER_HASH_KEY", KEY)

    def run(*arguments: str) -> Result:
        path = tmp_path / "report.json"
        path.unlink(missing_ok=True)
        monkeypatch.setattr(sys, "argv", ["adopt", "--url", url, "--report", str(path), *arguments])
        status = command.main()
        printed = capsys.readouterr()
        report = json.loads(path.read_text()) if path.exists() else {}
        return Result(status, printed.out, printed.err, report)

    return run


def make(url: str, statements: str) -> None:
    """Run statements as the owner of the other bot's tables."""
    with psycopg.connect(url, prepare_threshold=None) as connection:
        connection.execute(statements.encode())


def user(sql: Sql, telegram_id: int) -> dict[str, Any]:
    """Return a user of ours with plan and statistics."""
    (row,) = sql(
        "select u.*, private.plan_of(u.id) as plan, (select jsonb_object_agg(s.bot, s.stats_data) "
        "from bot_sessions s where s.user_id = u.id) as stats from users u where telegram_id = %s",
        telegram_id,
    )
    return row


def counts(sql: Sql) -> dict[str, Any]:
    """Return the number of rows and the sums of what an adoption writes."""
    (row,) = sql(
        "select (select count(*) from users) as users, (select sum(total_xp) from users) as xp, "
        "(select sum(balance) from users) as balance, (select count(*) from xp_awards) as awards, "
        "(select count(*) from balance_transactions) as transactions, "
        "(select count(*) from subscriptions) as subscriptions, "
        "(select count(*) from bot_sessions) as sessions"
    )
    return row


def test_a_dry_run_reports_and_writes_nothing(url: str, sql: Sql, adopt: Callable[..., Result]) -> None:
    make(url, TRAINER)
    before = sql("select table_schema, table_name from information_schema.tables order by 1, 2")
    result = adopt("--bot", "spin")
    assert sql("select table_schema, table_name from information_schema.tables order by 1, 2") == before
    assert result.status == 1  # refused rows
    report = result.report
    assert report["columns"]["recognized"] == {
        "telegram_id": "telegram_id",
        "username": "telegram_user_name",
        "first_name": "first_name",
        "last_name": "last_name",
        "language": "language",
        "created_at": "registration_date",
        "xp": "total_xp",
        "balance": "balance",
        "vip_level": "VIP_level",
        "is_paid": "is_paid",
        "ends_at": "subscription_end",
    }
    assert report["columns"]["statistics"] == {
        "total_trainings": "total_trainings",
        "total_score": "total_score",
    }
    assert report["columns"]["unknown"] == ["favorite_color"]
    assert set(report["columns"]["left"]) == {"id", "level", "is_admin"}
    assert report["counts"] == {"ok": 4, "refused": 3}
    assert (report["old"]["xp"], report["old"]["balance"], report["old"]["plans"]) == (2150, "619.90", 2)
    assert {one["reason"] for one in report["refused"]} == {
        "the XP is negative",
        "first_name has more than 64 characters",
        "no Telegram user can have this id",
    }
    assert set(report["moved"]) == {"table users", "table payments", "function award_xp(p_id bigint)"}
    assert report["refers"]["views"] == ["rich_users"]
    assert report["refers"]["keys"] == ["payments_user_id_fkey of payments"]
    assert "public.award_xp" in report["refers"]["functions"]
    assert "Nothing was written" in result.text
    assert "not understood, kept in the old table only: favorite_color" in result.text


def test_apply_takes_users_over_once(url: str, sql: Sql, adopt: Callable[..., Result]) -> None:
    make(url, TRAINER)
    before = sql("select * from public.users order by id")
    first = adopt("--bot", "spin", "--apply")
    assert first.status == 1
    assert first.report["counts"] == {"created": 4, "refused": 3}
    assert first.report["given"] == {"xp": 2150, "balance": "619.90", "plans": 2}
    assert first.report["differences"] == []
    assert "Both sides agree" in first.text

    # Nothing is lost, and what referred to the table still does.
    assert sql("select * from legacy.users order by id") == before
    assert sql("select telegram_id from rich_users order by 1") == [
        {"telegram_id": 102},
        {"telegram_id": 104},
    ]
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        sql("delete from legacy.users where telegram_id = 102")

    anna, boris, clara, dan = (user(sql, number) for number in (101, 102, 103, 104))
    assert (anna["username"], anna["first_name"], anna["last_name"]) == ("anna_k", "Anna", "K")
    assert (anna["language"], anna["total_xp"], anna["created_at"].isoformat()[:16]) == (
        "ru",
        1850,
        "2024-05-01T12:00",
    )
    assert anna["level"] == sql("select max(level) as level from levels where min_xp <= 1850")[0]["level"]
    totals = {"total_trainings": 12, "total_score": 1850}
    assert anna["stats"] == {"spin": totals | {"adopted": totals}}
    sql(
        """select save_training_history(101, 'spin', 'x:1', '{"scenario": "spin", "score": 50,
        "clarity_level": 9, "question_count": 5}')"""
    )
    sql("select update_user_stats_after_training(101, 'spin')")
    (shown,) = sql("select total_trainings, total_score from legacy_users where telegram_id = 101")
    assert shown == {"total_trainings": 13, "total_score": 1900}
    assert (anna["is_newcomer"], anna["has_started"], anna["is_admin"]) == (False, False, False)
    assert (boris["username"], str(boris["balance"]), boris["is_paid"]) == ("boris", "499.90", True)
    assert boris["plan"]["plan"] == "PREMIUM"
    (old,) = sql("select subscription_end from legacy.users where telegram_id = 102")
    assert sql("select %s::timestamptz as at", boris["plan"]["ends_at"])[0]["at"] == old["subscription_end"]
    assert (clara["plan"], clara["is_paid"]) == ({"plan": "PREMIUM", "ends_at": None}, True)
    assert (dan["plan"]["plan"], dan["is_paid"], str(dan["balance"])) == ("FREE", False, "120.00")
    assert sql("select check_balances() as wrong")[0]["wrong"] in ([], None)

    state = counts(sql)
    again = adopt("--bot", "spin", "--apply")
    assert again.report["counts"] == {"unchanged": 4, "refused": 3}
    assert again.report["given"] == {"xp": 0, "balance": "0", "plans": 0}
    assert again.report["differences"] == []
    assert counts(sql) == state


def test_the_old_table_is_closed_to_the_data_api(url: str, sql: Sql, adopt: Callable[..., Result]) -> None:
    make(url, TRAINER)
    adopt("--apply")
    for role in ("anon", "authenticated", "service_role", "bot_backend"):
        for name in ("legacy.users", "legacy.payments"):
            sql(f"set role {role}")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                sql(f"select * from {name}")
            sql("reset role")


def test_texts_of_all_kinds_are_read(url: str, sql: Sql, adopt: Callable[..., Result]) -> None:
    make(url, SHEET)
    result = adopt("--bot", "sheet", "--timezone", "Europe/Moscow", "--apply")
    assert [
        (one["telegram_id"], one["reason"])
        for one in sorted(result.report["refused"], key=lambda one: one["telegram_id"] or 0)
    ] == [
        (None, "no Telegram user can have this id"),
        (None, "no Telegram user can have this id"),
        (None, "no Telegram id"),
        (204, "the XP is no whole number"),
        (205, "the balance has more than two decimals"),
        (206, "the balance is negative"),
        (207, adoption.DUPLICATE),
        (207, adoption.DUPLICATE),
    ]
    olga, petr, raya = (user(sql, number) for number in (201, 202, 203))
    assert (olga["language"], str(olga["balance"]), olga["total_xp"]) == ("ru", "10.50", 120)
    assert olga["created_at"].isoformat() == "2024-03-01T07:30:00+00:00"
    assert olga["plan"]["ends_at"].startswith("2998-12-31T21:00")
    assert (petr["username"], petr["total_xp"], petr["language"]) == (None, 7, None)
    assert petr["banned_at"] is not None
    assert raya["created_at"].isoformat() == "2024-03-01T08:00:00+00:00"
    assert set(result.report["notes"]) == {
        "a user name that Telegram cannot have",
        "a language that is no tag such as en or pt-BR",
        "a date that is none, in the future, or before Telegram",
    }


def test_a_table_elsewhere_stays_where_it_is(url: str, sql: Sql, adopt: Callable[..., Result]) -> None:
    make(url, "set lc_monetary = 'C';" + ODD)
    result = adopt("--table", "bot.Users", "--bot", "odd", "--apply")
    assert result.report["counts"] == {"created": 1, "refused": 3}
    assert {one["reason"] for one in result.report["refused"]} == {
        "no Telegram user can have this id",
        "the XP is more than 1000000",
        "the balance is no number",
    }
    assert user(sql, 304)["plan"]["plan"] == "PREMIUM"
    assert sql('select count(*) as n from bot."Users"') == [{"n": 4}]
    assert result.report["moved"] == []


def test_names_of_tables_and_columns_are_neither_sql_nor_escape_sequences(
    url: str, sql: Sql, adopt: Callable[..., Result]
) -> None:
    table = '"us""ers; drop schema bot cascade -- %s {x} \x1b[2J"'
    make(
        url,
        f'create schema bot; create table bot.{table} ("Telegram_ID" text, "XP" int, '
        '"a""); drop schema bot cascade; -- %s \x1b]0;owned\x07" text, "NAME" text);'
        f"insert into bot.{table} values ('305', 7, 'x', '{{}} %s'), ('\x1b[2J', 1, '', '')",
    )
    for options in ((), ("--apply",), ("--apply",)):
        result = adopt(
            "--table", 'bot.us"ers; drop schema bot cascade -- %s {x} \x1b[2J', "--bot", "odd", *options
        )
        assert result.status == 1, result.error
        assert result.report["rows"] == 2
        assert result.text.replace("\n", "").isprintable()
    assert (user(sql, 305)["first_name"], user(sql, 305)["total_xp"]) == ("{} %s", 7)
    failed = adopt("--table", "bot.\x1b[2J")
    assert failed.status == 2
    assert failed.error.replace("\n", "").isprintable()


def test_known_users_keep_what_they_have(url: str, sql: Sql, adopt: Callable[..., Result]) -> None:
    migrate.sync(url)
    sql("select get_or_create_user(401, 'new_name', 'New', null, 'en')")
    sql("update users set has_started = true, language = 'en' where telegram_id = 401")
    sql("select adjust_balance(401, 5, 'a gift', 'x:1')")
    sql("""select save_user_session(401, 'spin', p_stats => '{"total_trainings": 20}')""")
    make(
        url,
        "create table public.old_users (telegram_id bigint, username text, name text, lang text, xp int,"
        " balance int, total_trainings int, best_score int);"
        "insert into public.old_users values (401, 'old_name', 'Old', 'ru', 40, 7, 3, 150)",
    )
    result = adopt("--table", "public.old_users", "--bot", "spin", "--apply")
    assert (result.status, result.report["counts"]) == (0, {"changed": 1})
    found = user(sql, 401)
    assert (found["username"], found["first_name"], found["language"]) == ("new_name", "New", "en")
    assert (str(found["balance"]), found["total_xp"]) == ("12.00", 40)
    adopted = {"total_trainings": 3, "best_score": 150}
    assert found["stats"]["spin"] == {"total_trainings": 20, "best_score": 150, "adopted": adopted}
    assert sql("select to_regclass('legacy.old_users') is not null as moved") == [{"moved": True}]


def test_erased_users_stay_erased(
    url: str, sql: Sql, adopt: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(url, TRAINER)
    adopt("--bot", "spin", "--apply")
    sql("insert into erased_users (user_hash) values (decode(%s, 'hex'))", user_hash(101, KEY))
    sql("delete from users where telegram_id = 101")
    result = adopt("--bot", "spin", "--apply")
    assert result.report["erased"] == [101]
    assert result.report["counts"] == {"unchanged": 3, "erased": 1, "refused": 3}
    assert result.report["differences"] == []
    assert "their rows in legacy.users remain" in result.text.replace("\n", " ")
    assert sql("select from users where telegram_id = 101") == []
    monkeypatch.delenv("USER_HASH_KEY")
    assert adopt("--bot", "spin", "--apply").status == 2


def test_a_changed_amount_is_refused(url: str, sql: Sql, adopt: Callable[..., Result]) -> None:
    make(url, TRAINER)
    adopt("--bot", "spin", "--apply")
    sql("update legacy.users set total_xp = 9999 where telegram_id = 101")
    sql("update legacy.users set balance = 1 where telegram_id = 104")
    state = counts(sql)
    result = adopt("--bot", "spin", "--apply")
    reasons = {one["telegram_id"]: one["reason"] for one in result.report["refused"]}
    assert reasons[101] == "other XP was imported for this user before"
    assert reasons[104] == "another balance was taken over for this user before"
    assert counts(sql) == state
    assert result.status == 1


def test_what_cannot_be_moved_is_named_and_nothing_moves(
    url: str, sql: Sql, adopt: Callable[..., Result]
) -> None:
    make(url, TRAINER + "create table other (a int); create index orders_user_idx on other (a)")
    result = adopt("--apply")
    assert result.status == 2
    assert "index orders_user_idx" in result.error
    assert sql("select count(*) as n from public.users") == [{"n": 7}]


def test_a_failed_installation_leaves_the_old_bot_as_it_was(
    url: str, sql: Sql, adopt: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_url: str) -> None:
        raise psycopg.errors.DuplicateTable("something is in the way")

    make(url, TRAINER)
    monkeypatch.setattr(migrate, "sync", fail)
    result = adopt("--apply")
    assert result.status == 2
    assert "The old tables are where they were" in result.error
    assert sql("select count(*) as n from public.users") == [{"n": 7}]
    assert sql("select public.award_xp(101) as xp") == [{"xp": 1851}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no table public.users"),
        (("--table", "users"), "write it as schema.table"),
        (("--bot", "A bot"), "lower-case letters"),
        (("--timezone", "Mars"), "no time zone"),
        (("--table", "public.nothing"), "no table public.nothing"),
        (("--table", "public.colors"), "holds Telegram ids"),
    ],
)
def test_what_is_impossible_is_one_line(
    url: str, adopt: Callable[..., Result], arguments: tuple[str, ...], message: str
) -> None:
    make(url, "create table public.colors (id serial, color text)")
    result = adopt(*arguments)
    assert result.status == 2
    assert message in result.error
    assert result.error.count("\n") == 1


def test_our_own_table_is_not_adopted(url: str, adopt: Callable[..., Result]) -> None:
    migrate.sync(url)
    result = adopt("--apply")
    assert result.status == 2
    assert "own table" in result.error


def many(url: str, number: int) -> None:
    """Make a table of many users."""
    make(
        url,
        "create table public.users (telegram_id bigint primary key, telegram_user_name text, first_name text,"
        ' "VIP_level" int, registration_date timestamptz, total_trainings int, total_score int, total_xp int,'
        " balance numeric, is_paid boolean, language text);"
        "insert into public.users select 1000000 + n, 'user_' || n, 'U' || n, n % 2, '2024-01-01',"
        f" n % 7, n % 900, n % 500, n % 300, n % 2 = 1, 'ru' from generate_series(1, {number}) n",
    )


def expected(number: int) -> dict[str, Any]:
    numbers = range(1, number + 1)
    return {
        "users": number,
        "xp": sum(n % 500 for n in numbers),
        "balance": sum(n % 300 for n in numbers),
        "awards": sum(n % 500 > 0 for n in numbers),
        "transactions": sum(n % 300 > 0 for n in numbers),
        "subscriptions": sum(n % 2 for n in numbers),
        "sessions": sum(n % 7 > 0 or n % 900 > 0 for n in numbers),
    }


def start(url: str) -> subprocess.Popen[str]:
    """Start the command in a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "tools.adopt", "--url", url, "--bot", "spin", "--apply"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_a_killed_adoption_is_continued(url: str, sql: Sql) -> None:
    number = 3_000
    many(url, number)
    for after in (0.3, 0.8, 1.2, 1.6, 2.0, 2.4):
        process = start(url)
        time.sleep(after)
        process.kill()
        process.communicate()
    process = start(url)
    out, error = process.communicate(timeout=300)
    assert (process.returncode, error) == (0, ""), out
    assert counts(sql) == expected(number)


@pytest.mark.slow
def test_two_at_once_take_over_once(url: str, sql: Sql) -> None:
    number = 3_000
    many(url, number)

    def run() -> tuple[int, str, str]:
        process = start(url)
        out, error = process.communicate(timeout=300)
        return process.returncode, out, error

    with ThreadPoolExecutor(3) as pool:
        for status, out, error in pool.map(lambda _: run(), range(3)):
            assert status == 0, out + error
    assert counts(sql) == expected(number)


@pytest.mark.slow
def test_many_rows_are_read_in_batches(url: str, sql: Sql) -> None:
    number = 10_000
    many(url, number)
    process = start(url)
    out, error = process.communicate(timeout=290)
    assert (process.returncode, error) == (0, ""), out
    assert counts(sql) == expected(number)
