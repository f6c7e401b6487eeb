"""`./switchboard fuzz`: an embedded Postgres, the product's functions, and mutated requests against each.

--count 30000         requests to each function
--seed 1              repeats a run, but for users' ids and the time
--only NAMES          some of: telegram, payments, generations, scheduled
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.fuzz.requests import GENERATORS
from tests.fuzz.run import prepare, run
from tools.database import migrate, schemas
from tools.database.embedded import Server, free_port
from tools.emulator.stack import Stack

PASSWORD = "backend's password"


def main() -> int:
    """Run and print; 1 when something is wrong."""
    parser = argparse.ArgumentParser(
        prog="./switchboard fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(GENERATORS))
    arguments = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="switchboard-fuzz-"))
    server = Server(directory, free_port(), durable=False, generous=True)
    try:
        server.start()
        return _run(server, arguments)
    finally:
        server.remove()
        shutil.rmtree(directory, ignore_errors=True)


def _run(server: Server, arguments: argparse.Namespace) -> int:
    owner_url = server.create_database("fuzz")
    migrate.sync(owner_url, PASSWORD)
    schemas.seed(owner_url)
    backend_url = server.url("fuzz", "bot_backend", PASSWORD)
    env = {"RESPONSE_TIMEOUT": "5", "THREADS": "20", "ADMIN_TELEGRAM_IDS": "777000111"}
    stack = Stack(backend_url, env=env, retry_scale=0.05)
    stack.start()
    try:
        world, problems = prepare(stack, server.url("fuzz", "supabase_admin")), 0
        for name in arguments.only:
            result = run(stack, world, name, seed=arguments.seed, count=arguments.count)
            sys.stdout.write(result.text() + "\n")
            sys.stdout.flush()
            problems += len(result.problems)
        return 1 if problems else 0
    finally:
        stack.stop()


if __name__ == "__main__":
    sys.exit(main())
