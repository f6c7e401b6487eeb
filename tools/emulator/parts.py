"""The running parts of a stack; each group of API routes gets those that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.emulator.clock import Clock
from tools.emulator.events import Events
from tools.emulator.functions import Function
from tools.emulator.payments import Payments
from tools.emulator.scheduler import Scheduler
from tools.emulator.switches import Switches
from tools.emulator.telegram import Telegram
from tools.emulator.trace import Trace


@dataclass(frozen=True)
class Parts:
    """The parts of one stack."""

    clock: Clock
    trace: Trace
    events: Events
    telegram: Telegram
    payments: Payments
    scheduler: Scheduler
    functions: Mapping[str, Function]
    switches: Switches
    env: Mapping[str, str]  # of the functions
