"""HTTP client of the providers' APIs. Neither its exceptions nor its log lines hold secrets."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import orjson

from shared.core import http, log
from shared.core.http import RequestError, Response
from shared.core.json_types import JsonObject
from shared.payments.events import WebhookEvent
from shared.payments.parsing import get_list, json_object
from shared.payments.provider import ContactRefused, InvalidPayload, PaymentError, RequestRefused

_REFUSED = frozenset({400, 401, 403, 404, 405, 406, 410, 413, 415, 422})
_NOT_EXECUTED = frozenset({402, 429})  # refused as well, but a retry may succeed


def request(
    provider: str,
    method: str,
    url: str,
    *,
    timeout: float,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Send a request and return the response, whatever its status.

    Raises:
        PaymentError: there was no response.
    """
    begin, status = time.perf_counter(), 0
    try:
        answer = http.request(method, url, timeout=timeout, body=body, headers=headers)
        status = answer.status
    except RequestError as error:
        raise PaymentError(f"{provider} did not answer: {error}") from None
    except ValueError:
        # The original message repeats the header, which is the secret.
        raise PaymentError(
            f"{provider}: the key has characters that a header can't hold", not_executed=True
        ) from None
    finally:
        if log.is_debug():
            ms, path = round((time.perf_counter() - begin) * 1000, 1), urlsplit(url).path
            fields = {"provider": provider, "method": method, "path": path, "status": status, "ms": ms}
            log.debug(f"request to {provider}", action="payment_call", **fields)
    return answer


def request_json(
    provider: str,
    method: str,
    url: str,
    *,
    timeout: float,
    body: JsonObject | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Send a request with a JSON body, or without one; see `request`."""
    raw = b"" if body is None else orjson.dumps(body)
    named = {**(headers or {}), **({} if body is None else {"Content-Type": "application/json"})}
    return request(provider, method, url, timeout=timeout, body=raw, headers=named)


def parse_response(
    provider: str, answer: Response, why: str = "", *, is_about_contact: bool = False
) -> JsonObject:
    """Return the JSON object of a successful response.

    Args:
        why: the provider's reason for a refusal, without secrets.
        is_about_contact: the reason names the buyer's e-mail address or phone number.

    Raises:
        ContactRefused: refused because of that address or number.
        RequestRefused: refused with a status that a retry would get again.
        PaymentError: any other failure; `not_executed` if the status says that nothing was done.
    """
    if answer.status not in (200, 201):
        reason = f"{provider} answered {answer.status}" + (f": {why}" if why else "")
        if answer.status in _REFUSED:
            raise ContactRefused(reason) if is_about_contact else RequestRefused(reason)
        raise PaymentError(reason, not_executed=answer.status in _NOT_EXECUTED)
    found = json_object(answer.data)
    if found is None:
        raise PaymentError(f"{provider} answered {answer.status} without a JSON object")
    return found


@contextmanager
def as_provider_error(provider: str) -> Iterator[None]:
    """Turn InvalidPayload into PaymentError: a response of the API is invalid, not a webhook."""
    try:
        yield
    except InvalidPayload as error:
        raise PaymentError(f"{provider} sent an invalid response: {error}") from None


def parse_each(
    provider: str, read: Callable[[JsonObject], WebhookEvent | None], found: object
) -> tuple[WebhookEvent, ...]:
    """Parse the objects of a list; invalid ones are logged and skipped, and so is None."""
    events = []
    for one in get_list(found):
        try:
            events.append(read(one))
        except InvalidPayload as error:
            log.alert(
                "a listed payment is invalid",
                action="webhook_payload_invalid",
                provider=provider,
                reason=str(error),
            )
    return tuple(event for event in events if event is not None)


def basic_auth(user: str, password: str) -> dict[str, str]:
    """Return the header of HTTP Basic authentication."""
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}
