"""The modes that search the web: rows of public.ai_modes with the parameter `searches`.

A question there costs `parameters.requests` requests and makes at most `parameters.searches` searches.
Pictures and documents are answered without a search: a document must not choose what is searched for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.core import db
from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.core.texts import Text
from shared.features.common.menu import WEB, buy_button
from shared.telegram import reply

if TYPE_CHECKING:
    from shared.ai.chat import ChatAnswer
    from shared.core.sql_types import ListAiModes, ProductText
    from shared.features.common.user_key import OpenKey
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

PREFIX = WEB  # begins the session's mode, before the key of the row
_KEPT_SECONDS = 30.0
_MOST_REQUESTS, _MOST_SEARCHES = 100, 10


@dataclass(frozen=True, slots=True)
class WebMode:
    """A mode that searches the web, with the first of its models whose provider is configured here.

    `requests`: what a question costs.
    """

    key: str
    texts: dict[str, ProductText]
    plan_feature: str | None
    provider: str
    model: str
    requests: int
    searches: int


_found: tuple[tuple[WebMode, ...], float] = ((), 0.0)  # the modes, and until when they hold


def is_in_mode(context: UpdateContext) -> bool:
    """Return whether the session's texts are answered from the web."""
    return context.mode.startswith(PREFIX) and not context.is_offline


def modes() -> tuple[WebMode, ...]:
    """Return the modes that can be used here and today, the default first; read at most every 30 s.

    Raises:
        DatabaseUnavailable: it cannot be reached.
    """
    global _found  # noqa: PLW0603 - one copy per process
    if monotonic() >= _found[1]:
        rows: list[ListAiModes] = db.call("list_ai_modes", p_kind="search")
        usable = tuple(mode for row in rows if (mode := _mode(row)) is not None)
        _found = usable, monotonic() + _KEPT_SECONDS
    return _found[0]


def _mode(row: ListAiModes) -> WebMode | None:
    given = row["parameters"] if isinstance(row["parameters"], dict) else {}
    searches = _number(given.get("searches"), _MOST_SEARCHES)
    for one in row["models"]:
        if searches and _is_configured(one["provider"]):
            requests = _number(given.get("requests"), _MOST_REQUESTS) or 1
            feature = row["plan_feature"] or one["plan_feature"]
            return WebMode(
                row["key"], row["texts"], feature, one["provider"], one["model"], requests, searches
            )
    return None


def _number(value: object, most: int) -> int:
    return min(value, most) if type(value) is int and value > 0 else 0


def _is_configured(provider: str) -> bool:
    from shared.ai import web_search

    try:
        return provider in web_search.names() and bool(settings().api_key(provider))
    except ConfigError:
        return False


def find(session_mode: str) -> WebMode | None:
    """Return the mode of a session; None where it cannot be used, or is no such mode."""
    key = session_mode.removeprefix(PREFIX)
    if key == session_mode:
        return None
    return next((mode for mode in modes() if mode.key == key), None)


def mode_titles(context: UpdateContext) -> dict[str, tuple[str, str]]:
    """Return title and description, with the price of a question, by mode of the session."""
    if context.is_offline:
        return {}
    return {PREFIX + mode.key: (title(context, mode), _about(context, mode)) for mode in modes()}


def title(context: UpdateContext, mode: WebMode) -> str:
    """Return a mode's name."""
    return f"🌐 {_text(context, mode).get('title') or mode.key}"


def _about(context: UpdateContext, mode: WebMode) -> str:
    about = _text(context, mode).get("description") or ""
    if mode.requests == 1 or not context.bot.is_metered:
        return about
    price = context.text("web_price", count=mode.requests)
    return f"{about} ({price})" if about else price


def _text(context: UpdateContext, mode: WebMode) -> ProductText:
    empty: ProductText = {"title": mode.key}
    return mode.texts.get(context.language) or mode.texts.get("en") or empty


def includes(context: UpdateContext, session_mode: str) -> bool:
    """Return whether the user's plan includes a mode of `mode_titles`."""
    mode = find(session_mode)
    return mode is not None and (mode.plan_feature is None or context.includes(mode.plan_feature))


def admit(context: UpdateContext, own: OpenKey | None) -> bool:
    """Return whether a question, for which one request is reserved, may search; else answer why not.

    Two questions at once may pass together: what is left then is taken, see private.charge_extra_requests.
    """
    mode = find(context.mode)
    if mode is None:
        context.release()
        reply(context.rich("web_gone"))
        return False
    if not includes(context, context.mode):
        context.release()
        reply(context.rich("web_locked"), _to_shop(context))
        return False
    if own is not None:
        from shared.ai import web_search

        if own.provider in web_search.names():
            return True
        context.release()
        reply(context.rich("web_own_key"))
        return False
    if mode.requests - 1 > _requests_left(context):
        context.release()
        reply(context.rich("web_too_few", count=mode.requests), _to_shop(context))
        return False
    return True


def _to_shop(context: UpdateContext) -> Keyboard:
    return [row for row in [buy_button(context)] if row]


def _requests_left(context: UpdateContext) -> float:
    """Return how many requests the user has beside the reserved one."""
    usage = context.usage
    limits = (
        (usage.daily_requests, usage.requests),
        (usage.monthly_requests, usage.month_requests),
    )
    left = [float(limit - used) for limit, used in limits if limit is not None]
    return max(min(left, default=float("inf")), 0.0) + usage.bonus_credits


def search(
    context: UpdateContext, messages: list[dict[str, str]], own: OpenKey | None, reference: str
) -> ChatAnswer:
    """Return an answer from the web; what it costs beyond one request is charged with it.

    Raises:
        AIError, UserApiKeyError, ConfigError: as `web_search.search`.
    """
    from shared.ai import web_search

    mode = find(context.mode)
    if mode is None:  # `admit` has just found it
        raise ConfigError(f"no mode {context.mode!r}")
    said = web_search.search(
        messages,
        model=mode.model if own is None else own.model,
        provider=mode.provider if own is None else own.provider,
        searches=mode.searches,
        deadline=context.deadline,
        user_reference=reference,
        api_key=None if own is None else own.secret,
        record=context.record_ai_call,
    )
    if own is None and mode.requests > 1:
        context.charge_extra_requests(mode.requests - 1)
    return said


def sources(context: UpdateContext, pages: Sequence[tuple[str, str]]) -> Text:
    """Return the numbered links to the pages of an answer, each with its host: a title may say anything."""
    from shared.core.texts import utf16_length

    text, entities = context.text("web_sources"), []
    entities.append({"type": "bold", "offset": 0, "length": utf16_length(text)})
    for number, (name, url) in enumerate(pages, 1):
        host = (urlsplit(url).hostname or "").removeprefix("www.")
        text += f"\n[{number}] "
        entities.append(
            {"type": "text_link", "offset": utf16_length(text), "length": utf16_length(name), "url": url}
        )
        text += name
        if host and host != name:
            text += f" · {host}"
    return Text(text, entities)
