"""Which columns of another bot's table of users mean what, by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

# What each of our fields is called in other bots' tables, the clearest name first. Compared in lower case.
NAMES: dict[str, tuple[str, ...]] = {
    "telegram_id": ("telegram_id", "telegram_user_id", "tg_id", "tg_user_id", "user_telegram_id", "chat_id",
                    "user_id", "id"),
    "username": ("telegram_user_name", "telegram_username", "tg_username", "username", "user_name"),
    "first_name": ("first_name", "firstname", "name", "full_name"),
    "last_name": ("last_name", "lastname", "surname"),
    "language": ("language", "lang", "locale"),
    "language_code": ("language_code", "lang_code"),
    "created_at": ("registration_date", "registered_at", "date_joined", "joined_at", "reg_date", "created_at",
                   "created"),
    "last_activity": ("last_activity", "last_active", "last_active_at", "last_seen", "last_seen_at"),
    "is_banned": ("is_banned", "banned"),
    "xp": ("total_xp", "xp", "experience"),
    "balance": ("balance", "wallet_balance"),
    "vip_level": ("vip_level", "vip"),
    "is_paid": ("is_paid", "is_premium", "is_subscribed", "has_subscription", "paid"),
    "ends_at": ("subscription_end", "subscription_end_date", "subscription_until", "subscription_expires_at",
                "premium_until", "premium_expires_at", "paid_until", "vip_until", "vip_expires_at",
                "expires_at"),
}  # fmt: skip
STATS = (
    "total_trainings", "total_score", "total_questions", "best_score", "average_score", "maestro_streak",
    "context_streak", "current_streak", "longest_streak",
)  # fmt: skip
# Understood, and not taken over, each with the reason.
LEFT = {
    "level": "follows from the XP",
    "current_level": "follows from the XP",
    "is_admin": "admins are those of ADMIN_EMAILS",
    "updated_at": "a new row has its own",
}


@dataclass(frozen=True)
class Columns:
    """The columns of a table, sorted by what becomes of them.

    `fields` has our name with the column's, `stats` the key in the statistics with the column's; `left` are
    recognized columns that are not taken over, with the reason; `unknown` stay in the old table alone.
    """

    fields: dict[str, str] = field(default_factory=dict)
    stats: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    @property
    def read(self) -> list[str]:
        """Return the columns to read."""
        return [*self.fields.values(), *self.stats.values()]


def recognize(names: Sequence[str], serial: Sequence[str] = ()) -> Columns:
    """Sort columns by their names. `serial` are those that the database numbers itself: no Telegram ids."""
    by_name: dict[str, str] = {}
    for name in names:
        by_name.setdefault(name.lower(), name)
    found = Columns()
    for ours, candidates in NAMES.items():
        for candidate in candidates:
            column = by_name.get(candidate)
            if column is not None and not (ours == "telegram_id" and column in serial):
                found.fields[ours] = column
                break
    found.stats.update({key: by_name[key] for key in STATS if key in by_name})
    for name in names:
        reason = LEFT.get(name.lower())
        if name in found.read:
            continue
        if name in serial or (reason is None and any(name.lower() in one for one in NAMES.values())):
            reason = "another column says it" if name not in serial else "the old table's own number"
        if reason:
            found.left[name] = reason
        else:
            found.unknown.append(name)
    return found
