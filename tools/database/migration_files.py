"""The files of supabase/migrations and supabase/downs, and the hashes of those that are released."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools.database import text_files
from tools.database.errors import MigrationError

SUPABASE = Path(__file__).parents[2] / "supabase"
MIGRATIONS = SUPABASE / "migrations"
DOWNS = SUPABASE / "downs"  # what takes a migration back; not among them, or the Supabase CLI would apply it
HASHES = "migrations.sha256"
FILE_NAME = re.compile(r"(\d{14})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True)
class Migration:
    """One file of supabase/migrations; `version` is its 14 digits (UTC: yyyymmddhhmmss)."""

    version: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.version}_{self.name}"


def migrations(folder: Path | None = None) -> list[Migration]:
    """Read the migrations in their order; raises MigrationError for a file the CLI would skip or confuse."""
    found = []
    for path in sorted((folder or MIGRATIONS).glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: a migration is called <14 digits>_<lower_case_name>.sql")
        found.append(Migration(match[1], match[2], text_files.read(path, MigrationError)))
    versions = [migration.version for migration in found]
    if len(versions) != len(set(versions)):
        raise MigrationError("Two migrations have the same 14 digits; give the newer one a later time.")
    return found


def find(given: str) -> Migration:
    """Return the migration of a version, a name or a path. Raises MigrationError for none or several."""
    wanted = Path(given).name.removesuffix(".sql")
    found = [one for one in migrations() if wanted in (one.version, one.name, str(one))]
    if len(found) != 1:
        number = "No migration is" if not found else f"{len(found)} migrations are"
        raise MigrationError(f"{number} called {wanted!r} in supabase/migrations.")
    return found[0]


def require_name(name: str) -> None:
    """Raise MigrationError unless a new migration may have this name."""
    if re.fullmatch(r"[a-z0-9_]+", name) is None:
        raise MigrationError(
            f"{name!r} is no name of a migration: lower case letters, digits and _, as add_promocodes."
        )


def next_version(known: Iterable[str] = (), folder: Path | None = None) -> str:
    """Return 14 digits for now (UTC), later than every migration of the folder and those that are `known`."""
    now = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
    newest = max([one.version for one in migrations(folder)] + list(known), default="")
    return now if now > newest else str(int(newest) + 1)


def down(migration: Migration) -> Migration | None:
    """Return what takes a migration back, as a migration of the same version; None where none is written."""
    path = DOWNS / f"{migration}.sql"
    if not path.is_file():
        return None
    return Migration(migration.version, f"{migration.name} (down)", text_files.read(path, MigrationError))


def hashes(supabase: Path = SUPABASE) -> dict[str, str]:
    """Return the SHA-256 of each released file ("migrations/….sql") from supabase/migrations.sha256.

    Empty without that file: nothing is released yet, and migrations may still be rewritten.
    """
    path = supabase / HASHES
    return read_hashes(path.read_text(encoding="utf-8")) if path.exists() else {}


def read_hashes(text: str) -> dict[str, str]:
    """Return the SHA-256 of each file from the text of a migrations.sha256."""
    return {name: digest for digest, name in (line.split() for line in text.splitlines())}


def freeze(supabase: Path = SUPABASE) -> Path:
    """Write supabase/migrations.sha256 (`sha256sum -c` checks it) from the migrations and downs there are."""
    return write_hashes(digests(supabase), supabase)


def write_hashes(hashed: Mapping[str, str], supabase: Path = SUPABASE) -> Path:
    """Write supabase/migrations.sha256 with these hashes, in the order of their names."""
    path = supabase / HASHES
    path.write_text("".join(f"{hashed[name]}  {name}\n" for name in sorted(hashed)), encoding="utf-8")
    return path


def add_hash(name: str) -> None:
    """Add a new file to supabase/migrations.sha256; the others stay, so that no edit is approved with it."""
    known = hashes(SUPABASE)
    if known:
        write_hashes(known | {name: digests(SUPABASE)[name]}, SUPABASE)


def digests(supabase: Path = SUPABASE) -> dict[str, str]:
    """Return the SHA-256 of each migration and down as they are now."""
    files = [path for folder in ("migrations", "downs") for path in sorted((supabase / folder).glob("*.sql"))]
    return {
        f"{path.parent.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
