"""The clock that can be moved: the same time everywhere, forward only, and what falls due happens."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from shared.scheduled.jobs import JOBS
from tests.payments import provider_lists
from tests.support import eventually, thorough
from tests.tools.emulator.control.conftest import Api
from tools.database.embedded import Server
from tools.emulator.clock import CLOCK_VARIABLE, TRACE_HEADER, Clock
from tools.emulator.control.bodies import Refused
from tools.emulator.control.owner import OwnerDatabase
from tools.emulator.control.time_travel import Move
from tools.emulator.functions import ROOT
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

RENEWED = (*provider_lists.RENEWING, "stars")
Owner = Callable[..., list[dict[str, Any]]]


def sql_now(owner: Owner) -> datetime:
    now: datetime = owner("select private.clock() as now")[0]["now"]
    return now


def moment(state: Any) -> datetime:
    return datetime.fromisoformat(state["now"])


def test_the_database_the_fakes_and_the_functions_agree(api: Api, control: Stack, owner: Owner) -> None:
    before = sql_now(owner)
    state = api.post("clock/advance", period="minute", times=20, wait=True)
    assert state["status"] == "ready"
    assert timedelta(minutes=20) <= sql_now(owner) - before < timedelta(minutes=22)
    assert abs(sql_now(owner) - moment(state)) < timedelta(seconds=5)
    assert abs(control.telegram.clock.now() - moment(state).timestamp()) < 5
    # A message bears the new date, and the function believes it to be of this second: without a database only
    # a message sent since the process started, by the process's own clock, is answered.
    chat = control.telegram.user("Anna").chat("assistant")
    control.database.down()
    sent = chat.send("/help")
    assert abs(sent.stored.data["date"] - moment(state).timestamp()) < 60
    assert chat.answer(20).text


def test_every_job_that_falls_due_on_the_way_has_run(api: Api, control: Stack) -> None:
    before = api.get("deliveries", kind="job")["deliveries"]
    passed = api.post("clock/advance", seconds=3600, wait=True)["passed"]
    jobs = [one["what"] for one in passed if one["kind"] == "job"]
    hourly = {name for name, job in JOBS.items() if job.schedule.split()[1] == "*"}
    assert hourly <= set(jobs) <= set(JOBS)
    assert {one["status"] for one in passed if one["kind"] == "job"} == {200}
    assert jobs.count("statements") == 1  # once an hour
    assert jobs.count("payments") >= 11  # every five minutes
    # Of so many runs none pushes the chats out of the trace; one that fails is there.
    assert api.get("deliveries", kind="job")["deliveries"] == before
    control.function("scheduled").kill()
    passed = api.post("clock/advance", seconds=60, wait=True)["passed"]
    assert {one["status"] for one in passed} <= {0, 503}
    failed = api.get("deliveries", kind="job", errors=1)["deliveries"]
    assert failed[0]["title"].removeprefix("Scheduler: ") in JOBS


def test_a_move_goes_on_while_its_state_is_asked_for(api: Api, control: Stack) -> None:
    before = control.events.last_id
    assert api.post("clock/advance", seconds=1500)["status"] == "advancing"
    assert "already" in api.refused("clock/advance", period="minute")
    assert eventually(lambda: api.get("clock")["status"] == "ready", 60)
    published = b"".join(piece for number, piece in list(control.events._buffer) if number > before)
    assert b"event: clock" in published
    assert api.get("state")["clock"]["status"] == "ready"


@pytest.mark.parametrize(("body", "words"), [
    ({"seconds": -1}, "forward only"),
    ({"seconds": 0}, "forward only"),
    ({"seconds": "soon"}, "must be a number"),
    ({"seconds": float("nan")}, "must be a number"),
    ({"to": "2020-01-01T00:00:00Z"}, "forward only"),
    ({"to": "tomorrow"}, "period, seconds"),
    ({"period": "century"}, "A period is one of"),
    ({"period": "year", "times": 3}, "two years"),
    ({}, "period, seconds"),
])  # fmt: skip
def test_an_invalid_move_is_refused(api: Api, owner: Owner, body: Any, words: str) -> None:
    before = api.get("clock")["offset"]
    answer = api.send("clock/advance", body)
    assert answer.status == 400
    assert words in answer.json()["error"]
    assert api.get("clock")["offset"] == before


@pytest.mark.slow
@thorough
def test_a_month_and_a_week_charge_every_subscription(
    api: Api, control: Stack, owner: Owner, order: Callable[..., str]
) -> None:
    """Providers renew by themselves, a card that is empty ends a subscription, and so does its payer."""
    chats = {key: control.telegram.user(key).chat("assistant") for key in (*RENEWED, "empty", "canceled")}
    for chat in chats.values():
        chat.send("/start")
    invoices = {}
    for key, chat in chats.items():
        chat.answer()
        provider = {"empty": "stripe", "canceled": "stars"}.get(key, key)
        if provider == "stars":
            _subscribe_with_stars(control, owner, chat)
        else:
            invoices[key] = order(chat, provider, renews=True)
            control.payments[provider].act(invoices[key], "pay")
    first = {key: eventually(lambda chat=chat: _ends_at(owner, chat), 20) for key, chat in chats.items()}
    control.payments["stripe"].act(invoices["empty"], "empty_card")
    (running,) = chats["canceled"].subscriptions
    control.telegram.stars.change(running, "canceled")
    control.telegram.idle(10)
    following = {one["checkout"]: one["provider"] for one in api.get("clock")["next"]}
    assert {invoices[key]: key for key in RENEWED if key != "stars"}.items() <= following.items()

    passed = api.post("clock/advance", seconds=37 * 86400, wait=True)["passed"]

    for key in RENEWED:
        assert _ends_at(owner, chats[key]) >= first[key] + timedelta(days=27), key
    kinds = [one["kind"] for one in passed if one["kind"] != "job"]
    assert kinds.count("renewal") == len(RENEWED)
    assert kinds.count("failed_renewal") == 4
    assert kinds.count("ended") == 2
    assert {one["status"] for one in passed if one["kind"] == "job"} == {200}
    assert (
        _ends_at(owner, chats["canceled"]) is None or _ends_at(owner, chats["canceled"]) == first["canceled"]
    )
    (renewal,) = owner(
        "select r.status from renewals r join users u on u.id = r.user_id where u.telegram_id = %s",
        chats["empty"].id,
    )
    assert renewal["status"] != "active"
    assert invoices["empty"] not in [one["checkout"] for one in api.get("clock")["next"]]


def test_an_unpaid_checkout_expires(api: Api, control: Stack, anna: Chat, order: Callable[..., str]) -> None:
    # A shorter way in smaller steps: in the order's whole day each job would run 24 times.
    invoice = order(anna, "stripe", expires_in=timedelta(minutes=40))
    at = next(one["at"] for one in api.get("clock")["next"] if one["checkout"] == invoice)
    state = api.post("clock/advance", to="next", wait=True)
    assert moment(state) >= datetime.fromisoformat(at)
    assert control.payments["stripe"].invoices[invoice].state == "canceled"
    assert "expired" in [one["kind"] for one in state["passed"]]


def test_a_due_item_is_named_without_its_description(
    api: Api, control: Stack, anna: Chat, order: Callable[..., str]
) -> None:
    invoice = order(anna, "crypto_pay")
    # As the bot fills the one line that this provider has for title and description.
    control.payments["crypto_pay"].invoices[invoice].title = "100 requests. They never expire."
    words = {one["checkout"]: one["what"] for one in api.get("clock")["next"]}
    assert words[invoice] == "Crypto Pay: 100 requests, expires"


def test_the_clock_lists_the_end_of_a_canceled_subscription(
    api: Api, control: Stack, anna: Chat, order: Callable[..., str]
) -> None:
    stripe = control.payments["stripe"]
    invoice = order(anna, "stripe", renews=True)
    stripe.act(invoice, "challenge")
    words = {one["checkout"]: one["what"] for one in api.get("clock")["next"]}
    assert words[invoice].endswith(", expires")
    stripe.act(invoice, "pass_challenge")
    words = {one["checkout"]: one["what"] for one in api.get("clock")["next"]}
    assert words[invoice].endswith(", next charge")
    subscription = stripe.subscriptions[stripe.invoices[invoice].object["subscription"]]
    subscription["cancel_at_period_end"] = True
    words = {one["checkout"]: one["what"] for one in api.get("clock")["next"]}
    assert words[invoice].endswith(", ends")


def test_a_callback_that_waits_is_tried_again_on_the_way(
    api: Api,
    control: Stack,
    owner: Owner,
    anna: Chat,
    order: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    invoice = order(anna, "stripe")
    stripe = control.payments["stripe"]
    monkeypatch.setattr(stripe.callbacks, "_scale", 1000.0)  # by itself it would wait for an hour
    control.database.down()
    stripe.act(invoice, "pay")
    eventually(lambda: [one for one in stripe.callbacks.attempts if one["status"] == 503], 20)
    control.database.up()
    eventually(lambda: control.payments["fake"].probe().status == 200, 20)  # type: ignore[attr-defined]
    api.post("clock/advance", seconds=600, wait=True)
    assert eventually(
        lambda: owner(
            "select o.id from orders o join users u on u.id = o.user_id "
            "where u.telegram_id = %s and o.status = 'completed'",
            anna.id,
        ),
        20,
    )


def test_the_time_outlives_the_emulator(control: Stack, owner_url: str) -> None:
    later = Clock()
    later.advance(max(0.0, OwnerDatabase(owner_url).clock_offset()))
    assert abs(later.now() - control.clock.now()) < 1


def test_a_stack_that_may_not_move_says_why() -> None:
    stack = Stack("postgresql://unused@127.0.0.1:9/none", {}, cannot_move="A real provider is used.")
    try:
        assert stack.api.time_travel.state()["cannot"] == "A real provider is used."
        with pytest.raises(Refused, match="real provider"):
            stack.api.time_travel.advance(Move(period="day"))
    finally:
        stack.stop()


def test_production_has_no_way_to_move_the_clock(server: Server, owner_url: str) -> None:
    replace = (
        "create or replace function private.clock() returns timestamptz language sql as 'select now()'",
        "alter function private.clock() rename to other",
        "drop function private.clock()",
        "create function private.clock_2() returns int language sql as 'select 1'",
        "set role postgres",
    )
    for role in ("bot_backend", "service_role", "anon", "authenticated"):
        for statement in replace:
            with (
                psycopg.connect(owner_url, autocommit=True) as connection,
                pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidSchemaName)),
            ):
                connection.execute(f"set session authorization {role}".encode())
                connection.execute(statement.encode())


def test_a_function_that_is_deployed_knows_nothing_of_the_file(tmp_path: Any) -> None:
    file = tmp_path / "clock"
    file.write_text("86400")
    program = "import time; from shared.core import clock; print(abs(clock.timestamp() - time.time()) < 60)"
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), CLOCK_VARIABLE: str(file)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "True"
    sources = [*ROOT.glob("shared/**/*.py"), *ROOT.glob("functions/**/*.py"), ROOT / "deploy.yaml"]
    hooks = (CLOCK_VARIABLE, TRACE_HEADER, "function_process")
    found = {path for path in sources for word in hooks if word in path.read_text()}
    assert {path.name for path in found} <= {"clock.py"}  # whose docstring names the module that replaces it


def test_only_the_clock_reads_the_time() -> None:
    words = re.compile(r"datetime\.now\(|time\.time\(|utcnow\(|date\.today\(|from time import .*\btime\b")
    for path in ROOT.glob("shared/**/*.py"):
        if path.name != "clock.py":
            assert not words.search(path.read_text()), f"{path}: use shared.core.clock"


def test_a_clock_never_goes_back(tmp_path: Any) -> None:
    clock = Clock()
    with pytest.raises(ValueError, match="forward only"):
        clock.advance(-1)
    clock.advance(5)
    assert float(clock.file.read_text()) == 5.0
    clock.advance(5)
    assert float(clock.file.read_text()) == 10.0
    clock.close()
    assert not clock.file.exists()
    assert abs(clock.moment() - datetime.now(UTC) - timedelta(seconds=10)) < timedelta(seconds=1)


def _subscribe_with_stars(control: Stack, owner: Owner, chat: Chat) -> None:
    made = owner(
        "select create_order((select id from users where telegram_id = %s), 'premium_month', "
        "'telegram_stars', 'XTR', 'assistant', p_renews => true) as made",
        chat.id,
    )[0]["made"]
    parameters = {
        "title": "Premium",
        "description": "A month",
        "payload": str(made["id"]),
        "currency": "XTR",
        "prices": [{"label": "Premium", "amount": int(float(made["amount"]))}],
        "subscription_period": 2592000,
    }
    url = control.telegram.request("assistant", "createInvoiceLink", parameters)
    control.telegram.stars.pay(control.telegram.stars.links[url], chat.user)


def _ends_at(owner: Owner, chat: Chat) -> Any:
    rows = owner(
        "select s.ends_at from subscriptions s join users u on u.id = s.user_id "
        "where u.telegram_id = %s and s.source = 'purchase' and s.status = 'active'",
        chat.id,
    )
    return rows[0]["ends_at"] if rows else None
