"""HTTP edge of payments: reads, verifies and parses a webhook, and answers in the provider's terms.

Success is answered only after everything is committed. Any failure on our side is answered so that the
provider sends the webhook again. An event that was stored but could not be applied keeps its error in
`payment_events`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.core import client_address, db, health, log
from shared.core.config import settings
from shared.core.errors import ConfigError, DatabaseUnavailable
from shared.core.request_receiver import read_body
from shared.payments import providers, recording
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

    from shared.core.sql_types import CheckOrder

Response = tuple[bytes, int, dict[str, str]]
_NO_ORDER = -1  # the id of no order: `check_order` answers that it does not exist


def admits(path: str, _headers: Mapping[str, str]) -> bool:
    """Whether to wait for the body of a request: most providers are authenticated by the body alone."""
    return _provider_and_kind(path)[0] in providers.names()


def respond(request: Request) -> Response:
    """Answer one webhook. Never raises: an error is logged, and the provider is asked to retry."""
    log.start_trace(request.headers)
    if (answer := health.respond(request)) is not None:
        return answer
    try:
        # An invalid setting fails every request, also the one with which a deployment checks this function.
        response = _respond(request) if settings().database_enabled else _refuse_without_database(request)
    except ConfigError as error:
        log.alert(f"a setting is wrong: {error}", action="config_error")
        response = WebhookResponse(503)
    except Exception as error:
        log.alert("a webhook failed", action="webhook_failed", path=request.path, error=str(error))
        response = WebhookResponse(500)
    return response.body, response.status, {"Content-Type": response.content_type}


def receive(provider: Provider, request: WebhookRequest) -> WebhookResponse:
    """Verify, parse and record one webhook; return the provider's response."""
    try:
        provider.verify(request)
        event = provider.parse(request)
    except InvalidSignature as error:
        _warn("a webhook is not authentic", "webhook_signature_invalid", provider, error)
        return provider.rejection_response(request)
    except InvalidPayload as error:
        # Retries can be parsed once a corrected revision is deployed: a day is allowed for that.
        is_late = recording.record_invalid(provider, request.body or request.query, str(error))
        return provider.success_response(request) if is_late else provider.retry_response(request)
    except PaymentError as error:
        _warn("the provider did not answer", "webhook_not_confirmed", provider, error)
        return provider.retry_response(request)
    if request.kind in provider.PRECHECK_KINDS:
        return _answer_precheck(provider, request, event)
    try:
        is_done = recording.record(provider, event, request.body or request.query)
    except DatabaseUnavailable:
        return provider.retry_response(request)
    return provider.success_response(request) if is_done else provider.retry_response(request)


def _refuse_without_database(request: Request) -> WebhookResponse:
    log.alert("a webhook is refused: DB_ENABLED=false", action="payments_disabled", path=request.path)
    return WebhookResponse(503, b"payments need a database: DB_ENABLED=false")


def _respond(request: Request) -> WebhookResponse:
    name, kind = _provider_and_kind(request.path)
    if name not in providers.names() or not providers.load(name).is_configured():
        return WebhookResponse(404, b"unknown provider")
    provider = providers.load(name)
    if kind not in provider.WEBHOOK_KINDS:
        return WebhookResponse(404, b"unknown kind of callback")
    if request.method not in provider.HTTP_METHODS:
        return WebhookResponse(405, b"method not allowed")
    body = read_body(request, MAX_BODY)
    if body is None:
        log.warning("the body of a webhook is incomplete", action="webhook_rejected", provider=name)
        return WebhookResponse(400, b"malformed or incomplete body")
    if len(body) > MAX_BODY:
        log.warning("the body of a webhook is too large", action="webhook_rejected", provider=name)
        return WebhookResponse(413, b"body too large")
    webhook_request = WebhookRequest(
        kind=kind,
        method=request.method,
        headers={header.lower(): value for header, value in request.headers.items()},
        body=body,
        query=request.query_string,
        client_address=client_address.of(request),
    )
    return receive(provider, webhook_request)


def _answer_precheck(provider: Provider, request: WebhookRequest, event: WebhookEvent) -> WebhookResponse:
    """Answer a provider's pre-payment check (read-only)."""
    payment_event = event.payment_events[0]
    try:
        checked: CheckOrder = db.call(
            "check_order",
            p_provider=provider.key,
            p_order_id=_NO_ORDER if payment_event.order_id is None else payment_event.order_id,
            p_telegram_id=payment_event.telegram_id,
            p_amount=payment_event.amount,
            p_currency=payment_event.currency,
        )
    except DatabaseUnavailable:
        return provider.retry_response(request)
    result = PrecheckResult(checked)
    if result is not PrecheckResult.PAYABLE:
        _warn("a payment was declined", "payment_declined", provider, result)
    return provider.precheck_response(request, result)


def _warn(message: str, action: str, provider: Provider, reason: object) -> None:
    log.warning(message, action=action, provider=provider.key, reason=str(reason))


def _provider_and_kind(path: str) -> tuple[str, str]:
    """Return provider and kind of a path: `/<provider>[/<kind>]`, also below `/payments`."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["payments"]:
        parts = parts[1:]
    if not 1 <= len(parts) <= 2:
        return "", ""
    return parts[0], parts[1] if len(parts) == 2 else ""
