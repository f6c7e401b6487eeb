"""The pages of the plan (plan.py), and of purchases with their receipts (purchases.py)."""

from __future__ import annotations

from shared.features.payments.pages import plan, purchases

pages = (*plan.pages, *purchases.pages)
