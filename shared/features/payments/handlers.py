"""The handlers of payments and subscriptions."""

from __future__ import annotations

from shared.features.payments import history, stars, subscription
from shared.telegram.router import Router

router = Router(history.router, subscription.router, stars.router)
