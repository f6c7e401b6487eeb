"""The handlers of the quiz."""

from __future__ import annotations

from shared.features.quiz import challenge, menu, polls, progress, runs
from shared.telegram.router import Router

router = Router(menu.router, runs.router, challenge.router, polls.router, progress.router)
