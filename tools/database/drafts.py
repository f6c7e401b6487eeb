"""Writes a change that was made by hand as a migration, or the statements that undo it.

Both are tried on a scratch server with the history of the environment. The migration runs also where the
change is there already, so that the environment itself can apply it. What cannot be written is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tools.database import (
    catalogue,
    connections,
    ddl,
    migrate,
    migration_files,
    owners,
    schema_drift,
    snapshots,
)
from tools.database.catalogue import Catalogue, Difference, Key
from tools.database.errors import MigrationError
from tools.database.snapshots import Change

_NAME = r'(?:"(?:[^"]|"")*"|[^\s"])+'
# How a statement of ddl.py is written so that it can run again.
REPEATABLE = (
    (re.compile(r"^CREATE (UNIQUE )?INDEX (?!IF )", re.IGNORECASE), r"create \1index if not exists "),
    (re.compile(rf"^(alter table {_NAME} add column) ", re.IGNORECASE), r"\1 if not exists "),
    (re.compile(rf"^(alter table {_NAME} drop (?:column|constraint)) ", re.IGNORECASE), r"\1 if exists "),
    (re.compile(r"^(drop \w+) ", re.IGNORECASE), r"\1 if exists "),
    (re.compile(r"^CREATE TRIGGER ", re.IGNORECASE), "create or replace trigger "),
    (
        re.compile(rf"^(alter table {_NAME}) add constraint ({_NAME}) ", re.IGNORECASE),
        r"\1 drop constraint if exists \2;\n\1 add constraint \2 ",
    ),
    (
        re.compile(rf"^create policy (.+? on {_NAME}) ", re.IGNORECASE),
        r"drop policy if exists \1;\ncreate policy \1 ",
    ),
    (
        re.compile(r"^(create type .*;)$", re.IGNORECASE | re.DOTALL),
        r"do $$ begin \1 exception when duplicate_object then null; end $$;",
    ),
)


@dataclass(frozen=True)
class Draft:
    """Statements, and the entries that they do not cover."""

    statements: list[str]
    left: list[str]


@dataclass(frozen=True)
class Drafts:
    """What adopts the changes, and what undoes them."""

    adopt: Draft
    undo: Draft


def make(recorded: Catalogue, found: Catalogue, version: str, owner: str) -> Drafts:
    """Return the drafts for what differs between the snapshot of a run and what is found now.

    `version` is that of the newest migration, `owner` the role that owns what migrations make.
    """
    recorded, found = owners.as_on_scratch(recorded, owner), owners.as_on_scratch(found, owner)
    changed = {change.key for change in snapshots.compare(recorded, found)}
    with schema_drift.scratch() as server:
        migrate.sync(server.url(), to_version=version)
        with connections.connect(server.url()) as connection:
            # What an earlier --despite-drift let stay is not on the scratch server, and not in question here.
            built = snapshots.describe(connection)
            known = {change.key for change in snapshots.compare(built, recorded)} - changed
            adopting = write(connection, found, known, repeatable=True)
            # Not made on the scratch server, so what undoes it could not be tried.
            unmade = _left(connection, found, known)
            adopt = _only_repeatable(connection, found, known, adopting)
            undoing = write(connection, recorded, known)
            undo = Draft(
                [owners.as_there(one, owner) for one in undoing],
                sorted({*_left(connection, recorded, known), *unmade}),
            )
    return Drafts(adopt, undo)


def save(draft: Draft, name: str, environment: str, changes: list[Change]) -> Path:
    """Write a draft as the next migration and return its path. Raises MigrationError for a bad name."""
    migration_files.require_name(name)
    if not draft.statements:
        raise MigrationError("Nothing was written: no statement for these changes is known.")
    path = migration_files.MIGRATIONS / f"{migration_files.next_version()}_{name}.sql"
    written = ", ".join(change.name for change in changes if change.name not in draft.left)
    reason = f"-- Adopts what was changed by hand in {environment}: {written}."
    path.write_text("\n\n".join([reason, *draft.statements]) + "\n", encoding="utf-8")
    migration_files.add_hash(f"migrations/{path.name}")
    return path


def write(
    connection: psycopg.Connection,
    wanted: Catalogue,
    ignored: Set[Key] = frozenset(),
    *,
    repeatable: bool = False,
) -> list[str]:
    """Run and return what makes a database as wanted; every step sees the result of the one before."""
    known: set[str] = set()  # what had rights before anything is made
    steps: tuple[Callable[[list[Difference]], Iterable[str]], ...] = (
        ddl.removals,
        lambda differences: _anew(differences, ("type", "table")),
        lambda differences: ddl.columns(differences, wanted),
        lambda differences: _anew(differences, ("function", "view")),
        lambda _: _without_default_rights(connection, known),
        ddl.changes,
        lambda _: _without_default_rights(connection, known),
        ddl.changes,  # rights of what the step before made
    )
    written = []
    for step in steps:
        for statement in step(_differences(connection, wanted, ignored)):
            text = _repeatable(statement) if repeatable else statement
            if runs(connection, text):
                written.append(text)
        if step is ddl.removals:
            known.update(_with_rights(connection))
    return written


def _only_repeatable(
    connection: psycopg.Connection, wanted: Catalogue, ignored: Set[Key], statements: list[str]
) -> Draft:
    """Leave out what cannot run where it is there already."""
    kept = [statement for statement in statements if runs(connection, statement)]
    left = _left(connection, wanted, ignored)
    left += [snapshots.escaped(" ".join(one.split()))[:80] for one in statements if one not in kept]
    return Draft(kept, left)


def _anew(differences: list[Difference], kinds: tuple[str, ...]) -> Iterator[str]:
    """Yield what makes a thing from its description alone."""
    for difference in differences:
        (kind, name), text = difference.key, difference.wanted
        if kind not in kinds or text is None:
            continue
        body = text.rpartition("\nowner " if kind in ("function", "view") else ", owner ")[0]
        if kind == "function":
            yield f"{body};"
        elif kind == "view" and difference.present is None:
            is_materialized = body.startswith("materialized ")
            word = "create materialized view if not exists" if is_materialized else "create or replace view"
            yield f"{word} {name} {body.removeprefix('materialized ').rstrip(';')};"
        elif kind == "table" and body == "table":
            yield f"create table if not exists {name} ();"
        elif kind == "type" and body.startswith("enum "):
            yield f"create type {name} as {body};"


def _without_default_rights(connection: psycopg.Connection, known: set[str]) -> Iterator[str]:
    """Yield what takes the default rights from objects that are new; `known` grows by them.

    Another database may have other default privileges than the scratch server, so what a new object has here
    it may lack there, and the other way round. All rights that are wanted are granted afterwards.
    """
    for target in _with_rights(connection):
        if target not in known:
            known.add(target)
            yield f"revoke all on {target} from public, anon, authenticated, service_role;"


def _with_rights(connection: psycopg.Connection) -> list[str]:
    described = snapshots.describe(connection)
    return [name for kind, name in described if kind == "rights" and not name.startswith("column ")]


def _differences(connection: psycopg.Connection, wanted: Catalogue, ignored: Set[Key]) -> list[Difference]:
    found = catalogue.differences(snapshots.describe(connection), wanted)
    return [one for one in found if one.key not in ignored]


def _left(connection: psycopg.Connection, wanted: Catalogue, ignored: Set[Key]) -> list[str]:
    return [snapshots.shown(one.key) for one in _differences(connection, wanted, ignored)]


def _repeatable(statement: str) -> str:
    for pattern, replacement in REPEATABLE:
        if pattern.match(statement):
            return pattern.sub(replacement, statement, count=1)
    return statement


def runs(connection: psycopg.Connection, statement: str) -> bool:
    """Run a statement by itself; return whether the database took it."""
    try:
        with connections.as_owner(connection):
            connection.execute(statement.encode())
    except psycopg.Error:
        return False
    return True
