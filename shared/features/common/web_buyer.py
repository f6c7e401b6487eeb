"""The buyer behind a page, as the shop knows one (`Buyer`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from werkzeug.exceptions import Unauthorized

from shared.core import db, texts
from shared.features.common import console_bot

if TYPE_CHECKING:
    from shared.core.sql_types import AccountOverview, SubscriptionOverview
    from shared.core.texts import Text
    from shared.web.visit import Visit


@dataclass(frozen=True)
class _User:
    id: int
    telegram_id: int
    balance: Decimal
    currency: str
    price_currency: str | None


@dataclass(frozen=True)
class _Usage:
    plan: str


@dataclass(frozen=True)
class _Bot:
    name: str
    is_metered: bool = True  # what is for sale decides whether there is a shop


class WebBuyer:
    """The user of a page.

    Attributes:
        contact: stored for receipts, None where there is none that providers would accept.
    """

    is_offline = False  # without a database there is no session

    def __init__(self, visit: Visit, bot: str, account: AccountOverview) -> None:
        from shared.payments import contacts

        self._visit = visit
        self.bot = _Bot(bot)
        self.user = _User(
            visit.user.user_id,
            visit.user.telegram_id,
            Decimal(account["balance"]),
            account["currency"],
            account["price_currency"],
        )
        stored = account["receipt_contact"]
        self.contact = contacts.parse_contact(stored) if stored else None

    @cached_property
    def usage(self) -> _Usage:
        """The plan, asked for where a page needs it."""
        running: SubscriptionOverview = db.call("subscription_overview", p_user_id=self.user.id)
        return _Usage(running["plan"] or "FREE")

    @property
    def language(self) -> str:
        """The language of the page."""
        return self._visit.language

    def text(self, key: str, /, **values: object) -> str:
        """Return a text without styles."""
        return self._visit.text(key, **values)

    def rich(self, key: str, /, **values: object) -> Text:
        """Return a text with its styles."""
        return texts.rich(self.language, key, **values)

    def date(self, when: datetime | str, *, with_time: bool = False) -> str:
        """Format a date in the user's time zone."""
        return self._visit.date(when, with_time=with_time)

    def provider_name(self, provider: str) -> str:
        """Return the name of a payment provider."""
        return texts.provider_name(self.language, provider)


def buyer_of(visit: Visit) -> WebBuyer:
    """Return the buyer behind a page.

    Raises:
        Unauthorized: the user was erased at this moment.
    """
    bot = console_bot.name()
    account: AccountOverview | None = db.call("account_overview", p_user_id=visit.user.user_id)
    if account is None:
        raise Unauthorized
    return WebBuyer(visit, bot, account)
