"""What a user loses with an erasure, and what keeps one from it: for /deleteme and the page of the site."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.core import db, texts
from shared.core.texts import figures

if TYPE_CHECKING:
    from shared.core.sql_types import SubscriptionOverview, SubscriptionOverviewRenewals, TrainingOverview
    from shared.core.texts.reader import Reader


def charging(running: SubscriptionOverview) -> list[SubscriptionOverviewRenewals]:
    """Return the auto-renewals that the provider would go on charging after the user is erased."""
    return [renewal for renewal in running["renewals"] if renewal["status"] in ("active", "past_due")]


def of(
    reader: Reader,
    user_id: int,
    running: SubscriptionOverview,
    *,
    bonus_credits: int,
    balance: Decimal,
    currency: str,
) -> list[str]:
    """Return what an erasure takes from the user: a plan, bonus requests, trainings, a balance."""
    lost = []
    if running["plan"] != "FREE":
        until = running["ends_at"] and reader.date(running["ends_at"])
        key = "deleteme_plan_until" if until else "deleteme_plan"
        plan = texts.plan_name(reader.language, running["plan"] or "NONE")
        lost.append(reader.text(key, plan=plan, until=until or ""))
    if bonus_credits:
        lost.append(reader.text("deleteme_credits", credits=bonus_credits))
    overview: TrainingOverview | None = db.call("training_overview", p_user_id=user_id)
    if trainings := sum(
        max(one["quantity"] - one["used"], 0) for one in (overview["trainings"] if overview else [])
    ):
        lost.append(reader.text("deleteme_trainings", trainings=trainings))
    if balance > 0:
        lost.append(
            reader.text("deleteme_balance", balance=figures.money(reader.language, balance, currency))
        )
    return lost


def digest(lost: list[str]) -> str:
    """Return what identifies the losses that were shown, so that others need another confirmation."""
    return sha256("\n".join(lost).encode()).hexdigest()[:16]
