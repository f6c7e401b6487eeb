"""/user: a user's card with buttons for the common actions, found by ID, @name or a part of their name."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db, user_input
from shared.core.texts import Text, figures
from shared.features.admin import actions
from shared.features.admin.undo import undo, undo_label
from shared.features.admin.users import button_arguments, command_arguments, find_user, is_user, user_name
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AdminFindUser, AdminSearchUsers, AdminSearchUsersUsers

router = Router()

_GIFTS = (10, 100)  # bonus credits a button gives
_DAYS = 30  # of a plan that a button gives
_FOUND = 8  # users that a search lists
_MAX_DATA = 64  # bytes of a button's data


@router.message_handler(commands=["user"], admin=True)
def user_command(message: Message) -> None:
    """Show the card of a user, or the users whose names match."""
    context = current_context()
    query = user_input.normalize(user_input.command_argument(message.text or ""))
    who = (command_arguments(message, 2) or [""])[0] if len(query.split()) < 2 else ""
    if user := find_user(context, who) if is_user(who) else None:
        return reply(card(context, user), buttons(context, user))
    return reply(*search(context, who or query))


def search(context: UpdateContext, query: str) -> tuple[Text, Keyboard]:
    """Return the users whose names contain the query; the card if there is only one."""
    if context.is_offline:
        raise StateUnavailable
    found: AdminSearchUsers | None = db.call(
        "admin_search_users", p_query=query, p_admin_email=context.user.admin_email, p_limit=_FOUND
    )
    if found is None:
        return context.rich("admin_usage_user"), []
    users = found["users"]
    if not users:
        return context.rich("admin_user_not_found", who=query), []
    if len(users) == 1 and (user := find_user(context, str(users[0]["telegram_id"]))):
        return card(context, user), buttons(context, user)
    text = context.rich("admin_found_more" if found["has_more"] else "admin_found", query=query)
    return text, [[(_label(one), f"admin:user:{one['telegram_id']}")] for one in users]


def find(context: UpdateContext, who: str) -> AdminFindUser | None:
    """Return the user, or show the users whose names match: a command takes only an ID or a @name."""
    found = find_user(context, who)
    if found is None and who.isdigit():
        reply(context.rich("admin_user_not_found", who=who))
    elif found is None:
        reply(*search(context, who))
    return found


def _label(user: AdminSearchUsersUsers) -> str:
    """Return the name with its @name, or with the ID if only that distinguishes namesakes."""
    name, number = user_name(user), str(user["telegram_id"])
    return name if user["username"] or name == number else f"{name} · {number}"


@router.callback_query_handler(data=r"admin:user:[0-9]{1,18}", admin=True)
def show_user(call: CallbackQuery) -> None:
    """Show the card under a button."""
    show(current_context(), button_arguments(call)[0])


@router.callback_query_handler(data=r"admin:give:[0-9]{1,18}", admin=True)
def show_gifts(call: CallbackQuery) -> None:
    """Show what can be given."""
    context = current_context()
    if user := find_user(context, button_arguments(call)[0]):
        context.show(card(context, user), _gifts(context, user))
    else:
        context.answer_callback(context.text("button_old"), alert=True)


@router.callback_query_handler(data=r"admin:undo:[0-9]{1,18}", admin=True)
def tap_undo(call: CallbackQuery) -> None:
    """Undo what an admin did."""
    context = current_context()
    done = undo(context, int(button_arguments(call)[0]))
    context.answer_callback(done.line, alert=done.who is None)
    if done.who is not None:
        show(context, done.who)


@router.callback_query_handler(data=r"admin:grant:[0-9]{1,18}:[0-9]{1,9}", admin=True)
def tap_grant(call: CallbackQuery) -> None:
    """Give bonus credits."""
    who, credits_ = button_arguments(call)
    _act(who, actions.grant, int(credits_))


@router.callback_query_handler(data=r"admin:reset:[0-9]{1,18}", admin=True)
def tap_reset(call: CallbackQuery) -> None:
    """Give today's requests back."""
    _act(button_arguments(call)[0], actions.reset)


@router.callback_query_handler(data=r"admin:plan:[0-9]{1,18}:[^:]+", admin=True)
def tap_plan(call: CallbackQuery) -> None:
    """Give a plan for some days, or take it back: the free one, which has no end."""
    who, plan = button_arguments(call)
    context = current_context()
    user = find_user(context, who)
    if user is None or plan not in user["plans"]:
        return context.answer_callback(context.text("button_old"), alert=True)
    return _act(who, actions.set_plan, plan, None if plan == user["plans"][0] else _DAYS)


@router.callback_query_handler(data=r"admin:unban:[0-9]{1,18}", admin=True)
def tap_unban(call: CallbackQuery) -> None:
    """Take a ban back."""
    _act(button_arguments(call)[0], actions.unban)


def card(context: UpdateContext, user: AdminFindUser) -> Text:
    """Return a user's card."""
    return context.rich(
        "admin_card",
        name=user_name(user),
        id=user["telegram_id"],
        language=user["language"] or "—",
        plan=actions.plan_until(context, user["plan"], user["plan_ends_at"]),
        today=_used(context, user["requests"], user["daily_requests"]),
        month=_used(context, user["month_requests"], user["monthly_requests"]),
        credits=figures.number(context.language, user["bonus_credits"]),
        trainings=figures.number(context.language, user["free_trainings"]),
        balance=figures.money(context.language, Decimal(user["balance"]), user["currency"]),
        referrals=figures.number(context.language, user["total_referrals"]),
        keys=user["keys"],
        since=context.date(user["created_at"]),
        last=context.date(user["last_activity"], with_time=True),
        money=_money(context, user),
        marks=_marks(context, user),
    )


def buttons(context: UpdateContext, user: AdminFindUser) -> Keyboard:
    """Return the buttons for a user."""
    who = user["telegram_id"]
    row = [(context.text("admin_button_give"), f"admin:give:{who}")]
    if user["money"]["payments"]:
        row.append((context.text("admin_button_payments"), f"admin:payments:{who}:0"))
    second = [(context.text("admin_button_audit"), f"admin:audit:{who}:0")]
    if user["banned_at"]:
        second.append((context.text("admin_button_unban"), f"admin:unban:{who}"))
    elif not user["is_admin"]:
        second.append((context.text("admin_button_ban"), f"admin:ban:{who}"))
    rows = [row, second]
    if user["undo"]:
        what = undo_label(context, user["undo"])
        rows.append([(context.text("admin_button_undo_what", what=what), f"admin:undo:{user['undo']['id']}")])
    return rows


def _gifts(context: UpdateContext, user: AdminFindUser) -> Keyboard:
    """Return what can be given to a user."""
    who = user["telegram_id"]
    return [
        [(context.text("admin_button_grant", credits=gift), f"admin:grant:{who}:{gift}") for gift in _GIFTS],
        [(context.text("admin_button_reset"), f"admin:reset:{who}")],
        *([button] for button in _plan_buttons(context, user)),
        [(context.text("admin_button_back"), f"admin:user:{who}")],
    ]


def show(context: UpdateContext, who: str) -> None:
    """Update a user's card in the message that was tapped."""
    if user := find_user(context, who):
        context.show(card(context, user), buttons(context, user))
    else:
        context.answer_callback(context.text("button_old"), alert=True)


def _act(who: str, action: Callable[..., actions.Done], *values: object) -> None:
    """Run the action of a button, show its result over the chat, and update the card."""
    context = current_context()
    user = find_user(context, who)
    if user is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    context.answer_callback(actions.carry_out(context, user, action, *values).line)
    now = find_user(context, who)
    if now is not None and now != user:  # Telegram refuses an edit that changes nothing
        context.show(card(context, now), buttons(context, now))
    return None


def _plan_buttons(context: UpdateContext, user: AdminFindUser) -> list[tuple[str, str]]:
    free, *paid = user["plans"] or [user["plan"]]
    offered = [
        (
            context.text("admin_button_plan", plan=actions.plan_until(context, plan, None), days=_DAYS),
            f"admin:plan:{user['telegram_id']}:{plan}",
        )
        for plan in paid
    ]
    if user["has_given_plan"]:  # a plan that was bought ends with its refund
        offered.append((context.text("admin_button_no_plan"), f"admin:plan:{user['telegram_id']}:{free}"))
    return [(label, data) for label, data in offered if len(data.encode()) <= _MAX_DATA]


def _used(context: UpdateContext, used: int, limit: int | None) -> str:
    """Return how much of a limit is used: "3 of 25", or "3" without one."""
    figure = figures.number(context.language, used)
    if limit is None:
        return figure
    return context.text("admin_card_of", used=figure, limit=figures.number(context.language, limit))


def _money(context: UpdateContext, user: AdminFindUser) -> str:
    """Return what a user paid in each currency, and what of it was refunded."""
    sums = []
    for one in user["money"]["sums"]:
        paid, refunded = (
            figures.money(context.language, Decimal(one[name]), one["currency"])
            for name in ("paid", "refunded")
        )
        key = "admin_card_refunded" if Decimal(one["refunded"]) else "admin_card_paid"
        sums.append(context.text(key, paid=paid, refunded=refunded))
    return " · ".join(sums) or "—"


def _marks(context: UpdateContext, user: AdminFindUser) -> str:
    marks = []
    if user["money"]["chargebacks"]:
        marks.append(context.text("admin_mark_chargebacks", count=user["money"]["chargebacks"]))
    if user["is_admin"]:
        marks.append(context.text("admin_mark_admin"))
    if not user["is_active"]:
        marks.append(context.text("admin_mark_blocked"))
    if user["banned_at"]:
        date = context.date(user["banned_at"], with_time=True)
        marks.append(context.text("admin_mark_banned", date=date))
        if user["ban_reason"]:
            marks.append(context.text("admin_mark_reason", reason=user["ban_reason"]))
    return "".join(f"\n{mark}" for mark in ("", *marks)) if marks else ""
