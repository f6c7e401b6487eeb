"""Uploaded files: a function gets only code that runs, the build all but history and secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pathspec import GitIgnoreSpec

from shared.core.database_tls import SUPABASE_ROOT
from tests.tools.deployment.build import ROOT

NEVER = [
    ".env",
    ".git/config",
    ".venv/bin/python",
    ".switchboard/state.json",
    "shared/__pycache__/db.cpython-313.pyc",
]


def patterns(name: str) -> list[str]:
    """The lines of an ignore file, with gcloud's #!include: done."""
    lines: list[str] = []
    for line in (ROOT / name).read_text().splitlines():
        lines += patterns(line.removeprefix("#!include:")) if line.startswith("#!include:") else [line]
    return lines


def uploaded(name: str, candidates: list[str]) -> set[str]:
    spec = GitIgnoreSpec.from_lines(patterns(name))
    return {path for path in candidates if not spec.match_file(path)}


def files() -> list[str]:
    """Return every file in the repository's folder, tracked or not, by its relative path."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name for name in folders if name not in (".git", ".venv", ".switchboard", "node_modules")
        ]
        found += [str((Path(folder) / name).relative_to(ROOT)) for name in names]
    return found


@pytest.fixture(scope="module")
def function() -> set[str]:
    return uploaded(".gcloudignore", files() + NEVER)


@pytest.fixture(scope="module")
def build() -> set[str]:
    return uploaded(".gcloudbuildignore", files() + NEVER)


def test_a_function_takes_along_only_what_runs(function: set[str]) -> None:
    assert {path.split("/")[0] for path in function} == {"functions", "shared", "requirements.txt"}
    assert {Path(path).suffix for path in function} == {
        ".js",
        ".py",
        ".toml",
        ".txt",
        ".otf",
        ".crt",
        ".html",
        ".css",
        ".svg",
        ".md",
        ".webm",
        ".vtt",
        ".png",
        ".csv",
    }


def test_a_function_takes_along_everything_that_runs(function: set[str]) -> None:
    for folder in ("functions", "shared"):
        sources = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*.py")}
        assert sources <= function
    assert "requirements.txt" in function
    assert str(SUPABASE_ROOT.relative_to(ROOT)) in function


@pytest.mark.parametrize(
    "path", [*NEVER, "pyproject.toml", "tests/conftest.py", "tools/__init__.py", "supabase/seed.sql"]
)
def test_files_that_no_function_needs_are_not_uploaded(function: set[str], path: str) -> None:
    assert path not in function


@pytest.mark.parametrize("path", NEVER)
def test_secrets_and_history_do_not_get_into_the_build(build: set[str], path: str) -> None:
    assert path not in build


def test_the_build_has_what_its_steps_need(build: set[str]) -> None:
    needed = {
        "supabase/config.toml",
        "tools/telegram/__main__.py",
        "tools/database/__main__.py",
        "tests/tools/deployment/test_upload.py",
        "docs/deployment.md",
        "requirements-dev.txt",
        "pyproject.toml",
        ".gcloudignore",
        ".gitignore",
        ".env.example",
        "deploy.yaml",
    }
    migrations = {f"supabase/migrations/{path.name}" for path in (ROOT / "supabase/migrations").glob("*.sql")}
    assert needed | migrations <= build


def test_the_ignored_files_of_git_are_the_ignored_files_of_the_build() -> None:
    """An emulator's database or another virtual environment must not be uploaded either."""
    ignored = GitIgnoreSpec.from_lines((ROOT / ".gitignore").read_text().splitlines())
    assert not {path for path in uploaded(".gcloudbuildignore", files()) if ignored.match_file(path)}
