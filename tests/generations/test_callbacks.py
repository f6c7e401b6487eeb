"""Every provider's fake server, from the order to the message; callbacks are lost, repeated, forged, early.

The functions run as processes of their own; a callback reaches them over HTTP.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from uuid import uuid4

import pytest

from shared.core.texts import text
from tests.ai.media.requests import KINDS, MODELS, Variant
from tests.generations.conftest import Customer
from tests.supabase.generations.jobs import Call, Job, Sql, contradictions
from tests.support import eventually, in_parallel, started_user
from tools.emulator.ai.media import MediaBehaviour, veo
from tools.emulator.stack import Stack

Pair = tuple[str, Variant]
PAIRS = sorted(MODELS)
CALLING: list[Pair] = [("kie_ai", "image"), ("kie_ai", "video"), ("openrouter", "video"), ("gemini", "video")]
SECRET = "whsec_YW5vdGhlciBzZWNyZXQgdGhhbiBvdXJz"
REFUSALS = {"kie_ai": "minor", "openrouter": "flagged", "gemini": next(iter(veo.REFUSALS))}
calling = pytest.mark.parametrize("pair", CALLING, ids="-".join)


class Orders:
    """Orders of Anna, and the minutes that pass."""

    def __init__(self, stack: Stack, sql: Sql, anna: Customer) -> None:
        self.stack, self.sql, self.anna = stack, sql, anna

    def place(self, pair: Pair, **values: Any) -> Job:
        model, options = MODELS[pair]
        request = {"prompt": "a cat", "options": asdict(options)}
        more = {"p_provider": pair[0], "p_model": model, "p_request": request, "p_requests": 2, **values}
        return self.anna.job(KINDS[pair[1]], **more)

    def run(self, times: int = 1) -> None:
        """Let the scheduler run the job as often, without making anything due."""
        for _ in range(times):
            assert self.stack.run_job("generations").status == 200

    def pass_pause(self, job: Job) -> None:
        """Let the pause before the next poll be over."""
        job.make_due()

    def delivered(self, job: Job) -> tuple[str, int, tuple[int, int, Any]]:
        """Return the state, the number of files that Anna has, and what was charged."""
        files = [one for kind in ("photo", "video", "document") for one in self.anna.received(kind)]
        return job.state, len(files), job.charged


@pytest.fixture
def orders(stack: Stack, sql: Sql, call: Call) -> Iterator[Orders]:
    """Return orders; afterwards jobs, ledger and quota agree."""
    sql("update subscription_limits set daily_requests = 1000 where plan = 'FREE'")
    yield Orders(stack, sql, Customer(sql, call, started_user(stack.telegram)))
    stack.media.forget()
    assert contradictions(sql) == []


def post(stack: Stack, path: str, body: bytes = b"{}", method: str = "POST") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", stack.function("generations").port, timeout=20)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


FAILED = {"state": "fail", "failCode": "455", "failMsg": "maintenance", "consumeCredits": 0}
DELIVERED = ("delivered", 1, (2, 0, 0))


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_from_the_order_to_the_message(stack: Stack, orders: Orders, pair: Pair) -> None:
    job = orders.place(pair)
    orders.run()
    if job.state == "submitted":
        assert orders.anna.received("photo") == orders.anna.received("video") == []
        if pair in CALLING:
            assert stack.media.finish() == [200]
        orders.pass_pause(job) if pair not in CALLING else None
        orders.run()
    assert orders.delivered(job) == DELIVERED
    (request,) = stack.media.requests
    assert request["provider"] == pair[0]


@calling
class TestCallbacks:
    def submitted(self, orders: Orders, pair: Pair, **behaviour: Any) -> Job:
        orders.stack.media.next(MediaBehaviour(**{"reads": 50, **behaviour}))
        job = orders.place(pair)
        orders.run()
        assert job.state == "submitted"
        return job

    def test_lost(self, stack: Stack, orders: Orders, pair: Pair) -> None:
        job = self.submitted(orders, pair, callbacks=0)
        assert stack.media.finish() == []
        orders.run()
        assert job.state == "submitted"  # the poll comes in time, not at once
        orders.pass_pause(job)
        orders.run()
        assert orders.delivered(job) == DELIVERED

    def test_fifty_at_once(self, stack: Stack, orders: Orders, pair: Pair) -> None:
        job = self.submitted(orders, pair, callbacks=0)
        stack.media.finish()
        answers = in_parallel(50, lambda _n: stack.media.call_back())
        assert answers == [200] * 50
        in_parallel(3, lambda _n: orders.run())
        assert stack.media.call_back() == 200  # after the delivery: nothing to do
        orders.run(2)
        assert orders.delivered(job) == DELIVERED
        assert len(stack.media.requests) == 1

    def test_forged_or_replayed(self, stack: Stack, orders: Orders, pair: Pair) -> None:
        job = self.submitted(orders, pair, callbacks=0)
        stack.media.finish()
        assert stack.media.call_back(forged_secret=SECRET) == 401
        assert stack.media.call_back(signed_ago=301) == 401
        assert stack.media.call_back(signed_ago=-301) == 401
        orders.run()
        assert job.state == "submitted"
        assert stack.media.call_back(signed_ago=250) == 200
        orders.run()
        assert orders.delivered(job) == DELIVERED

    def test_before_the_answer_to_the_request(self, stack: Stack, orders: Orders, pair: Pair) -> None:
        stack.media.next(MediaBehaviour(calls_early=True, reads=50))
        job = orders.place(pair)
        orders.run()
        assert stack.media.jobs.all()[-1].sent == [200]
        if job.state == "submitted":
            # A webhook of the whole project names a job that we do not know yet: it is polled.
            assert pair[0] == "gemini" or job.row["due_at"] <= orders.sql("select now() as n")[0]["n"]
            orders.pass_pause(job)
            orders.run()
        assert orders.delivered(job) == DELIVERED

    def test_after_the_deadline(self, stack: Stack, orders: Orders, pair: Pair) -> None:
        job = self.submitted(orders, pair)
        job.pass_deadline()
        orders.run()
        assert (job.state, job.charged) == ("expired", (0, 0, 0))
        assert stack.media.finish() == [200]
        orders.run()
        assert orders.delivered(job) == ("delivered", 1, (0, 0, 0))
        (answer,) = [one for kind in ("photo", "video") for one in orders.anna.received(kind)]
        assert text("en", "generation_late") in answer.text

    def test_of_a_refusal(self, stack: Stack, orders: Orders, pair: Pair) -> None:
        job = self.submitted(orders, pair, refusal=REFUSALS[pair[0]])
        assert stack.media.finish() == [200]
        orders.run()
        assert orders.delivered(job) == ("refused", 0, (0, 0, 0))

    def test_while_the_database_is_down(self, stack: Stack, orders: Orders, pair: Pair) -> None:
        job = self.submitted(orders, pair, callbacks=0)
        stack.media.finish()
        stack.database.down()
        try:
            assert stack.media.call_back() == 503
            assert stack.media.call_back(forged_secret=SECRET) == 401
        finally:
            stack.database.up()
        eventually(lambda: stack.media.call_back() == 200, 20)
        eventually(lambda: stack.run_job("generations").status == 200, 20)
        assert orders.delivered(job) == DELIVERED

    def test_for_a_job_that_was_deleted(self, stack: Stack, orders: Orders, pair: Pair) -> None:
        job = self.submitted(orders, pair)
        job.pass_deadline()
        orders.run()
        orders.sql("update generations set delete_at = private.clock() where id = %s", job.id)
        orders.run()
        assert orders.anna.jobs() == []
        assert stack.media.finish() == [200]
        assert stack.media.call_back(forged_secret=SECRET) == 401


@pytest.mark.parametrize("pair", [pair for pair in CALLING if pair[0] != "gemini"], ids="-".join)
def test_an_authentic_callback_needs_the_token_of_its_job(stack: Stack, orders: Orders, pair: Pair) -> None:
    stack.media.next(MediaBehaviour(reads=50))
    job = orders.place(pair)
    orders.run()
    (made,) = stack.media.jobs.all()
    assert made.callback_url == f"{stack.url}/generations/{pair[0]}?token={job.row['token']}"
    base = made.callback_url.partition("?")[0]
    for url in (base, f"{base}?token=", f"{base}?token=x", f"{base}?token={uuid4()}"):
        made.callback_url = url
        assert stack.media.call_back() == 200
    assert not job.claim()  # it is not due


def test_a_signed_callback_of_another_job_changes_neither(stack: Stack, orders: Orders) -> None:
    stack.media.next(MediaBehaviour(reads=50), MediaBehaviour(reads=50))
    first, second = orders.place(("kie_ai", "image")), orders.place(("kie_ai", "video"))
    orders.run()
    one, other = stack.media.jobs.all()
    one.callback_url, other.callback_url = other.callback_url, one.callback_url
    for made in (one, other):
        assert stack.media.call_back(made.id) == 200
    assert not first.claim()
    assert not second.claim()


def test_without_a_secret_no_address_is_sent_and_no_callback_taken(stack: Stack, orders: Orders) -> None:
    with stack.settings("generations", "scheduled", KIE_AI_WEBHOOK_SECRET=""):
        job = orders.place(("kie_ai", "image"))
        orders.run()
        assert job.state == "submitted"
        assert stack.media.jobs.all()[-1].callback_url is None
        assert post(stack, "/kie_ai") == (404, b"unknown provider")


def test_a_job_that_another_provider_took_over_ignores_the_first_one(stack: Stack, orders: Orders) -> None:
    """The same provider with another model: the late callback must not name the new request."""
    model, options = MODELS["kie_ai", "image"]
    request = {
        "prompt": "a cat",
        "options": asdict(options),
        "fallbacks": [{"provider": "kie_ai", "model": model, "options": asdict(options)}],
    }
    stack.media.next(
        MediaBehaviour(ends=FAILED, reads=50),
        MediaBehaviour(reads=50, callbacks=0),
    )
    job = orders.place(("kie_ai", "image"), p_request=request)
    orders.run()
    (first,) = stack.media.jobs.all()
    assert stack.media.finish() == [200]
    orders.run()
    assert len(stack.media.requests) == 2
    name = job.row["provider_job_id"]
    assert name != first.id
    assert stack.media.call_back(first.id) == 200
    assert job.row["provider_job_id"] == name
    stack.media.finish()
    orders.pass_pause(job)
    orders.run()
    assert orders.delivered(job) == DELIVERED


Answer = tuple[int, bytes]
UNKNOWN: Answer = (404, b"unknown provider")


@pytest.mark.parametrize(
    ("path", "method", "body", "answer"),
    [
        ("/kie_ai", "POST", b"{}", (401, b"the signature is invalid")),
        ("/generations/kie_ai", "POST", b"{}", (401, b"the signature is invalid")),
        ("/kie_ai?token=x", "POST", b"\xff", (401, b"the signature is invalid")),
        ("/kie_ai", "GET", b"", (405, b"use POST")),
        ("/kie_ai", "POST", b"x" * 1_000_001, (413, b"body too large")),
        ("/openai", "POST", b"{}", UNKNOWN),
        ("/unknown", "POST", b"{}", UNKNOWN),
        ("/", "POST", b"{}", UNKNOWN),
        ("/kie_ai/more", "POST", b"{}", UNKNOWN),
    ],
)
def test_what_is_no_callback(stack: Stack, path: str, method: str, body: bytes, answer: Answer) -> None:
    assert post(stack, path, body, method) == answer


def test_forgeries_raise_no_alarm(stack: Stack) -> None:
    function = stack.function("generations")
    printed = function.printed
    post(stack, "/kie_ai")
    lines = "\n".join(function.lines_after(printed))
    assert "callback_signature_invalid" in lines
    assert "ALERT" not in lines
