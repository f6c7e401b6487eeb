"""The fake servers of the services around the backend, except Telegram, which sends updates itself.

The stack's routes, the functions' settings, what tests clear and the table in docs/emulator.md derive from
`FakeServers`. To add a server, write a module or folder with a class that has the methods of `FakeServer`,
and add a field here. A payment provider's server needs no field: `payments` finds it by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Protocol

from tools.emulator.ai import Ai
from tools.emulator.ai.media import Media
from tools.emulator.clock import Clock
from tools.emulator.cloud_tasks import CloudTasks
from tools.emulator.payments import Payments
from tools.emulator.supabase_storage import StorageServer
from tools.emulator.telegram.state import TelegramState
from tools.emulator.telegram_login import LoginServer
from tools.emulator.trace import Trace
from tools.emulator.web import Request, Response


class FakeServer(Protocol):
    """One server, which may stand for several services of a kind."""

    def handle(self, request: Request) -> Response | None:
        """Answer a request; None when its path belongs to another server."""

    def environment(self) -> dict[str, str]:
        """Return the settings that point the functions at this server."""

    def addresses(self) -> dict[str, str]:
        """Return the services by name, each with its path below the emulator's address."""

    def clear(self) -> None:
        """Remove faults, scripted answers and waiting callbacks; keep what was recorded."""

    def forget(self) -> None:
        """Clear, and begin again without anything that was recorded."""

    def stop(self) -> None:
        """End what hangs or waits."""


@dataclass(frozen=True)
class FakeServers:
    """Every server of a stack, in the order in which they are asked for a path."""

    media: Media  # before the chat interfaces, which answer every path below theirs
    ai: Ai
    payments: Payments
    storage: StorageServer
    cloud_tasks: CloudTasks
    login: LoginServer

    def __iter__(self) -> Iterator[FakeServer]:
        return iter([getattr(self, one.name) for one in fields(self)])

    def environment(self) -> dict[str, str]:
        """Return the settings that point the functions at all servers."""
        return {name: value for server in self for name, value in server.environment().items()}

    def clear(self) -> None:
        """Clear all servers."""
        for server in self:
            server.clear()

    def forget(self) -> None:
        """Let all servers begin again."""
        for server in self:
            server.forget()

    def stop(self) -> None:
        """Stop all servers."""
        for server in self:
            server.stop()


def fake_servers(
    base: Callable[[], str],
    trace: Trace,
    *,
    telegram: TelegramState | None = None,
    retry_scale: float = 1.0,
    clock: Clock | None = None,
) -> FakeServers:
    """Make every server; `base` returns the emulator's address once it is known.

    Args:
        telegram: the users who log in; without it there are none.
    """
    return FakeServers(
        Media(trace, base, clock),
        Ai(trace, base),
        Payments(base, trace, retry_scale, clock),
        StorageServer(base, trace, clock),
        CloudTasks(base, trace, clock),
        LoginServer(base, trace, telegram or TelegramState(clock or Clock()), clock),
    )
