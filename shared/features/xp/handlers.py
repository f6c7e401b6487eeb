"""The handlers of XP, badges, the leaderboard and the streak."""

from __future__ import annotations

from shared.features.xp import board
from shared.telegram.router import Router

router = Router(board.router)
