"""The pages of the shop: the list (offers.py), a product (product.py), an order (order.py), the balance."""

from __future__ import annotations

from shared.features.shop.pages import balance, offers, order, product

pages = (*offers.pages, *product.pages, *order.pages, *balance.pages)
