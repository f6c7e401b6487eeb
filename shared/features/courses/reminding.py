"""The buttons that switch the reminders of a course off and on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery

from shared.core import db
from shared.features.courses import finding
from shared.telegram import current_context
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import SetCourseReminders

router = Router()


@router.callback_query_handler(
    data=f"course:(?:quiet|remind):{finding.ID}", private_only=True, page="courses"
)
def switch(call: CallbackQuery) -> None:
    """Switch the reminders of a course."""
    context = current_context()
    _, action, course_id = (call.data or "").split(":")
    is_on = action == "remind"
    done: SetCourseReminders = db.call(
        "set_course_reminders", p_user_id=context.user.id, p_course_id=int(course_id), p_wants=is_on
    )
    if not done["is_known"]:
        return context.answer_callback(context.text("button_old"), alert=True)
    other = (
        (context.text("course_reminders_off"), f"course:quiet:{course_id}")
        if is_on
        else (context.text("learn_remind_button"), f"course:remind:{course_id}")
    )
    return context.show(
        context.rich("learn_reminders_on" if is_on else "learn_reminders_off"),
        [[(context.text("learn_course_button"), f"course:open:{course_id}"), other]],
    )
