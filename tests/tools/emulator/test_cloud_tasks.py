"""The fake Cloud Tasks at the wire level: creation, names, times, retries, limits, tokens."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3
from google.auth import jwt

from tools.emulator.cloud_tasks import CloudTasks, Queue
from tools.emulator.stack import Stack
from tools.emulator.web import HttpServer, Request, Response

ACCOUNT = "caller@emulator.iam.gserviceaccount.com"


class Target:
    """What tasks call; `statuses` are its next answers."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.statuses: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.at_once = self.most = 0
        self._lock = threading.Lock()
        self.server = HttpServer(self._handle)

    def _handle(self, request: Request) -> Response:
        with self._lock:
            self.requests.append(request)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            status = self.statuses.pop(0) if self.statuses else 200
        self.gate.wait(20)
        with self._lock:
            self.at_once -= 1
        return Response(status)


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    target.server.start()
    yield target
    target.gate.set()
    target.server.stop()


@pytest.fixture
def tasks(bare: Stack) -> Iterator[CloudTasks]:
    yield bare.cloud_tasks
    bare.cloud_tasks.forget()


@pytest.fixture
def queue(tasks: CloudTasks) -> Queue:
    return tasks.create_queue("work", max_attempts=3)


class Client:
    """Creates tasks as the functions do."""

    def __init__(self, stack: Stack, queue: Queue, target: Target) -> None:
        self.stack, self.queue, self.target = stack, queue, target

    def token(self) -> str:
        path = "/computeMetadata/v1/instance/service-accounts/default/token"
        headers = {"Metadata-Flavor": "Google"}
        answer = urllib3.request("GET", self.stack.url + path, headers=headers, retries=False)
        return str(answer.json()["access_token"])

    def create(
        self, name: str = "", *, key: str | None = None, queue: str = "", http: Any = None, **more: Any
    ) -> tuple[int, Any]:
        call = {
            "url": f"{self.target.server.url}/job",
            "httpMethod": "POST",
            "body": base64.b64encode(b'{"a": 1}').decode(),
            "headers": {"Content-Type": "application/json"},
            "oidcToken": {"serviceAccountEmail": ACCOUNT, "audience": "https://us.example"},
        } | (http or {})
        task = {"httpRequest": call, **more}
        if name:
            task["name"] = f"{self.queue.name}/tasks/{name}"
        answer = urllib3.request(
            "POST",
            f"{self.stack.url}/cloud_tasks/v2/{queue or self.queue.name}/tasks",
            body=json.dumps({"task": task}),
            headers={"Authorization": f"Bearer {self.token() if key is None else key}"},
            retries=False,
        )
        return answer.status, answer.json()


@pytest.fixture
def client(bare: Stack, queue: Queue, target: Target) -> Client:
    return Client(bare, queue, target)


def test_a_task_calls_its_target_with_a_token(client: Client, tasks: CloudTasks, target: Target) -> None:
    status, task = client.create("one")
    assert (status, task["name"]) == (200, f"{client.queue.name}/tasks/one")
    assert tasks.run() == 1
    (request,) = target.requests
    assert (request.method, request.path, request.json()) == ("POST", "/job", {"a": 1})
    assert request.headers["x-cloudtasks-taskname"] == "one"
    assert request.headers["x-cloudtasks-queuename"] == "work"
    assert request.headers["x-cloudtasks-taskretrycount"] == "0"
    certificates = urllib3.request("GET", f"{client.stack.url}/oauth2/v1/certs", retries=False).json()
    token = request.headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, certs=certificates, audience="https://us.example")  # type: ignore[no-untyped-call]
    assert (claims["email"], claims["email_verified"]) == (ACCOUNT, True)
    assert tasks.run() == 0


def test_a_name_is_taken_once_also_after_its_task(client: Client, tasks: CloudTasks, target: Target) -> None:
    assert [client.create("one")[0] for _ in range(3)] == [200, 409, 409]
    tasks.run()
    status, answer = client.create("one")
    assert (status, answer["error"]["status"]) == (409, "ALREADY_EXISTS")
    tasks.run()
    assert len(target.requests) == 1


def test_a_scheduled_task_waits(client: Client, tasks: CloudTasks, target: Target) -> None:
    at = datetime.fromtimestamp(time.time() + 60, UTC).isoformat()
    assert client.create("later", scheduleTime=at)[0] == 200
    assert tasks.run() == 0
    client.stack.clock.advance(61)
    assert tasks.run() == 1


def test_a_failed_task_is_sent_again_up_to_its_limit(
    client: Client, tasks: CloudTasks, target: Target
) -> None:
    target.statuses = [503, 429, 500, 200]
    client.create("one")
    client.create("other")
    for _ in range(5):
        tasks.run()
        client.stack.clock.advance(1)
    answers = sorted(one.answers for one in client.queue.tasks)
    assert sum(len(one) for one in answers) <= 6
    assert all(one.is_done for one in client.queue.tasks)
    repeated = [one for one in target.requests if one.headers["x-cloudtasks-taskretrycount"] != "0"]
    assert {one.headers["x-cloudtasks-taskpreviousresponse"] for one in repeated} <= {"503", "429", "500"}


def test_the_limit_of_dispatches_holds(client: Client, tasks: CloudTasks, target: Target) -> None:
    client.queue.max_concurrent_dispatches = 2
    for number in range(6):
        client.create(f"t{number}")
    target.gate.clear()
    threading.Timer(0.3, target.gate.set).start()
    assert tasks.run() == 6
    assert target.most == client.queue.most == 2


def test_it_sends_by_itself_once_started(client: Client, tasks: CloudTasks, target: Target) -> None:
    from tests.support import eventually

    with tasks.running():
        client.create("one")
        eventually(lambda: len(target.requests) == 1, 10)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"key": "wrong"}, 401),
        ({"queue": "projects/emulator/locations/local/queues/unknown"}, 404),
        ({"name": "a b"}, 400),
        ({"dispatchDeadline": "5s"}, 400),
        ({"scheduleTime": "tomorrow"}, 400),
        ({"scheduleTime": "2099-01-01T00:00:00Z"}, 400),
        ({"unknown": 1}, 400),
        ({"http": {"oidcToken": {"serviceAccountEmail": ""}}}, 400),
        ({"http": {"url": "/job"}}, 400),
        ({"http": {"body": "?"}}, 400),
        ({"http": {"timeout": 1}}, 400),
    ],
)
def test_what_the_api_refuses(client: Client, more: dict[str, Any], status: int) -> None:
    assert client.create(**{"name": "one", **more})[0] == status
    assert client.queue.tasks == []


def test_the_metadata_server_wants_its_header(bare: Stack) -> None:
    path = "/computeMetadata/v1/instance/service-accounts/default/token"
    assert urllib3.request("GET", bare.url + path, retries=False).status == 403


def test_faults(client: Client, tasks: CloudTasks) -> None:
    tasks.fault = 503
    status, answer = client.create("one")
    assert (status, answer["error"]["status"]) == (503, "UNAVAILABLE")
    tasks.fault = 0
    with pytest.raises(urllib3.exceptions.HTTPError):
        client.create("one")
    tasks.clear()
    assert client.create("one")[0] == 200
