"""The HTTP side of money: whose call is it, is it stored, and how must the provider be answered.

Success is answered only when everything is committed, in the provider's own words; whatever of ours fails is
answered so that the provider tells it again. What was told and could not be applied is kept with its error
(payment_events).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from shared.core import db, health, log
from shared.core.config import settings
from shared.core.errors import ConfigError, DatabaseUnavailable
from shared.core.receiving import read_body
from shared.payments import notifications, providers
from shared.payments.events import WebhookEvent
from shared.payments.provider import (
    MAX_BODY,
    InvalidPayload,
    InvalidSignature,
    PaymentError,
    PrecheckResult,
    Provider,
    WebhookRequest,
    WebhookResponse,
)

if TYPE_CHECKING:
    from flask import Request

Response = tuple[bytes, int, dict[str, str]]
_TOO_EARLY = "M0002"  # the code of an event about a subscription that nobody has yet


def admits(path: str, _headers: Mapping[str, str]) -> bool:
    """Say whether a body is worth waiting for: most providers prove themselves by it alone."""
    return _names(path)[0] in providers.names()


def respond(request: Request) -> Response:
    """Answer one callback. Never raises: what goes wrong is logged, and the provider told to come again."""
    log.start_trace(request.headers)
    if (answer := health.respond(request)) is not None:
        return answer
    try:
        # A wrong setting is told to whoever calls, also to a deployment's look at us.
        reply = _answer(request) if settings().database_enabled else _refuse_without_database(request)
    except ConfigError as error:
        log.alert(f"a setting is wrong: {error}", action="config_error")
        reply = WebhookResponse(503)
    except Exception as error:
        log.alert("a callback failed", action="webhook_failed", path=request.path, error=str(error))
        reply = WebhookResponse(500)
    return reply.body, reply.status, {"Content-Type": reply.content_type}


def _refuse_without_database(request: Request) -> WebhookResponse:
    log.alert("a callback is refused: DB_ENABLED=false", action="payments_disabled", path=request.path)
    return WebhookResponse(503, b"payments need a database: DB_ENABLED=false")


def _answer(request: Request) -> WebhookResponse:
    name, kind = _names(request.path)
    if name not in providers.names() or not providers.load(name).is_configured():
        return WebhookResponse(404, b"unknown provider")
    provider = providers.load(name)
    if kind not in provider.WEBHOOK_KINDS:
        return WebhookResponse(404, b"unknown kind of callback")
    if request.method not in provider.HTTP_METHODS:
        return WebhookResponse(405, b"method not allowed")
    body = read_body(request, MAX_BODY)
    if body is None:
        log.warning("a callback broke off", action="webhook_rejected", provider=name)
        return WebhookResponse(400, b"malformed or incomplete body")
    if len(body) > MAX_BODY:
        log.warning("a callback is too long", action="webhook_rejected", provider=name)
        return WebhookResponse(413, b"body too large")
    webhook_request = WebhookRequest(
        kind=kind,
        method=request.method,
        headers={header.lower(): value for header, value in request.headers.items()},
        body=body,
        query=request.query_string,
        address=_address(request),
    )
    return receive(provider, webhook_request)


def receive(provider: Provider, request: WebhookRequest) -> WebhookResponse:
    """Verify, understand and record one callback, and answer it in the provider's words."""
    try:
        provider.verify(request)
        event = provider.parse(request)
    except InvalidSignature as reason:
        log.warning(
            "a callback proves nothing",
            action="webhook_signature_invalid",
            provider=provider.key,
            reason=str(reason),
        )
        return provider.rejection_response(request)
    except InvalidPayload as reason:
        # Told again it will be as unusable, until a mended revision is there: a day is given for that.
        is_late = _keep_unusable(provider, request, str(reason))
        return provider.success_response(request) if is_late else provider.retry_response(request)
    except PaymentError as error:
        log.warning(
            "the provider did not answer",
            action="webhook_not_confirmed",
            provider=provider.key,
            reason=str(error),
        )
        return provider.retry_response(request)
    if request.kind in provider.PRECHECK_KINDS:
        return _answer_precheck(provider, request, event)
    try:
        is_stored = record(provider, event, request.body or request.query)
    except DatabaseUnavailable:
        return provider.retry_response(request)
    return provider.success_response(request) if is_stored else provider.retry_response(request)


def record(provider: Provider, event: WebhookEvent, body: bytes) -> bool:
    """Record an event and send the messages that follow; return whether the provider need not tell it again.

    It need not once the event is applied, or given up (a subscription that nobody here has had for a day), or
    a day old: then it is stored, and tried again from here.

    Raises:
        DatabaseUnavailable: it may not be stored.
    """
    started = monotonic()
    told: dict[str, Any] = db.call(
        "record_payment_event",
        p_provider=provider.key,
        p_event_key=event.key,
        p_type=event.type,
        p_body=body.decode("utf-8", "replace").replace("\0", ""),
        p_notices=[payment_event.to_json() for payment_event in event.payment_events],
        p_accept_test=accepts_test_payments(),
    )
    log.info(
        f"payment event: {told['outcome']}",
        action="payment_event",
        provider=provider.key,
        type=event.type,
        outcome=told["outcome"],
        ms=round((monotonic() - started) * 1000, 1),
    )
    if told["outcome"] == "failed":
        # Telling of a subscription before the payment that begins it is quite usual (Stripe).
        tell = log.warning if told["error"].startswith(_TOO_EARLY) else log.alert
        tell(
            "a payment event could not be applied",
            action="payment_event_not_applied",
            provider=provider.key,
            reason=told["error"],
        )
        return bool(told["is_late"])
    if told.get("is_alarm"):
        alarm_ignored(provider.key, told["error"])
    notifications.deliver(told.get("outgoing", ()))
    return True


def alarm_ignored(provider: str, reason: str) -> None:
    """Log that events about a subscription are given up: of another shop on the same account, as a rule."""
    log.alert(
        "a payment event concerns no subscription of ours",
        action="payment_event_ignored",
        provider=provider,
        reason=reason,
    )


def _answer_precheck(provider: Provider, request: WebhookRequest, event: WebhookEvent) -> WebhookResponse:
    """Tell a provider that asks first whether to take the money. Nothing is stored: nothing has happened."""
    asked = event.payment_events[0]
    try:
        verdict = db.call(
            "check_order",
            p_provider=provider.key,
            p_order_id=-1 if asked.order_id is None else asked.order_id,
            p_telegram_id=asked.telegram_id,
            p_amount=asked.amount,
            p_currency=asked.currency,
        )
    except DatabaseUnavailable:
        return provider.retry_response(request)
    if verdict != PrecheckResult.PAYABLE:
        log.warning(
            "a payment was declined", action="payment_declined", provider=provider.key, reason=verdict
        )
    return provider.precheck_response(request, PrecheckResult(verdict))


def accepts_test_payments() -> bool:
    """Whether payments of a provider's test mode give something here: everywhere but in production."""
    return settings().environment != "production"


def _keep_unusable(provider: Provider, request: WebhookRequest, reason: str) -> bool:
    """Keep the words of a callback that makes no sense; return whether it came first a day ago or before."""
    body = request.body or request.query
    try:
        told: dict[str, Any] = db.call(
            "record_payment_event",
            p_provider=provider.key,
            p_event_key=f"unusable:{hashlib.sha256(body).hexdigest()}",
            p_type="unusable",
            p_body=body.decode("utf-8", "replace").replace("\0", ""),
            p_notices=[],
        )
    except DatabaseUnavailable:
        return False
    tell = log.warning if told["outcome"] == "known" else log.alert
    tell(
        "an authentic callback makes no sense",
        action="webhook_payload_invalid",
        provider=provider.key,
        reason=reason,
        bytes=len(body),
    )
    return bool(told.get("is_late"))


def _names(path: str) -> tuple[str, str]:
    """Return provider and kind of a path: `/<provider>[/<kind>]`, also below `/payments`."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["payments"]:
        parts = parts[1:]
    if not 1 <= len(parts) <= 2:
        return "", ""
    return parts[0], parts[1] if len(parts) == 2 else ""


def _address(request: Request) -> str:
    """Return the caller's address as the last proxy we trust saw it, never what the caller wrote before."""
    hops = settings().trusted_proxy_hops
    if not hops:
        return request.remote_addr or ""
    seen = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    return seen[-hops] if len(seen) >= hops else ""
