"""A video that is too large for a bot: stored while it arrives and linked to, or given back with a reason."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from shared.ai.media import wire
from shared.core import db
from shared.core.config import settings
from shared.core.texts import text
from shared.generations import worker
from shared.storage import client, files
from shared.telegram import api
from tests import sql_results
from tests.generations.conftest import Customer
from tests.generations.painter import Crashes, Killed
from tests.generations.test_callbacks import Orders
from tests.supabase.generations.jobs import Call, Job, Sql, contradictions
from tests.support import started_user
from tools.emulator.ai.media import MediaBehaviour
from tools.emulator.ai.media.drawings import video
from tools.emulator.stack import Stack
from tools.emulator.telegram.faults import Fault

LIMIT = 100_000  # bytes, instead of 50 MB
LARGE = video("a cat", 64, 36, 4) + struct.pack(">I4s", 300_008, b"free") + bytes(300_000)
PAIR = ("kie_ai", "video")


@pytest.fixture
def orders(
    stack: Stack, sql: Sql, call: Call, backend_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Orders]:
    """Return orders of workers in the process of the test, with the stack's providers and a small limit."""
    for name, value in {**stack.env, "DATABASE_URL": backend_url}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    monkeypatch.setattr(db, "call", sql_results.wrap(db.call))
    monkeypatch.setattr(wire, "MAX_BYTES", LIMIT)
    monkeypatch.setattr(client, "MAX_BYTES", LIMIT)
    sql("update subscription_limits set daily_requests = 1000 where plan = 'FREE'")
    yield Orders(stack, sql, Customer(sql, call, started_user(stack.telegram)))
    stack.media.forget()
    stack.storage.clear()
    db.close()
    settings.cache_clear()
    assert contradictions(sql) == []


def finished(orders: Orders, **behaviour: Any) -> Job:
    """Return a job whose video is made, after the runs that deliver it."""
    orders.stack.media.next(MediaBehaviour(files=(LARGE,), callbacks=0, **behaviour))
    job = orders.place(PAIR)
    run(orders, job)
    return job


def run(orders: Orders, job: Job, times: int = 4) -> None:
    for _ in range(times):
        job.make_due()
        try:
            for one in worker.claim(["kie_ai"], 10):
                worker.work(one)
        except Killed:
            continue


def link_of(orders: Orders) -> str:
    """Return the address of the only button of the only message with a link."""
    (answer,) = [one for one in orders.anna.user.chat("assistant").answers() if "50 MB" in one.text]
    ((button, *_), *_) = answer.data["reply_markup"]["inline_keyboard"]
    assert button["text"] == text("en", "generation_download")
    assert text("en", "generation_link", days=7) in answer.text
    return str(button["url"])


def test_it_is_stored_and_the_user_gets_a_link_that_ends(
    stack: Stack, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = finished(orders)
    assert (job.state, job.charged, job.row["telegram_files"]) == ("delivered", (2, 0, 0), [])
    url = link_of(orders)
    assert urllib3.request("GET", url, retries=False).data == LARGE
    columns = "select size_bytes, status from stored_files where user_id = %s"
    (stored,) = orders.sql(columns, orders.anna.user_id)
    assert stored == {"size_bytes": len(LARGE), "status": "stored"}
    later = stack.clock.now() + 7 * 86_400 + 1
    monkeypatch.setattr(stack.clock, "now", lambda: later)
    assert urllib3.request("GET", url, retries=False).json()["code"] == "ExpiredToken"


def test_without_storage_it_is_given_back_with_the_reason(
    orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPABASE_URL", "")
    monkeypatch.setenv("SUPABASE_SECRET_KEY", "")
    settings.cache_clear()
    job = finished(orders)
    assert (job.state, job.row["cause"], job.charged) == ("failed", "too_large", (0, 0, 0))
    assert orders.anna.texts[-1] == text("en", "generation_too_large")


def test_a_project_that_takes_no_such_file_gives_it_back(stack: Stack, orders: Orders) -> None:
    stack.storage.fail("upload", "EntityTooLarge", times=None)
    job = finished(orders)
    assert (job.state, job.row["cause"], job.charged) == ("failed", "too_large", (0, 0, 0))


def test_larger_than_we_store_it_is_given_back(orders: Orders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.storage.MAX_LARGE_BYTES", len(LARGE) - 1)
    job = finished(orders)
    assert (job.state, job.row["cause"]) == ("failed", "too_large")
    (call,) = orders.sql("select status, cost from api_usage where user_id = %s", orders.anna.user_id)
    assert call["status"] == "failed"
    assert call["cost"] > 0
    assert orders.sql("select from stored_files where user_id = %s", orders.anna.user_id) == []


def test_an_outage_of_storage_is_waited_for(stack: Stack, orders: Orders) -> None:
    stack.storage.fail("upload", "DatabaseTimeout", times=1)
    stack.storage.fail("sign", "DatabaseTimeout", times=1)
    job = finished(orders)
    assert job.state == "delivered"
    assert link_of(orders)


def test_what_telegram_finds_too_large_is_linked_to(
    stack: Stack, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_BYTES", 10 * LIMIT)
    stack.telegram.faults.fail(Fault("sendVideo", 413, "Request Entity Too Large", count=9))
    job = finished(orders)
    stack.telegram.faults.clear()
    assert (job.state, job.charged) == ("delivered", (2, 0, 0))
    assert orders.anna.received("document") == []
    assert link_of(orders)


@pytest.mark.parametrize("is_after", [True, False])
def test_a_death_at_any_step_ends_in_one_link(
    orders: Orders, monkeypatch: pytest.MonkeyPatch, is_after: bool
) -> None:
    crashes = Crashes()
    crashes.is_after = is_after
    monkeypatch.setattr(db, "call", crashes.wrap("db", db.call))
    monkeypatch.setattr(api, "call", crashes.wrap("call", api.call))
    monkeypatch.setattr(files.Storage, "put", crashes.wrap("put", files.Storage.put))
    for step in range(4, 14):
        before = len([one for one in orders.anna.texts if "50 MB" in one])
        crashes.calls.clear()
        crashes.kill_at = step
        job = finished(orders)
        crashes.kill_at = None
        run(orders, job)
        assert job.state == "delivered", (step, crashes.calls)
        assert job.charged == (2, 0, 0)
        killed = crashes.calls[step] if step < len(crashes.calls) else ""
        in_gap = killed == ("call" if is_after else "db record_delivery")
        sent = len([one for one in orders.anna.texts if "50 MB" in one]) - before
        assert sent == 1 + in_gap, (step, crashes.calls)
