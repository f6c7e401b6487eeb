"""With a queue of Cloud Tasks, workers are woken within seconds; when it fails, they run each minute."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import monotonic

import pytest

from shared.ai.media.contract import DownloadError, MediaFile, Submitted
from shared.core import cloud_tasks
from shared.core.config import settings
from shared.generations import memory, wakeup, worker
from shared.generations.polling import pause
from tests.generations.conftest import Customer
from tests.generations.painter import Painter
from tests.generations.test_callbacks import DELIVERED, Orders
from tests.supabase.generations.jobs import Call, Sql, contradictions
from tests.supabase.generations.jobs import Painter as SqlUser
from tests.support import eventually, in_parallel, started_user
from tools.emulator.ai.media import MediaBehaviour
from tools.emulator.cloud_tasks import Queue
from tools.emulator.stack import Stack

PAIR = ("kie_ai", "image")
FUNCTIONS = ("generations", "scheduled")


@pytest.fixture
def queue(stack: Stack) -> Iterator[Queue]:
    """Return the queue that the functions use."""
    queue = stack.cloud_tasks.create_queue("generations", max_concurrent_dispatches=3, max_attempts=3)
    with stack.settings(*FUNCTIONS, GENERATIONS_QUEUE=queue.name, KIE_AI_POLL_INTERVAL="2"):
        yield queue
    stack.cloud_tasks.forget()


@pytest.fixture
def orders(stack: Stack, sql: Sql, call: Call) -> Iterator[Orders]:
    yield Orders(stack, sql, Customer(sql, call, started_user(stack.telegram)))
    stack.media.forget()
    assert contradictions(sql) == []


def test_a_callback_delivers_at_once(stack: Stack, queue: Queue, orders: Orders) -> None:
    stack.media.next(MediaBehaviour(reads=50, callbacks=50))
    job = orders.place(PAIR)
    orders.run()
    queue.clear()  # the task of the next poll
    assert in_parallel(1, lambda _n: stack.media.finish()) == [[200] * 50]
    assert 1 <= len(queue.tasks) < 50  # repetitions within a second are one task
    assert stack.cloud_tasks.run() == len(queue.tasks)
    assert {tuple(task.answers) for task in queue.tasks} == {(200,)}
    assert orders.delivered(job) == DELIVERED


def test_without_callbacks_it_is_read_after_two_seconds(stack: Stack, queue: Queue, orders: Orders) -> None:
    stack.media.next(MediaBehaviour(reads=2, callbacks=0))
    job = orders.place(PAIR)
    orders.run()
    (task,) = queue.tasks
    assert task.id.endswith(str(int(task.at)))
    with stack.cloud_tasks.running():
        eventually(lambda: job.state == "delivered", 60)
    assert orders.delivered(job) == DELIVERED
    assert job.row["polls"] == 2


@pytest.mark.parametrize("fault", [0, 403, 429, 503, "slow", "unknown"])
def test_a_queue_that_fails_loses_nothing(
    stack: Stack, queue: Queue, orders: Orders, fault: int | str
) -> None:
    stack.media.next(MediaBehaviour(reads=50))
    job = orders.place(PAIR)
    orders.run()
    if fault == "slow":
        stack.cloud_tasks.delay = cloud_tasks.TIMEOUT + 1
    elif fault == "unknown":
        stack.cloud_tasks.forget()
    else:
        assert isinstance(fault, int)
        stack.cloud_tasks.fault = fault
    queue.clear()
    assert stack.media.finish() == [200]
    orders.run()  # the run of the next minute
    assert orders.delivered(job) == DELIVERED


def test_a_task_of_another_account_is_refused(stack: Stack, queue: Queue, orders: Orders) -> None:
    stack.media.next(MediaBehaviour(reads=50))
    job = orders.place(PAIR)
    orders.run()
    with stack.settings("scheduled", SCHEDULER_SERVICE_ACCOUNT="other@example.iam.gserviceaccount.com"):
        queue.clear()
        assert stack.media.finish() == [200]
        stack.cloud_tasks.run()
        assert {task.answers[0] for task in queue.tasks} == {401}
        assert job.state == "submitted"
    orders.run()
    assert job.state == "delivered"


@pytest.fixture
def queued(stack: Stack, painter: Painter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """Return the queue of workers in the process of the test."""
    queue = stack.cloud_tasks.create_queue("generations")
    monkeypatch.setenv("GENERATIONS_QUEUE", queue.name)
    settings.cache_clear()
    yield queue
    stack.cloud_tasks.forget()


def test_repetitions_are_one_task_and_a_new_lease_is_another(
    stack: Stack, queued: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.core.clock.timestamp", lambda: stack.clock.now() // 1000 * 1000 + 0.5)
    assert all(wakeup.wake(7) for _ in range(3))
    assert wakeup.wake(7, 1)
    assert all(in_parallel(5, lambda _n: wakeup.wake_in(2.0)))
    assert len(queued.tasks) == 3
    later = max(queued.tasks, key=lambda task: task.at)
    assert later.url == f"{stack.url}/scheduled/generations"


def test_pauses_follow_the_provider_with_a_queue(queued: Queue) -> None:
    assert [pause(n, 2) for n in range(4)] == [2, 3, 4.5, 6.75]
    assert pause(50, 2) == 60
    assert pause(0) == 10


@pytest.mark.parametrize("kind", ["video", "image"])
def test_few_videos_are_in_memory_at_once(
    sql: Sql, call: Call, painter: Painter, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    lock, at_once, most = threading.Lock(), [0], [0]

    def download(_file: MediaFile, _deadline: float) -> MediaFile:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        threading.Event().wait(0.2)
        with lock:
            at_once[0] -= 1
        raise DownloadError("no longer there", is_gone=True)

    monkeypatch.setattr(painter, "download", download)
    jobs = [SqlUser(sql, call, bonus=5).job(kind) for _ in range(8)]
    for job in jobs:
        job.submit()
        job.make_due()
    worker.work_due(monotonic() + 20)
    assert {job.state for job in jobs} == {"failed"}
    assert (most[0] > memory.VIDEOS) == (kind == "image")


def test_runs_at_once_share_the_places_of_a_process(
    sql: Sql, call: Call, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, at_once, most = threading.Lock(), [0], [0]

    def submit(request: object, _deadline: float) -> Submitted:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
            number = len(painter.submitted)
            painter.submitted.append(request)  # type: ignore[arg-type]
        threading.Event().wait(0.2)
        with lock:
            at_once[0] -= 1
        return Submitted(f"t{number}", 10)

    monkeypatch.setattr(painter, "submit", submit)
    users = [SqlUser(sql, call, bonus=5) for _ in range(15)]
    jobs = [user.job(kind) for user in users for kind in ("image", "video")]
    in_parallel(3, lambda _n: worker.work_due(monotonic() + 20))
    assert {job.state for job in jobs} == {"submitted"}
    assert len(painter.submitted) == len(jobs)
    assert 1 < most[0] <= worker.THREADS
