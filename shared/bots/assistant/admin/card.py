"""/user: a user's card with buttons for the common actions, found by ID, @name or a part of their name."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from telebot.types import CallbackQuery, Message

from shared.bots.assistant import bot
from shared.bots.assistant.admin import actions
from shared.bots.assistant.admin.people import (
    Found,
    is_person,
    look_up,
    name_of,
    parts,
    words,
)
from shared.bots.assistant.admin.undo import undo, undo_label
from shared.core import db, pasted
from shared.core.texts import Text, figures
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, StateUnavailable, Unit

_GIFTS = (10, 100)  # bonus credits a button gives
_DAYS = 30  # of a plan that a button gives
_FOUND = 8  # users that a search lists
_MAX_DATA = 64  # bytes of a button's data


@bot.admin_command("user")
def user(message: Message) -> None:
    """Show the card of the user meant, or the users whose names fit."""
    unit = current()
    query = pasted.plain(pasted.after_command(message.text or ""))
    who = (words(message, 2) or [""])[0] if len(query.split()) < 2 else ""
    if person := look_up(unit, who) if is_person(who) else None:
        return reply(card(unit, person), buttons(unit, person))
    return reply(*search(unit, who or query))


def search(unit: Unit, query: str) -> tuple[Text, Keyboard]:
    """Return the users whose names hold the query; the card where there is one alone."""
    if unit.is_offline:
        raise StateUnavailable
    found = db.call(
        "admin_search_users", p_query=query, p_admin_email=unit.person.admin_email, p_limit=_FOUND
    )
    if found is None:
        return unit.rich("admin_usage_user"), []
    users = found["users"]
    if not users:
        return unit.rich("admin_nobody", who=query), []
    if len(users) == 1 and (person := look_up(unit, str(users[0]["telegram_id"]))):
        return card(unit, person), buttons(unit, person)
    text = unit.rich("admin_found_more" if found["has_more"] else "admin_found", query=query)
    return text, [[(_label(one), f"admin:user:{one['telegram_id']}")] for one in users]


def find(unit: Unit, who: str) -> Found | None:
    """Return the person, or show whose name fits: a command takes only an id or a @name."""
    found = look_up(unit, who)
    if found is None and who.isdigit():
        reply(unit.rich("admin_nobody", who=who))
    elif found is None:
        reply(*search(unit, who))
    return found


def _label(person: Found) -> str:
    """Return the name with its @name, or with the id where only that tells namesakes apart."""
    name, number = name_of(person), str(person["telegram_id"])
    return name if person["username"] or name == number else f"{name} · {number}"


@bot.admin_button(r"admin:user:[0-9]{1,18}")
def show_user(call: CallbackQuery) -> None:
    """Show the card under a button."""
    show(current(), parts(call)[0])


@bot.admin_button(r"admin:give:[0-9]{1,18}")
def show_gifts(call: CallbackQuery) -> None:
    """Show what can be given."""
    unit = current()
    if person := look_up(unit, parts(call)[0]):
        unit.show(card(unit, person), _gifts(unit, person))
    else:
        unit.notice(unit.text("button_old"), alert=True)


@bot.admin_button(r"admin:undo:[0-9]{1,18}")
def tap_undo(call: CallbackQuery) -> None:
    """Undo what an admin did."""
    unit = current()
    done = undo(unit, int(parts(call)[0]))
    unit.notice(done.line, alert=done.who is None)
    if done.who is not None:
        show(unit, done.who)


@bot.admin_button(r"admin:grant:[0-9]{1,18}:[0-9]{1,9}")
def tap_grant(call: CallbackQuery) -> None:
    """Give bonus credits."""
    who, credits_ = parts(call)
    _act(who, actions.grant, int(credits_))


@bot.admin_button(r"admin:reset:[0-9]{1,18}")
def tap_reset(call: CallbackQuery) -> None:
    """Give today's requests back."""
    _act(parts(call)[0], actions.reset)


@bot.admin_button(r"admin:plan:[0-9]{1,18}:[^:]+")
def tap_plan(call: CallbackQuery) -> None:
    """Give a plan for some days, or take it back: the free one, which has no end."""
    who, plan = parts(call)
    unit = current()
    person = look_up(unit, who)
    if person is None or plan not in person["plans"]:
        return unit.notice(unit.text("button_old"), alert=True)
    return _act(who, actions.set_plan, plan, None if plan == person["plans"][0] else _DAYS)


@bot.admin_button(r"admin:unban:[0-9]{1,18}")
def tap_unban(call: CallbackQuery) -> None:
    """Take a ban back."""
    _act(parts(call)[0], actions.unban)


def card(unit: Unit, person: Found) -> Text:
    """Return a person's card."""
    return unit.rich(
        "admin_card",
        name=name_of(person),
        id=person["telegram_id"],
        language=person["language"] or "—",
        plan=actions.plan_until(unit, person["plan"], person["plan_ends_at"]),
        today=_used(unit, person["requests"], person["daily_requests"]),
        month=_used(unit, person["month_requests"], person["monthly_requests"]),
        credits=figures.number(unit.language, person["bonus_credits"]),
        trainings=figures.number(unit.language, person["free_trainings"]),
        balance=figures.money(unit.language, Decimal(person["balance"]), person["currency"]),
        referrals=figures.number(unit.language, person["total_referrals"]),
        keys=person["keys"],
        since=unit.date(person["created_at"]),
        last=unit.date(person["last_activity"], with_time=True),
        money=_money(unit, person),
        marks=_marks(unit, person),
    )


def buttons(unit: Unit, person: Found) -> Keyboard:
    """Return what can be done to a person."""
    who = person["telegram_id"]
    row = [(unit.text("admin_button_give"), f"admin:give:{who}")]
    if person["money"]["payments"]:
        row.append((unit.text("admin_button_payments"), f"admin:payments:{who}:0"))
    second = [(unit.text("admin_button_audit"), f"admin:audit:{who}:0")]
    if person["banned_at"]:
        second.append((unit.text("admin_button_unban"), f"admin:unban:{who}"))
    elif not person["is_admin"]:
        second.append((unit.text("admin_button_ban"), f"admin:ban:{who}"))
    rows = [row, second]
    if person["undo"]:
        what = undo_label(unit, person["undo"])
        rows.append([(unit.text("admin_button_undo_what", what=what), f"admin:undo:{person['undo']['id']}")])
    return rows


def _gifts(unit: Unit, person: Found) -> Keyboard:
    """Return what can be given to a user."""
    who = person["telegram_id"]
    return [
        [(unit.text("admin_button_grant", credits=gift), f"admin:grant:{who}:{gift}") for gift in _GIFTS],
        [(unit.text("admin_button_reset"), f"admin:reset:{who}")],
        *([button] for button in _plan_buttons(unit, person)),
        [(unit.text("admin_button_back"), f"admin:user:{who}")],
    ]


def show(unit: Unit, who: str) -> None:
    """Show a person's card as it is now in the message that was tapped."""
    if person := look_up(unit, who):
        unit.show(card(unit, person), buttons(unit, person))
    else:
        unit.notice(unit.text("button_old"), alert=True)


def _act(who: str, action: Callable[..., actions.Done], *values: Any) -> None:
    """Do what a button says, tell it over the chat and bring the card up to date."""
    unit = current()
    person = look_up(unit, who)
    if person is None:
        return unit.notice(unit.text("button_old"), alert=True)
    unit.notice(actions.carry_out(unit, person, action, *values).line)
    now = look_up(unit, who)
    if now is not None and now != person:  # Telegram refuses an edit that changes nothing
        unit.show(card(unit, now), buttons(unit, now))
    return None


def _plan_buttons(unit: Unit, person: Found) -> list[tuple[str, str]]:
    free, *paid = person["plans"] or [person["plan"]]
    offered = [
        (
            unit.text("admin_button_plan", plan=actions.plan_until(unit, plan, None), days=_DAYS),
            f"admin:plan:{person['telegram_id']}:{plan}",
        )
        for plan in paid
    ]
    if person["has_given_plan"]:  # a plan that was bought ends with its refund
        offered.append((unit.text("admin_button_no_plan"), f"admin:plan:{person['telegram_id']}:{free}"))
    return [(label, data) for label, data in offered if len(data.encode()) <= _MAX_DATA]


def _used(unit: Unit, used: int, limit: int | None) -> str:
    """Return how much of a limit is used: "3 of 25", or "3" without one."""
    figure = figures.number(unit.language, used)
    if limit is None:
        return figure
    return unit.text("admin_card_of", used=figure, limit=figures.number(unit.language, limit))


def _money(unit: Unit, person: Found) -> str:
    """Return what a person paid, in each currency, and what of it went back."""
    sums = []
    for one in person["money"]["sums"]:
        paid, refunded = (
            figures.money(unit.language, Decimal(one[name]), one["currency"]) for name in ("paid", "refunded")
        )
        key = "admin_card_refunded" if Decimal(one["refunded"]) else "admin_card_paid"
        sums.append(unit.text(key, paid=paid, refunded=refunded))
    return " · ".join(sums) or "—"


def _marks(unit: Unit, person: Found) -> str:
    marks = []
    if person["money"]["chargebacks"]:
        marks.append(unit.text("admin_mark_chargebacks", count=person["money"]["chargebacks"]))
    if person["is_admin"]:
        marks.append(unit.text("admin_mark_admin"))
    if not person["is_active"]:
        marks.append(unit.text("admin_mark_blocked"))
    if person["banned_at"]:
        date = unit.date(person["banned_at"], with_time=True)
        marks.append(unit.text("admin_mark_banned", date=date))
        if person["ban_reason"]:
            marks.append(unit.text("admin_mark_reason", reason=person["ban_reason"]))
    return "".join(f"\n{mark}" for mark in ("", *marks)) if marks else ""
