"""Wakes a worker at once, so that a picture does not wait for the next minute.

A task of Cloud Tasks calls the job `generations` of the function `scheduled`, which authorizes it as it does
the scheduler. Optional: without GENERATIONS_QUEUE the job runs each minute. Plain HTTPS and the metadata
server, because the client library is 30 MB.
"""

from __future__ import annotations

import base64
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING

import orjson

from shared.core import clock, http, log
from shared.core.config import settings

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject

TIMEOUT = 3.0  # seconds for each of both calls
_TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105
_ALREADY_EXISTS = 409
_token: tuple[str, float] = ("", 0.0)  # the access token, and until when it is used (monotonic)


def wake(job_id: int) -> bool:
    """Let a worker look for due jobs now; False when nothing was queued, and the next minute's run will.

    Never raises: the job is committed, and the sweep finds it anyway.
    """
    if not settings().generations_queue:
        return False
    try:
        answer = http.post_json(
            f"{settings().cloud_tasks_url}/v2/{settings().generations_queue}/tasks",
            {"task": _task(job_id)},
            timeout=TIMEOUT,
            headers={"Authorization": f"Bearer {_access_token()}"},
        )
    except (http.RequestError, ValueError, KeyError) as error:
        log.warning("no task was queued", action="wakeup_failed", job=job_id, reason=type(error).__name__)
        return False
    is_queued = answer.status in (200, _ALREADY_EXISTS)
    if not is_queued:
        log.alert(
            "Cloud Tasks refuses a task", action="wakeup_failed", job=job_id, status=answer.status,
            reason=answer.data[:300].decode("utf-8", "replace"),
        )  # fmt: skip
    return is_queued


def _task(job_id: int) -> JsonObject:
    """Return the task. Its name drops repetitions within one second; a hash in front spreads names evenly."""
    name = f"{job_id}-{int(clock.timestamp())}"
    return {
        "name": f"{settings().generations_queue}/tasks/{sha256(name.encode()).hexdigest()[:8]}-{name}",
        "dispatchDeadline": "300s",
        "httpRequest": {
            "httpMethod": "POST",
            "url": f"{settings().scheduled_url or settings().public_url + '/scheduled'}/generations",
            "headers": {"Content-Type": "application/json"},
            "body": base64.b64encode(b"{}").decode(),
            "oidcToken": {
                "serviceAccountEmail": settings().scheduler_service_account,
                "audience": f"{settings().public_url}/scheduled",
            },
        },
    }


def _access_token() -> str:
    """Return a token of the function's service account, from the metadata server, and keep it while it is
    valid.

    Raises:
        http.RequestError: the metadata server does not answer.
        KeyError, ValueError: its answer holds no token.
    """
    global _token  # noqa: PLW0603
    if monotonic() >= _token[1]:
        answer = http.request(
            "GET",
            f"http://{settings().metadata_host}{_TOKEN_PATH}",
            timeout=TIMEOUT,
            headers={"Metadata-Flavor": "Google"},
        )
        found = orjson.loads(answer.data)
        _token = (found["access_token"], monotonic() + max(found["expires_in"] - 60, 0))
    return _token[0]
