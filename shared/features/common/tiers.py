"""The tiers of courses, the lowest first (private.tier_rank): each opens its lessons and those below it."""

from __future__ import annotations

from typing import Final, Literal, get_args

Tier = Literal["basic", "accelerator", "vip"]
TIERS: Final[tuple[Tier, ...]] = get_args(Tier)
