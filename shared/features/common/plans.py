"""The name of a plan."""

from __future__ import annotations

from shared.core import texts
from shared.telegram.context import UpdateContext


def plan_name(context: UpdateContext, plan: str | None = None) -> str:
    """Return a plan's name in the user's language, by default that of their own plan."""
    return texts.plan_name(context.language, plan or context.usage.plan)
