"""Order a picture or video in a handler: reserve the job, take its price, and say that it is in progress.

The work is not done here: a worker is woken after the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Literal

from shared.core import db
from shared.core.json_types import JsonObject
from shared.generations import wakeup
from shared.telegram.context import StateUnavailable, UpdateContext

if TYPE_CHECKING:
    from shared.core.sql_types import GenerationState, ReserveGeneration

_NOT_RESERVED = {
    "refused": "generation_no_requests",
    "no_balance": "generation_no_balance",
    "in_progress": "generation_wait",
    "user_cost": "generation_limit",
    "bot_cost": "generation_limit",
    "user_month": "generation_limit_month",
    "bot_month": "generation_limit_bot_month",
    "too_many_refusals": "generation_too_many_refusals",
}
_OVER = ("delivered", "failed", "refused", "expired", "canceled")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a user asks for.

    Attributes:
        options: fields of `shared.ai.media.contract.MediaOptions`.
        references: pictures that the user sent, [{file_id, mime, role}].
        requests, amount: the price that the user was shown, in requests or in the currency of the balance;
            the most that it will cost.
        reference: what the order is known by; of several orders with one reference, one is taken. None: the
            update.
        extra: further fields of the request: `caption` (the key of a text), `buttons` (by state of the job:
            rows of {key, data}, with {id} for the job; `started` and `delivered` too), `fallbacks`
            ([{provider, model, options}]), and what the feature itself wants to know of it.
        max_cost: the US dollars that stand behind the price. When the provider charges less, the price
            shrinks in proportion; None: it does not.
    """

    kind: Literal["image", "video"]
    provider: str
    model: str
    prompt: str
    options: JsonObject = field(default_factory=dict)
    references: tuple[JsonObject, ...] = ()
    requests: int = 0
    amount: Decimal = Decimal(0)
    max_cost: Decimal | None = None
    reference: str | None = None
    extra: JsonObject = field(default_factory=dict)


def place(context: UpdateContext, order: Order) -> str:
    """Reserve a job for the user of this update and reply; return the outcome of public.reserve_generation.

    A redelivered update gets the job of its first delivery and pays nothing again.

    Raises:
        StateUnavailable: without a database.
    """
    reserved = reserve(context, order)
    if reserved["outcome"] in ("reserved", "known"):
        say_started(context, order, reserved["generation"])
    else:
        explain(context, order.kind, reserved["outcome"])
    return reserved["outcome"]


def reserve(context: UpdateContext, order: Order) -> ReserveGeneration:
    """Reserve a job for the user of this update; see public.reserve_generation.

    Raises:
        StateUnavailable: without a database.
    """
    if context.is_offline:
        raise StateUnavailable
    is_message = context.update.kind != "callback_query"
    reserved: ReserveGeneration = db.call(
        "reserve_generation",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_update_id=context.update.update_id,
        p_chat_id=context.update.chat_id,
        p_thread_id=context.update.thread_id,
        p_kind=order.kind,
        p_provider=order.provider,
        p_model=order.model,
        p_request={
            "prompt": order.prompt,
            "options": order.options,
            "references": list(order.references),
            **order.extra,
        },
        p_reference=order.reference or context.reference,
        p_requests=order.requests,
        p_amount=str(order.amount),
        p_max_cost=None if order.max_cost is None else str(order.max_cost),
        p_reply_to=context.update.message.get("message_id") if is_message else None,
    )
    return reserved


def say_started(
    context: UpdateContext, order: Order, generation: GenerationState, *, edits: bool = False
) -> None:
    """Say that a job is in progress, and wake a worker after the answer; nothing when the job is over.

    Args:
        edits: the message of the button becomes the one that says so.
    """
    if generation["state"] in _OVER:
        return
    job_id = generation["id"]
    rows = order.extra.get("buttons", {}).get("started", [])
    keyboard = [
        [(context.text(one["key"]), one["data"].replace("{id}", str(job_id))) for one in row] for row in rows
    ]
    text = context.rich(f"generation_started_{order.kind}")
    context.reply_about_generation(text, job_id, keyboard, edits=edits)
    context.after_commit.append(partial(wakeup.wake, job_id))


def explain(context: UpdateContext, kind: str, outcome: str) -> None:
    """Say why no job was reserved."""
    unfinished = f"generation_unfinished_{kind}"
    context.reply(context.rich(unfinished if outcome == "unfinished" else _NOT_RESERVED[outcome]))
