"""Who may open a page. `Site` checks it before the handler; SQL functions check whose rows they touch."""

from __future__ import annotations

from enum import Enum

LOGIN = "/login"


class Access(Enum):
    """Who may open a page.

    ANYONE: the page is the same for all, and no session is read. VISITOR: anyone, and the page knows who is
    logged in. USER: users who are logged in. PAID: users with a paid plan, and admins. ADMIN: admins.
    """

    ANYONE = "anyone"
    VISITOR = "visitor"
    USER = "user"
    PAID = "paid"
    ADMIN = "admin"


def allows(access: Access, *, is_admin: bool, is_paid: bool) -> bool:
    """Return whether a user who is logged in may open pages of this access."""
    return access not in (Access.PAID, Access.ADMIN) or is_admin or (access is Access.PAID and is_paid)
