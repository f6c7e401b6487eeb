"""Workers in the process of the test, on the database and the Telegram of the stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.ai.media import providers
from shared.core import db
from shared.core.config import settings
from shared.generations import worker
from shared.telegram import api
from tests import sql_results
from tests.generations.painter import Crashes, Killed, Painter
from tests.supabase.generations.jobs import Call, Job, Sql, contradictions
from tests.supabase.generations.jobs import Painter as SqlUser
from tests.support import started_user
from tools.emulator.stack import Stack
from tools.emulator.telegram.test_objects import Answer
from tools.emulator.telegram.users import TelegramUser


@pytest.fixture
def painter(stack: Stack, backend_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Painter]:
    """Return the only provider; settings of this process are those of the stack's functions."""
    for name, value in {**stack.env, "DATABASE_URL": backend_url}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    fake = Painter()
    monkeypatch.setattr(providers, "names", lambda: ("painter",))
    monkeypatch.setattr(providers, "load", lambda _key: fake)
    monkeypatch.setattr(db, "call", sql_results.wrap(db.call))
    yield fake
    db.close()
    settings.cache_clear()


@pytest.fixture
def crashes(painter: Painter, monkeypatch: pytest.MonkeyPatch) -> Crashes:
    """Count and interrupt what a worker does."""
    found = Crashes()
    monkeypatch.setattr(db, "call", found.wrap("db", db.call))
    monkeypatch.setattr(api, "upload", found.wrap("upload", api.upload))
    monkeypatch.setattr(painter, "submit", found.wrap("submit", painter.submit))
    monkeypatch.setattr(painter, "read", found.wrap("read", painter.read))
    monkeypatch.setattr(painter, "download", found.wrap("download", painter.download))
    return found


class Customer(SqlUser):
    """A user of the emulator who has written to the bot, with requests, credits and a balance."""

    def __init__(self, sql: Sql, call: Call, user: TelegramUser) -> None:
        self.sql, self.call, self.user = sql, call, user
        self.telegram_id = user.id
        sql("update users set bonus_credits = 10 where telegram_id = %s", user.id)
        self.user_id = sql("select id from users where telegram_id = %s", user.id)[0]["id"]
        call("adjust_balance", user.id, "500", "test", f"test:{user.id}")

    def received(self, kind: str) -> list[Answer]:
        """Return the messages with a photo, video or document."""
        return [answer for answer in self.user.chat("assistant").answers() if kind in answer.data]

    @property
    def texts(self) -> list[str]:
        """Return the texts of the bot's messages, those that it deleted left out."""
        return [answer.text for answer in self.user.chat("assistant").answers()]


@pytest.fixture
def anna(stack: Stack, sql: Sql, call: Call, painter: Painter) -> Iterator[Customer]:
    """Return a user; afterwards jobs, ledger and quota agree."""
    yield Customer(sql, call, started_user(stack.telegram))
    assert contradictions(sql) == []


@pytest.fixture
def run(sql: Sql) -> Callable[..., None]:
    """Run workers until nothing is due, as minutes pass: pauses and leases end before each run."""

    def work(times: int = 6) -> None:
        for _ in range(times):
            sql(
                "update generations set lease_until = null,"
                " due_at = case when due_at is not null then private.clock() end"
            )
            try:
                for job in worker.claim(providers.names(), 10):
                    worker.work(job)
            except Killed:
                continue

    return work


@pytest.fixture
def order(anna: Customer) -> Callable[..., Job]:
    """Reserve a job of Anna's."""

    def reserve(kind: str = "image", **values: Any) -> Job:
        return anna.job(kind, **{"p_requests": 2, **values})

    return reserve
