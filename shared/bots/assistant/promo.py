"""/promo: a promo code is redeemed, written behind the command, sent by itself, or carried by a link."""

from __future__ import annotations

import re
from typing import Any

from telebot.handler_backends import ContinueHandling
from telebot.types import CallbackQuery, Message

from shared.bots.assistant import bot
from shared.bots.assistant.features import plan_name
from shared.bots.assistant.menu import PROMO, back, main_menu, menu_text
from shared.core import db, pasted
from shared.core.texts import Text
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, Unit

_AWAITING = "promocode"
_MENDED = "promocode:"  # awaits a code that was unknown once more; the code follows
_CODE = re.compile(r"[A-Za-z0-9_-]{3,32}")
_LABEL = re.compile(
    r"(?:promo ?code|promo|coupon|voucher|code|промо-?код|промик|купон|ваучер|код)"
    r"(?: ?[:=] ?| [-\u2013\u2014] | )(?=\S)",
    re.IGNORECASE,
)
_LINK = re.compile(rf"[?&]start=(?:{PROMO})?([A-Za-z0-9_-]{{1,64}})")
_HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212"), "-")
_AROUND = re.compile(r"\A[^\w-]{1,32}|[^\w-]{1,32}\Z")  # emoji, `#`
_DASHES = re.compile("[\u2014\u2015]")  # phones write -- so
_LATIN = re.compile("[A-Z0-9]")
# Letters of other alphabets that look the same: nobody sees which one was typed.
_LOOKALIKES = str.maketrans("АВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEKMHOPCTYXIJSABEZHIKMNOPTYX")
_GIVEN = {"month": "promo_month", "credits": "promo_credits", "trainings": "promo_trainings"}
_REFUSED = {
    "unknown": "promo_unknown",
    "expired": "promo_expired",
    "used_up": "promo_used_up",
    "not_yet": "promo_not_yet",
    "too_many_tries": "promo_too_many_tries",
}

Redeemed = dict[str, Any]  # what redeem_promocode returns


@bot.message_handler(commands=["promo"], private_only=True)
def promo(message: Message) -> None:
    """Redeem the code behind the command, or ask for one."""
    unit = current()
    code = pasted.after_command(message.text or "")
    if not pasted.word(code):
        unit.set_data("awaiting", _AWAITING)
        return reply(unit.rich("promo_ask"), _cancel(unit))
    return reply(*redeem(unit, code))


@bot.callback_query_handler(func=lambda call: call.data == "promo", private_only=True, page="promo")
def ask(_call: CallbackQuery) -> None:
    """Ask for a code under a button; the next message is it."""
    unit = current()
    unit.set_data("awaiting", _AWAITING)
    unit.show(unit.rich("promo_ask"), _cancel(unit))


@bot.callback_query_handler(func=lambda call: call.data == "promo:cancel", private_only=True, page="promo")
def cancel(_call: CallbackQuery) -> None:
    """Wait for no code any more."""
    unit = current()
    if _awaited(unit):
        unit.set_data("awaiting", None)
    unit.show(menu_text(unit), main_menu(unit))


def _awaited(unit: Unit) -> str:
    """Return the state in which a code is awaited, or an empty string."""
    awaiting = str(unit.data.get("awaiting") or "")
    return awaiting if awaiting == _AWAITING or awaiting.startswith(_MENDED) else ""


def _is_awaited(message: Message) -> bool:
    return bool(_awaited(current())) and not (message.text or "").startswith("/")


@bot.message_handler(func=_is_awaited, content_types=["text"])
def take_code(message: Message) -> ContinueHandling | None:
    """Redeem the code that was asked for. After an unknown one, words that are no code are for the AI."""
    unit, text = current(), message.text or ""
    before = _awaited(unit)
    unit.set_data("awaiting", None)
    if before.startswith(_MENDED) and not _is_meant(text, before.removeprefix(_MENDED)):
        return ContinueHandling()
    reply(*redeem(unit, text, may_mend=before == _AWAITING))
    return None


def _is_meant(text: str, before: str) -> bool:
    """Whether a message is another try at a promo code: it looks like one, or like the one before."""
    from difflib import get_close_matches

    code, written = next(iter(readings(text)), ""), pasted.word(text)
    is_marked = written.isupper() or not written.isalpha()
    return bool(code) and (is_marked or bool(get_close_matches(code, [before])))


def readings(text: str) -> tuple[str, ...]:
    """Return the codes that pasted words can mean, the likeliest first; none when they are no code.

    "Code: SUMMER.", "🎁 SUMMER 🎁", a link with a code, lookalike letters and the dashes of phones are read.
    """
    if link := _LINK.search(pasted.plain(text)):
        return (link[1].upper(),) if _CODE.fullmatch(link[1]) else ()
    words = _AROUND.sub("", pasted.word(_without_label(_AROUND.sub("", pasted.word(text)))))
    code = words.upper().translate(_HYPHENS)
    if _LATIN.search(code):
        code = code.translate(_LOOKALIKES)
    found = [_DASHES.sub(dash, code) for dash in ("--", "-")]
    found += [one.removeprefix(PROMO.upper()) for one in found]
    return tuple(dict.fromkeys(one for one in found if _CODE.fullmatch(one)))


def _without_label(words: str) -> str:
    label = _LABEL.match(words)
    return words[label.end() :] if label else words


def redeem(unit: Unit, text: str, *, may_mend: bool = True) -> tuple[Text, Keyboard]:
    """Redeem a code, once for an update, and return what to say.

    Args:
        may_mend: an unknown code may be sent again, without a tap before it.
    """
    unit.set_data("awaiting", None)
    code, told = "", Redeemed(outcome="malformed")
    for code in readings(text):
        told = db.call("redeem_promocode", p_user_id=unit.person.id, p_code=code, p_reference=unit.reference)
        if told["outcome"] != "unknown":
            break
    if told["outcome"] == "malformed":
        return unit.rich("promo_malformed"), _again(unit)
    if told["outcome"] == "unknown":
        if may_mend:
            unit.set_data("awaiting", _MENDED + code)
        return _words(unit, code, told), _cancel(unit) if may_mend else _again(unit)
    waits = told.get("waits") or (told["outcome"], told.get("kind")) == ("redeemed", "percent")
    return _words(unit, code, told), [[(unit.text("menu_buy"), "buy")], *back(unit)] if waits else back(unit)


def _words(unit: Unit, code: str, told: Redeemed) -> Text:
    until = unit.date(told["until"]) if "until" in told else ""
    match told["outcome"]:
        case "redeemed" if told["kind"] == "percent":
            key = "promo_percent_until" if until else "promo_percent"
            return unit.rich(key, code=code, percent=told["value"], until=until)
        case "redeemed":
            plan = plan_name(unit, told["plan"]) if "plan" in told else ""
            return unit.rich(_GIVEN[told["kind"]], code=code, value=told["value"], plan=plan, until=until)
        case "already_used" if told["waits"]:
            return unit.rich("promo_waits", code=code, percent=told["value"])
        case "already_used":
            return unit.rich("promo_already_used", code=code)
        case outcome:
            begins = unit.date(told["from"]) if "from" in told else ""
            return unit.rich(_REFUSED[outcome], code=code, date=begins)


def _cancel(unit: Unit) -> Keyboard:
    return [[(unit.text("promo_cancel"), "promo:cancel")]]


def _again(unit: Unit) -> Keyboard:
    return [[(unit.text("promo_again"), "promo")], *back(unit)]
