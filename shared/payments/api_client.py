"""Calls to the providers: one deadline, one kind of error, a line in the log, no secret in either."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import orjson

from shared.core import http, log
from shared.core.http import RequestError, Response
from shared.payments.events import WebhookEvent
from shared.payments.parsing import get_list, json_object
from shared.payments.provider import ContactRefused, InvalidPayload, PaymentError, RequestRefused

_REFUSED = frozenset({400, 401, 403, 404, 405, 406, 410, 413, 415, 422})
_NOTHING_DONE = frozenset({402, 429})  # refused as well, but not for ever


def request(
    provider: str,
    method: str,
    url: str,
    *,
    timeout: float,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Ask a provider and return its answer, whatever the status.

    Raises:
        PaymentError: there was no answer.
    """
    begin, status = time.perf_counter(), 0
    try:
        answer = http.request(method, url, timeout=timeout, body=body, headers=headers)
        status = answer.status
    except RequestError as error:
        raise PaymentError(f"{provider} did not answer: {error}") from None
    except ValueError:
        # Its message would repeat the header, which is the secret.
        raise PaymentError(f"{provider}: its key holds what no header may hold", not_executed=True) from None
    finally:
        if log.is_debug():
            ms, path = round((time.perf_counter() - begin) * 1000, 1), urlsplit(url).path
            fields = {"provider": provider, "method": method, "path": path, "status": status, "ms": ms}
            log.debug(f"asked {provider}", action="payment_call", **fields)
    return answer


def request_json(
    provider: str,
    method: str,
    url: str,
    *,
    timeout: float,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Ask a provider with a JSON body, or with none; see `call`."""
    raw = b"" if body is None else orjson.dumps(body)
    named = {**(headers or {}), **({} if body is None else {"Content-Type": "application/json"})}
    return request(provider, method, url, timeout=timeout, body=raw, headers=named)


def parse_response(
    provider: str, answer: Response, why: str = "", *, is_about_contact: bool = False
) -> dict[str, Any]:
    """Return the JSON object of a good answer.

    Args:
        why: what the provider said when it refused, without secrets.
        is_about_contact: it named the e-mail address or phone number that it was sent.

    Raises:
        ContactRefused: it refused because of that address or number.
        RequestRefused: a status says that it refused, and would again.
        PaymentError: it is no good answer; `is_certain` where a status says that nothing was done.
    """
    if answer.status not in (200, 201):
        reason = f"{provider} answered {answer.status}" + (f": {why}" if why else "")
        if answer.status in _REFUSED:
            raise ContactRefused(reason) if is_about_contact else RequestRefused(reason)
        raise PaymentError(reason, not_executed=answer.status in _NOTHING_DONE)
    found = json_object(answer.data)
    if found is None:
        raise PaymentError(f"{provider} answered {answer.status} with what is no JSON object")
    return found


@contextmanager
def as_provider_error(provider: str) -> Iterator[None]:
    """Within it, an answer that makes no sense is the provider's failure: we asked, nobody called us."""
    try:
        yield
    except InvalidPayload as error:
        raise PaymentError(f"{provider} answered oddly: {error}") from None


def parse_each(
    provider: str, read: Callable[[dict[str, Any]], WebhookEvent | None], found: Any
) -> tuple[WebhookEvent, ...]:
    """Read the objects of a list; one that makes no sense is logged and left out, like None."""
    events = []
    for one in get_list(found):
        try:
            events.append(read(one))
        except InvalidPayload as error:
            log.alert(
                "a listed payment makes no sense",
                action="webhook_payload_invalid",
                provider=provider,
                reason=str(error),
            )
    return tuple(event for event in events if event is not None)


def basic_auth(user: str, password: str) -> dict[str, str]:
    """Return the header of HTTP Basic."""
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}
