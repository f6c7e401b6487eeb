"""Send a request whose answer comes in one piece: record it, and retry it once where nothing was spent.

Transcription and speech use it. Errors become the same exceptions as those of a chat.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Generic, TypeVar

from shared.ai import error_handling
from shared.ai.call_records import AiCall, Kind, Record
from shared.ai.provider import ErrorKind, Provider, ProviderError, Usage
from shared.ai.response_reader import error_from_response, retry_after
from shared.core import http, log
from shared.core.errors import ConfigError, UserApiKeyError

Value = TypeVar("Value")

MIN_RETRY_SECONDS = 2.0  # seconds that must be left before the deadline for a retry


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to a provider, always a POST."""

    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Result(Generic[Value]):
    """What a response holds. `usage.cost` is None where the provider reports no cost."""

    value: Value
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Account:
    """Who pays at a provider: the owner's key, or a user's own."""

    secret: str
    is_user_api_key: bool


def open_account(service: Provider, user_api_key: str | None) -> Account:
    """Return the key that a request is sent with.

    Raises:
        UserApiKeyError: the user's key cannot be put into a header.
        ConfigError: our own key is missing or malformed.
    """
    secret = user_api_key or service.api_key()
    if not (secret.isascii() and secret.isprintable()):
        if user_api_key:
            raise UserApiKeyError(f"{service.key}: malformed key", "refused")
        raise ConfigError(f"{service.key.upper()}_API_KEY is malformed: it must be plain ASCII")
    return Account(secret, user_api_key is not None)


def send(
    service: Provider,
    account: Account,
    request: HttpRequest,
    read: Callable[[bytes], Result[Value]],
    *,
    kind: Kind,
    model: str,
    price: Decimal,
    deadline: float,
    record: Record | None,
) -> Value:
    """Send a request and return what `read` finds in its response, by the deadline at the latest.

    Args:
        read: parses the body of a response with status 200; LookupError, TypeError, ValueError and
            AttributeError mean that it is unreadable, a `ProviderError` in a `ProviderFailure` that it is an
            error.
        price: US dollars that it costs where the provider reports no cost.
        deadline: `time.monotonic()`.
        record: called with each attempt, failed ones included.

    Raises:
        AIError: no answer; see `chat.complete` for its kinds.
    """
    is_retried = False
    while True:
        found = _attempt(service, account, request, read, kind, model, price, deadline, record)
        if isinstance(found, Result):
            return found.value
        delay = None if is_retried or found.maybe_processed else error_handling.retry_delay(found)
        if delay is None or time.monotonic() + delay + MIN_RETRY_SECONDS > deadline:
            raise error_handling.exception_for(found, service.key, is_user_api_key=account.is_user_api_key)
        time.sleep(delay)
        is_retried = True


class ProviderFailure(Exception):
    """A response with status 200 that is an error."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(error.kind)
        self.error = error


def _attempt(
    service: Provider,
    account: Account,
    request: HttpRequest,
    read: Callable[[bytes], Result[Value]],
    kind: Kind,
    model: str,
    price: Decimal,
    deadline: float,
    record: Record | None,
) -> Result[Value] | ProviderError:
    """Send the request once. `maybe_processed` of an error: the provider may have done work that it bills."""
    started, received = time.monotonic(), 0
    usage, cost = Usage(), None
    found: Result[Value] | ProviderError
    try:
        timeout = deadline - started
        if timeout <= 0:
            raise http.Timeout("no time left", maybe_processed=False)
        response = http.request(
            "POST", request.url, timeout=timeout, body=request.body, headers=request.headers
        )
        received = len(response.data)
        found = _read(service, response, read)
        if isinstance(found, Result):
            usage = found.usage
        if 200 <= response.status < 300:
            cost = price if usage.cost is None else usage.cost
    except http.RequestError as error:
        found = _connection_error(error)
        cost = price if error.maybe_processed else None
    if isinstance(found, ProviderError):
        error_handling.report(found, service, model, account.secret, is_user_api_key=account.is_user_api_key)
    status = "ok" if isinstance(found, Result) else str(found.kind)
    milliseconds = round((time.monotonic() - started) * 1000)
    log.debug(
        f"requested {kind} from {service.key}",
        action="ai_call",
        provider=service.key,
        model=model,
        ms=milliseconds,
        status=status,
    )
    if record is not None:
        call: AiCall = {
            "provider": service.key,
            "model": model,
            "kind": kind,
            "status": status,
            "ms": milliseconds,
            "request_bytes": len(request.body),
            "response_bytes": received,
            "tokens_in": usage.tokens_in,
            "tokens_out": usage.tokens_out,
            "tokens_cached": usage.tokens_cached,
            "cost": None if cost is None else f"{cost:f}",
            "is_estimate": usage.cost is None,
            "is_user_api_key": account.is_user_api_key,
        }
        if usage.searches is not None:
            call["searches"] = usage.searches
        record(call)
    return found


def _read(
    service: Provider, response: http.Response, read: Callable[[bytes], Result[Value]]
) -> Result[Value] | ProviderError:
    if not 200 <= response.status < 300:
        error = error_from_response(service, response.status, response.headers, response.data)
        return replace(error, retry_after=retry_after(response.headers))
    try:
        return read(response.data)
    except ProviderFailure as failure:
        return replace(failure.error, is_in_body=True, maybe_processed=True)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return ProviderError(
            ErrorKind.INCOMPLETE, response.status, message=type(error).__name__, maybe_processed=True
        )


def _connection_error(error: http.RequestError) -> ProviderError:
    if isinstance(error, http.Timeout):
        kind = ErrorKind.DEADLINE_EXCEEDED
    else:
        kind = ErrorKind.INCOMPLETE if error.maybe_processed else ErrorKind.UNREACHABLE
    return ProviderError(kind, message=str(error), maybe_processed=error.maybe_processed)
