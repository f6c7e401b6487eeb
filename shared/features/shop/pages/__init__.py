"""The pages of the shop: offers.py (the list), product.py, order.py, balance.py and gifts.py."""

from __future__ import annotations

from shared.features.shop.pages import balance, gifts, offers, order, product

pages = (*offers.pages, *product.pages, *order.pages, *balance.pages, *gifts.pages)
