"""The handlers of XP, badges, the leaderboard and the streak."""

from __future__ import annotations

from shared.features.xp import badges, board, board_name, profile, streak, time_zone
from shared.telegram.router import Router

router = Router(*(one.router for one in (board, board_name, badges, streak, time_zone, profile)))
