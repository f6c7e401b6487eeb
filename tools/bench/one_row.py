"""The unit of Postgres CPU: what a one-row UPDATE of the same run takes."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from tools.bench.database import Database
from tools.bench.errors import BenchError
from tools.bench.peer import cpu_of
from tools.bench.updates import FIRST_USER, USERS
from tools.database import binaries

_SCRIPT = """
\\set user random(0, :users - 1) + :first
update public.users set last_activity = now() + interval '1 day' where telegram_id = :user;
"""


@dataclass(frozen=True)
class OneRow:
    """Updates users of a database, from as many clients as updates of Telegram come from."""

    database: Database
    clients: int

    def measure(self, seconds: int) -> float:
        """Return the milliseconds of Postgres CPU that one UPDATE takes."""
        command = [
            str(binaries.embedded() / "pgbench"),
            "-n",
            "-T",
            str(seconds),
            f"-Dfirst={FIRST_USER}",
            f"-Dusers={USERS}",
        ]
        command += ["-c", str(self.clients), "-f", "/dev/stdin", self.database.owner_url("bench")]
        before = cpu_of(self.database.postmaster)
        done = subprocess.run(command, input=_SCRIPT, capture_output=True, text=True, check=False)
        cpu = cpu_of(self.database.postmaster) - before
        count = re.search(r"actually processed: (\d+)", done.stdout)
        if count is None:
            raise BenchError(f"pgbench failed: {done.stderr.strip()}")
        return cpu * 1000 / int(count[1])
