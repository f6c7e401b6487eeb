"""The providers' own lists of models: which models they still offer, and until when.

Each provider has a list in its own form. A list that cannot be read says nothing about any model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import orjson

from shared.ai import providers
from shared.core import http, log
from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.core.json_types import JsonObject

TIMEOUT = 10.0  # seconds for one page of a list
_MOST_PAGES = 20
_SNAPSHOT = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest)")  # what a listed name adds to a model's alias
Listed = Mapping[str, date | None]  # model → the day on which the provider switches it off, if it says so


@dataclass(frozen=True)
class ModelList:
    """Where a provider lists its models.

    `paths` are those of single kinds where they differ from `path`. The models stand in `items` of the body,
    or the body itself is the list.
    """

    path: str
    items: str = "data"
    paths: Mapping[str, str] = field(default_factory=dict)
    next_page: str = ""  # the field of the body and the parameter of the next request
    cursor: str = ""


LISTS: Mapping[str, ModelList] = {
    # `shutdown_date`: https://developers.openai.com/api/docs/deprecations
    "openai": ModelList("/models"),
    "anthropic": ModelList("/models?limit=1000", next_page="last_id", cursor="after_id"),
    "gemini": ModelList("/models?pageSize=1000", "models", next_page="nextPageToken", cursor="pageToken"),
    "kie_ai": ModelList("/api/v1/models"),
    "openrouter": ModelList(
        "/models",
        paths={
            "image": "/images/models",
            "video": "/videos/models",
            "transcription": "/models?output_modalities=transcription",
            "speech": "/models?output_modalities=speech",
        },
    ),
}


def read(provider: str, path: str) -> Listed | None:
    """Return the models of one of a provider's lists; None where it cannot be read."""
    where = LISTS[provider]
    found: dict[str, date | None] = {}
    try:
        for item in _items(provider, where, path):
            name = next((item[one] for one in ("id", "name", "model") if isinstance(item.get(one), str)), "")
            found[name.removeprefix("models/")] = _date(item.get("shutdown_date"))
    except (http.RequestError, ConfigError, ValueError, LookupError, TypeError, AttributeError) as error:
        log.warning(
            "a list of models cannot be read",
            action="model_list_failed",
            provider=provider,
            path=path,
            reason=type(error).__name__,
        )
        return None
    return found


def find(model: str, listed: Listed) -> tuple[bool, date | None]:
    """Return whether a list has a model, and its last day. A dated snapshot stands for its alias."""
    name = model.partition(":")[0]  # OpenRouter's variants: openai/gpt-5.4-mini:nitro
    matches = [day for one, day in listed.items() if _is_same(name, one)]
    return bool(matches), max((day for day in matches if day), default=None)


def _is_same(name: str, listed: str) -> bool:
    return listed == name or (listed.startswith(name) and bool(_SNAPSHOT.fullmatch(listed[len(name) :])))


def _items(provider: str, where: ModelList, path: str) -> Iterator[JsonObject]:
    base, headers = _account(provider)
    url = base + path
    for _ in range(_MOST_PAGES):
        response = http.request("GET", url, headers=headers, timeout=TIMEOUT)
        if response.status != 200:
            raise ValueError(f"HTTP {response.status}")
        body = orjson.loads(response.data)
        yield from _objects(body[where.items])
        cursor = body.get(where.next_page) if where.next_page else None
        if not cursor or body.get("has_more") is False:
            return
        url = f"{base}{path}&{where.cursor}={cursor}"


def _objects(items: object) -> Iterable[JsonObject]:
    if not isinstance(items, list) or not items:
        raise ValueError("no list")
    return (one for one in items if isinstance(one, dict))


def _account(provider: str) -> tuple[str, Mapping[str, str]]:
    """Return the base URL of the list and the headers with our key."""
    if provider == "kie_ai":
        from shared.ai.media.providers import kie_ai

        media = kie_ai.Provider(provider)
        return media.base_url(), media.headers()
    secret = settings().api_key(provider)
    if provider == "gemini":
        from shared.ai.native import gemini

        native = gemini.Provider(provider)
        return settings().base_url(provider, native.BASE_URL).removesuffix("/openai"), native.headers(secret)
    service = providers.load(provider)
    return settings().base_url(provider, service.BASE_URL), service.key_check_headers(secret)


def _date(value: object) -> date | None:
    """Return the day of an ISO date or a Unix time; None for anything else."""
    try:
        if isinstance(value, str):
            return date.fromisoformat(value[:10])
        return datetime.fromtimestamp(value, UTC).date() if isinstance(value, int) and value > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
