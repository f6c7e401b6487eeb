"""The readiness of a lead: points for signs that quotes prove and for facts of our own; no AI counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

POINTS = {"need": 20, "budget": 20, "timing": 20, "decision": 10, "payment": 20, "refusal": -30}
BOUGHT = 30  # points for a checkout that was opened, or a purchase
# The lowest score of each band, the highest first.
BANDS = (("ready", 86), ("serious", 61), ("interested", 31), ("exploring", 0))


def score(kinds: Iterable[str], *, has_ordered: bool, has_paid: bool) -> int:
    """Return the readiness, 0 to 100; each kind counts once."""
    points = sum(POINTS[kind] for kind in set(kinds)) + (BOUGHT if has_ordered or has_paid else 0)
    return min(max(points, 0), 100)


def band(points: int) -> str:
    """Return the band of a score: exploring, interested, serious or ready."""
    return next(name for name, lowest in BANDS if points >= lowest)
