"""Reads the old table, takes its users over in batches, and compares both sides."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal
from itertools import islice
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from shared.core.signatures import user_hash
from tools.adopt import source
from tools.adopt.columns import Columns
from tools.adopt.rows import OldUser, Refused, read, read_id
from tools.adopt.source import Connection, Table
from tools.database import connections

BATCH = 500  # users of a transaction
COMPARED = 10_000  # users of one query
ATTEMPTS = 5  # of a batch that lost a deadlock, or met an erasure
DUPLICATE = "several rows have this Telegram id"
_REASONS = {
    "L0001": "no Telegram user can have this id",
    "L0003": "another balance was taken over for this user before",
    "L0004": "the balance is invalid",
    "Z0002": "the XP is invalid",
    "Z0003": "other XP was imported for this user before",
}


@dataclass
class Outcome:
    """What an adoption did, or would do. Sums are of the users that can be taken over."""

    table: str
    bot: str
    is_applied: bool
    columns: Columns
    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    refused: list[OldUser] = field(default_factory=list)
    erased: list[int] = field(default_factory=list)
    adopted: list[int] = field(default_factory=list)  # Telegram ids
    notes: Counter[str] = field(default_factory=Counter)
    plans: int = 0
    xp: int = 0
    balance: Decimal = Decimal(0)
    given_xp: int = 0
    given_balance: Decimal = Decimal(0)
    given_plans: int = 0
    differences: list[str] = field(default_factory=list)

    def add(self, user: OldUser) -> None:
        """Count a user that can be taken over."""
        self.xp += user.xp
        self.balance += user.balance
        self.plans += "vip_level" in user.data
        self.notes.update(user.notes)

    def refuse(self, user: OldUser, outcome: str = "refused") -> None:
        """Count a user that is not taken over."""
        self.counts[outcome] += 1
        if outcome == "erased":
            self.erased.append(user.telegram_id)
        else:
            self.refused.append(user)


def run(
    url: str, table: Table, columns: Columns, bot: str, *, key: str, zone: tzinfo, now: datetime, apply: bool
) -> Outcome:
    """Read all rows and, with `apply`, take the users over.

    An interrupted run is continued by running it again.
    """
    outcome = Outcome(str(table), bot, apply, columns)
    with connections.connect(url) as reading, connections.connect(url) as writing:
        duplicates = _duplicates(reading, table, columns)
        users = _users(reading, table, columns, duplicates, zone, now)
        waiting = _counted(users, outcome)
        while batch := list(islice(waiting, BATCH)):
            if apply:
                _take_over(writing, batch, bot, key, outcome)
            else:
                for user in batch:
                    outcome.add(user)
                    outcome.counts["ok"] += 1
        if apply:
            outcome.differences = _compare(writing, bot, outcome)
    return outcome


def _counted(users: Iterable[OldUser], outcome: Outcome) -> Iterator[OldUser]:
    for user in users:
        outcome.rows += 1
        if user.refusal:
            outcome.refuse(user)
        else:
            yield user


def _users(
    connection: Connection, table: Table, columns: Columns, duplicates: set[int], zone: tzinfo, now: datetime
) -> Iterator[OldUser]:
    names = columns.read
    for line, values in enumerate(source.rows(connection, table, names), 1):
        user = read(line, dict(zip(names, values, strict=True)), columns, zone, now)
        if user.telegram_id in duplicates:
            user = OldUser(line, user.telegram_id, refusal=DUPLICATE)
        yield user


def _duplicates(connection: Connection, table: Table, columns: Columns) -> set[int]:
    """Return the Telegram ids of several rows: which of them is right, the owner alone can know."""
    seen: set[int] = set()
    twice: set[int] = set()
    for (value,) in source.rows(connection, table, [columns.fields["telegram_id"]]):
        try:
            telegram_id = read_id(value)
        except Refused:
            continue
        (twice if telegram_id in seen else seen).add(telegram_id)
    return twice


def _take_over(connection: Connection, batch: list[OldUser], bot: str, key: str, outcome: Outcome) -> None:
    users = [
        {
            "telegram_id": user.telegram_id,
            "hash": user_hash(user.telegram_id, key) if key else "",
            "data": user.data,
        }
        for user in batch
    ]
    for user, result in zip(batch, _call(connection, bot, users), strict=True):
        if result["outcome"] in ("refused", "erased"):
            reason = _REASONS.get(result.get("code", ""), "")
            outcome.refuse(OldUser(user.line, user.telegram_id, refusal=reason), result["outcome"])
            continue
        outcome.add(user)
        outcome.adopted.append(user.telegram_id)
        outcome.counts[result["outcome"]] += 1
        outcome.given_xp += result["xp"]
        outcome.given_balance += Decimal(result["balance"])
        outcome.given_plans += result["plan"] is not None


def _call(connection: Connection, bot: str, users: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Take a batch over in one transaction; one that lost a deadlock, or met an erasure, is repeated."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with connection.transaction():
                row = connection.execute("select private.adopt_users(%s, %s)", [bot, Jsonb(users)]).fetchone()
            assert row is not None
            found: list[dict[str, Any]] = row[0]
            return found
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            if attempt == ATTEMPTS:
                raise
            time.sleep(0.1 * attempt)
    raise AssertionError("unreachable")


def _compare(connection: Connection, bot: str, outcome: Outcome) -> list[str]:
    """Return where the ledgers and the old table disagree about the users who were taken over."""
    xp, balance = Decimal(0), Decimal(0)
    waiting = iter(outcome.adopted)
    while ids := list(islice(waiting, COMPARED)):
        row = connection.execute(
            "select coalesce(sum(a.requested), 0), coalesce(sum(t.amount), 0) "
            "from unnest(%(ids)s::bigint[]) as i (id) join public.users as u on u.telegram_id = i.id "
            "left join public.xp_awards as a on a.user_id = u.id and a.rule = 'import' "
            "and a.reference = format('import:%%s:%%s', %(bot)s::text, i.id) "
            "left join public.balance_transactions as t on t.user_id = u.id "
            "and t.reference = format('adopt:%%s:%%s', %(bot)s::text, i.id)",
            {"ids": ids, "bot": bot},
        ).fetchone()
        assert row is not None
        xp, balance = xp + row[0], balance + row[1]
    pairs = (("XP", Decimal(outcome.xp), xp), ("balance", outcome.balance, balance))
    return [f"{what}: {old} in the old table, {new} in the ledger" for what, old, new in pairs if old != new]
