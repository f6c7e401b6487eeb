"""/ban, which asks first and keeps the reason until the answer, and /unban."""

from __future__ import annotations

from telebot.types import CallbackQuery, Message

from shared.bots.assistant import bot
from shared.bots.assistant.admin import actions
from shared.bots.assistant.admin.card import find, show
from shared.bots.assistant.admin.commands import act_on
from shared.bots.assistant.admin.people import Found, is_person, look_up, name_of, parts, words
from shared.core.texts import Text
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, Unit

_ASKED = "ban"  # the key in the session of what was asked: {"who", "reason"}


@bot.admin_command("ban")
def ban(message: Message) -> None:
    """Ask whether to ban: whom, why."""
    unit = current()
    match words(message, 2):
        case [who, *reason] if is_person(who):
            if person := find(unit, who):
                reply(*_question(unit, person, " ".join(reason)))
        case _:
            reply(unit.rich("admin_usage_ban"))


@bot.admin_command("unban")
def unban(message: Message) -> None:
    """Take a ban back: whose."""
    unit = current()
    match words(message, 2):
        case [who] if is_person(who):
            act_on(unit, who, actions.unban)
        case _:
            reply(unit.rich("admin_usage_unban"))


@bot.admin_button(r"admin:ban:[0-9]{1,18}")
def ask(call: CallbackQuery) -> None:
    """Ask under a card's button."""
    unit = current()
    if person := look_up(unit, parts(call)[0]):
        unit.show(*_question(unit, person, ""))
    else:
        unit.notice(unit.text("button_old"), alert=True)


@bot.admin_button(r"admin:ban_yes:[0-9]{1,18}")
def confirm(call: CallbackQuery) -> None:
    """Ban, if this is still what was asked last: another question would have had another reason."""
    unit = current()
    (who,) = parts(call)
    asked = unit.data.get(_ASKED) or {}
    person = look_up(unit, who)
    if person is None or str(asked.get("who")) != who:
        return unit.notice(unit.text("admin_ban_forgotten"), alert=True)
    unit.notice(actions.carry_out(unit, person, actions.ban, asked["reason"]).line)
    unit.set_data(_ASKED, None)
    return show(unit, who)


@bot.admin_button(r"admin:ban_no:[0-9]{1,18}")
def cancel(call: CallbackQuery) -> None:
    """Leave the person alone."""
    unit = current()
    unit.set_data(_ASKED, None)
    show(unit, parts(call)[0])


def _question(unit: Unit, person: Found, reason: str) -> tuple[Text, Keyboard]:
    who = person["telegram_id"]
    card = (unit.text("admin_button_card"), f"admin:user:{who}")
    if person["is_admin"]:
        return unit.rich("admin_is_admin", name=name_of(person)), [[card]]
    kept = actions.storable(reason)
    unit.set_data(_ASKED, {"who": who, "reason": kept})
    key = "admin_ban_question_reason" if kept else "admin_ban_question"
    return unit.rich(key, name=name_of(person), reason=kept), [
        [
            (unit.text("admin_button_ban_yes"), f"admin:ban_yes:{who}"),
            (unit.text("admin_button_ban_no"), f"admin:ban_no:{who}"),
        ]
    ]
