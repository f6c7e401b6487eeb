"""Questions about a lesson: typed in the chat, read by the authors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.config import settings
from shared.core.texts import Text, concat
from shared.features.courses import finding
from shared.features.courses.lesson import find
from shared.telegram import current_context, reply, waits
from shared.telegram.context import UpdateContext
from shared.telegram.messenger.incoming import has_messenger
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AskLessonQuestion, ListLessonQuestions

router = Router()

_STATE = "lesson_question"  # lesson_question:<course>:<lesson>
_LONGEST = 4_000  # characters
_SHORT = 300  # characters of a question above its answer
_SHOWN = 3_000  # characters of earlier answers


@router.callback_query_handler(
    data=rf"lesson:ask:{finding.ID}:{finding.ID}", private_only=True, page="courses"
)
def ask(call: CallbackQuery) -> None:
    """Ask for the question."""
    context = current_context()
    if (found := find(context, call)) is None:
        return
    waits.begin(context, f"{_STATE}:{found.course['id']}:{found.lesson['id']}")
    title = finding.lesson_title(context, found.lesson)
    asked = _answered(context, found.lesson["id"])
    text = concat(*asked, context.rich("learn_ask", title=title), separator="\n\n")
    reply(text, waits.cancel_button(context, _STATE))


def _answered(context: UpdateContext, lesson_id: int) -> list[Text]:
    """Return the latest answers to the user's questions about a lesson, oldest first, as far as they fit."""
    found: list[ListLessonQuestions] = db.call(
        "list_lesson_questions", p_user_id=context.user.id, p_lesson_id=lesson_id
    )
    shown: list[Text] = []
    left = _SHOWN
    for one in found:
        if one["answer"] is None:
            continue
        question = one["text"] if len(one["text"]) <= _SHORT else f"{one['text'][:_SHORT]}…"
        shown.insert(0, context.rich("learn_answered", question=question, answer=one["answer"]))
        left -= len(shown[0].text)
        if left < 0:
            return shown[1:] or shown
    return shown


@router.message_handler(state=_STATE)
def take_question(message: Message) -> None:
    """Store the question."""
    context = current_context()
    _, course_id, lesson_id = waits.current(context).split(":")
    words = (message.text or "").strip()
    if context.update.has_secret:
        return reply(context.rich("secret_seen"), waits.cancel_button(context, _STATE))
    if len(words) > _LONGEST:
        return reply(context.rich("learn_ask_long", most=_LONGEST), waits.cancel_button(context, _STATE))
    waits.end(context)
    done: AskLessonQuestion = db.call(
        "ask_lesson_question",
        p_user_id=context.user.id,
        p_lesson_id=int(lesson_id),
        p_text=words,
        p_reference=context.reference,
        p_messenger_bots=messenger_bots(context.bot.name),
        p_message_id=message.message_id,
    )
    button = [[(context.text("learn_lesson_button"), f"lesson:{course_id}:{lesson_id}")]]
    return reply(context.rich(f"learn_ask_{done['outcome']}"), button)


def messenger_bots(preferred: str = "") -> list[str]:
    """Return the bots in whose conversations the team reads questions, the preferred one first."""
    bots = [preferred] if preferred and has_messenger(preferred) else []
    return [*bots, *settings().messenger_bots]
