"""A worker that dies before or after any of its calls, and a callback that comes then.

There is one charge and one delivery, or one release.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.core.texts import text
from shared.generations import worker
from tests.generations.conftest import Customer
from tests.generations.painter import Crashes, Killed, Painter
from tests.supabase.generations.jobs import Call, Job, Sql

Order = Callable[..., Job]
Run = Callable[..., None]
STEPS = 18  # calls of a job that is submitted and polled; fewer where the provider answers at once


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("is_after", [True, False])
def test_a_death_at_any_step_ends_in_one_delivery_or_one_release(
    sql: Sql,
    anna: Customer,
    painter: Painter,
    crashes: Crashes,
    order: Order,
    run: Run,
    at_once: bool,
    is_after: bool,
) -> None:
    painter.at_once, crashes.is_after = at_once, is_after
    reached = set()
    sql("update subscription_limits set daily_requests = 1000 where plan = 'FREE'")
    for step in range(STEPS):
        requests, photos = anna.requests, len(anna.received("photo"))
        submissions = len(painter.submitted)
        crashes.calls.clear()
        crashes.kill_at = step
        job = order(p_reference=f"tap:{at_once}:{is_after}:{step}")
        run()
        crashes.kill_at = None
        if job.state == "submitting":  # nothing is known of its request: its deadline ends it
            job.pass_deadline()
            worker.ending.expire()
        delivered = len(anna.received("photo")) - photos
        killed_at = crashes.calls[step] if step < len(crashes.calls) else ""
        # Telegram has no idempotency key: a death between its answer and the commit sends twice.
        is_in_gap = killed_at == ("upload" if is_after else "db record_delivery")
        reached.add(killed_at)
        # Never a second paid request.
        assert len(painter.submitted) - submissions <= 1
        if job.state == "delivered":
            assert (anna.requests - requests, delivered) == (2, 1 + is_in_gap), (step, crashes.calls)
        else:
            assert job.state in ("expired", "failed"), (step, job.state)
            assert anna.requests == requests
            assert delivered <= is_in_gap
    wanted = {
        "db begin_submission",
        "submit",
        "db record_copied",
        "db settle_generation",
        "upload",
        "db record_delivery",
    }
    if not at_once:
        wanted |= {"db record_submission", "read", "download"}
    assert wanted <= reached


@pytest.mark.parametrize("dies", [True, False])
@pytest.mark.parametrize("is_after", [True, False])
def test_a_callback_at_any_step_changes_neither_price_nor_deliveries(
    sql: Sql,
    call: Call,
    anna: Customer,
    painter: Painter,
    crashes: Crashes,
    order: Order,
    run: Run,
    dies: bool,
    is_after: bool,
) -> None:
    """The worker dies at the same step, or goes on. A callback can name a job whose worker has died."""
    crashes.dies, crashes.is_after = dies, is_after
    sql("update subscription_limits set daily_requests = 1000 where plan = 'FREE'")
    answers = set()
    for step in range(STEPS):
        requests, photos = anna.requests, len(anna.received("photo"))
        submissions = len(painter.submitted)
        crashes.calls.clear()
        job = order(p_reference=f"tap:{dies}:{is_after}:{step}")

        def call_back(token: str = str(job.row["token"]), name: str = f"task-{job.id}") -> None:
            answers.add(call("nudge_generation", "painter", token, name)["outcome"])

        crashes.kill_at, crashes.calls_back = step, call_back
        run()
        crashes.kill_at = None
        struck_at = crashes.calls[step] if step < len(crashes.calls) else ""
        is_submitted = len(painter.submitted) > submissions
        if job.state == "submitting":
            assert not is_submitted, "the callback would have named the job"
            job.pass_deadline()
            worker.ending.expire()
        delivered = len(anna.received("photo")) - photos
        is_in_gap = dies and struck_at == ("upload" if is_after else "db record_delivery")
        assert len(painter.submitted) - submissions <= 1
        if job.state == "delivered":
            assert (anna.requests - requests, delivered) == (2, 1 + is_in_gap), (step, crashes.calls)
        else:
            assert dies, (step, job.state, crashes.calls)
            assert (job.state, anna.requests, delivered) == ("expired", requests, 0), (step, crashes.calls)
    assert answers == {"nudged", "over"}


@pytest.mark.parametrize("is_after", [True, False])
def test_a_late_result_stays_free_and_says_so_after_a_death(
    anna: Customer, painter: Painter, crashes: Crashes, order: Order, run: Run, is_after: bool
) -> None:
    """The worker that delivers it dies; the one that goes on from the stored state says it as well."""
    crashes.is_after = is_after
    reached = set()
    for step in range(STEPS):
        photos = len(anna.received("photo"))
        painter.submit_outcomes.append(Killed())
        job = order(p_reference=f"tap:{is_after}:{step}")
        run()
        job.pass_deadline()
        worker.ending.expire()
        crashes.calls.clear()
        crashes.kill_at = step
        job.nudge(f"task-late-{step}")
        run()
        crashes.kill_at = None
        run()
        reached.add(crashes.calls[step] if step < len(crashes.calls) else "")
        late = anna.received("photo")[photos:]
        assert late or job.state == "expired", (step, crashes.calls)
        assert {photo.text for photo in late} <= {text("en", "generation_late")}, (step, crashes.calls)
        assert anna.requests == 0
    assert {"db record_copied", "db settle_generation", "upload", "db record_delivery"} <= reached
