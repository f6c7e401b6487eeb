"""The pages of promo codes: a user's redemption, and batches for admins."""

from __future__ import annotations

from shared.features.promocodes.pages import batches, codes

pages = (*codes.pages, *batches.pages)
