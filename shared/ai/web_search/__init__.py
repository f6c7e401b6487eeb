"""Answer from the web: a provider's own search tool finds pages, and the answer names those it is from.

    answer = search(messages, provider=key, model=…, searches=3, deadline=…)

A provider is a file in `services/` with a class `Service` (see `contract.py`). Its name is the provider's
key. The answer comes in one piece: a part of it would lack its sources.
"""

from __future__ import annotations

import time
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from shared.ai.call_records import Record
from shared.ai.chat import ChatAnswer
from shared.ai.models import count_characters, estimate_cost, fit_context
from shared.ai.provider import ChatRequest
from shared.ai.single_request import HttpRequest, Result, open_account, send
from shared.ai.web_search import services
from shared.ai.web_search.contract import SEARCH_PRICE, Found, Source
from shared.core.errors import ConfigError

if TYPE_CHECKING:
    from shared.ai.web_search.contract import SearchService

__all__ = ["Source", "load", "names", "search"]


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the keys of the providers that search the web."""
    return tuple(sorted(module.name for module in iter_modules(services.__path__)))


@lru_cache(maxsize=8)
def load(key: str) -> SearchService:
    """Return a provider; its module is imported at its first use.

    Raises:
        ConfigError: no provider with this key searches the web.
    """
    if key not in names():
        raise ConfigError(f"{key!r} does not search the web; these do: {', '.join(names())}")
    service: SearchService = import_module(f"{services.__name__}.{key}").Service(key)
    return service


def search(
    messages: list[dict[str, str]],
    *,
    model: str,
    provider: str,
    searches: int,
    deadline: float,
    user_reference: str | None,
    api_key: str | None = None,
    record: Record | None = None,
) -> ChatAnswer:
    """Return an answer from the web with its sources, by the deadline at the latest.

    Args:
        messages: {role, content}, the oldest first: the system prompt, the history, the new message.
        searches: the most that the model may do for this answer.
        deadline: `time.monotonic()` at which there is no answer.
        user_reference: a pseudonymous id of the user for the provider's abuse checks.
        api_key: the user's own key at the provider, instead of ours.
        record: called with each attempt, failed ones included.

    Raises:
        AIError: no answer; see `chat.complete` for its kinds.
        UserApiKeyError: the provider rejects `api_key` for a reason its user can resolve.
        ConfigError: no such provider, or no usable key of ours.
    """
    service, started = load(provider), time.monotonic()
    account = open_account(service.provider, api_key)
    price = estimate_cost(provider, model, count_characters(messages)) + searches * SEARCH_PRICE
    fitting = fit_context(messages, provider, model)
    request = service.request(ChatRequest(fitting, model, user_reference), searches, account.secret)
    received = 0

    def read(body: bytes) -> Result[Found]:
        nonlocal received
        received += len(body)
        return service.read(body)

    found = send(
        service.provider,
        account,
        request,
        read,
        kind="chat",
        model=model,
        price=price,
        deadline=deadline,
        record=record,
    )
    return _answer(found, provider, model, started, request, received, is_own=api_key is not None)


def _answer(
    found: Found,
    provider: str,
    model: str,
    started: float,
    request: HttpRequest,
    received: int,
    *,
    is_own: bool,
) -> ChatAnswer:
    return ChatAnswer(
        text=found.text,
        finish=found.finish,
        model=model,
        provider=provider,
        usage=found.usage,
        milliseconds=round((time.monotonic() - started) * 1000),
        request_bytes=len(request.body),
        response_bytes=received,
        is_user_api_key=is_own,
        sources=tuple((one.title, one.url) for one in found.sources),
    )
