"""`python -m tools.deployment`: what the build's log shows."""

from __future__ import annotations

import pytest

from tools.deployment import __main__ as command


@pytest.mark.parametrize(("contact", "says"), [
    ("@help", "Buyers have a contact.\n"),
    ("", "Buyers need no contact yet.\n"),
])  # fmt: skip
def test_the_database_check_says_why_it_passes(
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    contact: str,
    says: str,
) -> None:
    monkeypatch.setenv("DATABASE_ADMIN_URL", database_url)
    monkeypatch.setenv("ENVIRONMENT", "staging")
    monkeypatch.setenv("SUPPORT_CONTACT", contact)
    assert command.main(["database"]) == 0
    assert capsys.readouterr().out == says


def test_an_unknown_command_shows_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 2
    assert "settings | database" in capsys.readouterr().err
