"""/audit: who did what, the newest first, a page at a time."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db, texts
from shared.core.json_types import JsonObject
from shared.core.texts import Text, figures
from shared.core.texts.reader import Reader
from shared.features.admin.card import find
from shared.features.admin.product_pages import prices_line
from shared.features.admin.undo import written
from shared.features.admin.users import command_arguments, is_user, show_page, user_name
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AdminAudit, AdminAuditEntries, AdminFindUser

router = Router()

_PAGE = 8  # entries; with the longest reasons they fit into one message
_REASON = 150  # characters of a reason in the list
_COUNTED = {
    "add_bonus_credits": "bonus_credits",
    "give_trainings": "trainings",
    "adjust_xp": "total_xp",
    "reset_user_usage": "requests",
}
# Actions whose text names one value.
_ROLES = (
    "set_staff_role",
    "remove_staff",
    "invite_staff",
    "cancel_staff_invitation",
    "accept_staff_invitation",
)
_NAMED = {  # the value that the text about an action names
    "award_badge": "badge",
    "revoke_badge": "badge",
    "save_article": "title",
    "publish_article": "title",
    "hide_article": "title",
    "switch_model": "model",
    "create_promocode_batch": "size",
    "save_course": "course",
    "save_lesson": "lesson",
    "save_cohort": "key",
    "create_product": "product",
    "add_course_file": "name",
    "broadcast_approve": "recipients",
    "move_learner": "course",
}
_OF_BROADCASTS = ("broadcast_", "sequence_")  # how their actions begin; all but the approval name them
_WITHOUT_USER = (
    "save_article",
    "publish_article",
    "hide_article",
    "set_access",
    "save_course",
    "save_lesson",
    "save_cohort",
    "save_course_offer",
    "add_course_file",
    "delete_course_file",
    "invite_staff",
    "cancel_staff_invitation",
    "export_learners",
    "export_leads",
    "create_ad_link",
    "archive_ad_link",
    "set_crm_stages",
)
_SWITCHED = {
    "switch_promocode": ("promocode_off", "promocode_on"),
    "switch_product": ("product_off", "product_on"),
    "switch_model": ("model_off", "model_on"),
}


@router.message_handler(commands=["audit"], admin=True)
def audit(message: Message) -> None:
    """Show the last entries, of all users or of one."""
    context = current_context()
    match command_arguments(message, 2):
        case []:
            reply(*_page(context, None, None))
        case [who] if is_user(who):
            if user := find(context, who):
                reply(*_page(context, user, None))
        case _:
            reply(context.rich("admin_usage_audit"))


@router.callback_query_handler(data=r"admin:audit:[0-9]{1,18}:[0-9]{1,9}", admin=True)
def turn_page(call: CallbackQuery) -> None:
    """Show the entries before a number; 0 means all users, or the newest."""
    show_page(call, _page)


def _page(context: UpdateContext, user: AdminFindUser | None, before: int | None) -> tuple[Text, Keyboard]:
    if context.is_offline:
        raise StateUnavailable
    page: AdminAudit = db.call(
        "admin_audit",
        p_admin_email=context.user.admin_email,
        p_user_id=user["id"] if user else None,
        p_before=before,
        p_limit=_PAGE,
    )
    entries = "\n\n".join(_line(context, entry) for entry in page["entries"])
    key = "admin_audit_of" if user else "admin_audit"
    text = context.rich(
        key, name=user_name(user) if user else "", entries=entries or context.text("admin_audit_empty")
    )
    return text, _buttons(context, user, before, page["next"])


def _buttons(
    context: UpdateContext, user: AdminFindUser | None, before: int | None, older: int | None
) -> Keyboard:
    who = user["telegram_id"] if user else 0
    row = []
    if before is not None:
        row.append((context.text("admin_audit_newest"), f"admin:audit:{who}:0"))
    if older is not None:
        row.append((context.text("admin_audit_older"), f"admin:audit:{who}:{older}"))
    rows = [row] if row else []
    if user:
        rows.append([(context.text("admin_button_card"), f"admin:user:{who}")])
    return rows


def _line(context: UpdateContext, entry: AdminAuditEntries) -> str:
    reason = str(entry["after"].get("reason") or "")
    line = context.text(
        "admin_audit_line",
        date=context.date(entry["created_at"], with_time=True),
        admin=entry["admin_email"],
        what=describe(context, context.user.currency, str(entry["action"]), entry["before"], entry["after"]),
        user=_user(context, entry),
    )
    if not reason:
        return line
    return line + "\n" + context.text("admin_audit_reason", reason=reason[:_REASON])


def _user(context: UpdateContext, entry: AdminAuditEntries) -> str:
    """Return the target of an action: a user, an erased user, a promo code, a payment without a user."""
    if entry["user"]:
        return user_name(entry["user"])
    if str(entry["action"]).startswith((*_WITHOUT_USER, *_OF_BROADCASTS)):
        return "—"
    placeholder = "admin_audit_no_user" if "payment" in entry["after"] else "admin_audit_erased"
    return str(entry["after"].get("code") or entry["after"].get("product") or context.text(placeholder))


def describe(reader: Reader, currency: str, action: str, before: JsonObject, after: JsonObject) -> str:
    """Describe an action; one without a text is shown by its name. `currency` is that of balances."""
    key = f"audit_{_SWITCHED[action][after['is_active']] if action in _SWITCHED else action}"
    if not texts.has(reader.language, key):
        return action
    return reader.text(key, **_values(reader, currency, action, before, after))


def _values(
    reader: Reader, currency: str, action: str, before: JsonObject, after: JsonObject
) -> dict[str, object]:
    """Return the values that the text about an action names."""
    values: dict[str, object] = {}
    match action:
        case "add_bonus_credits" | "give_trainings" | "adjust_xp" | "reset_user_usage":
            field = _COUNTED[action]
            values = {"before": before[field], "after": after[field]}
        case "set_plan" | "adjust_balance" | "undo":
            which = after["action"] if action == "undo" else action
            values = {
                "before": written(reader, currency, which, before),
                "after": written(reader, currency, which, after),
            }
            values |= {"what": reader.text(f"undone_{which}")} if action == "undo" else {}
        case "set_access":
            values = {"before": _access(reader, before), "after": _access(reader, after)}
        case _ if action in _ROLES:
            values = {"role": reader.text(f"staff_role_{after['role'] or before['role']}")}
        case "enroll" | "withdraw_enrollment" | "export_learners":
            values = {"course": after["course"], "tier": after.get("tier", "")}
        case _ if action in _NAMED:
            values = {_NAMED[action]: after[_NAMED[action]]}
        case _ if action.startswith((*_OF_BROADCASTS, "delete_course_file")):
            values = {"name": (after or before)["name"]}
        case "refund_payment" | "refund_decided":
            values = {
                "money": figures.money(reader.language, Decimal(after["amount"]), after["currency"]),
                "payment": after["payment"],
                "state": reader.text(f"admin_refund_state_{after.get('status', 'open')}"),
            }
        case "set_prices":
            values = {
                "before": prices_line(reader, before["prices"]),
                "after": prices_line(reader, after["prices"]),
            }
        case "set_mode_model":
            values = {"mode": after["mode"], "before": before["model"], "after": after["model"]}
        case "decide_dispute":
            values = {
                "before": before["type"],
                "after": after["type"],
                "score_before": before["score"],
                "score_after": after["score"],
            }
        case "set_product_texts":
            titles = {"before": before.get("title", "—"), "after": after["title"]}
            values = {"language": after["language"], **titles}
    return values


def _access(reader: Reader, state: JsonObject) -> str:
    """Describe which users the bots serve."""
    if state["maintenance"]:
        return reader.text("admin_access_maintenance")
    return reader.text(f"admin_access_{state['mode']}")
