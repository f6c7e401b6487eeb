"""The name of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import texts

if TYPE_CHECKING:
    from shared.features.common.buyer import Buyer


def plan_name(buyer: Buyer, plan: str | None = None) -> str:
    """Return a plan's name in the user's language, by default that of their own plan."""
    return texts.plan_name(buyer.language, plan or buyer.usage.plan)
