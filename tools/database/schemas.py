"""supabase/schemas (how the database is, as text) and the seed, in the order config.toml declares."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from tools.database.connections import as_owner, connect
from tools.database.errors import EnvironmentFileError, MigrationError
from tools.database.migration_files import SUPABASE


def files(folder: Path = SUPABASE) -> list[Path]:
    """Return the schema files in their order: [db.migrations] schema_paths, the first match counts.

    An entry is a file, a folder or a glob pattern, relative to supabase/, as for the Supabase CLI.
    Raises MigrationError for an entry that matches nothing and for a file that no entry matches.
    """
    ordered: dict[Path, None] = {}
    for entry in _config(folder)["migrations"]["schema_paths"]:
        matches = list(_matches(folder, entry))
        if not matches:
            raise MigrationError(
                f"config.toml: nothing matches schema_paths entry {entry!r}; remove or correct it."
            )
        ordered.update(dict.fromkeys(matches))
    forgotten = sorted(set((folder / "schemas").rglob("*.sql")) - ordered.keys())
    if forgotten:
        names = ", ".join(str(path.relative_to(folder)) for path in forgotten)
        raise MigrationError(f"No entry of schema_paths in supabase/config.toml matches {names}; add one.")
    return list(ordered)


def apply(connection: psycopg.Connection, folder: Path = SUPABASE) -> None:
    """Make an empty prepared database what supabase/schemas says, in one transaction.

    A failing file is named in the error; "does not exist" there means its place in schema_paths is too early.
    """
    with as_owner(connection):
        for path in files(folder):
            try:
                connection.execute(path.read_bytes())
            except psycopg.Error as error:
                error.add_note(
                    f"in {path.relative_to(folder)} (its order: schema_paths in supabase/config.toml)"
                )
                raise


def seed(url: str, folder: Path = SUPABASE) -> list[Path]:
    """Run the seed files ([db.seed] sql_paths), for databases to try things in; return them."""
    entries = _config(folder).get("seed", {}).get("sql_paths", [])
    paths = [path for entry in entries for path in _matches(folder, entry)]
    with connect(url) as connection:
        for path in paths:
            with as_owner(connection):
                connection.execute(path.read_bytes())
    return paths


def seed_file(name: str, folder: Path = SUPABASE) -> Path:
    """Return a file of example data in supabase/. Raises EnvironmentFileError."""
    path = folder / name
    if not path.is_file():
        raise EnvironmentFileError(f"supabase/environments.toml names a seed {name!r}, which is not there.")
    return path


def _config(folder: Path) -> dict[str, Any]:
    section: dict[str, Any] = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))["db"]
    return section


def _matches(folder: Path, entry: str) -> Iterator[Path]:
    name = entry.removeprefix("./").rstrip("/")
    if (folder / name).is_dir():
        name += "/**/*.sql"
    return iter(sorted(folder.glob(name)))
