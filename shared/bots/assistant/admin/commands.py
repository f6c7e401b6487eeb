"""/grant, /givetrainings, /addbalance, /reset and /plan: done at once, reported as before and after."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from telebot.types import Message

from shared.bots.assistant import bot
from shared.bots.assistant.admin import actions
from shared.bots.assistant.admin.card import find
from shared.bots.assistant.admin.people import Found, is_person, words
from shared.telegram import current, reply
from shared.telegram.unit import Unit

_NUMBER = re.compile(r"[+-]?[0-9]{1,7}")
_AMOUNT = re.compile(r"[+-]?[0-9]{1,7}([.,][0-9]{1,2})?")
_DAYS = re.compile(r"[0-9]{1,4}")


@bot.admin_command("grant")
def grant(message: Message) -> None:
    """Give bonus credits: whom, how many, why."""
    unit = current()
    match words(message, 3):
        case [who, number, *reason] if is_person(who) and _NUMBER.fullmatch(number) and int(number):
            act_on(unit, who, actions.grant, int(number), " ".join(reason))
        case _:
            reply(unit.rich("admin_usage_grant"))


@bot.admin_command("givetrainings")
def give_trainings(message: Message) -> None:
    """Give free trainings: whom, how many, why."""
    unit = current()
    match words(message, 3):
        case [who, number, *reason] if is_person(who) and _NUMBER.fullmatch(number) and int(number):
            act_on(unit, who, actions.give_trainings, int(number), " ".join(reason))
        case _:
            reply(unit.rich("admin_usage_givetrainings"))


@bot.admin_command("addbalance")
def add_balance(message: Message) -> None:
    """Add to a balance: whose, how much, why."""
    unit = current()
    match words(message, 3):
        case [who, amount, *reason] if is_person(who) and _AMOUNT.fullmatch(amount):
            act_on(unit, who, actions.add_balance, amount.replace(",", "."), " ".join(reason))
        case _:
            currency = unit.person.currency
            reply(unit.rich("admin_usage_addbalance", currency=currency))


@bot.admin_command("reset")
def reset(message: Message) -> None:
    """Give today's requests back: to whom."""
    unit = current()
    match words(message, 2):
        case [who] if is_person(who):
            act_on(unit, who, actions.reset)
        case _:
            reply(unit.rich("admin_usage_reset"))


@bot.admin_command("plan")
def plan(message: Message) -> None:
    """Give a plan: to whom, which one, for how many days."""
    unit = current()
    match words(message, 4):
        case [who, name, *days] if is_person(who) and _are_days(days):
            if person := find(unit, who):
                _give_plan(unit, person, name, int(days[0]) if days else None)
        case _:
            reply(unit.rich("admin_usage_plan"))


def _are_days(given: list[str]) -> bool:
    return len(given) < 2 and all(_DAYS.fullmatch(word) and int(word) for word in given)


def _give_plan(unit: Unit, person: Found, name: str, days: int | None) -> None:
    """Give the plan of this name, in whatever case it was written."""
    plans: list[str] = person["plans"] or []
    wanted = next((plan for plan in plans if plan.casefold() == name.casefold()), None)
    if wanted is None:
        return reply(unit.rich("admin_no_plan", name=name, plans=", ".join(plans)))
    return _report(unit, person, actions.carry_out(unit, person, actions.set_plan, wanted, days))


def act_on(unit: Unit, who: str, action: Callable[..., actions.Done], *values: Any) -> None:
    """Do something to the person meant, and answer with the line about it and a button to their card."""
    if person := find(unit, who):
        _report(unit, person, actions.carry_out(unit, person, action, *values))


def _report(unit: Unit, person: Found, done: actions.Done) -> None:
    row = [(unit.text("admin_button_card"), f"admin:user:{person['telegram_id']}")]
    if done.entry is not None:
        row.append((unit.text("admin_button_undo"), f"admin:undo:{done.entry}"))
    reply(done.line, [row])
