"""The trial that a user may start, and its button on screens that show ways to more requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard

if TYPE_CHECKING:
    from shared.core.sql_types import TrialOffer

TRIAL = "trial"


def trial_offer(context: UpdateContext) -> TrialOffer | None:
    """Return the trial that the user may start; None for users with a plan and in bots without trials."""
    if context.is_offline or context.usage.plan != "FREE":
        return None
    if not (context.bot.is_metered and context.bot.has_command("trial")):
        return None
    offer: TrialOffer | None = db.call("trial_offer", p_user_id=context.user.id)
    return offer if offer and offer["outcome"] == "available" else None


def trial_row(context: UpdateContext, offer: TrialOffer | None) -> Keyboard:
    """Return the row with the trial's button, or no row where there is no trial."""
    return [[(context.text("trial_button", days=offer["days"]), TRIAL)]] if offer else []
