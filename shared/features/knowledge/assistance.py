"""The AI's help for operators: draft replies, summaries, translations, drafts of articles. It sends nothing.

Each call is admitted by the bot's budget of the day (setting assistance_daily_cost), and what it cost is
recorded with its reason as a call of the operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from shared.core import db, log, texts
from shared.core.config import settings
from shared.core.errors import AIError, AIOverloaded, AIRefused, AITimeout, ConfigError
from shared.features.knowledge import prompts
from shared.features.knowledge.articles import address

if TYPE_CHECKING:
    from shared.ai.call_records import AiCall
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import BeginAssistance

_SECONDS = 25.0
_LONGEST = 4_096  # characters of an answer, those of a message
_CHARACTERS = prompts.LONGEST + 6_000 + _LONGEST + 3_000  # with articles, answer and rules
_NOTHING = "NONE"  # what the AI writes where there is no answer for an article


@dataclass(frozen=True, slots=True)
class Assistance:
    """What the AI wrote, or why not.

    Attributes:
        outcome: ready; empty: there is nothing to read; limited: the budget of the day is spent; overloaded:
            the provider's rate limit; timeout; refused; failed.
        seq: number of the newest message that the AI could read.
        articles: {title, link} that it was given.
    """

    outcome: str
    text: str = ""
    bot: str = ""
    language: str = ""
    seq: int = 0
    articles: tuple[JsonObject, ...] = ()


def draft_reply(actor_id: int, conversation_id: int) -> Assistance:
    """Draft the next reply of the team in a conversation."""
    return _help(actor_id, conversation_id, "draft_reply")


def summary(actor_id: int, conversation_id: int, language: str) -> Assistance:
    """Summarize a conversation in a language (its code)."""
    return _help(actor_id, conversation_id, "summary", language=language)


def translation(
    actor_id: int, conversation_id: int, *, seq: int | None = None, text: str = "", language: str = ""
) -> Assistance:
    """Translate a message of a conversation, by its number, or a text that the operator typed.

    Args:
        language: code of the language to translate into; empty: that of the user.
    """
    return _help(actor_id, conversation_id, "translation", language=language, seq=seq, typed=text)


def article(actor_id: int, conversation_id: int) -> Assistance:
    """Write an article from a conversation: its title in the first line, then the text."""
    found = _help(actor_id, conversation_id, "article")
    if found.text.strip(" .*") == _NOTHING:
        return Assistance("empty", bot=found.bot)
    return found


def _help(
    actor_id: int,
    conversation_id: int,
    reason: str,
    *,
    language: str = "",
    seq: int | None = None,
    typed: str = "",
) -> Assistance:
    from shared.ai.models import estimate_cost
    from shared.ai.providers import chat_model

    cost = estimate_cost(settings().chat_provider, chat_model(), _CHARACTERS)
    begun: BeginAssistance = db.call(
        "begin_assistance",
        p_actor_id=actor_id,
        p_conversation_id=conversation_id,
        p_reason=reason,
        p_cost=cost,
        p_seq=seq,
    )
    bot = begun["bot"]
    if begun["outcome"] != "ready":
        return Assistance(begun["outcome"], bot=bot)
    code = texts.choose(language or begun["language"])
    articles = [
        {"title": one["title"], "link": address(bot, one["language"], one["slug"]), "text": one["body"]}
        for one in begun["articles"]
    ]
    found: list[JsonObject] = [{"from": "staff", "text": typed}]
    if not typed:
        found = [{"from": one["from"], "text": one["text"]} for one in begun["messages"]]
    name = "" if reason in ("draft_reply", "article") else texts.language(code).NAME.partition(" ")[2]
    calls: list[AiCall] = []
    try:
        outcome, text = _ask(prompts.messages(reason, found, language=name, articles=articles), reason, calls)
    finally:
        db.call(
            "finish_assistance",
            p_actor_id=actor_id,
            p_bot=bot,
            p_day=begun["day"],
            p_cost=cost,
            p_usage=calls,
        )
    given = tuple({"title": one["title"], "link": one["link"]} for one in articles)
    return Assistance(outcome, text, bot, code, begun["seq"], given)


def _ask(messages: list[dict[str, str]], reason: str, calls: list[AiCall]) -> tuple[str, str]:
    """Return the outcome and what the AI wrote."""
    from shared.ai.chat import complete
    from shared.ai.providers import chat_model

    try:
        answer = complete(
            messages,
            model=chat_model(),
            provider=settings().chat_provider,
            deadline=monotonic() + _SECONDS,
            user_reference=None,
            effort=settings().chat_reasoning_effort or None,
            record=lambda call: calls.append({**call, "reason": reason}),
        )
    except (AIError, ConfigError) as error:
        log.warning(
            "the AI did not help", action="assistance_failed", reason=type(error).__name__, what=reason
        )
        if isinstance(error, AIOverloaded):
            return "overloaded", ""
        if isinstance(error, AITimeout):
            return "timeout", ""
        return ("refused" if isinstance(error, AIRefused) else "failed"), ""
    if answer.finish != "stop" or not answer.text.strip():
        return "timeout" if answer.finish == "cut" else "failed", ""
    return "ready", answer.text.strip()[:_LONGEST]
