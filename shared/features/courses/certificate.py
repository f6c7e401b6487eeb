"""The certificate of a completed course: the user types the name on it, its page is on the web."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.config import settings
from shared.core.errors import Refusal
from shared.features.courses import finding
from shared.telegram import current_context, reply, waits
from shared.telegram.context import UpdateContext
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import IssueCourseCertificate, ReadCourse

router = Router()

_STATE = "course_name"  # course_name:<course>
_INVALID_NAME = "W0002"


def button(context: UpdateContext, course: ReadCourse) -> list[list[tuple[str, str]]]:
    """Return the row with the button to a course's certificate; nothing before the end."""
    if not settings().console_url:
        return []
    if (certificate := course["certificate"]) is not None:
        return [[(context.text("learn_certificate_button"), _address(certificate["code"]))]]
    if course["completed_at"] and course["tier"]:
        return [[(context.text("learn_certificate_get_button"), f"course:certificate:{course['id']}")]]
    return []


@router.callback_query_handler(data=f"course:certificate:{finding.ID}", private_only=True, page="courses")
def ask_name(call: CallbackQuery) -> None:
    """Ask for the name on the certificate."""
    context = current_context()
    waits.begin(context, f"{_STATE}:{(call.data or '').split(':')[2]}")
    reply(context.rich("learn_certificate_name"), waits.cancel_button(context, _STATE))


@router.message_handler(state=_STATE)
def issue(message: Message) -> None:
    """Issue the certificate with this name."""
    context = current_context()
    course = finding.find_course(context, waits.current(context).split(":")[1])
    if course is None:
        waits.end(context)
        return reply(context.rich("learn_certificate_not_completed"))
    try:
        done: IssueCourseCertificate = db.call(
            "issue_course_certificate",
            p_user_id=context.user.id,
            p_slug=course["slug"],
            p_name=message.text or "",
        )
    except Refusal as refusal:
        if refusal.sqlstate != _INVALID_NAME:
            raise
        return reply(context.rich("learn_certificate_bad_name"), waits.cancel_button(context, _STATE))
    waits.end(context)
    rows = [[(context.text("learn_course_button"), f"course:open:{course['id']}")]]
    certificate = done.get("certificate")
    if certificate is None:
        return reply(context.rich(f"learn_certificate_{done['outcome']}"), rows)
    address = _address(certificate["code"])
    return reply(
        context.rich(
            "learn_certificate", title=finding.course_title(context, course), name=certificate["name"]
        ),
        [[(context.text("learn_certificate_button"), address)], *rows],
    )


def _address(code: str) -> str:
    return f"{settings().console_url}/certificates/{code}"
