"""Two instances and a lost database: an update that one may have stored is not answered by the other."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3

from shared.core import clock
from shared.telegram import fallback, responses
from shared.telegram.update import Update
from tests.conftest import FUNCTIONS
from tests.support import eventually, message_update, started_user
from tests.telegram.test_updates import Sql, history_of, requests_of, sent_to
from tools.emulator.ai import AiBehaviour
from tools.emulator.functions import Function
from tools.emulator.stack import Stack

pytestmark = pytest.mark.slow

LATER = "clock_timestamp() + interval '3 minutes'"  # all leases have expired
Post = Callable[[dict[str, Any]], int]


@pytest.fixture
def second(stack: Stack) -> Iterator[Function]:
    """Another instance of the function `telegram`."""
    function = Function("telegram", FUNCTIONS["telegram"], stack.function("telegram").env)
    function.start()
    time.sleep(1)  # dates have whole seconds: messages from now on are newer than the instance
    yield function
    function.stop()


def _post(stack: Stack, function: Function, update: dict[str, Any], bot: str = "assistant") -> int:
    account = stack.telegram.bot(bot)
    headers = stack.telegram.delivery.headers(account, "0" * 32, account.webhook.secret)
    return urllib3.request(
        "POST",
        f"{function.url}/{bot}",
        body=json.dumps(update).encode(),
        headers=headers,
        retries=False,
        timeout=60,
    ).status


def _answers(stack: Stack, chat_id: int, question: str) -> tuple[int, int]:
    """Return how often the question was answered and how often the AI was called."""
    asked = [r for r in stack.ai.requests if r["messages"][-1]["content"] == question]
    return sent_to(stack, chat_id).count(f"Answer to {question}"), len(asked)


def _until_taken(stack: Stack, function: Function, update: dict[str, Any]) -> None:
    eventually(lambda: _post(stack, function, update) == 200, 40)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_update_that_may_be_stored_is_answered_once(
    stack: Stack, second: Function, sql: Sql, clock: Callable[[str], None], when: Any
) -> None:
    anna = started_user(stack.telegram)
    question = f"hello {anna.id}"
    stack.ai.always(AiBehaviour(text=f"Answer to {question}"))
    stack.database.on("receive_update", when=when, do=stack.database.down)
    update = message_update(anna, question)
    assert stack.telegram.deliver(update).status == 503
    assert _post(stack, second, update) == 503
    assert _answers(stack, anna.id, question) == (0, 0)

    stack.database.up()
    _until_taken(stack, second, update)
    clock(LATER)
    assert eventually(lambda: stack.run_job("sweep").status == 200)
    assert stack.telegram.deliver(update).status == 200
    assert _answers(stack, anna.id, question) == (1, 1)
    assert (requests_of(sql, anna.id), len(history_of(sql, anna.id))) == (1, 2)


def test_a_fresh_message_is_answered_without_a_database(stack: Stack, second: Function) -> None:
    anna = started_user(stack.telegram)
    question = f"hello {anna.id}"
    stack.ai.always(AiBehaviour(text=f"Answer to {question}"))
    stack.database.down()
    fresh, old = message_update(anna, question), message_update(anna, question, date=int(time.time()) - 4)
    assert _post(stack, second, old) == 503
    assert eventually(lambda: _post(stack, second, message_update(anna, "/show"), "second") == 200)
    fresh["message"]["date"] = int(time.time())
    assert [_post(stack, second, fresh) for _ in range(3)] == [200, 200, 200]
    stack.database.up()
    assert _post(stack, second, fresh) == 200  # the answer was lost; the AI is not called again
    assert len([r for r in stack.ai.requests if r["messages"][-1]["content"] == question]) == 1


def test_a_new_instance_skips_updates_that_its_predecessor_may_have_stored(
    stack: Stack, second: Function, sql: Sql
) -> None:
    anna = started_user(stack.telegram)
    question = f"hello {anna.id}"
    stack.ai.always(AiBehaviour(text=f"Answer to {question}"))

    def die() -> None:
        stack.database.down()
        second.kill()

    stack.database.on("receive_update", when="after", do=die)
    update = message_update(anna, question)
    with pytest.raises(urllib3.exceptions.HTTPError):
        _post(stack, second, update)
    # The current second: after a slow start, the message must still be older than the instance.
    update["message"]["date"] = int(time.time())
    second.start()
    assert _post(stack, second, update) == 503
    stack.database.up()
    assert eventually(lambda: _post(stack, second, message_update(anna, "/show"), "second") == 200)
    sql(
        "update telegram_updates set lease_until = clock_timestamp() where update_id = %s",
        update["update_id"],
    )
    _until_taken(stack, second, update)
    assert _answers(stack, anna.id, question) == (1, 1)
    assert requests_of(sql, anna.id) == 1


def test_a_button_waits_for_the_database(stack: Stack, second: Function) -> None:
    anna = started_user(stack.telegram)
    stack.database.down()
    update = {
        "update_id": message_update(anna, "")["update_id"],
        "callback_query": {
            "id": "1",
            "from": anna.account.json(),
            "chat_instance": "1",
            "data": "language:en",
            "message": message_update(anna, "Choose")["message"],
        },
    }
    assert _post(stack, second, update) == 503


@pytest.fixture
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that started at 1000.5 s and has received no update."""
    monkeypatch.setattr(fallback, "settings", lambda: SimpleNamespace(database_enabled=True))
    monkeypatch.setattr(fallback, "_started", 1000.5)
    monkeypatch.setattr(fallback, "_delivered", fallback._RecentUpdates[None]())


def _update(kind: str = "message", **content: Any) -> Update:
    chat = {"id": 1, "type": "private"}
    return Update("assistant", 1, kind, {kind: {"message_id": 1, "chat": chat, **content}})


@pytest.mark.parametrize(
    ("arrived", "update", "is_first"),
    [
        (2000.0, _update(date=2000), True),
        (2002.9, _update(date=2000), True),
        (2003.0, _update(date=2000), False),
        (2060.0, _update(date=2000), False),
        (1999.9, _update(date=2000), False),  # our clock is behind by an unknown time
        (2000.5, _update(), False),
        (2000.5, _update(date=None), False),
        (2000.5, _update(date="2000"), False),
        (2000.5, _update(date=[2000]), False),
        (2000.5, _update(date=True), False),
        (1001.5, _update(date=1000), False),  # sent before this process started
        (1001.5, _update(date=1001), True),
        (2000.5, _update("edited_message", date=1500, edit_date=2000), True),
        (2000.5, _update("edited_message", date=2000, edit_date=1500), False),
        (2000.5, _update("edited_message", date=2000), False),
        (2000.5, _update("callback_query", date=2000), False),
        (2000.5, _update("channel_post", date=2000), False),
        (2000.5, _update(date=2000, successful_payment={"currency": "XTR"}), False),
    ],
)
@pytest.mark.usefixtures("fresh_process")
def test_only_the_date_proves_a_first_delivery(
    monkeypatch: pytest.MonkeyPatch, arrived: float, update: Update, is_first: bool
) -> None:
    monkeypatch.setattr(clock, "timestamp", lambda: arrived)
    assert fallback.is_first_delivery(fallback.record_delivery(update)) is is_first
    assert not fallback.is_first_delivery(fallback.record_delivery(update))


def test_retry_after_exceeds_the_age_limit_of_the_fallback() -> None:
    tolerated_clock_lag = 1.0  # seconds
    assert tolerated_clock_lag <= responses.SHORTEST_PAUSE - fallback.FIRST_DELIVERY_SECONDS
    for seconds in (0, 1, 2, 4, 4.9, 5, 600):
        pause = responses.retry_later(seconds).retry_after
        assert pause is not None
        assert responses.SHORTEST_PAUSE <= pause <= responses.LONGEST_PAUSE
