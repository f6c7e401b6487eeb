"""The handlers of a user's rights over their data."""

from __future__ import annotations

from shared.features.privacy import erasure, export, policy
from shared.telegram.router import Router

router = Router(policy.router, export.router, erasure.router)
