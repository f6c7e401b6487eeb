"""The moments that buttons offer: below words without a time, and below an answer of the AI."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from shared.features.reminders.when import EVENING, MORNING, Moment

if TYPE_CHECKING:
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

CANCEL = "cancel"
_LATEST_EVENING = time(18, 30)  # until when "tonight" is offered
_HOUR = 3_600  # seconds
_LABELS = {
    "hour": "remind_in_hour",
    "evening": "remind_tonight",
    "tomorrow": "remind_in_tomorrow",
    "days": "remind_in_days",
    "week": "remind_in_week",
}
_DAYS = {"days": 3, "week": 7}  # of the choices that keep the time of the clock


def keyboard(context: UpdateContext, now: datetime, data: str) -> Keyboard:
    """Return the buttons, with one to cancel.

    Args:
        now: the present by the user's clock, without a time zone.
        data: callback data of a button; `{choice}` is what `moment` takes, or `CANCEL`.
    """
    choices = [one for one in _LABELS if one != "evening" or now.time() < _LATEST_EVENING]
    buttons = [(context.text(_LABELS[one]), data.format(choice=one)) for one in choices]
    buttons.append((context.text("remind_cancel"), data.format(choice=CANCEL)))
    return [buttons[start : start + 2] for start in range(0, len(buttons), 2)]


def moment(choice: str, now: datetime) -> Moment | None:
    """Return the moment of a button; None for a choice that there is not."""
    if choice == "hour":
        return Moment(seconds=_HOUR)
    if choice == "evening":
        return Moment(now.date(), EVENING)
    if choice == "tomorrow":
        return Moment(now.date() + timedelta(days=1), MORNING)
    if choice in _DAYS:
        return Moment(now.date() + timedelta(days=_DAYS[choice]), now.time().replace(second=0, microsecond=0))
    return None
