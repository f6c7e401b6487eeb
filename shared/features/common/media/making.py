"""From a wish to a job: what stops it, its price, and its confirmation."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.core.redaction import looks_like_secret
from shared.core.texts import concat
from shared.features.common.media import catalog, labels, prices, wishes
from shared.features.common.media.wishes import Wish
from shared.features.common.menu import buy_button
from shared.generations import ordering
from shared.telegram import reply, waits

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import ReserveGeneration
    from shared.features.common.media.kinds import MediaKind
    from shared.generations.ordering import Order
    from shared.telegram.context import UpdateContext

_OFFER = "offer"  # `MediaKind.key` makes a key of the session's data


def make(context: UpdateContext, kind: MediaKind, words: str, references: Sequence[JsonObject] = ()) -> None:
    """Make what words describe, with the mode and options of the session."""
    mode = wishes.chosen_mode(context, kind)
    if mode is None:
        return reply(context.rich(kind.key("unavailable")))
    pictures = [{"role": kind.role, **one} for one in references]
    return grant(context, kind, Wish(mode.key, words, pictures, wishes.chosen_options(context, kind, mode)))


def grant(context: UpdateContext, kind: MediaKind, wish: Wish) -> None:
    """Order what a wish says; where it costs more than is free of the question, show its price first."""
    waits.end(context)
    if context.data.get(kind.key(wishes.REFERENCES)) is not None:
        context.set_data(kind.key(wishes.REFERENCES), None)
    checked = _check(context, kind, wish)
    if checked is None:
        return None
    wish, quoted = checked
    if quoted.requests > kind.free_requests or quoted.amount:
        return _offer(context, kind, wish, quoted)
    return _place(context, kind, wishes.order(kind, wish, quoted))


def offered(context: UpdateContext, kind: MediaKind) -> Wish | None:
    """Return the wish whose price was shown last; None where it was ordered or declined."""
    offer = context.data.get(kind.key(_OFFER))
    return Wish.from_json(offer["wish"]) if isinstance(offer, dict) and not offer.get("is_placed") else None


def offer_again(context: UpdateContext, kind: MediaKind) -> None:
    """Show the price of the same wish with the options that are chosen now."""
    wish, mode = offered(context, kind), wishes.chosen_mode(context, kind)
    if wish is None or mode is None:
        return context.answer_callback(context.text("media_offer_over"), alert=True)
    options = wishes.chosen_options(context, kind, mode)
    return grant(context, kind, Wish(mode.key, wish.words, wish.references, options, wish.prompt))


def confirm(context: UpdateContext, kind: MediaKind, token: str) -> None:
    """Order what was shown with its price: once, however often the button is tapped."""
    offer = context.data.get(kind.key(_OFFER))
    if not isinstance(offer, dict) or offer["token"] != token:
        return context.answer_callback(context.text("media_offer_over"), alert=True)
    checked = _check(context, kind, Wish.from_json(offer["wish"]))
    if checked is None:
        return None
    wish, quoted = checked
    # Each of the two alone: the owner may have changed what a model is paid from.
    if quoted.requests > offer["requests"] or quoted.amount > Decimal(offer.get("amount") or 0):
        return _offer(context, kind, wish, quoted)
    reference = f"{kind.history}:{context.user.id}:{token}"
    return _place(context, kind, wishes.order(kind, wish, quoted, reference))


def decline(context: UpdateContext, kind: MediaKind) -> None:
    """Forget what was shown with its price."""
    context.set_data(kind.key(_OFFER), None)
    context.show(context.rich("media_declined"))


def _check(context: UpdateContext, kind: MediaKind, wish: Wish) -> tuple[Wish, wishes.Quote] | None:
    """Return a wish that can be granted, with its price; otherwise say why not."""
    mode = catalog.find(kind, wish.mode)
    words = wish.words.replace("\0", "").strip()
    if mode is None:
        reply(context.rich(kind.key("unavailable")))
    elif context.update.has_secret or looks_like_secret(words):
        reply(context.rich("media_secret"))
    elif not catalog.is_included(context, mode):
        reply(context.rich("media_locked", mode=mode.title(context.language)), [buy_button(context)])
    elif not words:
        ask(context, kind, wish.references)
    elif len(words) > mode.longest_prompt:
        reply(context.rich("media_too_long", length=len(words), limit=mode.longest_prompt))
    elif len(wish.references) > mode.max_references:
        key = "media_too_many_pictures" if mode.max_references else kind.key("no_pictures")
        reply(context.rich(key, limit=mode.max_references, mode=mode.title(context.language)))
    else:
        wish = Wish(wish.mode, words, wish.references, wish.options, wish.prompt)
        quoted = wishes.quote(context, kind, mode, wish)
        if quoted is not None:
            return wish, quoted
        reply(context.rich("media_unpriced"), [_options_button(context, kind)])
    return None


def ask(context: UpdateContext, kind: MediaKind, references: Sequence[JsonObject] = ()) -> None:
    """Ask for a description; the next text is one."""
    await_words(context, kind, "ask_picture" if references else "ask", references)


def await_words(
    context: UpdateContext, kind: MediaKind, question: str, references: Sequence[JsonObject]
) -> None:
    """Ask a question of a kind; the next text is the description of what to make from the pictures."""
    waits.begin(context, kind.name)
    context.set_data(kind.key(wishes.REFERENCES), list(references) or None)
    rows = [_options_button(context, kind), *waits.cancel_button(context, kind.name)]
    reply(context.rich(kind.key(question)), rows)


def _options_button(context: UpdateContext, kind: MediaKind) -> list[tuple[str, str]]:
    return [(context.text("media_options"), f"{kind.prefix}options")]


def _offer(context: UpdateContext, kind: MediaKind, wish: Wish, quoted: wishes.Quote) -> None:
    """Show the price and the options; one tap orders. Where the price is not left, say how to get more."""
    token = sha256(context.reference.encode()).hexdigest()[:16]
    offer = {
        "token": token,
        "wish": wish.to_json(),
        "requests": quoted.requests,
        "amount": str(quoted.amount),
    }
    context.set_data(kind.key(_OFFER), offer)
    if not prices.is_affordable(context, quoted):
        text, ways = prices.shortage(context, kind, quoted.requests, quoted.amount)
        return reply(text, [*ways, _options_button(context, kind)])
    model, chosen = quoted.calls[0]
    title = context.rich("media_offer", options=labels.summary(context, model, chosen))
    buttons = [
        [(prices.button(context, kind, quoted), f"{kind.prefix}ok:{token}")],
        [*_options_button(context, kind), (context.text(kind.key("decline")), f"{kind.prefix}no")],
    ]
    return reply(concat(title, prices.words(context, kind, quoted), separator="\n\n"), buttons)


def _place(context: UpdateContext, kind: MediaKind, order: Order) -> None:
    reserved = ordering.reserve(context, order)
    if order.reference is not None and reserved["outcome"] in ("reserved", "known"):
        context.set_data(kind.key(_OFFER), {**context.data[kind.key(_OFFER)], "is_placed": True})
    if reserved["outcome"] == "reserved":
        ordering.say_started(context, order, reserved["generation"], edits=order.reference is not None)
    elif reserved["outcome"] == "known":
        _known(context, order, reserved)
    else:
        _not_reserved(context, kind, order, reserved)


def _known(context: UpdateContext, order: Order, reserved: ReserveGeneration) -> None:
    """Answer a repeated tap; a redelivered update gets its answer again."""
    if order.reference is not None and context.attempt == 1:
        return context.answer_callback(context.text("media_known"))
    return ordering.say_started(context, order, reserved["generation"], edits=order.reference is not None)


def _not_reserved(context: UpdateContext, kind: MediaKind, order: Order, reserved: ReserveGeneration) -> None:
    outcome = reserved["outcome"]
    if outcome in ("refused", "no_balance"):
        reply(*prices.shortage(context, kind, order.requests, order.amount))
    elif outcome == "unfinished" and (running := reserved.get("generation")):
        stop = [[(context.text("media_stop"), f"{kind.prefix}stop:{running['id']}")]]
        reply(context.rich(f"generation_unfinished_{kind.name}"), stop)
    else:
        ordering.explain(context, kind.name, outcome)
