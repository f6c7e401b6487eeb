"""What a user without access to a training sees: the ways to get it."""

from __future__ import annotations

from shared.core.texts import Text, concat
from shared.features.common.menu import back, buy_button
from shared.features.common.offering import is_offered
from shared.features.common.trial_offer import trial_offer, trial_row
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard


def offer(context: UpdateContext, *, is_first: bool = False) -> tuple[Text, Keyboard]:
    """Return the ways to get trainings that this bot has, with their buttons.

    Args:
        is_first: the user has not trained here yet.
    """
    trial = trial_offer(context)
    lines, rows = [], [*trial_row(context, trial)]
    if trial is not None:
        lines.append(context.rich("trainer_access_trial", days=trial["days"]))
    if is_offered(context, "trainings"):
        lines.append(context.rich("trainer_access_channel"))
        rows.append([(context.text("trainer_access_channel_button"), "trainings")])
    if is_offered(context, "referral"):
        lines.append(context.rich("trainer_access_referral"))
    if is_offered(context, "promo"):
        lines.append(context.rich("trainer_access_promo"))
    if buy := buy_button(context):
        lines.append(context.rich("trainer_access_buy"))
        rows.append(buy)
    text = context.rich("trainer_first_access" if is_first else "trainer_no_access")
    return concat(text, concat(*lines, separator="\n"), separator="\n\n"), [*rows, *back(context)]
