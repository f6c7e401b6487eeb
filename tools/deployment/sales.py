"""Nothing is sold in production without a contact: Telegram demands that buyers can reach the seller.

core.telegram.org/bots/payments#live-checklist: a bot must answer /paysupport.
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.database.connections import as_owner, connect
from tools.database.errors import SettingError

_SELLS = """
select exists (select from public.products as p where p.is_active)
    or exists (select from public.payments as p where p.status = 'completed')
"""

_ON_SALE = """
select count(*) from public.products as p
where p.is_active and exists (select from public.product_prices as q where q.product_key = p.key)
"""


def has_contact(environment: Mapping[str, str]) -> bool:
    """Return whether buyers have a contact."""
    return bool(environment.get("SUPPORT_CONTACT", "").strip())


def check(url: str, environment: Mapping[str, str]) -> None:
    """Refuse a production deployment that sells, or has sold, without SUPPORT_CONTACT.

    Raises:
        SettingError: one line that says what to set.
    """
    if environment.get("ENVIRONMENT", "production") != "production" or has_contact(environment):
        return
    with connect(url) as connection, as_owner(connection):
        row = connection.execute(_SELLS).fetchone()
    if row is not None and row[0]:
        raise SettingError(
            "Products are on sale and buyers have no contact, which Telegram demands: set _SUPPORT_CONTACT"
            " to an @name, an e-mail address or a link."
        )


def on_sale(url: str) -> int:
    """Return how many products are shown and have a price."""
    with connect(url) as connection, as_owner(connection):
        row = connection.execute(_ON_SALE).fetchone()
    return int(row[0]) if row is not None else 0
