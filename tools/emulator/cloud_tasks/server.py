"""Cloud Tasks (docs.cloud.google.com/tasks/docs/reference/rest), and what its callers need of Google.

`POST /v2/projects/P/locations/L/queues/Q/tasks` below /cloud_tasks, the metadata server's access token, and
the certificates that verify the tokens of tasks. Tests send due tasks with `run`, or call `start`.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from tools.emulator.clock import Clock
from tools.emulator.cloud_tasks.queues import Dispatcher, Queue, Task
from tools.emulator.cloud_tasks.tokens import LIFETIME, Signer
from tools.emulator.trace import Trace
from tools.emulator.web import Drop, Request, Response, json_response

Json = dict[str, Any]
BASE = "/cloud_tasks"
CERTIFICATES = "/oauth2/v1/certs"
PARENT = "projects/emulator/locations/local/queues"
ACCOUNT = "switchboard-scheduler@emulator.iam.gserviceaccount.com"
MAX_TASK = 1_000_000  # bytes of a request (Google: 1 MB)
MAX_AHEAD = 30 * 86_400.0  # seconds
_TOKEN = "/computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105
_TASKS = re.compile(r"/cloud_tasks/v2/(projects/[^/]+/locations/[^/]+/queues/[^/]+)/tasks")
_ID = re.compile(r"[A-Za-z0-9_-]{1,500}")
_SECONDS = re.compile(r"(\d+(?:\.\d{1,9})?)s")
_TASK = {"name", "scheduleTime", "dispatchDeadline", "httpRequest"}
_HTTP = {"url", "httpMethod", "headers", "body", "oidcToken"}
_STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
_STATUSES |= {409: "ALREADY_EXISTS", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class CloudTasks:
    """Queues by name, which a test or `up` creates. `delay` and `fault` are how calls to it go."""

    def __init__(
        self, base: Callable[[], str] = lambda: "", trace: Trace | None = None, clock: Clock | None = None
    ) -> None:
        self._base = base
        self._trace = trace or Trace()
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._queues: dict[str, Queue] = {}
        self._signer = Signer()
        self._access_token = "ya29." + secrets.token_urlsafe(32)
        self._dispatcher = Dispatcher(
            lambda: iter(self.queues), self._authorize, self._clock.now, self._trace
        )
        self._stopping = threading.Event()
        self.delay = 0.0  # seconds before a call is answered
        self.fault: int | None = None  # the status of every call; 0: the connection closes

    @property
    def queues(self) -> list[Queue]:
        """Return all queues."""
        with self._lock:
            return list(self._queues.values())

    def create_queue(self, name: str, **limits: int) -> Queue:
        """Create a queue, or return the one of this name with these limits (see `Queue`)."""
        full = f"{PARENT}/{name}"
        with self._lock:
            found = self._queues.get(full)
            if found is None:
                found = self._queues[full] = Queue(full, **limits)
            for limit, value in limits.items():
                setattr(found, limit, value)
            return found

    def run(self) -> int:
        """Send all tasks that are due and wait for the answers; return the number of calls."""
        return self._dispatcher.run()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send tasks by itself meanwhile."""
        self.start()
        try:
            yield
        finally:
            self._dispatcher.stop()

    def start(self) -> None:
        """Send tasks when they are due, until `stop`."""
        self._dispatcher.start()

    # What a fake server has ------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """Return the settings that point the functions at this server."""
        return {
            "CLOUD_TASKS_URL": f"{self._base()}{BASE}",
            "GCE_METADATA_HOST": self._base().partition("://")[2],
            "EMULATOR_CERTIFICATES": f"{self._base()}{CERTIFICATES}",
            "SCHEDULER_SERVICE_ACCOUNT": ACCOUNT,
        }

    def addresses(self) -> dict[str, str]:
        """Return the service with its path."""
        return {"Cloud Tasks": BASE}

    def clear(self) -> None:
        """Purge the queues and end faults."""
        self.delay, self.fault = 0.0, None
        for queue in self.queues:
            queue.clear()

    def forget(self) -> None:
        """Clear, and delete the queues."""
        self.clear()
        with self._lock:
            self._queues.clear()

    def stop(self) -> None:
        """Send nothing any more, and let go of the calls that wait."""
        self._dispatcher.stop()
        self._stopping.set()

    def handle(self, request: Request) -> Response | None:
        """Answer a request; None when its path belongs to another server."""
        if request.path == _TOKEN:
            if request.headers.get("metadata-flavor") != "Google":
                return Response(403, b"Missing Metadata-Flavor:Google header.", "text/html")
            answer = {"access_token": self._access_token, "expires_in": LIFETIME, "token_type": "Bearer"}
            return json_response(answer)
        if request.path == CERTIFICATES:
            return json_response(self._signer.certificates())
        if not request.path.startswith(f"{BASE}/"):
            return None
        self._stopping.wait(self.delay)
        try:
            if self.fault is not None:
                if not self.fault:
                    raise Drop
                raise _Refused(self.fault, "on purpose")
            response = json_response(self._create(request))
        except _Refused as refused:
            error = {
                "code": refused.status,
                "message": str(refused),
                "status": _STATUSES.get(refused.status, ""),
            }
            response = json_response({"error": error}, refused.status)
        return response

    # Creating a task -------------------------------------------------------------------------------------

    def _create(self, request: Request) -> Json:
        if request.headers.get("authorization") != f"Bearer {self._access_token}":
            raise _Refused(401, "Request had invalid authentication credentials.")
        match = _TASKS.fullmatch(request.path)
        if match is None or request.method != "POST":
            raise _Refused(404, "Not found.")
        with self._lock:
            queue = self._queues.get(match[1])
        if queue is None:
            raise _Refused(404, "Queue does not exist.")
        if len(request.body) > MAX_TASK:
            raise _Refused(400, "Task size too large")
        task = self._task(queue, _object(request), self._clock.now())
        if not queue.add(task):
            raise _Refused(409, "A task with this name existed too recently.")
        times = {"createTime": _written(task.created), "scheduleTime": _written(task.at)}
        return {"name": task.name, **times, "view": "BASIC"}

    def _task(self, queue: Queue, body: Json, now: float) -> Task:
        task = _known(body.get("task"), _TASK, "task")
        call = _known(task.get("httpRequest"), _HTTP, "task.http_request")
        token = _known(call.get("oidcToken"), {"serviceAccountEmail", "audience"}, "oidc_token")
        name = task.get("name") or f"{queue.name}/tasks/{secrets.randbits(63)}"
        if not name.startswith(f"{queue.name}/tasks/") or not _ID.fullmatch(name.rpartition("/")[2]):
            raise _Refused(400, "Task name must be formatted: projects/P/locations/L/queues/Q/tasks/T")
        if not str(call.get("url", "")).startswith(("http://", "https://")):
            raise _Refused(400, "HttpRequest.url must start with http:// or https://")
        if not token.get("serviceAccountEmail"):
            raise _Refused(400, "oidc_token.service_account_email is required")
        at = _read(task["scheduleTime"]) if "scheduleTime" in task else now
        if at > now + MAX_AHEAD:
            raise _Refused(400, "The schedule_time must not be more than 30 days in the future.")
        deadline = _SECONDS.fullmatch(str(task.get("dispatchDeadline", "600s")))
        if deadline is None or not 15 <= float(deadline[1]) <= 1800:
            raise _Refused(400, "The dispatch_deadline must be between 15s and 1800s.")
        return Task(
            name=name, url=call["url"], method=call.get("httpMethod", "POST"),
            headers=call.get("headers", {}), body=_bytes(call.get("body", "")),
            account=token["serviceAccountEmail"], audience=token.get("audience") or call["url"],
            deadline=float(deadline[1]), at=max(at, now), created=now,
        )  # fmt: skip

    def _authorize(self, task: Task) -> str:
        return self._signer.token(task.account, task.audience, self._clock.now())


def _object(request: Request) -> Json:
    try:
        body = request.json()
    except ValueError:
        body = None
    return _known(body, {"task", "responseView"}, "request")


def _known(value: object, names: set[str], what: str) -> Json:
    if not isinstance(value, dict):
        raise _Refused(400, f"{what} is required")
    if unknown := value.keys() - names:
        raise _Refused(400, f'Invalid JSON payload received. Unknown name "{min(unknown)}" at "{what}"')
    return value


def _bytes(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raise _Refused(400, "Invalid value at 'task.http_request.body' (TYPE_BYTES)") from None


def _read(text: object) -> float:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _Refused(400, "Invalid value at 'task.schedule_time' (Timestamp)")
    return moment.timestamp()


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
