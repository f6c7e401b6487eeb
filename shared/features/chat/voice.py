"""Answers voice messages: their words are the question, and they stand above the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.features import knowledge
from shared.features.chat import asking, channel
from shared.features.chat.question import Question
from shared.features.common.media import modes
from shared.features.common.media.kinds import kind_of_content
from shared.features.common.user_key import open_key
from shared.features.common.voice import key_for, listen, shown
from shared.telegram import reply
from shared.telegram.pipeline import MAX_TEXT
from shared.telegram.quoting import with_quote

if TYPE_CHECKING:
    from shared.features.common.media.kinds import MediaKind
    from shared.telegram.context import UpdateContext


def ask(context: UpdateContext) -> None:
    """Transcribe a voice message, a video message or an audio file, and answer it.

    Where the user's own key cannot transcribe, ours does, and the request counts.
    """
    kind = kind_of_content(context)
    if kind is not None:
        return _draw(context, kind)
    if not channel.admits(context):
        return None
    own = open_key(context)
    if own is not None and key_for(own) is None and not context.has_reserved:
        context.reserve()
    if not asking.admit(context, own):
        return None
    words = listen(context, key_for(own))
    if words is None:
        return context.release()
    caption = context.bot.without_mention(context.update)
    question = with_quote(context.update, f"{caption}\n\n{words}".strip(), context.bot.telegram_id)
    if len(question) > MAX_TEXT:
        context.release()
        return reply(context.rich("too_long", length=len(question), limit=MAX_TEXT))
    knowledge.find(context, question)
    asking.answer(context, Question(question, head=shown(words)), own)
    return None


def _draw(context: UpdateContext, kind: MediaKind) -> None:
    """Make what a voice message describes; its price is that of the job, so no question is reserved."""
    if context.has_reserved:
        context.release()
    words = listen(context, key_for(open_key(context)))
    if words is not None:
        reply(shown(words))
        modes.take_voice(context, kind, words)
