"""Imports the users of a file into the database, or shows what that would do."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from shared.core.signatures import user_hash
from tools.database import arriving_users
from tools.imports.users_file import Entry

BATCH = 500  # users of a transaction
_REASONS = {
    "L0001": "no Telegram user can have this id",
    "Z0002": "the XP or the name of a badge is invalid",
    "Z0003": "other XP was imported for this user before: correct it with an admin command",
}


@dataclass(frozen=True)
class Line:
    """What became of a user of the file."""

    key: str
    outcome: str  # created, changed, unchanged, erased or refused
    reason: str = ""
    xp: int = 0
    badges: int = 0
    session: str = "none"
    line: int = 0  # of the file


@dataclass
class Report:
    """What an import did, or would do."""

    file: str
    sha256: str
    bot: str
    applied: bool
    backup: str = ""
    lines: list[Line] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """Return how many users had which outcome."""
        return Counter(line.outcome for line in self.lines)

    @property
    def xp(self) -> int:
        """Return the XP given, or to be given, to all users together."""
        return sum(line.xp for line in self.lines)

    @property
    def badges(self) -> int:
        """Return the number of badges."""
        return sum(line.badges for line in self.lines)

    def json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "file": self.file,
            "sha256": self.sha256,
            "bot": self.bot,
            "applied": self.applied,
            "backup": self.backup,
            "counts": dict(self.counts),
            "xp": self.xp,
            "badges": self.badges,
            "users": [vars(line) for line in self.lines],
        }


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def back_up(
    path: Path, report: Report, connection: psycopg.Connection[Any], entries: Iterable[Entry]
) -> None:
    """Copy the file, and what the database holds of its users, beside it, readable to its owner alone."""
    copy = path.with_name(f"{path.name}.{report.sha256[:12]}.backup")
    before = path.with_name(f"{path.name}.{report.sha256[:12]}.before.json")
    for target in (copy, before):
        arriving_users.create_private(target)
    shutil.copyfile(path, copy)
    ids = [entry.telegram_id for entry in entries if not entry.refusal]
    rows = connection.execute(
        "select jsonb_build_object('telegram_id', u.telegram_id, 'total_xp', u.total_xp, 'level', u.level, "
        "'session', to_jsonb(s)) from public.users as u left join public.bot_sessions as s "
        "on s.user_id = u.id and s.bot = %s and s.chat_id = u.telegram_id and s.thread_id = 0 "
        "where u.telegram_id = any(%s) order by u.telegram_id",
        [report.bot, ids],
    )
    # An import that is run again after it was interrupted keeps the state before the first run.
    if before.stat().st_size == 0:
        before.write_text(
            json.dumps([row[0] for row in rows], ensure_ascii=False, indent=1), encoding="utf-8"
        )
    report.backup = str(copy)


def run(
    connection: psycopg.Connection[Any],
    entries: Iterable[Entry],
    bot: str,
    *,
    key: str,
    apply: bool,
    overwrite: bool,
) -> Iterator[Line]:
    """Import users in transactions of 500, each user with a savepoint; without `apply` each is rolled back.

    An interrupted import is continued by running it again: nothing is given twice.
    """
    waiting = iter(entries)
    while batch := list(islice(waiting, BATCH)):
        with connection.transaction(force_rollback=not apply):
            lines = [_import(connection, entry, bot, key, overwrite) for entry in batch]
        yield from lines


def _import(connection: psycopg.Connection[Any], entry: Entry, bot: str, key: str, overwrite: bool) -> Line:
    if entry.refusal:
        return Line(entry.key, "refused", entry.refusal, line=entry.line)
    hashed = user_hash(entry.telegram_id, key) if key else ""
    try:
        with connection.transaction():
            row = connection.execute(
                "select private.import_user(%s, %s, %s, %s, %s)",
                [bot, entry.telegram_id, hashed, Jsonb(entry.data), overwrite],
            ).fetchone()
    except psycopg.Error as error:
        if error.sqlstate not in _REASONS:
            raise
        return Line(entry.key, "refused", _REASONS[error.sqlstate], line=entry.line)
    assert row is not None
    return Line(entry.key, **row[0], line=entry.line)
