"""`./switchboard database`: its output on the terminal."""

import shlex
import sys

import pytest

from tools.database import __main__ as commands
from tools.database import command_line, migrate, migration_files
from tools.database.embedded import Server

pytestmark = pytest.mark.database


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(*arguments: str, url: str, **environment: str) -> tuple[int, str, str]:
        for name in ("DATABASE_ADMIN_URL", "BOT_BACKEND_PASSWORD", "QUOTA_TIMEZONE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"DEVELOPMENT_DATABASE_URL": url, **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["database", *arguments])
        status = commands.main()
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_sync_prints_what_happened_and_lets_the_backend_in(run, empty_url: str) -> None:
    newest = str(migration_files.migrations()[-1])
    status, out, _ = run("sync", url=empty_url)
    assert status == 0
    assert f"applied {newest}" in out
    assert "BOT_BACKEND_PASSWORD is not set" in out
    assert "Next: ./switchboard database sync --on production" in out
    status, _, error = run("sync", url=empty_url, BOT_BACKEND_PASSWORD="short password")
    assert status == 1
    assert "BOT_BACKEND_PASSWORD must be 16 characters or more" in error
    status, out, _ = run("sync", url=empty_url, BOT_BACKEND_PASSWORD="backend's password")
    assert out.startswith("development: 0 applied; the database is at the newest migration.\n")
    assert "BOT_BACKEND_PASSWORD is not set" not in out


def test_a_database_can_stop_at_a_migration(run, empty_url: str) -> None:
    first, second, *_ = migration_files.migrations()
    status, out, _ = run("sync", "--to", first.version, url=empty_url)
    assert (status, f"the database is at {first.version}." in out) == (0, True)
    status, out, _ = run("status", "--on", "development", url=empty_url)
    assert status == 3
    assert f"pending {second}: development" in out


def test_settings_come_from_the_environment(run, empty_url: str) -> None:
    migrate.sync(empty_url)
    assert run("settings", url=empty_url, QUOTA_TIMEZONE="Asia/Omsk") == (
        0,
        "quota_timezone = Asia/Omsk\n1 setting changed.\nAdmins are left as they are.\n",
        "",
    )


def test_an_error_is_a_line_and_no_traceback(run, server: Server) -> None:
    status, out, err = run("sync", url=server.url(password="wrong"))
    assert (status, out) == (7, "")
    assert err.startswith("Postgres: ")
    assert "password authentication failed" in err
    assert "Traceback" not in err
    assert server.password not in err


@pytest.mark.parametrize(("command", "name"), [("migration", "migration"), ("lint", "sql")])
def test_help_names_the_command_that_was_typed(run, capsys, command: str, name: str) -> None:
    with pytest.raises(SystemExit):
        run(command, "--help", url="")
    assert capsys.readouterr().out.startswith(f"usage: ./switchboard {name} ")


@pytest.mark.parametrize("count", [str(10**30), "0", "-1", "1e3", "", "1_0", "10001"])
def test_a_history_of_no_possible_length_is_refused(run, capsys, count: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run("history", f"--limit={count}", url="")
    assert ended.value.code == 2
    error = capsys.readouterr().err.strip()
    assert error.endswith(f"argument --limit: {count[:40]!r} is no whole number from 1 to 10000")


@pytest.mark.parametrize(
    "command", [*command_line.ON_ENVIRONMENTS, *command_line.ON_FILES], ids=lambda one: one.name
)
def test_every_command_has_an_example_that_it_reads(run, capsys, command: command_line.Command) -> None:
    with pytest.raises(SystemExit):
        run(command.name, "--help", url="")
    _, _, example = capsys.readouterr().out.partition("\nExample:\n  ")
    program, *words = shlex.split(example.replace("./switchboard sql", "./switchboard lint"))
    assert program == "./switchboard"
    typed = words[1:] if words[0] == "database" else words
    parsed = command_line.parser("").parse_args(typed)
    assert parsed.command is command.run
    needs_an_option = any(command.name in names for names, _, _ in command_line.OPTIONS)
    assert not needs_an_option or command.example, "an example without an option shows nothing"
