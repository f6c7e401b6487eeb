"""Reads SQL as Postgres does (pglast is Postgres' own parser): statements, their kinds, and a checksum.

Comments and white space do not count in a checksum, and neither does where the Supabase CLI splits a file.
What stands between dollars is the text of a function, and counts whole.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.database.errors import StatementError

if TYPE_CHECKING:
    from tools.database.migration_files import Migration

_COMMENTS = ("SQL_COMMENT", "C_COMMENT")
_SEMICOLON = "ASCII_59"
# Statements that Postgres refuses in a transaction.
_ALONE = {
    "AlterSystemStmt": "alter system",
    "VacuumStmt": "vacuum",
    "ClusterStmt": "cluster",
    "CreatedbStmt": "create database",
    "DropdbStmt": "drop database",
    "CreateTableSpaceStmt": "create tablespace",
    "DropTableSpaceStmt": "drop tablespace",
}


@dataclass(frozen=True)
class Statement:
    """One statement; `alone` says what it is where no transaction can hold it (empty: one can)."""

    text: str
    alone: str
    index: str = ""  # the index that it makes concurrently
    node: Any = None  # what the parser made of it
    line: int = 1  # of the file, on which it begins
    comment: str = ""  # what stands between the statement before and this one


def checksum(text: str) -> str:
    """Return a digest of what the SQL does. Raises StatementError where Postgres could not read it."""
    from pglast import parser

    try:
        # The parser counts characters, not bytes.
        tokens = parser.scan(text)
    except parser.ParseError as error:
        raise StatementError(str(error)) from None
    digest = hashlib.sha256()
    for token in tokens:
        if token.name not in _COMMENTS and token.name != _SEMICOLON:
            digest.update(text[token.start : token.end + 1].encode() + b"\0")
    return digest.hexdigest()


def read(migration: "Migration") -> list[Statement]:
    """Return the statements of a migration.

    Raises StatementError: it cannot be parsed, it begins or ends a transaction, or it mixes statements that
    no transaction can hold with others.
    """
    import pglast
    from pglast import parser

    try:
        trees = [raw.stmt for raw in pglast.parse_sql(migration.text)]
        slices = parser.split(migration.text, only_slices=True)
    except parser.ParseError as error:
        raise StatementError(f"{migration}: {_where(migration.text, error)}") from None
    found, end = [], 0
    for tree, part in zip(trees, slices, strict=True):
        line = migration.text.count("\n", 0, part.start) + 1
        comment = migration.text[end : part.start].strip(" \n\r\t;")
        found.append(Statement(migration.text[part], *_kind(tree), tree, line, comment))
        end = part.stop
    if not found and not migration.text.strip():
        raise StatementError(f"{migration} is empty: write its SQL, or delete the file.")
    for number, statement in enumerate(found, 1):
        if type(statement.node).__name__ == "TransactionStmt":
            raise StatementError(
                f"{migration}, statement {number}: begin, commit and rollback are not for migrations."
                " Each file is one transaction; remove it."
            )
    if any(statement.alone for statement in found) and not all(statement.alone for statement in found):
        first = next(statement for statement in found if statement.alone)
        raise StatementError(
            f"{migration}: {first.alone} cannot be part of a transaction. Put it into a migration of its own."
        )
    return found


def is_transactional(statements: Sequence[Statement]) -> bool:
    """Whether one transaction can hold them all."""
    return not any(statement.alone for statement in statements)


def _kind(tree: object) -> tuple[str, str]:
    name = type(tree).__name__
    if name == "IndexStmt" and getattr(tree, "concurrent", False):
        return "create index concurrently", str(getattr(tree, "idxname", None) or "")
    if name == "DropStmt" and getattr(tree, "concurrent", False):
        return "drop index concurrently", ""
    if name == "ReindexStmt" and _has_option(tree, "concurrently"):
        return "reindex concurrently", ""
    if name == "VacuumStmt" and not getattr(tree, "is_vacuumcmd", True):
        return "", ""  # analyze
    return _ALONE.get(name, ""), ""


def _has_option(tree: object, name: str) -> bool:
    return any(option.defname == name for option in getattr(tree, "params", None) or ())


def _where(text: str, error: Exception) -> str:
    position = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], int) else 0
    return f"line {text.count(chr(10), 0, position) + 1}: {error.args[0]}"
