"""The HTTP edge of callbacks: a callback is verified, makes its job due, and wakes a worker.

What a callback says is not used: kie.ai's signature does not cover the body. The worker reads the provider's
own state. So a callback is answered within milliseconds, and a lost, repeated or early one does no harm.

200 also for jobs that do not exist (any more): the provider must not send it again. 401 for a bad signature;
503 while the database is down, and the provider sends it again or the job is polled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from shared.ai.media import providers
from shared.ai.media.contract import InvalidCallback
from shared.core import db, health, log
from shared.core.config import settings
from shared.core.errors import ConfigError, DatabaseUnavailable
from shared.core.request_receiver import read_body
from shared.generations import wakeup

if TYPE_CHECKING:
    from flask import Request

    from shared.ai.media.contract import MediaProvider
    from shared.core.sql_types import NudgeGeneration

Response = tuple[bytes, int, dict[str, str]]
MAX_BODY = 1_000_000  # bytes; a callback lists addresses, never files


def admits(path: str, _headers: Mapping[str, str]) -> bool:
    """Whether to wait for the body of a request: callbacks are authenticated by it."""
    return _provider(path) is not None


def respond(request: Request) -> Response:
    """Answer one callback. Never raises."""
    log.start_trace(request.headers)
    if (answer := health.respond(request)) is not None:
        return answer
    try:
        status, text = _respond(request)
    except ConfigError as error:
        log.alert(f"a setting is wrong: {error}", action="config_error")
        status, text = 503, b"a setting is invalid; see the log"
    except DatabaseUnavailable:
        status, text = 503, b"the database is unavailable"
    except Exception as error:
        log.alert("a callback failed", action="callback_failed", path=request.path, error=str(error))
        status, text = 500, b"the callback failed; see the log"
    return text, status, {"Content-Type": "text/plain"}


def _respond(request: Request) -> tuple[int, bytes]:
    if not settings().database_enabled:
        return 503, b"generations need a database: DB_ENABLED=false"
    provider = _provider(request.path)
    if provider is None:
        return 404, b"unknown provider"
    if request.method != "POST":
        return 405, b"use POST"
    body = read_body(request, MAX_BODY)
    if body is None:
        return 400, b"malformed or incomplete body"
    if len(body) > MAX_BODY:
        return 413, b"body too large"
    headers = {header.lower(): value for header, value in request.headers.items()}
    return _receive(provider, headers, body, request.args.get("token", ""))


def _receive(
    provider: MediaProvider, headers: Mapping[str, str], body: bytes, token: str
) -> tuple[int, bytes]:
    try:
        provider_job_id = provider.verify_callback(headers, body)
    except InvalidCallback as error:
        log.warning(
            "a callback is not authentic", action="callback_signature_invalid", provider=provider.key,
            reason=str(error),
        )  # fmt: skip
        return 401, b"the signature is invalid"
    _nudge(provider, token, provider_job_id)
    return 200, b"ok"


def _nudge(provider: MediaProvider, token: str, provider_job_id: str) -> None:
    """Make the job due and wake a worker; an unknown job is no error."""
    try:
        checked = None if provider.has_project_webhook else str(UUID(token))
    except ValueError:
        log.warning("a callback has no token", action="callback_unknown", provider=provider.key)
        return
    nudged: NudgeGeneration = db.call(
        "nudge_generation", p_provider=provider.key, p_token=checked, p_provider_job_id=provider_job_id
    )
    if nudged["outcome"] == "nudged":
        wakeup.wake(nudged["id"], nudged["attempt"])
    else:
        outcome = nudged["outcome"]
        log.info(f"a callback for a job: {outcome}", action="callback_ignored", provider=provider.key)


def _provider(path: str) -> MediaProvider | None:
    """Return the provider of a path: `/<provider>`, also below `/generations`.

    None for one that signs no callbacks, or whose secret is not set: it was given no address to call.
    """
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["generations"]:
        parts = parts[1:]
    if len(parts) != 1 or parts[0] not in providers.names():
        return None
    provider = providers.load(parts[0])
    return provider if provider.signs_callbacks and settings().webhook_secrets(provider.key) else None
