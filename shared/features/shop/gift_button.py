"""The button that buys a plan for another user, for every screen before its payment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.features.common import catalog

if TYPE_CHECKING:
    from shared.core.sql_types import ProductsForSale
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

GIVE = "gift:give:"  # gift:give:<product>: buy it for another user


def gift_row(context: UpdateContext, product: ProductsForSale) -> Keyboard:
    """Return the button, or no row where the product cannot be given."""
    if not catalog.gift_options(context, product):
        return []
    return [[(context.text("gift_give"), f"{GIVE}{product['key']}")]]
