"""Certificates of passed exams: a picture with a number that anyone can check with /certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db, user_input
from shared.core.display_names import display_name
from shared.features import trainer
from shared.features.common.drawing import send_drawing
from shared.features.common.menu import back
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import FindCertificate, IssueCertificate

router = Router()

_GROUP = 4  # letters of a number between hyphens
_LONGEST = 40  # letters of a number that are looked at


@router.message_handler(commands=["certificate"], private_only=True)
def check(message: Message) -> None:
    """Show whether a certificate is valid."""
    context = current_context()
    number = user_input.single_value(user_input.command_argument(message.text or ""))
    if not number:
        return reply(context.rich("certificate_ask"), back(context))
    plain = "".join(letter for letter in number.lower() if letter.isalnum())
    found: FindCertificate | None = db.call("find_certificate", p_number=plain[:_LONGEST])
    if found is None:
        return reply(context.rich("certificate_unknown"), back(context))
    return reply(
        context.rich(
            "certificate_valid",
            name=display_name(found["name"]),
            scenario=trainer.titles(context.language, found["scenario"], None)[0],
            score=found["score"],
            date=context.date(found["passed_at"]),
            number=_written(found["number"]),
        ),
        back(context),
    )


@router.callback_query_handler(data=r"certificate:[0-9]{1,18}", private_only=True, page="certificate")
def send(call: CallbackQuery) -> None:
    """Send the certificate of a passed exam."""
    context = current_context()
    found: IssueCertificate | None = db.call(
        "issue_certificate",
        p_user_id=context.user.id,
        p_training_id=int((call.data or "").partition(":")[2]),
    )
    if found is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    return _send(context, found, call.from_user.username or "")


def _send(context: UpdateContext, found: IssueCertificate, username: str) -> None:
    from shared.features.common import certificate_picture

    number = _written(found["number"])
    view = certificate_picture.Certificate(
        title=context.text("certificate_title"),
        name=certificate_picture.name_of(display_name(found["name"]), username),
        passed=context.text("certificate_passed"),
        scenario=trainer.titles(context.language, found["scenario"], None)[0],
        score=context.text("certificate_score", score=found["score"]),
        date=context.date(found["passed_at"]),
        number=context.text("certificate_number", number=number),
        check=context.text("certificate_check", bot=context.bot.user.username),
    )
    send_drawing(
        context, lambda: certificate_picture.draw(view), context.rich("certificate_caption", number=number)
    )


def _written(number: str) -> str:
    """Return a number in groups: abcd-efgh-jkmn."""
    return "-".join(number[start : start + _GROUP] for start in range(0, len(number), _GROUP))
