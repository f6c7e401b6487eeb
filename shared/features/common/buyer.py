"""Who buys: the user of an update in a chat (`UpdateContext`), or of a page (`WebBuyer`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from shared.core.texts.reader import Reader


class BuyingUser(Protocol):
    """What a purchase needs of a user; see `shared.telegram.user.User`."""

    @property
    def id(self) -> int:
        """The number of the row in `users`."""

    @property
    def telegram_id(self) -> int:
        """The Telegram id."""

    @property
    def balance(self) -> Decimal:
        """The balance, in `currency`."""

    @property
    def currency(self) -> str:
        """The currency of the balance."""

    @property
    def price_currency(self) -> str | None:
        """The currency chosen for prices; None: by language."""


class SellingBot(Protocol):
    """The bot that sells, and sends messages about the purchase."""

    @property
    def name(self) -> str:
        """Its name, the key of its token."""

    @property
    def is_metered(self) -> bool:
        """Whether plans and bonus requests are of use in it."""


class BuyerUsage(Protocol):
    """What a purchase needs of a user's plan."""

    @property
    def plan(self) -> str:
        """The key of the plan."""


class Buyer(Reader, Protocol):
    """A user who may buy, and reads texts."""

    @property
    def bot(self) -> SellingBot:
        """The bot that sells."""

    @property
    def user(self) -> BuyingUser:
        """The user."""

    @property
    def usage(self) -> BuyerUsage:
        """Their plan."""

    @property
    def is_offline(self) -> bool:
        """Whether there is no database."""

    def provider_name(self, provider: str) -> str:
        """Return the name of a payment provider."""
