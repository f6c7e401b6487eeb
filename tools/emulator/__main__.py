"""`./switchboard up`: everything on this machine, at one address.

--port 8080             where the page is
--database-port 54322   where Postgres is (the port the Supabase CLI takes for its local stack)
--real openai,telegram  use the real provider with the key of .env instead of the fake one; payment providers
                        (stripe, yookassa, crypto_pay) in their test mode alone
--reset                 begin with an empty database and new users
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from types import FrameType

from tools.launcher.ports import is_free


def main() -> int:
    """Run until Ctrl-C or SIGTERM; 1 and one line that says what is wrong when it cannot."""
    # This check must run on older versions of Python too.
    if sys.version_info < (3, 11):  # noqa: UP036
        print(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    arguments = _parser().parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: _stopped(stop, frame))
    if not is_free(arguments.port):
        print(
            f"Port {arguments.port} is taken. Stop the program that uses it, or choose another port: "
            f"./switchboard up --port {arguments.port + 1}",
            file=sys.stderr,
        )
        return 1
    return _run(arguments, stop)


def ready(url: str) -> str:
    """Return what is printed once everything runs: the addresses, and what each bot is."""
    from shared import bots

    lines = [f"  {name:<10} {bots.load(name).description}" for name in bots.names()]
    return "\n".join(
        [
            "",
            f"Ready: {url}",
            *lines,
            f"  Website:   {url}/console/",
            "(Ctrl-C stops everything; users, chats and data are kept.)",
        ]
    )


def _run(arguments: argparse.Namespace, stop: threading.Event) -> int:
    try:
        import psycopg

        from tools.database.errors import DatabaseToolError
        from tools.emulator.development import Development
        from tools.emulator.environment import SettingMissing
        from tools.emulator.functions import FunctionFailed
        from tools.emulator.lockfile import AlreadyRunning
    except ModuleNotFoundError as missing:
        print(f"{missing.name} is not installed: pip install -r requirements-dev.txt", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    development = None
    try:
        development = Development(arguments.port, arguments.database_port, arguments.real, arguments.reset)
        url = development.start()
        print(ready(url), flush=True)
        stop.wait()
        print("Stopping ...", flush=True)
    except (AlreadyRunning, DatabaseToolError, SettingMissing, FunctionFailed) as error:
        print(error, file=sys.stderr)
        return 1
    except psycopg.Error as error:
        print(f"Postgres: {str(error).strip()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopping ...", flush=True)
    finally:
        if development is not None:
            development.stop()
    return 0


def _stopped(stop: threading.Event, frame: FrameType | None) -> None:
    # The first signal may come during the start, which KeyboardInterrupt ends as well.
    if stop.is_set():
        return
    stop.set()
    raise KeyboardInterrupt


def _port(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= 65535:
        raise argparse.ArgumentTypeError(f"{value} is no port (1 to 65535)")
    return int(value)


def _real(value: str) -> tuple[str, ...]:
    from tools.emulator.environment import PROVIDERS
    from tools.emulator.real_payments import sandboxes

    choices = {*PROVIDERS, *sandboxes(), "telegram"}
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    unknown = sorted(set(names) - choices)
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(sorted(choices))}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./switchboard up",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=_port, default=8080, help=argparse.SUPPRESS)
    parser.add_argument("--database-port", type=_port, default=54322, help=argparse.SUPPRESS)
    parser.add_argument("--real", type=_real, default=(), help=argparse.SUPPRESS)
    parser.add_argument("--reset", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
