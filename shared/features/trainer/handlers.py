"""The handlers of the trainer."""

from __future__ import annotations

from shared.features.trainer import disputes, history, play, results, reversed_role, review, setup
from shared.telegram.router import Router

router = Router(
    setup.router,
    results.router,
    disputes.router,
    history.router,
    review.router,
    reversed_role.router,
    play.router,
)
