"""Reminders: /remind tomorrow at 9 call mom. The bot writes then, and can answer the words as a question.

when.py     reads the moment         grammar.py  the forms of moments
handlers.py /remind and its buttons  setting.py  sets one
choices.py  the moments of buttons
answers.py  the button below an answer of the AI  jobs.py  sends what is due
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.telegram.feature import REMIND_BUTTON, Command, Feature

if TYPE_CHECKING:
    from shared.telegram.context import UpdateContext

LONGEST = 1_000  # characters of a reminder

feature = Feature(
    __name__,
    commands=(Command("remind", "chat"),),
    buttons=("remind", "remind_menu", REMIND_BUTTON),
    states=("remind",),
)


def answer_button(context: UpdateContext, question: str) -> tuple[str, str] | None:
    """Return the button below an answer of this update that reminds of its question.

    None where the bot has no reminders, or a reminder cannot hold the question.
    """
    if len(question) > LONGEST or not context.bot.has_command("remind"):
        return None
    return context.text("remind_button_answer"), f"{REMIND_BUTTON}:{context.update.update_id}"
