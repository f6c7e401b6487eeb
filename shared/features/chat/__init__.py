"""The conversation with the AI: modes, memory, answers."""

from decimal import Decimal

from shared.telegram.feature import CANCEL, Command, Feature


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
    buttons=("mode", "album"),
    kinds=("edited_message", "stopped_message_generation", CANCEL),
    takes_texts=True,
    takes_content=True,
    question_cost=_question_cost,
    media_cost=_media_cost,
)
