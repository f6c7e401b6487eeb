"""/model: which model answers in this conversation."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core.texts import figures
from shared.features.common.menu import back, buy_button
from shared.features.conversations import choices, settings
from shared.telegram import current_context, reply
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.texts import Text
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

router = Router()

_PREFIX = "model:"
_STANDARD = "model:="


@router.message_handler(commands=["model"], private_only=True)
def model(_message: Message) -> None:
    """Offer the models."""
    context = current_context()
    reply(*_screen(context, _chosen(context)))


@router.callback_query_handler(data="model", private_only=True, page="model")
def show_models(_call: CallbackQuery) -> None:
    """Offer the models under a button."""
    context = current_context()
    context.show(*_screen(context, _chosen(context)))


@router.callback_query_handler(data=_STANDARD, private_only=True, page="model")
def choose_standard(_call: CallbackQuery) -> None:
    """Let the standard model answer in this conversation."""
    context = current_context()
    if _chosen(context) is not None:
        settings.change(context, settings.current_id(context), model=None)
    context.answer_callback(context.text("model_set", model=context.text("model_standard")))
    context.show(*_screen(context, None))


@router.callback_query_handler(data=_PREFIX + "[a-z0-9_]{1,32}", private_only=True, page="model")
def choose(call: CallbackQuery) -> None:
    """Let this model answer in this conversation."""
    context = current_context()
    choice = choices.find((call.data or "").removeprefix(_PREFIX))
    if choice is None:
        context.answer_callback(context.text("model_gone"), alert=True)
        return context.show(*_screen(context, _chosen(context)))
    if not choices.is_included(context, choice):
        return context.answer_callback(context.text("model_not_included"), alert=True)
    settings.change(context, settings.current_id(context), model=choice.key)
    context.answer_callback(context.text("model_set", model=choice.title(context.language)))
    return context.show(*_screen(context, choice.key))


def title(context: UpdateContext, key: str | None) -> str:
    """Return the name of a chosen model; None: that of the standard one."""
    choice = choices.find(key) if key else None
    return choice.title(context.language) if choice else context.text("model_standard")


def _chosen(context: UpdateContext) -> str | None:
    """Return the model that answers in this conversation; None: the standard one."""
    conversation = context.conversation
    if conversation is None or conversation.model is None or choices.usable(context, conversation) is None:
        return None
    return conversation.model


def _screen(context: UpdateContext, chosen: str | None) -> tuple[Text, Keyboard]:
    offered = choices.choices()
    lines = [
        f"{one.title(context.language)} — {about}"
        for one in offered
        if (about := one.description(context.language))
    ]
    rows = [
        [
            (
                _label(context, context.text("model_standard"), choices.standard_price(), chosen is None),
                _STANDARD,
            )
        ]
    ]
    has_locked = False
    for one in offered:
        label = _label(context, one.title(context.language), one.price, one.key == chosen)
        if not choices.is_included(context, one):
            label, has_locked = f"🔒 {label}", True
        rows.append([(label, _PREFIX + one.key)])
    if context.user_api_key is not None or not offered:
        key = "model_own_key" if context.user_api_key is not None else "model_none"
        text = context.rich(key)
    else:
        text = context.rich("model_choose", models="\n".join(lines), current=title(context, chosen))
    more = [buy_button(context)] if has_locked else []
    return text, [*rows, *filter(None, more), *back(context)]


def _label(context: UpdateContext, name: str, price: Decimal | None, is_chosen: bool) -> str:
    ratio = choices.relative_price(price)
    label = name if ratio is None else f"{name} · ×{figures.number(context.language, ratio)}"
    return f"✅ {label}" if is_chosen else label
