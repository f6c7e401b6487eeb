"""Offers one result while a user types, and answers it once they send it.

Telegram sends a query after nearly every letter, so its answer comes from the process alone. The result has
a button because only then Telegram gives the id of the sent message, which the answer needs.
"""

from __future__ import annotations

from telebot.types import ChosenInlineResult, InlineQuery

from shared.core.json_types import JsonObject
from shared.core.texts import concat
from shared.features import chat
from shared.telegram import current_context
from shared.telegram.context import UpdateContext
from shared.telegram.inline import START
from shared.telegram.link_previews import OFF
from shared.telegram.messages import quoted
from shared.telegram.router import Router
from shared.telegram.update import CHOSEN_RESULT, INLINE_QUERY

router = Router()

MIN_LENGTH = 3  # characters of a question; the Bot API's limit is 256
MAX_LENGTH = 256
_CACHE_TIME = 300  # seconds that Telegram keeps an answer; for each user, as its language is theirs


@router.update_handler(INLINE_QUERY)
def offer(_query: InlineQuery) -> None:
    """Offer to ask what was typed, unless it is too short, too long or holds a secret."""
    context = current_context()
    words = context.update.text.strip()
    context.call(
        "answerInlineQuery",
        {
            "inline_query_id": context.update.content["id"],
            "results": [_article(context, words)] if _is_question(context, words) else [],
            "cache_time": _CACHE_TIME,
            "is_personal": True,
            "button": {"text": context.text("inline_open"), "start_parameter": START},
        },
    )


@router.update_handler(CHOSEN_RESULT)
def answer(_chosen: ChosenInlineResult) -> None:
    """Answer the question in the message that the user sent."""
    context = current_context()
    words = context.update.text.strip()
    if not _is_question(context, words):
        return context.edit_inline(context.rich("inline_no_question"))
    return chat.ask_inline(context, words)


def _is_question(context: UpdateContext, words: str) -> bool:
    return MIN_LENGTH <= len(words) <= MAX_LENGTH and not context.update.has_secret


def _article(context: UpdateContext, words: str) -> JsonObject:
    message = concat(quoted(words), context.rich("inline_thinking"), separator="\n\n")
    button = {"text": context.text("inline_ask"), "switch_inline_query_current_chat": ""}
    return {
        "type": "article",
        "id": "ask",
        "title": context.text("inline_title", question=words),
        "description": context.text("inline_about"),
        "input_message_content": {
            "message_text": message.text,
            "entities": message.entities,
            "link_preview_options": OFF,
        },
        "reply_markup": {"inline_keyboard": [[button]]},
    }
