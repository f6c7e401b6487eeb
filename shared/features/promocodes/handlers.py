"""/promo: redeems a promo code behind the command, sent by itself, or carried by a link."""

from __future__ import annotations

from telebot.handler_backends import ContinueHandling
from telebot.types import CallbackQuery, Message

from shared.core import user_input
from shared.core.texts import Text
from shared.features.common.menu import PROMO, back, main_menu, menu_text
from shared.features.promocodes import redeeming
from shared.telegram import current_context, reply, waits
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

router = Router()

_AWAITING = "promocode"
_MENDED = "promocode:"  # awaits a code that was unknown once more; the code follows


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

    code, written = next(iter(redeeming.readings(text)), ""), user_input.single_value(text)
    is_marked = written.isupper() or not written.isalpha()
    return bool(code) and (is_marked or bool(get_close_matches(code, [before])))


def redeem(context: UpdateContext, text: str, *, may_mend: bool = True) -> tuple[Text, Keyboard]:
    """Redeem a code, once per update, and return the answer.

    Args:
        may_mend: after an unknown code, the next message is taken as one again.
    """
    waits.end(context)
    code, result = redeeming.redeem(context.user.id, text, context.reference)
    if result is None:
        return context.rich("promo_malformed"), _again(context)
    if result["outcome"] == "unknown":
        if may_mend:
            waits.begin(context, _MENDED + code)
        keyboard = _cancel(context) if may_mend else _again(context)
        return redeeming.outcome_text(context, code, result), keyboard
    is_kept = redeeming.is_discount(result)
    return redeeming.outcome_text(context, code, result), [
        [(context.text("menu_buy"), "buy")],
        *back(context),
    ] if is_kept else back(context)


@router.link_handler(PROMO)
def redeem_link(context: UpdateContext, code: str) -> tuple[Text, Keyboard] | None:
    """Redeem the code of a link, in the private chat."""
    return redeem(context, code) if context.update.is_private else None


def _cancel(context: UpdateContext) -> Keyboard:
    return [[(context.text("promo_cancel"), "promo:cancel")]]


def _again(context: UpdateContext) -> Keyboard:
    return [[(context.text("promo_again"), "promo")], *back(context)]
