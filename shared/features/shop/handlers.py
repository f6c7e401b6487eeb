"""The handlers of the shop."""

from __future__ import annotations

from shared.features.shop import balance, buy, checkout, contact, gifts
from shared.telegram.router import Router

router = Router(contact.router, checkout.router, buy.router, balance.router, gifts.router)
