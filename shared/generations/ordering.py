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
    from shared.core.sql_types import ReserveGeneration

_NOT_RESERVED = {
    "refused": "generation_no_requests",
    "no_balance": "generation_no_balance",
    "in_progress": "generation_wait",
    "user_cost": "generation_limit",
    "bot_cost": "generation_limit",
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


def place(context: UpdateContext, order: Order) -> str:
    """Reserve a job for the user of this update and reply; return the outcome of public.reserve_generation.

    A redelivered update gets the job of its first delivery and pays nothing again.

    Raises:
        StateUnavailable: without a database.
    """
    if context.is_offline:
        raise StateUnavailable
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
        },
        p_reference=context.reference,
        p_requests=order.requests,
        p_amount=str(order.amount),
        p_max_cost=None if order.max_cost is None else str(order.max_cost),
        p_reply_to=context.update.message.get("message_id"),
    )
    outcome = reserved["outcome"]
    if outcome == "unfinished":
        context.reply(context.rich(f"generation_unfinished_{order.kind}"))
    elif outcome in _NOT_RESERVED:
        context.reply(context.rich(_NOT_RESERVED[outcome]))
    elif reserved["generation"]["state"] not in _OVER:
        job_id = reserved["generation"]["id"]
        context.reply_about_generation(context.rich(f"generation_started_{order.kind}"), job_id)
        context.after_commit.append(partial(wakeup.wake, job_id))
    return outcome
