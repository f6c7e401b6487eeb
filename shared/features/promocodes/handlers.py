"""/promo: redeems a promo code behind the command, sent by itself, or carried by a link."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from telebot.handler_backends import ContinueHandling
from telebot.types import CallbackQuery, Message

from shared.core import db, user_input
from shared.core.texts import Text
from shared.features.common.menu import PROMO, back, main_menu, menu_text
from shared.features.common.plans import plan_name
from shared.telegram import current_context, reply, waits
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import RedeemPromocode

router = Router()

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
# Letters of other alphabets that look the same.
_LOOKALIKES = str.maketrans("АВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEKMHOPCTYXIJSABEZHIKMNOPTYX")
_GIVEN = {"month": "promo_month", "credits": "promo_credits", "trainings": "promo_trainings"}
_REFUSED = {
    "unknown": "promo_unknown",
    "expired": "promo_expired",
    "used_up": "promo_used_up",
    "not_yet": "promo_not_yet",
    "too_many_attempts": "promo_too_many_attempts",
}


@router.message_handler(commands=["promo"], private_only=True)
def promo(message: Message) -> None:
    """Redeem the code behind the command, or ask for one."""
    context = current_context()
    code = user_input.command_argument(message.text or "")
    if not user_input.single_value(code):
        waits.begin(context, _AWAITING)
        return reply(context.rich("promo_ask"), _cancel(context))
    return reply(*redeem(context, code))


@router.callback_query_handler(data="promo", private_only=True, page="promo")
def ask(_call: CallbackQuery) -> None:
    """Ask for a code; the next message is taken as one."""
    context = current_context()
    waits.begin(context, _AWAITING)
    context.show(context.rich("promo_ask"), _cancel(context))


@router.callback_query_handler(data="promo:cancel", private_only=True, page="promo")
def cancel(_call: CallbackQuery) -> None:
    """Go back to the menu."""
    context = current_context()
    context.show(menu_text(context), main_menu(context))


def _awaited(context: UpdateContext) -> str:
    """Return the state if it awaits a code, else an empty string."""
    awaiting = waits.current(context)
    return awaiting if awaiting == _AWAITING or awaiting.startswith(_MENDED) else ""


@router.message_handler(state=_AWAITING)
def take_code(message: Message) -> ContinueHandling | None:
    """Redeem the awaited code. After an unknown one, words that are no code go to the AI."""
    context, text = current_context(), message.text or ""
    before = _awaited(context)
    waits.end(context)
    if before.startswith(_MENDED) and not _is_meant(text, before.removeprefix(_MENDED)):
        return ContinueHandling()
    reply(*redeem(context, text, may_mend=before == _AWAITING))
    return None


def _is_meant(text: str, before: str) -> bool:
    """Return whether a message is another attempt: it looks like a code, or like the one before."""
    from difflib import get_close_matches

    code, written = next(iter(readings(text)), ""), user_input.single_value(text)
    is_marked = written.isupper() or not written.isalpha()
    return bool(code) and (is_marked or bool(get_close_matches(code, [before])))


def readings(text: str) -> tuple[str, ...]:
    """Return the codes that pasted words can mean, the likeliest first; none if they are no code.

    "Code: SUMMER.", "🎁 SUMMER 🎁", a link with a code, lookalike letters and the dashes of phones are read.
    """
    if link := _LINK.search(user_input.normalize(text)):
        return (link[1].upper(),) if _CODE.fullmatch(link[1]) else ()
    words = _AROUND.sub(
        "", user_input.single_value(_without_label(_AROUND.sub("", user_input.single_value(text))))
    )
    code = words.upper().translate(_HYPHENS)
    if _LATIN.search(code):
        code = code.translate(_LOOKALIKES)
    found = [_DASHES.sub(dash, code) for dash in ("--", "-")]
    found += [one.removeprefix(PROMO.upper()) for one in found]
    return tuple(dict.fromkeys(one for one in found if _CODE.fullmatch(one)))


def _without_label(words: str) -> str:
    label = _LABEL.match(words)
    return words[label.end() :] if label else words


def redeem(context: UpdateContext, text: str, *, may_mend: bool = True) -> tuple[Text, Keyboard]:
    """Redeem a code, once per update, and return the answer.

    Args:
        may_mend: after an unknown code, the next message is taken as one again.
    """
    waits.end(context)
    code = ""
    result: RedeemPromocode | None = None
    for code in readings(text):
        result = db.call(
            "redeem_promocode", p_user_id=context.user.id, p_code=code, p_reference=context.reference
        )
        if result and result["outcome"] != "unknown":
            break
    if result is None:
        return context.rich("promo_malformed"), _again(context)
    if result["outcome"] == "unknown":
        if may_mend:
            waits.begin(context, _MENDED + code)
        return _words(context, code, result), _cancel(context) if may_mend else _again(context)
    is_kept = result.get("is_unused") or (result["outcome"], result.get("kind")) == ("redeemed", "percent")
    return _words(context, code, result), [
        [(context.text("menu_buy"), "buy")],
        *back(context),
    ] if is_kept else back(context)


def _words(context: UpdateContext, code: str, result: RedeemPromocode) -> Text:
    until = context.date(result["until"]) if "until" in result else ""
    match result["outcome"]:
        case "redeemed" if result["kind"] == "percent":
            key = "promo_percent_until" if until else "promo_percent"
            return context.rich(key, code=code, percent=result["value"], until=until)
        case "redeemed":
            plan = plan_name(context, result["plan"]) if "plan" in result else ""
            return context.rich(
                _GIVEN[result["kind"]], code=code, value=result["value"], plan=plan, until=until
            )
        case "already_used" if result["is_unused"]:
            return context.rich("promo_waits", code=code, percent=result["value"])
        case "already_used":
            return context.rich("promo_already_used", code=code)
        case outcome:
            begins = context.date(result["from"]) if "from" in result else ""
            return context.rich(_REFUSED[outcome], code=code, date=begins)


@router.link_handler(PROMO)
def redeem_link(context: UpdateContext, code: str) -> tuple[Text, Keyboard] | None:
    """Redeem the code of a link, in the private chat."""
    return redeem(context, code) if context.update.is_private else None


def _cancel(context: UpdateContext) -> Keyboard:
    return [[(context.text("promo_cancel"), "promo:cancel")]]


def _again(context: UpdateContext) -> Keyboard:
    return [[(context.text("promo_again"), "promo")], *back(context)]
