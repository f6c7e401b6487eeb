"""What admins do in the private chat; other users get the answer to an unknown command.

    users.py     the user a command names           card.py      /user, with buttons for the common actions
    actions.py   what can be done to a user         commands.py  /grant /givetrainings /reset /plan
    banning.py   /ban, which asks first; /unban     audit.py     /audit: who did what
    payment.py   /payment, /payments <user>         refund.py    /refund, which asks first
    stats.py     /stats: users, requests, revenue   check.py     /check: whether payments and balances agree
    promocodes.py  /promocode                       statement.py  /statement: providers' lists beside ours
    products.py  /products: prices, titles, on sale or hidden  prices.py  parses prices as admins write them
    product_pages.py    what /products shows            product_changes.py  what it asks and changes
    models.py    /models: AI models, prices, margin  progress.py  /xp /badge
    enrolling.py  /course: a tier of a course by hand
    code_batches.py  /codes: promo codes that work once
    access.py    /access: maintenance, new users    here.py      /here: the address of an admins' chat
    undo.py      undoes a gift, a correction, a plan or a reset, once

Each action is a SQL function that checks again that this is an admin, acts once for an update however often
it is delivered (`UpdateContext.reference`), and records what it did in the audit log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.telegram.feature import Command, Feature

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.texts.reader import Reader


def _commands(section: str, *names: str) -> tuple[Command, ...]:
    return tuple(Command(name, section, admin=True) for name in names)


feature = Feature(
    __name__,
    commands=(
        *_commands("admin_more", "stats"),
        *_commands("admin_users", "user", "grant", "givetrainings", "addbalance", "reset", "plan"),
        *_commands("admin_users", "xp", "badge", "course", "ban", "unban"),
        *_commands(
            "admin_payments", "payment", "refund", "products", "promocode", "codes", "statement", "check"
        ),
        *_commands("admin_more", "models", "access", "audit", "here"),
        Command("payments", admin=True, in_menus=False),  # with a user's name behind it
    ),
    buttons=("admin",),
    states=("product",),
    admin_only=True,
)


def describe_action(reader: Reader, currency: str, action: str, before: JsonObject, after: JsonObject) -> str:
    """Describe an action of the audit log. `currency` is that of balances."""
    from shared.features.admin.audit import describe  # imports telebot, which pages do not need

    return describe(reader, currency, action, before, after)
