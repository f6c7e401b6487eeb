"""Settings that live in the database, given by the environment."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.first_server import create_synced
from tools.database import settings
from tools.database.embedded import Server
from tools.database.errors import SettingError


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    yield create_synced(server, "settings")
    server.drop_database("settings")


def value(url: str, key: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute("select value from private.settings where key = %s", [key]).fetchone()
        assert row is not None
        return row[0]


def test_a_sum_may_be_given_without_a_fraction(url: str) -> None:
    assert settings.write(url, {"DAILY_COST_BOT": "50"}) == {"daily_cost_bot": 50.0}
    for text in ("-1", "NaN", "1e400", "much"):
        with pytest.raises(SettingError, match=r"^DAILY_COST_BOT="):
            settings.write(url, {"DAILY_COST_BOT": text})


def test_each_variable_is_named_after_a_setting(url: str) -> None:
    for variable in settings.VARIABLES:
        value(url, variable.lower())


def test_only_what_is_given_changes(url: str) -> None:
    currency = value(url, "balance_currency")
    changed = settings.write(url, {"QUOTA_TIMEZONE": "Asia/Yekaterinburg", "SOMETHING_ELSE": "1"})
    assert changed == {"quota_timezone": "Asia/Yekaterinburg"}
    assert value(url, "quota_timezone") == "Asia/Yekaterinburg"
    assert value(url, "balance_currency") == currency


def test_a_second_run_changes_nothing(url: str) -> None:
    settings.write(url, {"BALANCE_CURRENCY": "USD"})
    assert settings.write(url, {"BALANCE_CURRENCY": "USD"}) == {}


def test_numbers_stay_numbers(url: str) -> None:
    assert settings.write(url, {"RETENTION_MESSAGES_DAYS": "90"}) == {"retention_messages_days": 90}
    assert value(url, "retention_messages_days") == 90


@pytest.mark.parametrize(
    ("variable", "text", "reason"),
    [
        ("QUOTA_TIMEZONE", "Europe/Moskau", "no time zone Postgres knows"),
        ("QUOTA_TIMEZONE", "UTC+3", "no time zone Postgres knows"),  # Postgres would take it, and mean UTC-3
        ("QUESTIONS_IN_PROGRESS", "0", "is too small"),
        ("DAILY_RELEASES", "-1", "is too small"),
        ("DEFAULT_LANGUAGE", "de", "no language of shared/core/texts"),
        ("BALANCE_CURRENCY", "roubles", "no ISO 4217 code"),
        ("RETENTION_MESSAGES_DAYS", "a year", "must be like 180"),
        ("RETENTION_MESSAGES_DAYS", "true", "must be like 180"),
    ],
)
def test_a_value_that_does_not_fit_changes_nothing(url: str, variable: str, text: str, reason: str) -> None:
    before = value(url, "retention_updates_hours")
    with pytest.raises(SettingError, match=rf"^{variable}=.*{reason}"):
        settings.write(url, {"RETENTION_UPDATES_HOURS": "100", variable: text})
    assert value(url, "retention_updates_hours") == before
