"""What squawk says about a migration: statements that block a table in use, or that cannot be taken back."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.database.errors import CheckError

TIMEOUT = 60  # seconds
# Rules that do not fit, each with the reason.
NOT_FOR_US = {
    "prefer-bigint-over-int": "small counters; every key is a bigint anyway",
    "prefer-bigint-over-smallint": "numbers of few values, each with a check",
    "require-lock-timeout": "sync sets it for every migration",
    "require-statement-timeout": "a migration may take its time; what it must not do is wait for a lock",
}


@dataclass(frozen=True)
class Finding:
    """One finding; `line` counts from 1."""

    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.line}: {self.rule}: {self.message}"


def read(*files: Path) -> list[Finding]:
    """Return the findings in files, which may be one migration or many. Raises CheckError."""
    command = [
        _program(), "--assume-in-transaction", "--pg-version", "15", "--reporter", "json",
        "--exclude", ",".join(NOT_FOR_US), *map(str, files),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CheckError(f"squawk took longer than {TIMEOUT} s") from error
    try:
        return list(_findings(json.loads(done.stdout or "null")))
    except (json.JSONDecodeError, TypeError, KeyError) as error:
        raise CheckError((done.stdout + done.stderr).strip() or "squawk printed nothing") from error


def _findings(reported: list[dict[str, object]]) -> Iterable[Finding]:
    for one in reported:
        yield Finding(int(str(one["line"])) + 1, str(one["rule_name"]), str(one["message"]))


def is_installed() -> bool:
    """Whether squawk is there, which only requirements-dev.txt installs."""
    return _path() is not None


def _path() -> str | None:
    # Beside the interpreter: the virtual environment need not be activated.
    return shutil.which("squawk", path=str(Path(sys.executable).parent)) or shutil.which("squawk")


def _program() -> str:
    program = _path()
    if program is None:
        raise CheckError("squawk is missing: pip install -r requirements-dev.txt")
    return program
