"""/grant, /givetrainings, /addbalance, /reset and /plan: done at once, reported as before and after."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from telebot.types import Message

from shared.features.admin import actions
from shared.features.admin.card import find
from shared.features.admin.users import command_arguments, is_user
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AdminFindUser

router = Router()

_NUMBER = re.compile(r"[+-]?[0-9]{1,7}")
_AMOUNT = re.compile(r"[+-]?[0-9]{1,7}([.,][0-9]{1,2})?")
_DAYS = re.compile(r"[0-9]{1,4}")


@router.message_handler(commands=["grant"], admin=True)
def grant(message: Message) -> None:
    """Give bonus credits: user, amount, reason."""
    context = current_context()
    match command_arguments(message, 3):
        case [who, number, *reason] if is_user(who) and _NUMBER.fullmatch(number) and int(number):
            act_on(context, who, actions.grant, int(number), " ".join(reason))
        case _:
            reply(context.rich("admin_usage_grant"))


@router.message_handler(commands=["givetrainings"], admin=True)
def give_trainings(message: Message) -> None:
    """Give free trainings: user, amount, reason."""
    context = current_context()
    match command_arguments(message, 3):
        case [who, number, *reason] if is_user(who) and _NUMBER.fullmatch(number) and int(number):
            act_on(context, who, actions.give_trainings, int(number), " ".join(reason))
        case _:
            reply(context.rich("admin_usage_givetrainings"))


@router.message_handler(commands=["addbalance"], admin=True)
def add_balance(message: Message) -> None:
    """Add to a balance: user, amount, reason."""
    context = current_context()
    match command_arguments(message, 3):
        case [who, amount, *reason] if is_user(who) and _AMOUNT.fullmatch(amount):
            act_on(context, who, actions.add_balance, amount.replace(",", "."), " ".join(reason))
        case _:
            currency = context.user.currency
            reply(context.rich("admin_usage_addbalance", currency=currency))


@router.message_handler(commands=["reset"], admin=True)
def reset(message: Message) -> None:
    """Reset a user's requests of this month."""
    context = current_context()
    match command_arguments(message, 2):
        case [who] if is_user(who):
            act_on(context, who, actions.reset)
        case _:
            reply(context.rich("admin_usage_reset"))


@router.message_handler(commands=["plan"], admin=True)
def plan(message: Message) -> None:
    """Set a plan: user, plan, days."""
    context = current_context()
    match command_arguments(message, 4):
        case [who, name, *days] if is_user(who) and are_days(days):
            if user := find(context, who):
                _give_plan(context, user, name, int(days[0]) if days else None)
        case _:
            reply(context.rich("admin_usage_plan"))


def are_days(given: list[str]) -> bool:
    """Return whether the last arguments of a command are nothing, or a number of days."""
    return len(given) < 2 and all(_DAYS.fullmatch(word) and int(word) for word in given)


def _give_plan(context: UpdateContext, user: AdminFindUser, name: str, days: int | None) -> None:
    """Set the plan of this name, in any letter case."""
    plans: list[str] = user["plans"] or []
    wanted = next((plan for plan in plans if plan.casefold() == name.casefold()), None)
    if wanted is None:
        return reply(context.rich("admin_no_plan", name=name, plans=", ".join(plans)))
    return _report(context, user, actions.carry_out(context, user, actions.set_plan, wanted, days))


def act_on(context: UpdateContext, who: str, action: Callable[..., actions.Done], *values: object) -> None:
    """Run an action on the named user, and answer with its result and a button to the user's card."""
    if user := find(context, who):
        _report(context, user, actions.carry_out(context, user, action, *values))


def _report(context: UpdateContext, user: AdminFindUser, done: actions.Done) -> None:
    row = [(context.text("admin_button_card"), f"admin:user:{user['telegram_id']}")]
    if done.entry is not None:
        row.append((context.text("admin_button_undo"), f"admin:undo:{done.entry}"))
    reply(done.line, [row])
