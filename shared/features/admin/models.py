"""/models: the AI models by kind, their prices and cost; switches one on or off, and gives one to a mode."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db, texts
from shared.core.errors import Refusal
from shared.core.texts import Text, concat, figures
from shared.features.admin.users import button_arguments
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AdminModels, AdminSetModeModel, ModelCard, ModelCardPrices

router = Router()

_PAGE = 8  # models
_PRICES = 12  # lines of a card; the rest is counted
_MODES = 6  # buttons
_KINDS = "chat|image|video|transcription|speech|moderation"
_ORDER = tuple(_KINDS.split("|"))
_REFUSALS = {"N0001": "unknown_command", "N0003": "admin_done_differently"}


@router.message_handler(commands=["models"], admin=True)
def models(_message: Message) -> None:
    """Show the kinds of models."""
    context = current_context()
    reply(*_kinds(context))


@router.callback_query_handler(data="admin:models", admin=True)
def show_kinds(_call: CallbackQuery) -> None:
    """Show the kinds of models."""
    context = current_context()
    context.show(*_kinds(context))


@router.callback_query_handler(data=rf"admin:models_of:({_KINDS}):(0|[0-9a-f]{{10}})", admin=True)
def show_list(call: CallbackQuery) -> None:
    """Show the models of a kind behind one of them; 0 means from the first."""
    context = current_context()
    kind, after = button_arguments(call)
    context.show(*_list(context, kind, None if after == "0" else after))


@router.callback_query_handler(data=r"admin:model:[0-9a-f]{10}", admin=True)
def show_model(call: CallbackQuery) -> None:
    """Show one model."""
    context = current_context()
    found = _read(context, key=button_arguments(call)[0])
    if not found["models"]:
        return context.answer_callback(context.text("button_old"), alert=True)
    return context.show(*_card(context, found["models"][0], found["balance_currency"]))


@router.callback_query_handler(data=r"admin:model_(on|off):[0-9a-f]{10}", admin=True)
def switch(call: CallbackQuery) -> None:
    """Enable or disable a model."""
    context = current_context()
    is_active = (call.data or "").startswith("admin:model_on:")
    try:
        found: ModelCard | None = db.call(
            "admin_switch_model",
            p_key=button_arguments(call)[0],
            p_is_active=is_active,
            p_admin_email=context.user.admin_email,
            p_reference=context.reference,
        )
    except Refusal as refusal:
        return context.answer_callback(context.text(_reason(refusal)), alert=True)
    if found is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    context.answer_callback(context.text(f"admin_model_{_state(found)}"))
    return context.show(*_card(context, found, context.user.currency))


@router.callback_query_handler(data=r"admin:model_mode:[0-9a-f]{10}:[a-z0-9_]{1,32}", admin=True)
def use_in_mode(call: CallbackQuery) -> None:
    """Make a model the first one of a mode."""
    context = current_context()
    key, mode = button_arguments(call)
    try:
        done: AdminSetModeModel | None = db.call(
            "admin_set_mode_model",
            p_mode=mode,
            p_key=key,
            p_admin_email=context.user.admin_email,
            p_reference=context.reference,
        )
    except Refusal as refusal:
        return context.answer_callback(context.text(_reason(refusal)), alert=True)
    if done is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    is_done = done["outcome"] == "applied"
    context.answer_callback(
        context.text("admin_product_saved" if is_done else "admin_model_unusable"), alert=not is_done
    )
    return context.show(*_card(context, done["model"], context.user.currency))


def _reason(refusal: Refusal) -> str:
    if refusal.sqlstate not in _REFUSALS:
        raise refusal
    return _REFUSALS[refusal.sqlstate]


def _read(
    context: UpdateContext, *, kind: str | None = None, key: str | None = None, after: str | None = None
) -> AdminModels:
    if context.is_offline:
        raise StateUnavailable
    found: AdminModels = db.call(
        "admin_models",
        p_admin_email=context.user.admin_email,
        p_kind=kind,
        p_key=key,
        p_after=after,
        p_limit=_PAGE,
    )
    return found


def _kinds(context: UpdateContext) -> tuple[Text, Keyboard]:
    kinds = sorted(_read(context)["kinds"], key=lambda one: _ORDER.index(one["kind"]))
    rows = [
        [
            (
                context.text(
                    "admin_models_kind",
                    kind=_kind(context, one["kind"]),
                    usable=one["usable"],
                    of=one["models"],
                ),
                f"admin:models_of:{one['kind']}:0",
            )
        ]
        for one in kinds
    ]
    return context.rich("admin_models"), rows


def _kind(context: UpdateContext, kind: str) -> str:
    return context.text(f"admin_models_{kind}")


def _list(context: UpdateContext, kind: str, after: str | None) -> tuple[Text, Keyboard]:
    page = _read(context, kind=kind, after=after)
    lines = [
        context.rich(
            f"admin_models_line_{_state(one)}",
            model=one["model"],
            provider=one["provider"],
            price=_first_price(context, one["prices"]),
            cost=_usd(context, one["cost"]),
        )
        for one in page["models"]
    ]
    rows = [[(f"{one['model']} · {one['provider']}", f"admin:model:{one['key']}")] for one in page["models"]]
    turns = []
    if after is not None:
        turns.append((context.text("admin_models_first"), f"admin:models_of:{kind}:0"))
    if page["next"] is not None:
        turns.append((context.text("admin_models_more"), f"admin:models_of:{kind}:{page['next']}"))
    back = [(context.text("admin_models_back"), "admin:models")]
    head = context.rich("admin_models_head", kind=_kind(context, kind))
    return concat(head, *lines, separator="\n\n"), [*rows, *([turns] if turns else []), back]


def _state(model: ModelCard) -> str:
    if model["has_ended"]:
        return "ended"
    return "on" if model["enabled"] else "off"


def _card(context: UpdateContext, model: ModelCard, currency: str) -> tuple[Text, Keyboard]:
    end = model["shutdown_on"]
    head = context.rich(
        "admin_model",
        model=model["model"],
        provider=model["provider"],
        kind=_kind(context, model["kind"]),
        state=context.text(f"admin_model_{_state(model)}"),
    )
    lines = [head]
    if end:
        lines.append(context.rich("admin_model_until", date=context.date(f"{end}T12:00:00+00:00")))
    prices = [
        context.text("admin_model_price", price=_price(context, one)) for one in model["prices"][:_PRICES]
    ]
    if left := len(model["prices"]) - _PRICES:
        prices += [context.text("admin_model_prices_left", count=left)] if left > 0 else []
    lines.append(
        context.rich("admin_model_prices", prices="\n".join(prices) or context.text("admin_model_priceless"))
    )
    used = [
        context.text(f"admin_model_use_{mode['use']}", mode=_title(context, mode["texts"]))
        for mode in model["modes"]
        if mode["use"]
    ]
    if used:
        lines.append(context.rich("admin_model_modes", modes=", ".join(used)))
    lines.append(_figures(context, model, currency))
    return concat(*lines, separator="\n\n"), _keyboard(context, model)


def _keyboard(context: UpdateContext, model: ModelCard) -> Keyboard:
    key = model["key"]
    label, action = ("off", "off") if model["enabled"] else ("on", "on")
    others = [mode for mode in model["modes"] if mode["use"] != "own"] if _state(model) == "on" else []
    return [
        *(
            [
                (
                    context.text("admin_button_model_use", mode=_title(context, mode["texts"])),
                    f"admin:model_mode:{key}:{mode['key']}",
                )
            ]
            for mode in others[:_MODES]
        ),
        [(context.text(f"admin_button_model_{label}"), f"admin:model_{action}:{key}")],
        [
            (
                context.text("admin_models_back_to", kind=_kind(context, model["kind"])),
                f"admin:models_of:{model['kind']}:0",
            )
        ],
    ]


def _figures(context: UpdateContext, model: ModelCard, currency: str) -> Text:
    """Return requests and cost of 30 days, and the margin of what the balance paid for.

    There are no exchange rates here: with a balance in another currency than dollars, the margin is shown as
    what users paid for each dollar of cost.
    """
    lines = [
        context.rich("admin_model_month", requests=model["requests"], cost=_usd(context, model["cost"])),
    ]
    paid, cost = Decimal(model["sold_amount"]), Decimal(model["sold_cost"])
    if paid > 0:
        values = {
            "paid": figures.money(context.language, paid, currency),
            "cost": _usd(context, model["sold_cost"]),
        }
        if currency == "USD":
            lines.append(
                context.rich(
                    "admin_model_margin",
                    margin=_usd(context, str(paid - cost)),
                    share=figures.number(context.language, (100 * (paid - cost) / paid).quantize(Decimal(1))),
                    **values,
                )
            )
        else:
            each = (paid / cost).quantize(Decimal("0.01")) if cost else paid
            values["each"] = figures.money(context.language, each, currency)
            lines.append(context.rich("admin_model_paid", **values))
    return concat(*lines, separator="\n")


def _title(context: UpdateContext, by_language: object) -> str:
    return texts.product_words(context.language, by_language if isinstance(by_language, dict) else {}).title


def _price(context: UpdateContext, price: ModelCardPrices) -> str:
    """Return a price with its unit and conditions: "$0.03 per picture (1K)"."""
    shown = figures.money(context.language, Decimal(price["price"]), "USD", is_exact=True)
    component = price["component"]
    key = f"admin_model_unit_{'tokens' if component.endswith('_tokens') else component}"
    tokens = context.text(f"admin_model_{component}") if component.endswith("_tokens") else ""
    unit = context.text(key, tokens=tokens)
    words = [str(value) for value in price["conditions"].values() if not isinstance(value, bool)]
    if "sound" in price["conditions"]:
        words.append(
            context.text("admin_model_sound" if price["conditions"]["sound"] else "admin_model_silent")
        )
    return f"{shown} {unit}" + (f" ({', '.join(words)})" if words else "")


def _first_price(context: UpdateContext, prices: list[ModelCardPrices]) -> str:
    """Return the price that the list shows: of input before that of cached input, which alone says little."""
    if not prices:
        return context.text("admin_model_priceless")
    return _price(context, min(prices, key=lambda one: one["component"] == "cached_tokens"))


def _usd(context: UpdateContext, amount: str) -> str:
    return figures.money(context.language, Decimal(amount), "USD")
