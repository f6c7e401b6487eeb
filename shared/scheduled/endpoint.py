"""The HTTP edge of the jobs. A status outside 2xx makes Cloud Scheduler retry, as set in deploy.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson

from shared.core import health, log
from shared.core.config import settings
from shared.core.errors import ConfigError, DatabaseUnavailable
from shared.scheduled.authorization import is_authorized, may_be_authorized
from shared.scheduled.jobs import JOBS

if TYPE_CHECKING:
    from flask import Request

Response = tuple[bytes, int, dict[str, str]]


def admits(_path: str, headers: Mapping[str, str]) -> bool:
    """Return whether the headers may authorize the call, so that its body is worth reading."""
    return may_be_authorized(headers.get("authorization"))


def respond(request: Request) -> Response:
    """Authorize the call and run the job named in the path. Never raises."""
    log.start_trace(request.headers)
    if (answer := health.respond(request)) is not None:
        return answer
    try:
        return _run(request)
    except ConfigError as error:
        log.alert(f"a setting is wrong: {error}", action="config_error")
        return _response(500, {"error": "a setting is invalid; see the log"})
    except DatabaseUnavailable:
        return _response(503, {"error": "the database is unavailable"})
    except Exception as error:
        log.alert("a job failed", action="job_failed", path=request.path, error=str(error))
        return _response(500, {"error": "the job failed; see the log"})


def _run(request: Request) -> Response:
    if request.method != "POST":
        return _response(405, {"error": "use POST"})
    if not is_authorized(request.headers.get("Authorization")):
        log.warning("an unauthorized job call", action="scheduler_unauthorized", path=request.path)
        return _response(401, {"error": "only the scheduler may call this"})
    name = request.path.removeprefix("/scheduled").strip("/")
    if name not in JOBS:
        return _response(404, {"error": f"no job {name!r}"})
    if not settings().database_enabled:
        return _response(200, {"skipped": "jobs need a database: DB_ENABLED=false"})
    return _response(200, JOBS[name].run())


def _response(status: int, body: Mapping[str, object]) -> Response:
    return orjson.dumps(body), status, {"Content-Type": "application/json"}
