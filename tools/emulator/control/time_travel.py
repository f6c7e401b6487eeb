"""Moves the clock forward, as Stripe's test clocks do: everything that falls due is run and waited for."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Annotated

import psycopg
from pydantic import AfterValidator, Field

from shared.scheduled.jobs import JOBS
from tools.database.errors import DatabaseToolError
from tools.emulator.control.bodies import Fields, NoFields, Refused
from tools.emulator.control.owner import OwnerDatabase
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.parts import Parts
from tools.emulator.scheduler import is_due

HOUR, DAY = 3600.0, 86400.0
PERIODS = {
    "minute": 60.0,
    "hour": HOUR,
    "day": DAY,
    "week": 7 * DAY,
    "month": 30 * DAY,
    "year": 365 * DAY,
}
# (longest move, step) in seconds. A step runs each job that fell due in it once.
STEPS = ((2 * HOUR, 300.0), (2 * DAY, HOUR), (float("inf"), DAY))
LONGEST = 2 * 365 * DAY
SETTLE_SECONDS = 10.0  # for the callbacks and updates of one step
KEPT = 200  # events of the last move
SHOWN_NEXT = 20


def _known(period: str) -> str:
    if period not in PERIODS:
        raise ValueError(f"A period is one of {', '.join(PERIODS)}")
    return period


class Move(Fields):
    """How far the clock moves: by periods, by seconds, or to a moment."""

    period: Annotated[str, AfterValidator(_known)] | None = Field(
        None, description="minute, hour, day, week, month (30 days) or year (365 days), or"
    )
    times: float = Field(1, description="so many periods, 1 if left out")
    seconds: float | None = Field(None, description="so many, or")
    to: str = Field("", description='a moment in ISO 8601, or "next" for what falls due by itself next')
    wait: bool = Field(
        False,
        description="true answers when everything has happened, "
        "else the stream's `clock` events report progress",
    )


class TimeTravel:
    """One move at a time; `state` says how far it is."""

    def __init__(self, parts: Parts, owner: OwnerDatabase | None, why_not: str = "") -> None:
        """Refuse every move with the sentence `why_not`, if there is one."""
        self._parts = parts
        self._owner = owner
        self._why_not = why_not or ("" if owner else "This stack has no connection as the database's owner.")
        self._clock = parts.clock
        self._lock = threading.Lock()
        self._begin = self._target = 0.0
        self._is_moving = False
        self._passed: list[Json] = []
        self.get: Routes = {"clock": Route(NoFields, self._state)}
        self.post: Routes = {"clock/advance": Route(Move, self.advance)}

    def restore(self) -> None:
        """Continue with the time that the database was left at by an earlier run."""
        if self._owner is not None:
            self._clock.advance(max(0.0, self._owner.clock_offset() - self._clock.offset))

    def reapply(self) -> None:
        """Move the database's clock again, after a migration may have replaced it."""
        if self._owner is not None and self._clock.offset:
            self._owner.set_clock_offset(self._clock.offset)

    def _state(self, query: NoFields) -> Json:
        """Return the time, what falls due by itself next, and what the last move brought."""
        return self.state()

    def state(self) -> Json:
        """Return the same for the page's state and stream."""
        now = self._clock.now()
        is_moving, whole = self._is_moving, self._target - self._begin
        return {
            "now": _iso(now),
            "offset": round(self._clock.offset, 3),
            "status": "advancing" if is_moving else "ready",
            "target": _iso(self._target) if is_moving else None,
            "done": round(min(1.0, (now - self._begin) / whole), 3) if is_moving and whole else 1.0,
            "periods": list(PERIODS),
            "next": self._next(now)[:SHOWN_NEXT],
            "passed": self._passed[-KEPT:],
            "cannot": self._why_not or None,
        }

    def advance(self, body: Move) -> Json:
        """Move the time forward; what falls due on the way happens: renewals, expiries, scheduled jobs."""
        if self._why_not:
            raise Refused(self._why_not)
        with self._lock:
            if self._is_moving:
                raise Refused("The clock is being moved already: wait until it is ready.")
            now = self._clock.now()
            target = self._wanted(body, now)
            if target <= now:
                raise Refused("Time moves forward only.")
            if target - now > LONGEST:
                raise Refused("At most two years at a time.")
            self._is_moving, self._begin, self._target, self._passed = True, now, target, []
        if body.wait:
            self._run()
        else:
            threading.Thread(target=self._run, daemon=True).start()
        return self.state()

    def _wanted(self, body: Move, now: float) -> float:
        if body.period is not None:
            return now + PERIODS[body.period] * body.times
        if body.seconds is not None:
            return now + body.seconds
        if body.to == "next":
            following = self._next(now)
            if not following:
                raise Refused("Nothing falls due by itself: no subscription runs and no checkout is open.")
            return datetime.fromisoformat(following[0]["at"]).timestamp()
        try:
            return datetime.fromisoformat(body.to).timestamp()
        except (ValueError, OverflowError):
            raise Refused("Say period, seconds, or a moment to go to.") from None

    def _next(self, now: float) -> list[Json]:
        stars = [(at, words, "telegram_stars", None) for at, words in self._parts.telegram.stars.next_due()]
        invoices = [
            (at, words, one.key, invoice.id) for at, words, one, invoice in self._parts.payments.next_due()
        ]
        found = sorted([*stars, *invoices], key=lambda one: one[0])
        return [
            {"at": _iso(max(at, now + 1)), "what": words, "provider": provider, "checkout": invoice}
            for at, words, provider, invoice in found
        ]

    def _run(self) -> None:
        self._parts.scheduler.is_paused = True
        try:
            length = next(step for limit, step in STEPS if self._target - self._begin <= limit)
            while (now := self._clock.now()) < self._target:
                self._step(now, min(self._target, now + length, self._first_due(now)))
                self._publish()
        except (psycopg.Error, DatabaseToolError) as error:
            self._note("failed", f"The clock stopped here: {str(error).strip()}", None)
        finally:
            self._parts.scheduler.is_paused = False
            self._is_moving = False
            self._publish()

    def _first_due(self, now: float) -> float:
        """Return the first moment after now at which something happens by itself."""
        stars = [at for at, _ in self._parts.telegram.stars.next_due()]
        invoices = [at for at, *_ in self._parts.payments.next_due()]
        return min((at for at in (*stars, *invoices) if at > now), default=float("inf"))

    def _step(self, before: float, until: float) -> None:
        """Move to one moment, let what is due happen, then run the jobs that fell due on the way."""
        assert self._owner is not None
        self._owner.set_clock_offset(self._clock.offset + until - before)
        self._clock.advance(until - before)
        telegram, payments = self._parts.telegram, self._parts.payments
        telegram.retry_now()
        renewed = telegram.stars.pass_time()
        for kind, words in [*renewed, *payments.pass_time(until - before)]:
            self._note(kind, words, None)
        payments.settled(SETTLE_SECONDS)
        if renewed and not telegram.held:
            telegram.idle(SETTLE_SECONDS)
        for name, job in JOBS.items():
            if "scheduled" in self._parts.functions and _fell_due(job.schedule, before, until):
                self._note("job", name, self._parts.scheduler.run(name, is_recorded=False).status)

    def _note(self, kind: str, what: str, status: int | None) -> None:
        self._passed.append({"at": _iso(self._clock.now()), "kind": kind, "what": what, "status": status})

    def _publish(self) -> None:
        state = self.state()
        if self._is_moving:  # a long move has hundreds of steps
            state["passed"] = state["passed"][-20:]
        self._parts.events.publish("clock", state)


def _fell_due(schedule: str, before: float, until: float) -> bool:
    """Return whether a schedule names a minute in (before, until]."""
    minute = datetime.fromtimestamp(until - until % 60, UTC)
    while minute.timestamp() > before:
        if is_due(schedule, minute):
            return True
        minute -= timedelta(minutes=1)
    return False


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
