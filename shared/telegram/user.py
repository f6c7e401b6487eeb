"""The user of an update as the database knows them: identity, limits, ban and API key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True)
class Usage:
    """The plan of a user, its limits, and the requests used today and this month across all bots.

    A limit of None means unlimited. `bonus_credits` are used after the plan's requests. `features`: words of
    `subscription_limits.features`, see `UpdateContext.includes`.
    """

    plan: str
    requests: int
    daily_requests: int | None
    resets_at: datetime
    timezone: str
    month_requests: int = 0
    monthly_requests: int | None = None
    month_resets_at: datetime | None = None
    bonus_credits: int = 0
    features: frozenset[str] = frozenset()

    @property
    def is_month_used_up(self) -> bool:
        """Whether the monthly limit is reached, so that the daily reset gives no new request."""
        return self.monthly_requests is not None and self.month_requests >= self.monthly_requests


@dataclass(frozen=True)
class Ban:
    """A ban from all bots. `notified` is True once the user has received the single notice of it."""

    reason: str | None
    notified: bool


@dataclass(frozen=True)
class User:
    """A row of `users`.

    `balance` is in `currency`, the setting balance_currency. `price_currency` is the currency the user chose
    for prices; None: derived from their language. `memory_enabled` is None until they decide (/memory).
    `gate`: why the bots do not serve this user now: maintenance, invite or closed.
    """

    id: int
    telegram_id: int
    name: str  # display name, see shared/core/display_names.py
    is_new: bool
    balance: Decimal
    currency: str
    created_at: datetime | None
    is_admin: bool = False
    admin_email: str = ""
    ban: Ban | None = None
    gate: str | None = None
    price_currency: str | None = None
    level: int = 1
    memory_enabled: bool | None = None
    total_xp: int = 0


@dataclass(frozen=True)
class UserApiKey:
    """The user's own API key (BYOK), encrypted (base64). Requests with it do not use the plan."""

    provider: str
    key_id: str
    ciphertext: str
