"""`./switchboard import`: a dry run, an import, the same again, and everything that a file may hold."""

from __future__ import annotations

import json
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shared.core.signatures import user_hash
from tests.support import new_telegram_id
from tools.imports import __main__ as command
from tools.imports import importer

Sql = Callable[..., list[dict[str, Any]]]
Run = Callable[..., tuple[int, dict[str, Any]]]
KEY = "k" * 32
STATS = {
    "total_trainings": 12,
    "best_score": 185,
    "total_xp": 900,
    "current_level": 3,
    "achievements_unlocked": ["spin_master", "first_steps"],
    "maestro_streak": 2,
    "last_training_date": "2025-10-01T12:00:00",
    "recent_cases": ["a1", "b2"],
}


def user(**stats: Any) -> dict[str, Any]:
    """Return a user of the file."""
    return {"session": {"case": "bakery"}, "stats": STATS | stats}


@pytest.fixture
def run(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """`run({…})` imports a file; it returns the exit status and the report."""
    monkeypatch.setenv("USER_HASH_KEY", KEY)

    def run_(users: Any, *options: str) -> tuple[int, dict[str, Any]]:
        file, report = tmp_path / "users_data.json", tmp_path / "report.json"
        file.write_text(users if isinstance(users, str) else json.dumps(users), encoding="utf-8")
        report.write_text("{}")
        line = [
            "import",
            str(file),
            "--bot",
            "spin",
            "--url",
            database_url,
            "--report",
            str(report),
            *options,
        ]
        monkeypatch.setattr(sys, "argv", line)
        return command.main(), json.loads(report.read_text(encoding="utf-8"))

    return run_


def state(sql: Sql, telegram_id: int) -> dict[str, Any]:
    """Return what the database holds of a user."""
    (row,) = sql(
        "select u.total_xp, u.level, s.session_data, s.stats_data, "
        "(select array_agg(b.badge order by b.badge) from user_badges b where b.user_id = u.id) as badges, "
        "(select count(*) from xp_awards a where a.user_id = u.id) as awards "
        "from users u left join bot_sessions s on s.user_id = u.id and s.bot = 'spin' where telegram_id = %s",
        telegram_id,
    )
    return row


def counts(sql: Sql) -> Any:
    return sql(
        "select (select count(*) from users) u, (select count(*) from bot_sessions) s, "
        "(select count(*) from xp_awards) x, (select count(*) from user_badges) b"
    )


def test_a_dry_run_reports_everything_and_writes_nothing(
    sql: Sql, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = counts(sql)
    status, report = run({str(new_telegram_id()): user(), "anna": user()})
    assert status == 1
    assert (report["applied"], report["counts"], report["xp"], report["badges"]) == (
        False,
        {"created": 1, "refused": 1},
        900,
        2,
    )
    assert counts(sql) == before
    assert list(tmp_path.glob("*backup*")) == []
    assert (tmp_path / "report.json").stat().st_mode & 0o777 == 0o600
    assert "Nothing was written. Add --apply to import." in capsys.readouterr().out


def test_an_import_brings_xp_level_badges_and_session(sql: Sql, run: Run, tmp_path: Path) -> None:
    anna = new_telegram_id()
    status, report = run({str(anna): user()}, "--apply")
    assert (status, report["counts"]) == (0, {"created": 1})
    found = state(sql, anna)
    assert (found["total_xp"], found["badges"]) == (900, ["first_steps", "spin_master"])
    assert found["level"] > 1
    assert (found["session_data"], found["stats_data"]) == ({"case": "bakery"}, STATS)
    (earned,) = sql(
        "select distinct earned_at, metadata from user_badges b join users u on u.id = b.user_id "
        "where u.telegram_id = %s",
        anna,
    )
    assert earned["earned_at"].isoformat().startswith("2025-10-01T12:00:00")
    assert earned["metadata"] == {"imported": True}
    copy = Path(report["backup"])
    assert copy.read_bytes() == (tmp_path / "users_data.json").read_bytes()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_the_same_file_again_changes_nothing(sql: Sql, run: Run) -> None:
    anna = new_telegram_id()
    run({str(anna): user()}, "--apply")
    before = state(sql, anna)
    status, report = run({str(anna): user()}, "--apply")
    assert (status, report["counts"], report["xp"], report["badges"]) == (0, {"unchanged": 1}, 0, 0)
    assert state(sql, anna) == before


def test_a_second_file_adds_new_users_and_refuses_other_xp(sql: Sql, run: Run) -> None:
    anna, ben = new_telegram_id(), new_telegram_id()
    run({str(anna): user()}, "--apply")
    status, report = run({str(anna): user(total_xp=1000), str(ben): user()}, "--apply")
    assert (status, report["counts"]) == (1, {"refused": 1, "created": 1})
    assert "other XP was imported" in report["users"][0]["reason"]
    assert (state(sql, anna)["total_xp"], state(sql, ben)["total_xp"]) == (900, 900)


def test_a_session_of_the_bot_stays_unless_it_is_to_be_replaced(sql: Sql, call: Any, run: Run) -> None:
    anna = new_telegram_id()
    call("save_user_session", p_telegram_id=anna, p_bot="spin", p_session={"case": "own"})
    _, report = run({str(anna): user()}, "--apply")
    assert report["users"][0]["session"] == "kept"
    assert state(sql, anna)["session_data"] == {"case": "own"}
    _, report = run({str(anna): user()}, "--apply", "--overwrite-sessions")
    assert report["users"][0]["session"] == "saved"
    assert state(sql, anna)["session_data"] == {"case": "bakery"}
    (before,) = Path(report["backup"]).parent.glob("*.before.json")
    (kept,) = json.loads(before.read_text(encoding="utf-8"))
    assert kept["session"]["session_data"] == {"case": "own"}


def test_xp_earned_here_is_added_to(sql: Sql, call: Any, run: Run) -> None:
    anna = new_telegram_id()
    call("get_or_create_user", p_telegram_id=anna)
    call("award_xp", p_telegram_id=anna, p_bot="quiz", p_rule="service", p_reference="t:1", p_points=50)
    run({str(anna): user()}, "--apply")
    assert state(sql, anna)["total_xp"] == 950


def test_an_interrupted_import_is_continued(sql: Sql, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [new_telegram_id() for _ in range(7)]
    users = {str(one): user() for one in ids}
    monkeypatch.setattr(importer, "BATCH", 2)
    real, done = importer._import, iter(range(100))

    def killed(*given: Any) -> Any:
        if next(done) == 4:
            raise psycopg.OperationalError("the connection is lost")
        return real(*given)

    monkeypatch.setattr(importer, "_import", killed)
    assert run(users, "--apply")[0] == 2
    monkeypatch.setattr(importer, "_import", real)
    status, report = run(users, "--apply")
    assert (status, report["counts"]) == (0, {"unchanged": 4, "created": 3})
    assert {state(sql, one)["awards"] for one in ids} == {1}


def test_an_erased_user_does_not_come_back(
    sql: Sql, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    anna = new_telegram_id()
    sql("insert into erased_users (user_hash) values (decode(%s, 'hex'))", user_hash(anna, KEY))
    status, report = run({str(anna): user()}, "--apply")
    assert (status, report["counts"]) == (0, {"erased": 1})
    assert sql("select from users where telegram_id = %s", anna) == []
    monkeypatch.delenv("USER_HASH_KEY")
    assert run({str(anna): user()}, "--apply")[0] == 2
    assert "USER_HASH_KEY" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("0", {}, "no Telegram id"),
        ("-5", {}, "no Telegram id"),
        ("4503599627370496", {}, "no Telegram id"),
        ("٤٢", {}, "no Telegram id"),
        ("9" * 5000, {}, "no Telegram id"),
        ("", {}, "no Telegram id"),
        ("777000", {}, "no Telegram user"),  # Telegram's account of channels
        ("1087968824", {}, "no Telegram user"),  # anonymous admins of groups
        ("1001", [], "must be an object"),
        ("1001", None, "must be an object"),
        ("1001", {"session": "x"}, "session must be an object"),
        ("1001", {"session": {"text": "я" * 262_144}}, "256 kB"),
        ("1001", {"session": {"text": "\0"}}, "U+0000"),
        ("1001", {"stats": {"total_xp": -1}}, "stats.total_xp is -1, but must be from 0 to 1,000,000"),
        ("1001", {"stats": {"total_xp": 12.5}}, "stats.total_xp is 12.5, but must be a whole number"),
        (
            "1001",
            {"stats": {"best_score": "12"}},
            'stats.best_score is "12", but must be a whole number without q',
        ),
        ("1001", {"stats": {"best_score": "я" * 99}}, f'stats.best_score is "{"я" * 30}…, but'),
        ("1001", {"stats": {"total_xp": True}}, "stats.total_xp is true, but must be a whole number"),
        ("1001", {"stats": {"total_xp": [1]}}, "stats.total_xp is a list, but must be a whole number"),
        ("1001", {"stats": {"total_xp": float("nan")}}, "stats.total_xp is not a number (NaN)"),
        ("1001", {"stats": {"total_xp": float("inf")}}, "stats.total_xp is too large a number"),
        ("1001", {"stats": {"total_xp": 1_000_001}}, "stats.total_xp is 1000001, but must be from 0"),
        ("1001", {"stats": {"total_xp": 1e300}}, "stats.total_xp is 1e+300, but must be from 0"),
        ("1001", {"stats": {"total_trainings": 10**30}}, "but must be from 0 to 1,000,000,000"),
        ("1001", {"stats": {"achievements_unlocked": ["Spin Master"]}}, "achievements_unlocked"),
        ("1001", {"stats": {"achievements_unlocked": "spin_master"}}, "must be a list"),
        ("1001", {"stats": {"last_training_date": "yesterday"}}, "last_training_date"),
        ("1001", {"stats": {"last_training_date": "2125-01-01"}}, "future"),
        ("1001", {"stats": {"last_training_date": 0}}, "before Telegram"),
        # json.dumps of Python writes all of these.
        ("1001", {"session": {"text": "\ud83d"}}, "half of a character"),
        ("1001", {"session": {"\ud83d": "text"}}, "half of a character"),
        ("\ud83d", {}, "no Telegram id"),
        ("\x1b[2J", {}, "no Telegram id"),
        ("1001", {"session": {"n": float("inf")}}, "session.n is too large a number"),
        ("1001", {"stats": {"other": [0, float("nan")]}}, "stats.other[1] is not a number (NaN)"),
        ("1001", {"session": {"n": 10**2000}}, "session.n is too large a number"),
        ("1001", {"session": {"deep": json.loads("[" * 700 + "]" * 700)}}, "within one another"),
    ],
)
def test_a_refused_user_is_named_with_the_reason_and_the_others_are_imported(
    sql: Sql, run: Run, key: str, value: Any, reason: str
) -> None:
    good = new_telegram_id()
    status, report = run({key: value, str(good): user()}, "--apply")
    refused, imported = report["users"]
    assert (status, refused["outcome"], imported["outcome"]) == (1, "refused", "created")
    assert reason in refused["reason"]
    assert sql("select from users where telegram_id = 1001") == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no JSON (line 1)"),
        ("{", "is no JSON"),
        ("[]", "must be an object"),
        ("null", "must be an object"),
        ('{"1001": {"stats": {"total_xp": .5}}}', "is no JSON"),
        ("[" * 100_000, "too many objects"),
    ],
)
def test_a_file_that_cannot_be_read_imports_nothing(
    sql: Sql, run: Run, text: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = counts(sql)
    assert run(text, "--apply")[0] == 2
    assert reason in capsys.readouterr().err
    assert counts(sql) == before


def test_null_is_a_missing_field_and_a_backslash_no_character(sql: Sql, run: Run) -> None:
    anna, ben, carl = (new_telegram_id() for _ in range(3))
    path = {"session": {"path": "C:\\u0000"}}
    status, report = run(
        {
            str(anna): {"session": None, "stats": {"total_xp": None, "achievements_unlocked": None}},
            str(ben): {"session": {"case": None}, "stats": None},
            str(carl): path,
        },
        "--apply",
    )
    assert (status, report["counts"]) == (0, {"created": 3})
    assert state(sql, ben)["session_data"] == {"case": None}
    assert state(sql, carl)["session_data"] == path["session"]


def test_a_whole_number_may_be_written_as_a_float(sql: Sql, run: Run) -> None:
    anna = new_telegram_id()
    stats = '{"total_xp": 1e2, "total_trainings": 12.0, "best_score": -0.0, "ratio": 0.5, "other": 7.0}'
    status, report = run(f'{{"{anna}": {{"stats": {stats}}}}}', "--apply")
    assert (status, report["counts"], report["xp"]) == (0, {"created": 1}, 100)
    (text,) = sql(
        "select s.stats_data ->> 'total_trainings' as trainings, s.stats_data ->> 'best_score' as best, "
        "s.stats_data ->> 'ratio' as ratio, s.stats_data ->> 'other' as other "
        "from bot_sessions s join users u on u.id = s.user_id where u.telegram_id = %s",
        anna,
    )
    assert text == {"trainings": "12", "best": "0", "ratio": "0.5", "other": "7.0"}


def test_a_refusal_names_the_line_of_the_field(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    text = """{
  "1001": {"session": {"a": [1, {"stats": "}"}]}, "stats": {
    "best_score": 5,
    "total_xp": "12"
  }},
  "1002": {"stats": {}}, "1003": {
    "session": {"list": [
      1,
      NaN
    ]}
  },
  "anna": {},
  "1004": {
    "stats": [], "session": {}
  },
  "1002": {}
}
"""
    status, report = run(text)
    assert status == 1
    assert [(user["key"], user["outcome"], user["line"]) for user in report["users"]] == [
        ("1001", "refused", 4),
        ("1002", "created", 6),
        ("1003", "refused", 9),
        ("anna", "refused", 12),
        ("1004", "refused", 14),
        ("1002", "refused", 16),
    ]
    printed = capsys.readouterr().out
    assert "refused '1001' (line 4): stats.total_xp is \"12\", but must be a whole number" in printed
    assert "refused '1003' (line 9): session.list[1] is not a number (NaN)" in printed


def test_a_key_that_stands_twice_is_refused_and_not_merged(sql: Sql, run: Run) -> None:
    anna = new_telegram_id()
    one = json.dumps(user())
    status, report = run(f'{{"{anna}": {one}, "{anna}": {one}}}', "--apply")
    assert (status, [line["outcome"] for line in report["users"]]) == (1, ["created", "refused"])
    twice = f'{{"{new_telegram_id()}": {{"stats": {{"total_xp": 1, "total_xp": 2}}}}}}'
    assert run(twice, "--apply")[1]["users"][0]["reason"] == "an object names the same key twice"


def test_a_file_with_a_byte_order_mark_is_read(run: Run) -> None:
    assert run("\ufeff" + json.dumps({str(new_telegram_id()): user()}))[1]["counts"] == {"created": 1}


def test_dates_without_a_zone_are_in_the_given_one(sql: Sql, run: Run, capsys: Any) -> None:
    anna = new_telegram_id()
    run({str(anna): user()}, "--apply", "--timezone", "Europe/Moscow")
    (row,) = sql(
        "select min(earned_at) as at from user_badges b join users u on u.id = b.user_id "
        "where u.telegram_id = %s",
        anna,
    )
    assert row["at"].isoformat() == "2025-10-01T09:00:00+00:00"
    assert run({}, "--timezone", "Mars/Olympus")[0] == 2
    assert "no time zone" in capsys.readouterr().err


def test_two_imports_at_once_give_once(sql: Sql, run: Run, database_url: str) -> None:
    from tests.support import in_parallel

    anna = new_telegram_id()
    entry = importer.Entry(str(anna), anna, {"xp": 900, "badges": ["spin_master"]})

    def work(_number: int) -> Any:
        with psycopg.connect(database_url, autocommit=True) as connection:
            return list(importer.run(connection, [entry], "spin", key=KEY, apply=True, overwrite=False))

    lines = [line for (line,) in in_parallel(4, work)]
    assert sorted(line.xp for line in lines) == [0, 0, 0, 900]
    assert state(sql, anna)["total_xp"] == 900


def test_the_file_of_the_documentation_is_imported(sql: Sql, run: Run) -> None:
    page = (Path(__file__).parents[3] / "docs" / "integration.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    status, report = run(text, "--apply")
    assert (status, report["counts"], report["xp"], report["badges"]) == (0, {"created": 1}, 900, 1)
    assert state(sql, 123456789)["badges"] == ["spin_master"]
