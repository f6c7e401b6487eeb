"""An erasure during a job removes it; its worker, callback and deadline find nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.supabase.generations.jobs import Call, Job, Painter, Sql
from tests.support import eventually


def erase(sql: Sql, anna: Painter) -> None:
    """Erase her as finish_update does: the user is locked first."""
    sql(
        f"""
        with locked as (select id from users where id = %s for update)
        select private.erase_user(
          jsonb_populate_record(null::telegram_updates, jsonb_build_object('user_id', id)),
          '{{"hash": "{"ab" * 32}", "balance": 500}}'
        )
        from locked
        """,
        anna.user_id,
    )


@pytest.mark.parametrize(
    "reached", ["reserved", "submitting", "submitted", "copied", "succeeded", "delivered"]
)
def test_nothing_is_left_of_an_erased_user_s_job(anna: Painter, sql: Sql, reached: str) -> None:
    job = anna.job(p_requests=0, p_amount="90", p_request={"prompt": "my daughter Nina"})
    job.claim()
    if reached != "reserved":
        job.begin()
    if reached in ("submitted", "copied", "succeeded", "delivered"):
        job.submitted()
        job.make_due()
        job.claim()
    if reached in ("copied", "succeeded", "delivered"):
        job.copied()
    if reached in ("succeeded", "delivered"):
        job.settle()
    if reached == "delivered":
        job.delivered()
    token = job.row["token"]
    erase(sql, anna)
    assert sql("select from generations where id = %s", job.id) == []
    for outcome in (job.begin(), job.copied(), job.settle()["outcome"], job.end()["outcome"]):
        assert outcome == "superseded"
    assert (job.submitted(), job.nudge(token=token)) == ("over", {"outcome": "unknown"})
    assert (job.claim(), job.expire()["expired"]) == (False, 0)
    assert job.call("save_generation_message", job.id, 5) == {"outgoing": []}


def test_a_worker_and_an_erasure_at_once_do_not_deadlock(sql: Sql, call: Call, database_url: str) -> None:
    """The erasure holds the user; the worker waits for the user before it locks the job, and finds none."""
    anna = Painter(sql, call)
    job = anna.job()
    job.submit()
    job.make_due()
    job.claim()
    with psycopg.connect(database_url) as erasing, ThreadPoolExecutor(1) as pool:
        erasing.execute("select from users where id = %s for update", [anna.user_id])
        waiting = pool.submit(job.copied)
        eventually(lambda: sql("select from pg_stat_activity where wait_event_type = 'Lock'"), 10)
        erasing.execute("delete from users where id = %s", [anna.user_id])
        erasing.commit()
        assert waiting.result(10) == "superseded"


def test_the_export_has_jobs_and_prompts(anna: Painter, sql: Sql, call: Call) -> None:
    job = anna.job(p_request={"prompt": "a lake"}, p_requests=2)
    section = sql("select private.generations_section(%s) as jobs", anna.user_id)[0]["jobs"]
    (one,) = section["jobs"]
    assert (one["id"], one["request"]["prompt"], one["state"]) == (job.id, "a lake", "reserved")
    assert "token" not in one
    assert [effect["plan_requests"] for effect in section["effects"]] == [2]
    assert Job(sql, call, job.id).state == "reserved"
