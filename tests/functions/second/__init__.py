"""A feature for tests of the update pipeline, and a bot with nothing else."""

from decimal import Decimal

from shared.telegram import Bot
from shared.telegram.feature import PAYMENT, Command, Feature

feature = Feature(
    __name__,
    commands=tuple(
        Command(name)
        for name in (
            "mode",
            "data",
            "show",
            "boom",
            "boom_nul",
            "boom_once",
            "outside",
            "send",
            "three",
            "certain",
        )
    ),
    buttons=("tap",),
    kinds=("pre_checkout_query", "my_chat_member", PAYMENT),
    takes_texts=True,
    takes_content=True,
    question_cost=Decimal,
)
bot = Bot("second", "Answers in ways that tests need.", (feature,))
