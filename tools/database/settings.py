"""The settings that live in the database (private.settings), set from the environment of a deployment.

The variable of a setting is its key in capitals: `quota_timezone` is QUOTA_TIMEZONE. A variable that is not
set leaves the value alone, so an owner may as well change it in the table.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import psycopg

from shared.core import texts
from tools.database.connections import as_owner, connect
from tools.database.errors import SettingError

# Those that .env.example documents and a deployment accepts; a key in capitals is the name of its variable.
VARIABLES = frozenset(
    {
        "QUOTA_TIMEZONE",
        "BALANCE_CURRENCY",
        "RETENTION_UPDATES_HOURS",
        "RETENTION_DEAD_LETTERS_DAYS",
        "RETENTION_MESSAGES_DAYS",
        "RETENTION_QUIZZES_DAYS",
        "RETENTION_REVIEWS_DAYS",
        "RETENTION_USAGE_MONTHS",
        "QUESTIONS_IN_PROGRESS",
        "DAILY_RELEASES",
        "DAILY_COST_USER",
        "DAILY_COST_BOT",
        "ALARMS_CHAT",
        "PURCHASES_CHAT",
    }
)
# As private.enqueue_chat_message reads it: the bot, the id of a group or channel, the number of a topic.
_CHAT = re.compile(r"off|[a-z][a-z0-9_]{0,62}:-[0-9]{1,16}(:[1-9][0-9]{0,9})?", re.ASCII)


def write(url: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Write the settings that the environment names; return those that changed.

    Raises SettingError for a value that does not fit, before anything is written.
    """
    with connect(url) as connection, as_owner(connection):
        rows = connection.execute("select key, value from private.settings order by key").fetchall()
        current: dict[str, Any] = dict(rows)
        given = {key: environment.get(key.upper(), "").strip() for key in current}
        wanted = {key: _value(connection, key, text, current[key]) for key, text in given.items() if text}
        changed = {key: value for key, value in wanted.items() if value != current[key]}
        for key, value in changed.items():
            connection.execute(
                "update private.settings set value = %s where key = %s", [json.dumps(value), key]
            )
    return changed


def _value(connection: psycopg.Connection, key: str, text: str, current: Any) -> Any:
    """Read the text as the kind of value the setting has now (a number, true or false, or text)."""
    if isinstance(current, str):
        value: Any = text
    else:
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = None
        if type(value) is int and type(current) is float:
            value = float(value)
        if type(value) is not type(current) or (type(value) is float and not 0 <= value < 1e9):
            raise SettingError(f"{key.upper()}={text!r} must be like {json.dumps(current)}.")
    if key.endswith("_timezone") and not _is_time_zone(connection, text):
        raise SettingError(
            f"{key.upper()}={text!r} is no time zone Postgres knows (an IANA name: Europe/Moscow)."
        )
    if type(value) in (int, float) and value < (key == "questions_in_progress"):
        raise SettingError(f"{key.upper()}={text!r} is too small.")
    if key == "default_language" and text not in texts.codes():
        raise SettingError(f"{key.upper()}={text!r} is no language of shared/core/texts.")
    if key in ("alarms_chat", "purchases_chat") and _CHAT.fullmatch(text) is None:
        raise SettingError(
            f"{key.upper()}={text!r} is no address of a chat: off, bot:chat or bot:chat:topic (/here)."
        )
    if key.endswith("_currency") and re.fullmatch(r"[A-Z]{3}", text) is None:
        raise SettingError(f"{key.upper()}={text!r} is no ISO 4217 code (three capitals: RUB).")
    return value


def _is_time_zone(connection: psycopg.Connection, name: str) -> bool:
    row = connection.execute(
        "select exists (select from pg_timezone_names where name = %s)", [name]
    ).fetchone()
    return row is not None and bool(row[0])
