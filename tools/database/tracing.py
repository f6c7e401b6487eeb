"""Traces what each statement of a migration does to relations in use: time, locks, rewrites, what it blocks.

A new relation is in no session's way; only those count that existed before the migration. Locks stay until
the migration's transaction ends, so what one statement locks, all later ones keep locked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import psycopg

from tools.database.statements import Statement

READS_AND_WRITES, WRITES, NOTHING = "reads and writes", "writes", "nothing"
# What other sessions can no longer do, from the table of conflicts in the manual (explicit locking).
BLOCKS = {
    "AccessExclusiveLock": READS_AND_WRITES,
    "ExclusiveLock": WRITES,
    "ShareRowExclusiveLock": WRITES,
    "ShareLock": WRITES,
}
# Statements that read a table whole; in others a plan on few rows may do so where one on many would not.
WHOLE_TABLE = ("AlterTableStmt", "IndexStmt")

EXISTING = """
select c.oid, n.nspname || '.' || c.relname, c.relkind = 'i'
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm', 'v', 'S', 'i') and c.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
"""
LOCKS = """
select l.relation, l.mode from pg_locks l
where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.relation = any (%s)
"""
FILES = """
select n.nspname || '.' || c.relname, c.relkind::text, c.relfilenode::bigint, pg_stat_get_xact_numscans(c.oid)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm', 'i') and n.nspname || '.' || c.relname = any (%s)
"""


@dataclass(frozen=True)
class Lock:
    """A lock that a statement took on a relation which existed before."""

    relation: str
    mode: str

    @property
    def blocks(self) -> str:
        """Return what it blocks: "reads and writes", "writes" or "nothing"."""
        return BLOCKS.get(self.mode, NOTHING)

    def __str__(self) -> str:
        return f"{self.mode} on {self.relation}: blocks {self.blocks}"


@dataclass(frozen=True)
class Step:
    """What one statement did."""

    number: int
    statement: Statement
    seconds: float
    locks: Sequence[Lock] = ()
    rewritten: Sequence[str] = ()  # tables
    rebuilt: Sequence[str] = ()  # indexes
    read: Sequence[str] = ()  # tables that were read whole


@dataclass(frozen=True)
class Held:
    """How long a migration blocks what on a relation."""

    relation: str
    blocks: str
    seconds: float


@dataclass
class Trace:
    """The steps of one migration."""

    steps: list[Step] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Return the time of all statements, without that of tracing."""
        return sum(step.seconds for step in self.steps)

    def held(self) -> list[Held]:
        """Return what is blocked and from when until the end; the longest and strongest first."""
        found: dict[tuple[str, str], float] = {}
        for number, step in enumerate(self.steps):
            rest = sum(later.seconds for later in self.steps[number:])
            for lock in step.locks:
                if lock.blocks != NOTHING:
                    found.setdefault((lock.relation, lock.blocks), rest)
        both = {relation for relation, blocks in found if blocks == READS_AND_WRITES}
        held = [
            Held(relation, blocks, seconds)
            for (relation, blocks), seconds in found.items()
            if blocks == READS_AND_WRITES or relation not in both
        ]
        return sorted(held, key=lambda one: (one.blocks, -one.seconds, one.relation))


class Tracer:
    """Runs the statements of one migration on a connection and says what each did."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        existing = connection.execute(EXISTING).fetchall()
        self._names = {int(oid): str(name) for oid, name, _ in existing}
        # Of an index none: what locks it locks its table as well.
        self._lockable = [int(oid) for oid, _, is_index in existing if not is_index]
        self._locks: set[tuple[int, str]] = set()
        self.trace = Trace()

    def run(self, statement: Statement, execute: Callable[[str], object]) -> None:
        """Run a statement. Raises psycopg.Error."""
        before = self._files()
        started = time.monotonic()
        execute(statement.text)
        ended = time.monotonic()
        after = self._files()
        # By name: an index of a column whose type changes is made anew.
        files = [name for name, (_, file, _) in after.items() if name in before and before[name][1] != file]
        scanned = [name for name, (_, _, scans) in after.items() if scans > before.get(name, ("", 0, 0))[2]]
        is_index = {name: kind == "i" for name, (kind, _, _) in after.items()}
        reads = type(statement.node).__name__ in WHOLE_TABLE
        self.trace.steps.append(
            Step(
                len(self.trace.steps) + 1,
                statement,
                ended - started,
                sorted(self._alone(statement) if statement.alone else self._new_locks(), key=str),
                sorted(name for name in files if not is_index[name]),
                sorted(name for name in files if is_index[name]),
                sorted(name for name in scanned if reads and not is_index[name]),
            )
        )

    def _files(self) -> dict[str, tuple[str, int, int]]:
        if not self._names:
            return {}
        rows = self._connection.execute(FILES, [list(self._names.values())])
        return {name: (kind, file, scans) for name, kind, file, scans in rows}

    def _new_locks(self) -> Iterator[Lock]:
        if not self._names:
            return
        held = {(oid, mode) for oid, mode in self._connection.execute(LOCKS, [self._lockable])}
        new, self._locks = held - self._locks, held
        for oid, mode in new:
            yield Lock(self._names[oid], mode)

    def _alone(self, statement: Statement) -> Iterator[Lock]:
        """Yield the lock of a statement outside of a transaction, which is gone when it has ended."""
        node = statement.node
        relation = getattr(node, "relation", None)
        if relation is None and getattr(node, "rels", None):
            relation = node.rels[0].relation
        if relation is None:
            return
        name = f"{relation.schemaname or 'public'}.{relation.relname}"
        is_full = statement.alone == "cluster" or (
            statement.alone == "vacuum" and any(option.defname == "full" for option in node.options or ())
        )
        if name in self._names.values():
            yield Lock(name, "AccessExclusiveLock" if is_full else "ShareUpdateExclusiveLock")
