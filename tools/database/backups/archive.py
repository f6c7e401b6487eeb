"""The format of a backup: rows of all tables at one moment, in one stream.

    header      one line of JSON: format, version (newest migration), tables with their columns
    per table   blocks of COPY's binary format, each behind its length (4 bytes); a length of 0 ends the table
    trailer     one line of JSON: rows and SHA-256 of each table, in the order of the header

Rows are ordered by primary key, so that equal tables have equal hashes, whichever Postgres wrote them.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import psycopg
from psycopg import sql

from tools.database.errors import BackupError

FORMAT = 1
_LENGTH = struct.Struct(">I")
_LARGEST = 64_000_000  # bytes of one block; COPY sends a row a block, and no row of ours comes near

TABLES = """
select n.nspname, c.relname,
    array(
        select a.attname::text from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        order by a.attnum
    ),
    array(
        select a.attname::text from pg_index i
        cross join lateral unnest(i.indkey) with ordinality k (attnum, position)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
        where i.indrelid = c.oid and i.indisprimary order by k.position
    )
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('public', 'private') and c.relkind in ('r', 'p') and not c.relispartition
    and not exists (
        select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    )
    and (n.nspname, c.relname) not in (('private', 'database_identity'), ('private', 'catalogue_snapshots'))
order by n.nspname, c.relname
"""


@dataclass(frozen=True)
class Table:
    """A table with the columns that are copied and the key that orders its rows."""

    schema: str
    name: str
    columns: list[str]
    key: list[str]

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        """Return the name for a statement."""
        return sql.Identifier(self.schema, self.name)

    def select(self) -> sql.Composed:
        """Return the query of all rows, ordered by key, or as text where there is none."""
        columns = sql.SQL(", ").join(map(sql.Identifier, self.columns))
        order = sql.SQL(", ").join(map(sql.Identifier, self.key)) if self.key else sql.SQL("t::text")
        return sql.SQL("select {} from {} t order by {}").format(columns, self.identifier, order)


@dataclass(frozen=True)
class Contents:
    """Rows and hash of one table."""

    rows: int
    sha256: str


def tables(connection: psycopg.Connection) -> list[Table]:
    """Return the tables of schemas public and private that a backup holds."""
    return [Table(*row) for row in connection.execute(TABLES)]


def write(connection: psycopg.Connection, header: dict[str, Any]) -> Iterator[bytes]:
    """Yield a backup of what the connection's transaction sees; `header` is added to the first line."""
    found = tables(connection)
    first = {"format": FORMAT, **header, "tables": [asdict(table) for table in found]}
    yield json.dumps(first).encode() + b"\n"
    trailer = []
    for table in found:
        digest, rows = hashlib.sha256(), 0
        for block in copied(connection, table):
            digest.update(block)
            rows += 1
            yield _LENGTH.pack(len(block)) + block
        yield _LENGTH.pack(0)
        trailer.append({"rows": max(rows - 2, 0), "sha256": digest.hexdigest()})
    yield json.dumps(trailer).encode() + b"\n"


def copied(connection: psycopg.Connection, table: Table) -> Iterator[bytes]:
    """Yield the rows of a table in COPY's binary format, a row a block, between a start and an end."""
    statement = sql.SQL("copy ({}) to stdout (format binary)").format(table.select())
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        start = True
        for data in copy:
            block = bytes(data)
            if start:  # the first message is the signature, alone or before the first row
                yield block[:19]
                block, start = block[19:], False
            if block:
                yield block


def contents(connection: psycopg.Connection, table: Table) -> Contents:
    """Return rows and hash of a table as a backup would have them."""
    digest, rows = hashlib.sha256(), 0
    for block in copied(connection, table):
        digest.update(block)
        rows += 1
    return Contents(max(rows - 2, 0), digest.hexdigest())


class Reader:
    """Reads a backup: the header at once, then the blocks of each table, then `finish`."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read the header. Raises BackupError where the stream is no backup that this version can read."""
        self._stream = io.BufferedReader(stream) if not isinstance(stream, io.BufferedReader) else stream  # type: ignore[type-var]
        self.header = self._line()
        if self.header.get("format") != FORMAT:
            raise BackupError(f"This is no backup of format {FORMAT}: take the version that wrote it.")
        self.tables = [Table(**table) for table in self.header["tables"]]
        self.contents: list[Contents] = []  # of the tables, once all were read

    def blocks(self) -> Iterator[bytes]:
        """Yield the blocks of the next table."""
        while size := _LENGTH.unpack(self._exactly(_LENGTH.size))[0]:
            if size > _LARGEST:
                raise BackupError("The backup is damaged: a row is too long.")
            yield self._exactly(size)

    def finish(self) -> list[Contents]:
        """Read and return rows and hash of each table, after all their blocks."""
        self.contents = [Contents(**table) for table in self._line()]
        return self.contents

    def _line(self) -> Any:
        line = self._stream.readline(50_000_000)
        try:
            return json.loads(line)
        except ValueError:
            raise BackupError("The backup is damaged or cut off.") from None

    def _exactly(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) != size:
            raise BackupError("The backup is cut off.")
        return data


def load(connection: psycopg.Connection, reader: Reader, progress: Callable[[str], None]) -> None:
    """Replace the rows of all tables by those of a backup, in the connection's transaction.

    Foreign keys and triggers do not run (session_replication_role), since the rows were consistent when they
    were read. Raises BackupError where the tables are not those of the backup, or a table is not as it was
    written.
    """
    known = {str(table): table for table in tables(connection)}
    if {str(one): one for one in reader.tables} != known:
        raise BackupError("The tables of this database are not those of the backup.")
    connection.execute("set local session_replication_role = replica")
    names = sql.SQL(", ").join(table.identifier for table in reader.tables)
    connection.execute(sql.SQL("truncate {}").format(names))
    digests = []
    for table in reader.tables:
        digest, rows = hashlib.sha256(), 0
        columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
        statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(table.identifier, columns)
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for block in reader.blocks():
                digest.update(block)
                rows += 1
                copy.write(block)
        digests.append(Contents(max(rows - 2, 0), digest.hexdigest()))
        if rows > 100_000:
            progress(f"  {table}: {rows - 2} rows")
    for table, written, read in zip(reader.tables, reader.finish(), digests, strict=True):
        if written != read:
            raise BackupError(f"{table} is not as it was written: {read.rows} rows of {written.rows}.")
    _set_sequences(connection)


def _set_sequences(connection: psycopg.Connection) -> None:
    """Let each identity continue behind its largest number."""
    rows = connection.execute(
        "select n.nspname, c.relname, a.attname,"
        " pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname)"
        " from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid ="
        " c.relnamespace"
        " where a.attidentity <> '' and n.nspname in ('public', 'private') and c.relkind in ('r', 'p')"
        " and not c.relispartition"
    ).fetchall()
    for schema, name, column, sequence in rows:
        connection.execute(
            sql.SQL("select setval({}, coalesce(max({}), 1), max({}) is not null) from {}").format(
                sql.Literal(sequence), sql.Identifier(column), sql.Identifier(column),
                sql.Identifier(schema, name),
            )
        )  # fmt: skip
