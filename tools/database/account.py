"""The system account a local Postgres runs under: it refuses root, and containers often are root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.database.errors import ServerError

# Accounts that exist without us creating one; the first is Debian's own for Postgres.
CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """Runs programs as this user; `uid is None` means as the one we are."""

    uid: int | None = None
    gid: int | None = None

    def run(self, *command: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run to the end and return the result, whatever its exit status (timeout in seconds)."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        # C: the messages of initdb and pg_ctl end up in our errors, in one language.
        environment["LC_ALL"] = "C"
        return subprocess.run(
            [str(part) for part in command], user=self.uid, group=self.gid,
            extra_groups=None if self.uid is None else [],
            cwd="/",  # the account may not be allowed where we stand
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip

    def can_run(self, program: Path) -> bool:
        """Whether the account reaches the program and everything it loads."""
        try:
            return self.run(program, "--version").returncode == 0
        except OSError:
            return False

    def can_enter(self, directory: Path) -> bool:
        """Whether the account may pass through every parent of the directory and the directory itself."""
        return self.run("/bin/sh", "-c", 'cd "$0"', directory).returncode == 0

    def own(self, path: Path) -> None:
        """Hand a file or directory over to the account (nothing to do when it is us)."""
        if self.uid is not None:
            os.chown(path, self.uid, -1 if self.gid is None else self.gid)


def account(data: Path) -> Account:
    """Return the account that runs the server of a data directory: its owner if there is one, but not root.

    Raises ServerError when the directory belongs to another user and this process may not become that user.
    """
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise ServerError(f"{data} belongs to another user; remove it or run as that user.")
        return Account()
    if owner:
        return Account(owner, data.stat().st_gid)
    return _unprivileged()


def _unprivileged() -> Account:
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise ServerError(f"Postgres cannot run as root, and none of the users {', '.join(CANDIDATES)} exists.")
