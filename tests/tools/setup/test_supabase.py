"""For a project of the Supabase CLI only the password is asked: a login attempt finds its pooler."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.tools.setup import programs
from tools.setup import database, supabase
from tools.setup.answers import Answers
from tools.setup.console import Console
from tools.setup.context import Context
from tools.setup.steps.secret_steps import Database
from tools.setup.verdict import Verdict

PROJECT = supabase.Project("abcdefghijklmnopqrst", "bots", "eu-central-1")


class Store(dict[str, str]):
    """Secrets in memory."""

    def has_value(self, name: str) -> bool:
        return name in self

    def put(self, name: str, value: str) -> None:
        self[name] = value


def run(typed: str) -> tuple[Store, str]:
    out, store = io.StringIO(), Store()
    console = Console(io.StringIO(typed), out)
    context = Context(Answers(), console, SimpleNamespace(), store, None, lambda: None)  # type: ignore[arg-type]
    Database().run(context)
    return store, out.getvalue()


@pytest.fixture
def logins(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Fake logins: only aws-1 knows the project, and one password is right. Lists tried addresses."""
    tried: list[str] = []

    def log_in(url: str) -> Verdict:
        tried.append(url)
        if "@aws-1-" not in url:
            return Verdict.bad(database.reason("FATAL: Tenant or user not found"))
        is_right = ":right%20one@" in url
        return Verdict.good("logged in") if is_right else Verdict.bad("The password is wrong.")

    monkeypatch.setattr(database, "log_in", log_in)
    monkeypatch.setattr(supabase, "projects", lambda show: [PROJECT])
    return tried


def test_the_pooler_is_found(logins: list[str]) -> None:
    store, output = run("\nwrong\nright one\n")
    assert len(logins) == 4
    login = "postgres.abcdefghijklmnopqrst:right%20one@aws-1-eu-central-1.pooler.supabase.com"
    assert store["DATABASE_ADMIN_URL"] == f"postgresql://{login}:5432/postgres"
    assert store["DATABASE_URL"].startswith("postgresql://bot_backend.abcdefghijklmnopqrst:")
    assert store["DATABASE_URL"].endswith("@aws-1-eu-central-1.pooler.supabase.com:6543/postgres")
    assert "The password is wrong." in output
    assert "right one" not in output


@pytest.mark.parametrize(
    "printed",
    [
        [{"ref": "abcdefghijklmnopqrst", "name": "bots", "region": "eu-central-1"}],
        {
            "_tag": "Success",
            "data": [{"id": "abcdefghijklmnopqrst", "name": "bots", "region": "eu-central-1"}],
        },
        {
            "projects": [{"id": "abcdefghijklmnopqrst", "name": "bots", "region": "eu-central-1"}],
            "message": "x",
        },
    ],
)
def test_the_projects_are_read_alone_or_inside_an_object(printed: Any) -> None:
    assert list(supabase._read(printed)) == [PROJECT]


@pytest.mark.parametrize("version", ["2", "3"])
def test_every_version_of_the_cli_is_asked_as_it_understands(tmp_path: Path, version: str) -> None:
    environment = {"PATH": str(tmp_path), "SUPABASE_ACCESS_TOKEN": "x", "FAKE_SUPABASE": version}
    with programs.in_this_process(environment):
        assert supabase.projects(lambda _: None) == [PROJECT]


def test_a_cli_without_a_login_is_asked_once(tmp_path: Path) -> None:
    asked: list[str] = []
    with programs.in_this_process({"PATH": str(tmp_path)}):
        assert supabase.projects(asked.append) == []
    assert len(asked) == 1


@pytest.mark.parametrize("printed", [None, [], {}, "x", {"data": None}, [{"name": "no region"}]])
def test_output_without_a_project_gives_none(printed: Any) -> None:
    assert list(supabase._read(printed)) == []
