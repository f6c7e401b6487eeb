"""The conversation with the AI: modes, memory, answers."""

from decimal import Decimal

from shared.telegram.feature import Command, Feature


def _question_cost() -> Decimal:
    from shared.features.chat.cost import question_cost

    return question_cost()


feature = Feature(
    __name__,
    commands=(Command("mode", "chat"), Command("clear", "chat"), Command("cancel", "chat")),
    buttons=("mode",),
    kinds=("edited_message",),
    takes_texts=True,
    question_cost=_question_cost,
)
