"""What a picture or video costs its user, in words; and what to do where that is not left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core.texts import concat, figures
from shared.features.common import catalog as shop
from shared.features.common.menu import buy_button
from shared.features.common.offering import is_offered
from shared.features.common.quota import resets, upgrade_options

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from shared.core.texts import Text
    from shared.features.common.media.kinds import MediaKind
    from shared.features.common.media.wishes import Quote
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

_TOP_UPS = "shop:balance"  # the button of the shop's list of top-ups


def words(context: UpdateContext, kind: MediaKind, quoted: Quote) -> Text:
    """Return the question whether to make it for its price."""
    if quoted.amount:
        text = context.rich(kind.key("price_balance"), price=_money(context, quoted.amount))
        return _with_balance(context, text)
    return context.rich(kind.key("price"), requests=quoted.requests)


def button(context: UpdateContext, kind: MediaKind, quoted: Quote) -> str:
    """Return the label of the button that orders it."""
    if quoted.amount:
        return context.text(kind.key("confirm_balance"), price=_money(context, quoted.amount))
    return context.text(kind.key("confirm"), requests=quoted.requests)


def costs(context: UpdateContext, kind: MediaKind, quoted: Quote) -> str:
    """Return what one costs with the chosen options."""
    if quoted.is_on_users_key:
        return context.text("media_costs_own_key")
    if quoted.amount:
        return context.text(kind.key("costs_balance"), price=_money(context, quoted.amount))
    return context.text(kind.key("costs"), requests=quoted.requests)


def mark(context: UpdateContext, quoted: Quote) -> str:
    """Return what follows the label of an option: its price, unless it is one request."""
    if quoted.amount:
        return f" · {_money(context, quoted.amount)}"
    return f" · {quoted.requests}" if quoted.requests > 1 else ""


def note(context: UpdateContext, every: Iterable[Quote | None]) -> str:
    """Return a line that explains the numbers of `mark`; empty if there are none, or they name a currency."""
    has_numbers = any(one and not one.amount and mark(context, one) for one in every)
    return f"\n{context.text('media_prices_note')}" if has_numbers else ""


def is_affordable(context: UpdateContext, quoted: Quote) -> bool:
    """Return whether the user has the price, as far as this update knows; the order takes it or does not."""
    usage = context.usage
    left = [
        limit - used
        for limit, used in (
            (usage.daily_requests, usage.requests),
            (usage.monthly_requests, usage.month_requests),
        )
        if limit is not None
    ]
    has_requests = not left or quoted.requests <= max(min(left), 0) + usage.bonus_credits
    return has_requests and quoted.amount <= context.user.balance


def shortage(
    context: UpdateContext, kind: MediaKind, requests: int, amount: Decimal
) -> tuple[Text, Keyboard]:
    """Return that the price is not left, and how to get more."""
    if amount:
        text = _with_balance(context, context.rich(kind.key("balance_short"), price=_money(context, amount)))
        return text, [row for row in [_top_up_button(context)] if row]
    ways = upgrade_options(context, has_trial=False)
    text = context.rich(kind.key("limit"), requests=requests, resets=resets(context), ways=ways)
    return text, [row for row in [buy_button(context)] if row]


def _top_up_button(context: UpdateContext) -> list[tuple[str, str]]:
    """Return the button to the top-ups on sale, else to the shop; none where nothing is on sale."""
    if not is_offered(context, "buy"):
        return []
    if any(product["kind"] == "balance" for product in shop.products(context)):
        return [(context.text("media_top_up"), _TOP_UPS)]
    return buy_button(context)


def _with_balance(context: UpdateContext, text: Text) -> Text:
    """Return a text followed by the user's balance; without it in a group, where others read it."""
    if not context.update.is_private:
        return text
    balance = context.rich("media_balance", balance=_money(context, context.user.balance))
    return concat(text, balance, separator=" ")


def _money(context: UpdateContext, amount: Decimal) -> str:
    return figures.money(context.language, amount, context.user.currency)
