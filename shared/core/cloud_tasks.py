"""Create tasks of Cloud Tasks: calls of our functions, now or later (docs.cloud.google.com/tasks).

Plain HTTPS and the metadata server, because the client library is 30 MB.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

import orjson

from shared.core import http, log
from shared.core.config import settings

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject

TIMEOUT = 3.0  # seconds for each of both calls
_TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105
_ALREADY_EXISTS = 409
_DISPATCH_SECONDS = 300
_lock = Lock()
_tokens: dict[str, tuple[str, float]] = {}  # by metadata server: the token, and until when (monotonic)


@dataclass(frozen=True, kw_only=True)
class Task:
    """A POST that a queue sends, again until it is answered with 2xx.

    Attributes:
        name: of several tasks of one name the queue takes the first, also for an hour after it was sent.
        audience: of the token that proves the caller; `account` is the service account that it names.
        at: Unix time before which it is not sent; None: at once.
    """

    name: str
    url: str
    account: str
    audience: str
    body: bytes = b"{}"
    at: float | None = None


def create(queue: str, task: Task) -> bool:
    """Give a task to a queue (`projects/P/locations/L/queues/Q`); return whether the queue has it.

    Never raises: what the task would start must also be started in another way, because the queue may be
    unreachable.
    """
    try:
        answer = http.post_json(
            f"{settings().cloud_tasks_url}/v2/{queue}/tasks",
            {"task": _as_json(queue, task)},
            timeout=TIMEOUT,
            headers={"Authorization": f"Bearer {_access_token()}"},
        )
    except (http.RequestError, ValueError, KeyError, TypeError) as error:
        log.warning("no task was queued", action="task_failed", task=task.name, reason=type(error).__name__)
        return False
    if answer.status in (200, _ALREADY_EXISTS):
        return True
    write = log.warning if answer.status in (429, 500, 503) else log.alert
    write(
        "Cloud Tasks refuses a task", action="task_failed", task=task.name, status=answer.status,
        reason=answer.data[:300].decode("utf-8", "replace"),
    )  # fmt: skip
    return False


def _as_json(queue: str, task: Task) -> JsonObject:
    """Return the task of the API. A hash in front of the name spreads names evenly, as Google advises."""
    result: JsonObject = {
        "name": f"{queue}/tasks/{sha256(task.name.encode()).hexdigest()[:8]}-{task.name}",
        "dispatchDeadline": f"{_DISPATCH_SECONDS}s",
        "httpRequest": {
            "httpMethod": "POST",
            "url": task.url,
            "headers": {"Content-Type": "application/json"},
            "body": base64.b64encode(task.body).decode(),
            "oidcToken": {"serviceAccountEmail": task.account, "audience": task.audience},
        },
    }
    if task.at is not None:
        result["scheduleTime"] = datetime.fromtimestamp(task.at, UTC).isoformat().replace("+00:00", "Z")
    return result


def _access_token() -> str:
    """Return a token of the function's service account, from the metadata server, kept while it is valid.

    Raises:
        http.RequestError: the metadata server does not answer.
        KeyError, TypeError, ValueError: its answer holds no token.
    """
    host = settings().metadata_host
    with _lock:
        token, until = _tokens.get(host, ("", 0.0))
        if monotonic() >= until:
            answer = http.request(
                "GET",
                f"http://{host}{_TOKEN_PATH}",
                timeout=TIMEOUT,
                headers={"Metadata-Flavor": "Google"},
            )
            found = orjson.loads(answer.data)
            token, until = found["access_token"], monotonic() + max(found["expires_in"] - 60, 0)
            _tokens[host] = token, until
    return token
