"""Disputed lines: the user says why, and an admin upholds the points or corrects the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import Text
from shared.features.trainer import library, results, template_values
from shared.telegram import current_context, outbox, reply, waits
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AdminDecideDispute, AdminGetDispute, DisputeTrainingTurn

router = Router()

_AWAITING = "dispute"  # dispute:<training>:<position>
_LINE = "[0-9]{1,18}:[0-9]{1,9}"


@router.callback_query_handler(data=f"dispute:{_LINE}", private_only=True, page="history")
def ask_reason(call: CallbackQuery) -> None:
    """Ask what is wrong about the points of a line."""
    context = current_context()
    found = results.find(context, call)
    if found is None:
        return None
    line = results.line_at(found, results.position(call))
    if line is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    if line["is_disputed"]:
        return context.show(*results.line_screen(context, found, line))
    path = f"{found['training_id']}:{line['position']}"
    waits.begin(context, f"{_AWAITING}:{path}")
    return context.show(
        context.rich("trainer_ask_reason", question=line["question"]),
        [
            [(context.text("trainer_no_reason_button"), f"dispute:{path}:send")],
            [(context.text("trainer_back_button"), f"result:{path}")],
        ],
    )


@router.callback_query_handler(data=f"dispute:{_LINE}:send", private_only=True, page="history")
def send_without_reason(call: CallbackQuery) -> None:
    """Dispute a line without a reason."""
    context = current_context()
    _, training_id, position, _ = (call.data or "").split(":")
    outcome = _send(context, int(training_id), int(position), "")
    if outcome in ("none", "limit"):
        key = "trainer_too_many_disputes" if outcome == "limit" else "button_old"
        return context.answer_callback(context.text(key), alert=True)
    context.answer_callback(context.text("trainer_disputed"), alert=True)
    found = results.find(context, call)
    line = results.line_at(found, int(position)) if found else None
    if found is not None and line is not None:
        context.show(*results.line_screen(context, found, line))
    return None


@router.message_handler(state=_AWAITING)
def take_reason(message: Message) -> None:
    """Dispute a line with what the user wrote."""
    context = current_context()
    _, training_id, position = waits.current(context).split(":")
    waits.end(context)
    if context.update.has_secret:
        return reply(context.rich("trainer_secret"))
    outcome = _send(context, int(training_id), int(position), (message.text or "").strip())
    rows = [[(context.text("trainer_result_button"), f"result:{training_id}")]]
    key = {"limit": "trainer_too_many_disputes", "none": "trainer_line_gone"}.get(outcome, "trainer_disputed")
    return reply(context.rich(key), rows if outcome != "none" else [])


@router.callback_query_handler(data=r"verdict:[0-9]{1,18}:uphold", admin=True)
def uphold(call: CallbackQuery) -> None:
    """Uphold the points of a disputed line."""
    _decide(current_context(), _dispute_id(call), None, is_contextual=False)


@router.callback_query_handler(data=r"verdict:[0-9]{1,18}:correct(?::[0-9]{1,2})?", admin=True)
def correct(call: CallbackQuery) -> None:
    """Ask for the right label, and whether the line took up the client's words."""
    context = current_context()
    found = _find(context, _dispute_id(call))
    if found is None:
        return context.answer_callback(context.text("trainer_dispute_gone"), alert=True)
    if found["status"] != "open":
        return context.show(*_decided(context, found["status"]))
    chosen = (call.data or "").split(":")[3:]
    scenario = library.load(found["scenario"])
    types = scenario.types
    path = f"verdict:{found['id']}:correct"
    if not chosen:
        rows = [
            [(f"{one.emoji} {one.name.of(context.language)}", f"{path}:{types.index(one)}")]
            for one in scenario.types_in_order
        ]
        rows.append([(context.text("trainer_uphold_button"), f"verdict:{found['id']}:uphold")])
        return context.show(
            context.rich(
                "trainer_ask_label",
                question=found["question"],
                answer=found["answer"] or "—",
                type=template_values.type_name(context.language, found["scenario"], found["type"]),
                points=found["points"],
                reason=found["reason"] or "—",
            ),
            rows,
        )
    number = int(chosen[0])
    if number >= len(types):
        return context.answer_callback(context.text("button_old"), alert=True)
    rows = [
        [(context.text("trainer_in_context_button"), f"verdict:{found['id']}:set:{number}:y")],
        [(context.text("trainer_not_in_context_button"), f"verdict:{found['id']}:set:{number}:n")],
        [(context.text("trainer_back_button"), path)],
    ]
    return context.show(
        context.rich(
            "trainer_ask_context",
            type=types[number].name.of(context.language),
            question=found["question"],
            answer=found["answer"] or "—",
        ),
        rows,
    )


@router.callback_query_handler(data=r"verdict:[0-9]{1,18}:set:[0-9]{1,2}:[yn]", admin=True)
def set_label(call: CallbackQuery) -> None:
    """Correct the label of a disputed line."""
    context = current_context()
    _, number, _, place, context_mark = (call.data or "").split(":")
    found = _find(context, int(number))
    types = library.load(found["scenario"]).types if found else []
    if int(place) >= len(types):
        return context.answer_callback(context.text("trainer_dispute_gone"), alert=True)
    return _decide(context, int(number), types[int(place)].id, is_contextual=context_mark == "y")


def _decide(context: UpdateContext, number: int, type_: str | None, *, is_contextual: bool) -> None:
    done: AdminDecideDispute = db.call(
        "admin_decide_dispute",
        p_dispute_id=number,
        p_type=type_,
        p_is_contextual=is_contextual,
        p_admin_email=context.user.admin_email,
        p_reference=context.reference,
    )
    match done["outcome"]:
        case "none":
            context.answer_callback(context.text("trainer_dispute_gone"), alert=True)
        case "known":
            context.show(*_decided(context, done["status"]))
        case "upheld":
            outbox.deliver_outgoing(done["outgoing"])
            context.show(context.rich("trainer_you_upheld"))
        case "corrected":
            outbox.deliver_outgoing(done["outgoing"])
            context.show(
                context.rich(
                    "trainer_you_corrected",
                    before=done["before"],
                    after=done["after"],
                    xp=f"{done['xp']:+d}",
                )
            )


def _decided(context: UpdateContext, status: str) -> tuple[Text, Keyboard]:
    return context.rich("trainer_was_upheld" if status == "upheld" else "trainer_was_corrected"), []


def _find(context: UpdateContext, number: int) -> AdminGetDispute | None:
    found: AdminGetDispute | None = db.call(
        "admin_get_dispute", p_dispute_id=number, p_admin_email=context.user.admin_email
    )
    if found is None or found["scenario"] not in library.names():
        return None
    return found


def _dispute_id(call: CallbackQuery) -> int:
    return int((call.data or "").split(":")[1])


def _send(context: UpdateContext, training_id: int, position: int, reason: str) -> str:
    """Store the dispute and notify the admins; return the outcome."""
    done: DisputeTrainingTurn = db.call(
        "dispute_training_turn",
        p_user_id=context.user.id,
        p_training_id=training_id,
        p_position=position,
        p_reason=reason,
    )
    outbox.deliver_outgoing(done.get("outgoing", []))
    return done["outcome"]
