"""What main has: its migrations are released, so a new one comes after them and none of them changes."""

import subprocess
from pathlib import Path

from tools.database import migration_files
from tools.database.migration_files import HASHES, SUPABASE

BRANCH = "origin/main"


def hashes(supabase: Path = SUPABASE) -> dict[str, str] | None:
    """Return the SHA-256 of each file that main has; None where this is no clone, or without that branch."""
    try:
        done = subprocess.run(
            ["git", "show", f"{BRANCH}:./{HASHES}"], cwd=supabase, capture_output=True, text=True, timeout=10,
            check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return migration_files.read_hashes(done.stdout)


def problems(here: dict[str, str], main: dict[str, str]) -> list[str]:
    """Return what is wrong with the files here beside those of main, one line each.

    A migration that is older than the newest of main would be skipped by databases that have that one.
    """
    released = sorted(name for name in main if name.startswith("migrations/"))
    newest = released[-1] if released else ""
    found = [
        f"{name} differs from main: a released migration never changes; restore it, and write a new one"
        for name in sorted(here.keys() & main.keys())
        if here[name] != main[name]
    ]
    found += [
        f"{name} is older than {newest.removeprefix('migrations/')} of main, and databases that have that one"
        f" would skip it: ./switchboard database rename {_version(name)}"
        for name in sorted(here.keys() - main.keys())
        if name.startswith("migrations/") and name < newest
    ]
    return found


def _version(name: str) -> str:
    return name.removeprefix("migrations/")[:14]
