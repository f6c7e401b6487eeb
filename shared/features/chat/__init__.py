"""The conversation with the AI: modes, memory, answers."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from shared.telegram.feature import CANCEL, QUESTION_BUTTONS, Command, Feature

if TYPE_CHECKING:
    from shared.telegram.context import UpdateContext


def _question_cost() -> Decimal:
    from shared.features.chat.cost import question_cost

    return question_cost()


def _media_cost() -> Decimal:
    from shared.features.chat.cost import media_cost

    return media_cost()


feature = Feature(
    __name__,
    commands=(
        Command("mode", "chat"),
        Command("clear", "chat"),
        Command("voice", "chat", needs="speech"),
    ),
    buttons=("mode", "album", "channel", *QUESTION_BUTTONS),
    kinds=("edited_message", "stopped_message_generation", CANCEL),
    takes_texts=True,
    takes_content=True,
    question_buttons=QUESTION_BUTTONS,
    question_cost=_question_cost,
    media_cost=_media_cost,
)


def ask_inline(context: UpdateContext, words: str) -> None:
    """Answer a question of inline mode shortly, in the message that the user sent; it costs a request."""
    from shared.features.chat import inline

    inline.answer(context, words)


def ask(context: UpdateContext, words: str) -> None:
    """Answer words as a question of the user, without the conversation so far; it costs a request."""
    from shared.features.chat import asking
    from shared.features.chat.question import Question
    from shared.features.common.user_key import open_key

    own = open_key(context)
    if asking.admit(context, own):
        asking.answer(context, Question(words), own)
