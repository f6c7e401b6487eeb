"""From a wish to a job: what stops it, its price, and its confirmation."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.core.redaction import looks_like_secret
from shared.features.common.menu import buy_button
from shared.features.common.quota import resets, upgrade_options
from shared.features.images import catalog, wishes
from shared.features.images.wishes import Wish
from shared.generations import ordering
from shared.telegram import reply

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import ReserveGeneration
    from shared.generations.ordering import Order
    from shared.telegram.context import UpdateContext

_OFFER = "image_offer"  # the key of the session's data
FREE_OF_QUESTION = 1  # requests that a picture may cost without a confirmation


def draw(context: UpdateContext, words: str, references: Sequence[JsonObject] = (), prompt: str = "") -> None:
    """Draw what words describe, with the mode and options of the session."""
    mode = wishes.chosen_mode(context)
    if mode is None:
        return reply(context.rich("image_unavailable"))
    return grant(context, Wish(mode.key, words, references, wishes.chosen_options(context, mode), prompt))


def grant(context: UpdateContext, wish: Wish) -> None:
    """Order a picture; where it costs more than one request, show its price first."""
    for key in ("awaiting", wishes.REFERENCES):
        if context.data.get(key) is not None:
            context.set_data(key, None)
    checked = _check(context, wish)
    if checked is None:
        return None
    wish, quoted = checked
    if quoted.requests > FREE_OF_QUESTION:
        return _offer(context, wish, quoted)
    return _place(context, wishes.order(wish, quoted))


def confirm(context: UpdateContext, token: str) -> None:
    """Order the picture whose price was shown: once, however often the button is tapped."""
    offer = context.data.get(_OFFER)
    if not isinstance(offer, dict) or offer["token"] != token:
        return context.answer_callback(context.text("image_offer_over"), alert=True)
    checked = _check(context, Wish.from_json(offer["wish"]))
    if checked is None:
        return None
    wish, quoted = checked
    if quoted.requests > offer["requests"]:
        return _offer(context, wish, quoted)
    return _place(context, wishes.order(wish, quoted, f"images:{context.user.id}:{token}"))


def decline(context: UpdateContext) -> None:
    """Forget the picture whose price was shown."""
    context.set_data(_OFFER, None)
    context.show(context.rich("image_declined"))


def _check(context: UpdateContext, wish: Wish) -> tuple[Wish, wishes.Quote] | None:
    """Return a wish that can be granted, with its price; otherwise say why not."""
    mode = catalog.find(wish.mode)
    words = wish.words.replace("\0", "").strip()
    if mode is None:
        reply(context.rich("image_unavailable"))
    elif context.update.has_secret or looks_like_secret(words):
        reply(context.rich("image_secret"))
    elif not catalog.is_included(context, mode):
        reply(context.rich("image_locked", mode=mode.title(context.language)), [buy_button(context)])
    elif not words:
        ask(context, wish.references)
    elif len(words) > mode.longest_prompt:
        reply(context.rich("image_too_long", length=len(words), limit=mode.longest_prompt))
    elif len(wish.references) > mode.max_references:
        key = "image_too_many_pictures" if mode.max_references else "image_no_editing"
        reply(context.rich(key, limit=mode.max_references, mode=mode.title(context.language)))
    else:
        wish = Wish(wish.mode, words, wish.references, wish.options, wish.prompt)
        quoted = wishes.quote(context, mode, wish)
        if quoted is not None:
            return wish, quoted
        reply(context.rich("image_unpriced"), [[(context.text("image_options"), "image:options")]])
    return None


def ask(context: UpdateContext, references: Sequence[JsonObject] = ()) -> None:
    """Ask for a description; the next text is one."""
    context.set_data("awaiting", "image")
    context.set_data(wishes.REFERENCES, list(references) or None)
    key = "image_ask_edit" if references else "image_ask"
    reply(context.rich(key), [[(context.text("image_options"), "image:options")]])


def _offer(context: UpdateContext, wish: Wish, quoted: wishes.Quote) -> None:
    token = sha256(context.reference.encode()).hexdigest()[:16]
    context.set_data(_OFFER, {"token": token, "wish": wish.to_json(), "requests": quoted.requests})
    buttons = [
        [(context.text("image_confirm", requests=quoted.requests), f"image:ok:{token}")],
        [(context.text("image_options"), "image:options"), (context.text("image_decline"), "image:no")],
    ]
    reply(context.rich("image_price", requests=quoted.requests), buttons)


def _place(context: UpdateContext, order: Order) -> None:
    reserved = ordering.reserve(context, order)
    if reserved["outcome"] == "reserved":
        ordering.say_started(context, order, reserved["generation"], edits=order.reference is not None)
    elif reserved["outcome"] == "known":
        _known(context, order, reserved)
    else:
        _not_reserved(context, order, reserved)


def _known(context: UpdateContext, order: Order, reserved: ReserveGeneration) -> None:
    """Answer a repeated tap; a redelivered update gets its answer again."""
    if order.reference is not None and context.attempt == 1:
        return context.answer_callback(context.text("image_known"))
    return ordering.say_started(context, order, reserved["generation"], edits=order.reference is not None)


def _not_reserved(context: UpdateContext, order: Order, reserved: ReserveGeneration) -> None:
    outcome = reserved["outcome"]
    if outcome == "refused":
        ways = upgrade_options(context, has_trial=False)
        text = context.rich("image_limit", requests=order.requests, resets=resets(context), ways=ways)
        reply(text, [row for row in [buy_button(context)] if row])
    elif outcome == "unfinished" and (running := reserved.get("generation")):
        stop = [[(context.text("image_stop"), f"image:stop:{running['id']}")]]
        reply(context.rich("generation_unfinished_image"), stop)
    else:
        ordering.explain(context, "image", outcome)
