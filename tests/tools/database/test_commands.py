"""`./switchboard database`: its output on the terminal."""

import sys

import pytest

from tools.database import __main__ as commands
from tools.database import migrate
from tools.database.embedded import Server

pytestmark = pytest.mark.database


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
        for name in ("DATABASE_ADMIN_URL", "BOT_BACKEND_PASSWORD", "QUOTA_TIMEZONE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["database", *arguments])
        status = commands.main()
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_sync_and_status_print_what_happened(run, empty_url: str) -> None:
    newest = str(migrate.migrations()[-1])
    _, before, _ = run("status", "--url", empty_url)
    assert f"pending {newest}" in before
    status, out, _ = run("sync", "--url", empty_url)
    assert status == 0
    assert f"applied {newest}" in out
    assert "BOT_BACKEND_PASSWORD is not set" in out
    status, _, error = run("sync", DATABASE_ADMIN_URL=empty_url, BOT_BACKEND_PASSWORD="short password")
    assert status == 1
    assert "BOT_BACKEND_PASSWORD must be 16 characters or more" in error
    status, out, _ = run("sync", DATABASE_ADMIN_URL=empty_url, BOT_BACKEND_PASSWORD="backend's password")
    assert out == "0 applied; the database is at the newest migration.\n"
    _, after, _ = run("status", DATABASE_ADMIN_URL=empty_url)
    assert f"applied {newest}" in after
    assert "The database is the emulator's own." in after


def test_sync_and_status_name_a_migration_that_was_changed_after_it_was_applied(run, empty_url: str) -> None:
    newest = migrate.migrations()[-1]
    migrate.sync(empty_url)
    with migrate.connect(empty_url) as connection:
        connection.execute(
            "update supabase_migrations.schema_migrations set statements = '{select 1}' where version = %s",
            [newest.version],
        )
    for command in ("sync", "status"):
        assert f"WARNING: {newest} was changed after it was applied" in run(command, "--url", empty_url)[1]


def test_settings_come_from_the_environment(run, empty_url: str) -> None:
    migrate.sync(empty_url)
    assert run("settings", DATABASE_ADMIN_URL=empty_url, QUOTA_TIMEZONE="Asia/Omsk") == (
        0,
        "quota_timezone = Asia/Omsk\n1 settings changed.\nAdmins are left as they are.\n",
        "",
    )


def test_without_a_url_it_asks_for_one(run) -> None:
    assert run("sync") == (1, "", "Which database? Give --url DSN or set DATABASE_ADMIN_URL.\n")


def test_an_error_is_a_line_and_no_traceback(run, server: Server) -> None:
    status, out, err = run("sync", "--url", server.url(password="wrong"))
    assert (status, out) == (1, "")
    assert err.startswith("Postgres: ")
    assert "password authentication failed" in err
    assert "Traceback" not in err
    assert server.password not in err


@pytest.mark.parametrize(("command", "name"), [("migration", "migration"), ("lint", "sql")])
def test_help_names_the_command_that_was_typed(run, capsys, command: str, name: str) -> None:
    with pytest.raises(SystemExit):
        run(command, "--help")
    assert capsys.readouterr().out.startswith(f"usage: ./switchboard {name} ")
