"""A job goes through its states once; every end without a result releases its price once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.supabase.generations.jobs import Job, Painter, Sql, messages
from tests.support import in_parallel


@pytest.fixture
def job(anna: Painter) -> Job:
    """Return a reserved picture for 4 requests, behind which stand $0.10."""
    return anna.job(p_requests=4, p_max_cost="0.10")


def test_from_reservation_to_delivery(anna: Painter, job: Job, sql: Sql) -> None:
    job.submit()
    assert job.row["provider_job_id"] == f"job-{job.id}"
    assert not job.claim()  # the first poll is in ten seconds
    job.finish("0.10")
    assert job.state == "delivered"
    assert (job.charged, job.effects()) == ((4, 0, 0), ["reserved", "settled"])
    assert (job.row["due_at"], job.row["lease_until"], job.row["slot"]) == (None, None, None)
    assert anna.requests == 4
    recorded = sql("select kind, status, cost, tokens_out from api_usage where user_id = %s", anna.user_id)
    assert recorded == [{"kind": "image", "status": "ok", "cost": Decimal("0.10"), "tokens_out": 5}]
    shown = anna.call("get_generation", anna.user_id, job.id)
    assert shown["generation"]["telegram_files"] == [{"kind": "photo", "file_id": "f1"}]
    assert anna.call("get_generation", anna.user_id + 1, job.id) == {"outcome": "unknown"}


@pytest.mark.parametrize(
    ("cost", "charged"), [("0.05", 2), ("0.051", 3), ("0", 0), ("0.2", 4), (None, 4), ("0.1", 4)]
)
def test_the_shown_price_is_the_maximum(anna: Painter, job: Job, cost: str | None, charged: int) -> None:
    job.submit()
    job.finish(cost)
    assert job.charged == (charged, 0, 0)
    assert (anna.requests, anna.month_requests) == (charged, charged)


def test_an_amount_shrinks_with_the_cost_and_is_rounded_to_the_cent(anna: Painter) -> None:
    job = anna.job("video", p_requests=0, p_amount="90.00", p_max_cost="0.8")
    job.submit()
    job.finish("0.3333")
    assert job.charged[2] == Decimal("37.50")  # 37.49625
    assert anna.balance == Decimal("462.50")


def test_bonus_credits_are_given_back_first(anna: Painter, sql: Sql) -> None:
    sql("update subscription_limits set daily_requests = 3 where plan = 'FREE'")
    job = anna.job(p_requests=5, p_max_cost="1")
    job.submit()
    job.finish("0.4")
    assert (job.charged, anna.bonus, anna.requests) == ((2, 0, 0), 10, 2)


def test_a_price_without_cost_behind_it_stands(anna: Painter) -> None:
    job = anna.job(p_requests=4)
    job.submit()
    job.finish("0.01")
    assert job.charged == (4, 0, 0)


@pytest.mark.parametrize("state", ["failed", "refused"])
@pytest.mark.parametrize("reached", ["reserved", "submitting", "submitted", "copied", "succeeded"])
def test_an_end_without_a_result_releases_everything_once(
    anna: Painter, sql: Sql, state: str, reached: str
) -> None:
    sql("update subscription_limits set daily_requests = 3 where plan = 'FREE'")
    job = anna.job(p_requests=5, p_max_cost="1")
    job.claim()
    if reached != "reserved":
        job.begin()
    if reached in ("submitted", "copied", "succeeded"):
        job.submitted()
        job.make_due()
        job.claim()
    if reached in ("copied", "succeeded"):
        job.copied("0.4")
    if reached == "succeeded":
        job.settle()
    assert job.state == reached
    ended = job.end(state, "input")
    assert messages(ended) == [f"generation_{state}_image"]
    assert (job.state, job.charged) == (state, (0, 0, 0))
    assert (anna.bonus, anna.requests, anna.month_requests) == (10, 0, 0)
    assert job.end(state, "input") == {"outcome": "known"}
    assert (anna.bonus, anna.requests, job.effects().count("released")) == (10, 0, 1)
    assert anna.ask()["outcome"] == "reserved"


def test_what_a_refusal_cost_is_the_owner_s(anna: Painter, job: Job, sql: Sql) -> None:
    job.submit()
    job.make_due()
    job.claim()
    job.end("refused", "answered_in_text", cost="0.002")
    recorded = sql("select status, cost from api_usage where user_id = %s", anna.user_id)
    assert recorded == [{"status": "refused", "cost": Decimal("0.002")}]
    assert job.charged == (0, 0, 0)


def test_a_superseded_worker_changes_nothing(job: Job) -> None:
    job.submit()
    job.make_due()
    job.claim()
    old = job.attempt
    job.make_due()
    job.claim()
    assert job.copied(attempt=old) == "superseded"
    for result in (
        job.call("settle_generation", job.id, old),
        job.call("record_delivery", job.id, old, []),
        job.call("postpone_generation", job.id, old, 5),
        job.call("begin_submission", job.id, old),
        job.call("retry_submission", job.id, old, 5, "lost"),
        job.call("end_generation", job.id, old, "failed", "server_error"),
    ):
        assert result == {"outcome": "superseded"}
    assert (job.state, job.effects()) == ("submitted", ["reserved"])


def test_repeated_records_of_one_worker_change_nothing(anna: Painter, job: Job) -> None:
    job.submit()
    job.make_due()
    job.claim()
    for _ in range(2):
        assert job.copied("0.05") == "recorded"
    for _ in range(2):
        assert job.settle()["outcome"] == "settled"
    assert job.copied("0.01") == "superseded"
    for _ in range(2):
        assert job.delivered()["outcome"] == "recorded"
    assert (job.charged, anna.requests) == ((2, 0, 0), 2)


def test_a_submission_that_did_not_arrive_is_sent_again(job: Job) -> None:
    job.claim()
    assert (job.begin(), job.begin()) == ("begun", "superseded")
    assert job.call("retry_submission", job.id, job.attempt, 3, "no connection")["outcome"] == "recorded"
    assert job.state == "reserved"
    assert not job.claim()
    job.make_due()
    job.submit()
    assert job.row["submissions"] == 2


def test_an_unanswered_submission_is_never_claimed_and_expires(anna: Painter, job: Job) -> None:
    job.claim()
    job.begin()
    job.make_due()
    assert not job.claim()
    assert job.expire() == {"expired": 0, "outgoing": []}
    job.pass_deadline()
    results = in_parallel(4, lambda _n: job.expire())
    assert sum(result["expired"] for result in results) == 1
    assert [key for result in results for key in messages(result)] == ["generation_expired_image"]
    assert (job.state, anna.requests, job.effects()) == ("expired", 0, ["reserved", "released"])


def test_a_leased_job_does_not_expire(job: Job) -> None:
    job.claim()
    job.pass_deadline()
    job.sql(
        "update generations set lease_until = private.clock() + interval '1 minute' where id = %s", job.id
    )
    assert job.expire()["expired"] == 0
    assert job.begin() == "over"


def test_a_late_result_is_delivered_and_not_charged(anna: Painter, job: Job) -> None:
    job.claim()
    job.begin()
    job.pass_deadline()
    job.expire()
    other = anna.job()
    assert job.nudge()["outcome"] == "nudged"
    assert job.claim()
    assert job.copied("0.10") == "recorded"
    assert job.settle()["is_late"]
    assert job.delivered()["outcome"] == "recorded"
    assert (job.state, job.charged, other.state, anna.requests) == ("delivered", (0, 0, 0), "reserved", 1)
    assert job.nudge() == {"outcome": "over"}


def test_a_late_callback_of_a_failed_job_is_ignored_unless_its_request_was_not_answered(
    anna: Painter,
) -> None:
    job = anna.job()
    job.submit()
    job.make_due()
    job.claim()
    job.end("failed", "generation_failed")
    assert job.nudge() == {"outcome": "over"}
    job = anna.job()
    job.claim()
    job.begin()
    job.end("failed", "unanswered")
    assert job.nudge()["outcome"] == "nudged"
    assert job.claim()
    assert job.end("failed", "generation_failed") == {"outcome": "known"}
    assert not job.claim()


def test_fifty_callbacks_make_a_job_due_once(job: Job) -> None:
    job.submit()
    assert {result["outcome"] for result in in_parallel(50, lambda _n: job.nudge())} == {"nudged"}
    claims = in_parallel(10, lambda _n: job.call("claim_generations", ["painter"], 5, 60))
    assert sum(len(claimed) for claimed in claims) == 1


def test_a_callback_during_a_lease_makes_the_job_due_at_its_end(job: Job) -> None:
    job.submit()
    job.make_due()
    job.claim()
    assert job.nudge()["outcome"] == "nudged"
    assert not Job(job.sql, job.call, job.id).claim()
    job.call("postpone_generation", job.id, job.attempt, 60)
    assert job.claim()


def test_a_callback_may_come_before_the_answer_of_the_submission(job: Job) -> None:
    job.claim()
    job.begin()
    assert job.nudge()["outcome"] == "nudged"
    assert (job.state, job.row["provider_job_id"]) == ("submitted", f"job-{job.id}")
    assert job.submitted() == "known"
    assert job.claim()


def test_a_callback_with_a_wrong_token_or_name_is_unknown(job: Job) -> None:
    job.submit()
    assert job.nudge(token=uuid4()) == {"outcome": "unknown"}
    assert job.nudge("another") == {"outcome": "unknown"}
    assert not job.claim()


def test_two_jobs_never_have_one_name(anna: Painter, job: Job) -> None:
    job.submit()
    other = anna.job("video")
    other.claim()
    other.begin()
    assert other.submitted(f"job-{job.id}") == "conflict"
    assert other.nudge(f"job-{job.id}") == {"outcome": "unknown"}
    assert other.submitted("its own") == "recorded"
    assert other.submitted("a second") == "conflict"


def test_only_a_job_that_was_not_sent_can_be_canceled(anna: Painter, job: Job) -> None:
    assert anna.call("cancel_generation", anna.user_id + 1, job.id) == {"outcome": "unknown"}
    assert (job.cancel(), job.cancel(), anna.requests) == ("canceled", "canceled", 0)
    other = anna.job()
    other.claim()
    other.begin()
    assert (other.cancel(), anna.requests) == ("too_late", 1)


def test_a_job_that_is_no_longer_waited_for_frees_its_place_once(anna: Painter, job: Job) -> None:
    assert anna.call("mute_generation", anna.user_id + 1, job.id) == {"outcome": "unknown"}
    assert job.mute() == "unknown"  # not sent yet: it can be canceled
    job.submit()
    assert anna.ask()["outcome"] == "unfinished"
    assert (job.mute(), job.mute(), job.row["slot"]) == ("muted", "muted", -1)
    other = anna.job()
    other.submit()
    assert (other.mute(), other.row["slot"]) == ("muted", 1)
    assert anna.ask()["generation"]["id"] == other.id, "the place is taken until the first one ends"
    job.finish()
    assert (job.charged, job.mute()) == ((4, 0, 0), "unknown")
    assert (other.mute(), other.row["slot"]) == ("muted", -1)
    assert anna.ask()["outcome"] == "reserved"


def test_what_comes_of_a_job_that_is_no_longer_waited_for_makes_no_sound(anna: Painter, job: Job) -> None:
    job.submit()
    job.mute()
    job.make_due()
    job.claim()
    (failed,) = job.end()["outgoing"]
    assert failed["parameters"]["disable_notification"] is True
    assert (job.state, job.charged) == ("failed", (0, 0, 0))
    heard = anna.job()
    heard.submit()
    heard.make_due()
    heard.claim()
    assert "disable_notification" not in heard.end()["outgoing"][0]["parameters"]


def test_a_result_that_is_ready_or_late_is_waited_for_no_more_or_still(anna: Painter, job: Job) -> None:
    job.submit()
    job.make_due()
    job.claim()
    job.copied()
    assert job.mute() == "ready"
    late = anna.job("video")
    late.submit()
    late.mute()
    late.pass_deadline()
    late.expire()
    assert (late.state, late.charged) == ("expired", (0, 0, 0))
    assert late.nudge()["outcome"] == "nudged"
    late.claim()
    late.copied()
    settled = late.settle()
    assert (settled["is_late"], settled["is_muted"]) == (True, True)


def test_a_tap_and_the_result_at_once(anna: Painter, job: Job) -> None:
    job.submit()
    job.make_due()
    job.claim()
    outcomes = in_parallel(2, lambda number: job.mute() if number else job.copied())
    assert outcomes[0] == "recorded"
    assert outcomes[1] == ("muted" if job.row["is_muted"] else "ready")
    assert job.settle()["is_muted"] is (outcomes[1] == "muted")


def test_the_status_message_is_deleted_whenever_its_id_becomes_known(anna: Painter, job: Job) -> None:
    anna.call("save_generation_message", job.id, 77)
    assert [
        item["parameters"]["message_id"]
        for item in anna.call("cancel_generation", anna.user_id, job.id)["outgoing"]
    ] == [77]
    running = anna.job()
    running.submit()
    anna.call("save_generation_message", running.id, 79)
    muted = anna.call("mute_generation", anna.user_id, running.id)["outgoing"]
    assert [item["parameters"]["message_id"] for item in muted] == [79]
    again = anna.call("save_generation_message", running.id, 80)["outgoing"]
    assert [item["parameters"]["message_id"] for item in again] == [80]
    assert running.row["status_message_id"] is None
    other = anna.job()
    other.cancel()
    late = anna.call("save_generation_message", other.id, 78)
    assert [(item["method"], item["parameters"]["message_id"]) for item in late["outgoing"]] == [
        ("deleteMessage", 78)
    ]


def test_an_undeliverable_result_stays_charged(anna: Painter, job: Job) -> None:
    job.submit()
    job.make_due()
    job.claim()
    job.copied()
    job.settle()
    job.call("postpone_generation", job.id, job.attempt, 30, "429")
    assert job.row["delivery_failures"] == 1
    job.make_due()
    job.claim()
    job.call("postpone_generation", job.id, job.attempt, None, "blocked")
    assert (job.state, job.row["due_at"], anna.requests) == ("succeeded", None, 4)
    assert anna.ask()["outcome"] == "reserved"


def test_jobs_are_deleted_after_their_retention(job: Job, setting: Callable[[str, float], None]) -> None:
    setting("retention_generations_days", 0)
    job.cancel()
    assert job.call("delete_generations", 10) == {"deleted": 1}
    assert job.call("delete_generations", 10) == {"deleted": 0}
