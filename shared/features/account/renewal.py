"""When a paid plan ends and whether it renews, for the profile in a chat and the account on the site."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.core.sql_types import SubscriptionOverview
    from shared.core.texts.reader import Reader


def paid_time(reader: Reader, plan: str, overview: SubscriptionOverview) -> list[str]:
    """Return lines on the end and the renewal of a paid plan; none on the free plan."""
    if plan == "FREE":
        return []
    ends_at = overview["ends_at"]
    lines = [reader.text("profile_plan_ends", date=reader.date(ends_at))] if ends_at else []
    # With several renewals, the one that still charges matters to the user.
    states = {renewal["status"] for renewal in overview["renewals"]}
    state = next((state for state in ("past_due", "active") if state in states), "off")
    return [*lines, reader.text(f"profile_renewal_{state}")] if ends_at or states else lines
