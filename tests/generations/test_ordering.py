"""A handler reserves a job, answers with a status message, and wakes a worker after its answer."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from shared.core import texts
from shared.generations import ordering
from shared.generations.ordering import Order, place
from shared.telegram.context import StateUnavailable
from tests.generations.conftest import Customer
from tests.supabase.generations.jobs import Sql

CAT = Order(kind="image", provider="painter", model="brush-1", prompt="a cat", requests=2)


class Context:
    """What `place` uses of an UpdateContext."""

    def __init__(self, anna: Customer, number: int) -> None:
        self.user = SimpleNamespace(id=anna.user_id)
        self.bot = SimpleNamespace(name="assistant")
        self.update = SimpleNamespace(
            update_id=number, kind="message", chat_id=anna.telegram_id, thread_id=0, message={"message_id": 5}
        )
        self.reference = f"telegram:assistant:{number}"
        self.is_offline = False
        self.replies: list[str] = []
        self.jobs: list[int] = []
        self.after_commit: list[Callable[[], object]] = []

    def rich(self, key: str) -> str:
        assert texts.rich("en", key)
        return key

    def reply(self, key: str) -> None:
        self.replies.append(key)

    def reply_about_generation(self, key: str, job_id: int, _keyboard: object, *, edits: bool) -> None:
        self.replies.append(key)
        self.jobs.append(job_id)


def placed(anna: Customer, number: int, order: Order = CAT) -> Context:
    context: Any = Context(anna, number)
    place(context, order)
    found: Context = context
    return found


def test_an_order_is_reserved_once_and_wakes_a_worker(
    anna: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[int] = []
    monkeypatch.setattr(ordering.wakeup, "wake", woken.append)
    first, again = placed(anna, 71), placed(anna, 71)
    assert first.replies == again.replies == ["generation_started_image"]
    assert first.jobs == again.jobs
    assert (anna.jobs(), anna.requests, woken) == (["reserved"], 2, [])
    for action in first.after_commit:
        action()
    assert woken == first.jobs
    assert placed(anna, 72).replies == ["generation_unfinished_image"]


def test_what_cannot_be_paid_is_said(anna: Customer, sql: Sql) -> None:
    sql("update subscription_limits set daily_requests = 1 where plan = 'FREE'")
    expensive = Order(kind="video", provider="painter", model="brush-1", prompt="a cat", requests=500)
    assert placed(anna, 73, expensive).replies == ["generation_no_requests"]
    assert anna.jobs() == []


def test_nothing_is_reserved_without_a_database(anna: Customer) -> None:
    context: Any = Context(anna, 74)
    context.is_offline = True
    with pytest.raises(StateUnavailable):
        place(context, CAT)
