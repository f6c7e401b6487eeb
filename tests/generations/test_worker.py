"""A worker takes a job from the reservation to its message, or releases its price."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from time import monotonic

import pytest

from shared.ai.media.contract import Cause, Failed, RefusalKind, Refused, Submitted
from shared.core.texts import text
from shared.generations import worker
from shared.generations.polling import pause
from tests.generations.conftest import Customer
from tests.generations.painter import Killed, Painter
from tests.supabase.generations.jobs import Job, Sql
from tests.support import in_parallel
from tools.emulator.stack import Stack
from tools.emulator.telegram.faults import Fault

Order = Callable[..., Job]
Run = Callable[..., None]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_picture_is_made_delivered_and_charged(
    anna: Customer, painter: Painter, order: Order, run: Run, at_once: bool
) -> None:
    painter.at_once = at_once
    job = order(p_reply_to=5)
    run()
    (photo,) = anna.received("photo")
    assert (job.state, job.charged, anna.requests) == ("delivered", (2, 0, 0), 2)
    assert job.row["telegram_files"] == [{"kind": "photo", "file_id": photo.data["photo"][-1]["file_id"]}]
    (request,) = painter.submitted
    assert (request.prompt, request.model, request.job) == ("a cat in a hat", "brush-1", str(job.id))
    assert str(anna.telegram_id) not in request.user_hash


def test_a_video_is_paid_by_what_the_provider_charged(
    anna: Customer, painter: Painter, order: Order, run: Run
) -> None:
    painter.cost = Decimal("0.2")
    job = order("video", p_requests=0, p_amount="90", p_max_cost="0.8")
    run()
    assert (len(anna.received("video")), job.state, anna.balance) == (1, "delivered", Decimal("477.5"))


def test_polls_wait_longer_each_time(painter: Painter, order: Order, run: Run) -> None:
    painter.read_outcomes = [Submitted("x", 1), Submitted("x", 1)]
    job = order()
    run(3)
    assert (job.state, job.row["polls"]) == ("submitted", 2)
    assert [round(pause(n)) for n in range(7)] == [10, 15, 22, 34, 51, 60, 60]
    run()
    assert job.state == "delivered"


@pytest.mark.parametrize("when", ["submit", "read"])
def test_a_refusal_releases_the_price_and_says_so(
    anna: Customer, painter: Painter, order: Order, run: Run, when: str
) -> None:
    outcomes = painter.submit_outcomes if when == "submit" else painter.read_outcomes
    outcomes.append(Refused(RefusalKind.PERSON, cost_usd=Decimal("0.001")))
    job = order()
    run()
    assert (job.state, job.row["cause"], anna.requests) == ("refused", "person", 0)
    assert anna.texts[-1] == text("en", "generation_refused_image")
    assert len(painter.submitted) == 1


@pytest.mark.parametrize("said", ["Which *cat*?", "\0Which *cat*?\0", "Which *cat*? " + "🐈" * 5_000])
def test_what_the_model_says_instead_is_shown(
    anna: Customer, painter: Painter, order: Order, run: Run, said: str
) -> None:
    painter.submit_outcomes.append(Refused(RefusalKind.ANSWERED_IN_TEXT, said))
    order()
    run()
    assert "Which *cat*?" in anna.texts[-1]
    assert anna.requests == 0


def test_only_a_request_that_did_not_arrive_is_sent_again(
    anna: Customer, painter: Painter, order: Order, run: Run
) -> None:
    painter.submit_outcomes.append(Failed(Cause.UNREACHABLE, True, False, "no connection"))
    job = order()
    run()
    assert (len(painter.submitted), job.state) == (2, "delivered")
    painter.submit_outcomes.append(Failed(Cause.CONNECTION_LOST, False, None, "lost"))
    job = order()
    run()
    assert (len(painter.submitted), job.state, job.row["cause"]) == (3, "failed", "unanswered")
    assert (anna.requests, anna.texts[-1]) == (2, text("en", "generation_failed_image"))


def test_a_provider_that_never_gets_it_ends_the_job(
    anna: Customer, painter: Painter, order: Order, run: Run
) -> None:
    painter.submit_outcomes = [Failed(Cause.RATE_LIMITED, True, False, "429", 900)] * 9
    job = order()
    run()
    assert (len(painter.submitted), job.state, anna.requests) == (3, "failed", 0)


def test_a_lost_callback_and_a_silent_provider_end_at_the_deadline(
    anna: Customer, painter: Painter, order: Order, run: Run
) -> None:
    painter.read_outcomes = [Submitted("x", 1)] * 50
    job = order("video", p_requests=0, p_amount="90")
    run(4)
    job.pass_deadline()
    in_parallel(3, lambda _n: worker.ending.expire())
    assert (job.state, anna.balance) == ("expired", 500)
    assert anna.texts.count(text("en", "generation_expired_video")) == 1


def test_a_late_result_is_free(anna: Customer, painter: Painter, order: Order, run: Run) -> None:
    painter.submit_outcomes.append(Killed())
    job = order()
    run(2)
    assert (job.state, len(painter.submitted)) == ("submitting", 1)
    job.pass_deadline()
    worker.ending.expire()
    job.nudge("task-late")
    run(2)
    (photo,) = anna.received("photo")
    assert (photo.text, job.state) == (text("en", "generation_late"), "delivered")
    assert (anna.requests, len(painter.submitted)) == (0, 1)


def test_a_photo_that_telegram_refuses_is_sent_as_a_document(
    anna: Customer, order: Order, run: Run, stack: Stack
) -> None:
    stack.telegram.faults.fail(Fault("sendPhoto", 400, "Bad Request: IMAGE_PROCESS_FAILED"))
    job = order()
    run()
    assert (len(anna.received("document")), job.state) == (1, "delivered")
    assert job.row["telegram_files"][0]["kind"] == "document"


def test_an_outage_of_telegram_is_waited_for(anna: Customer, order: Order, run: Run, stack: Stack) -> None:
    stack.telegram.faults.fail(Fault("sendPhoto", 500, "Internal Server Error", count=2))
    job = order()
    run()
    assert (job.state, len(anna.received("photo")), job.row["delivery_failures"]) == ("delivered", 1, 2)


def test_a_user_who_blocked_the_bot_keeps_the_result(anna: Customer, order: Order, run: Run) -> None:
    job = order()
    anna.user.chat("assistant").block()
    run()
    assert (job.state, job.row["due_at"], anna.requests) == ("succeeded", None, 2)


@pytest.mark.parametrize(("reported", "counted"), [("0.2", "0.2"), (None, "0.8")])
def test_a_result_that_cannot_be_fetched_releases_the_price_and_counts_its_cost(
    anna: Customer, painter: Painter, order: Order, run: Run, sql: Sql, reported: str | None, counted: str
) -> None:
    painter.data, painter.cost = b"", Decimal(reported) if reported else None
    job = order(p_max_cost="0.8")
    run()
    assert (job.state, job.row["cause"], anna.requests) == ("failed", "result_lost", 0)
    (call,) = sql("select status, cost from api_usage where user_id = %s", anna.user_id)
    assert (call["status"], call["cost"]) == ("failed", Decimal(counted))


def test_workers_at_once_make_one_picture(anna: Customer, painter: Painter, order: Order) -> None:
    painter.at_once = True
    job = order()
    in_parallel(4, lambda _n: worker.work_due(monotonic() + 5))
    assert (len(painter.submitted), len(anna.received("photo")), job.state) == (1, 1, "delivered")


def test_the_job_of_the_scheduler_answers(stack: Stack, sql: Sql) -> None:
    assert stack.run_job("generations").json() == {"worked": 0, "expired": 0, "deleted": 0}
