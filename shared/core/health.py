"""`GET /health` of every function: the state of its process, without a secret and without a database call.

With the scheduler's secret (`Authorization: Bearer …`) it calls the database as well.
"""

from __future__ import annotations

import re
from time import monotonic
from typing import TYPE_CHECKING

import orjson

from shared.core import db
from shared.core.config import settings
from shared.core.errors import ConfigError, DatabaseUnavailable
from shared.core.signatures import bearer_token, token_matches

if TYPE_CHECKING:
    from flask import Request

Response = tuple[bytes, int, dict[str, str]]
# A gateway may keep the function's name at the beginning of the path.
_PATH = re.compile(r"/([a-z]+/)?health")


def respond(request: Request) -> Response | None:
    """Answer a request for the health of this process; return None for any other request.

    Status 200: the settings are valid and the database, if called, answered. Otherwise 503.
    """
    if request.method != "GET" or not _PATH.fullmatch(request.path):
        return None
    try:
        secrets = settings().scheduler_secrets
    except ConfigError:
        return _response(503, {"status": "a setting is invalid; see the log"})
    if not settings().database_enabled:
        return _response(200, {"status": "ok", "database": "none: DB_ENABLED=false"})
    calls_database = token_matches(bearer_token(request.headers.get("Authorization")), secrets)
    database = _call_database() if calls_database else {}
    is_healthy = "error" not in database
    body: dict[str, object] = {"status": "ok" if is_healthy else "the database is unavailable"}
    body |= {"circuit": "open" if db.is_failing() else "closed", "pool": db.pool_state()}
    body |= {"database": database} if calls_database else {}
    return _response(200 if is_healthy else 503, body)


def _call_database() -> dict[str, object]:
    started = monotonic()
    try:
        db.call("stale_updates", p_limit=0)  # the cheapest call that reads a table
    except DatabaseUnavailable as error:
        return {"error": str(error)}
    return {"ms": round((monotonic() - started) * 1000, 1)}


def _response(status: int, body: dict[str, object]) -> Response:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return orjson.dumps(body), status, headers
