"""Questions about a lesson: typed in the chat, read by the authors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.features.courses import finding
from shared.features.courses.lesson import find
from shared.telegram import current_context, reply, waits
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AskLessonQuestion

router = Router()

_STATE = "lesson_question"  # lesson_question:<course>:<lesson>
_LONGEST = 4_000  # characters


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
    reply(context.rich("learn_ask", title=title), waits.cancel_button(context, _STATE))


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
    )
    button = [[(context.text("learn_lesson_button"), f"lesson:{course_id}:{lesson_id}")]]
    return reply(context.rich(f"learn_ask_{done['outcome']}"), button)
