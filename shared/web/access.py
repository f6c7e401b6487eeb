"""Who may open a page. `Site` checks it before the handler; SQL functions check whose rows they touch."""

from __future__ import annotations

from enum import Enum

LOGIN = "/login"


class Access(Enum):
    """Who may open a page.

    ANYONE: the page is the same for all, and no session is read. VISITOR: anyone, and the page knows who is
    logged in. USER: users who are logged in. PAID: users with a paid plan, and admins. The others are for
    roles of the staff. OPERATOR: operators, admins. AUTHOR: authors of courses, admins. ADMIN: admins and
    owners. OWNER: owners.
    """

    ANYONE = "anyone"
    VISITOR = "visitor"
    USER = "user"
    PAID = "paid"
    OPERATOR = "operator"
    AUTHOR = "author"
    ADMIN = "admin"
    OWNER = "owner"


_ADMINS = frozenset({"owner", "admin"})
_ROLES = {
    Access.OPERATOR: _ADMINS | {"operator"},
    Access.AUTHOR: _ADMINS | {"author"},
    Access.ADMIN: _ADMINS,
    Access.OWNER: frozenset({"owner"}),
}

# What users may do with their data and money also where the pages do not serve them.
_ALWAYS = (
    "/logout",
    "/account/data",
    "/account/devices",
    "/account/orders/",
    "/account/purchases",
    "/account/plan",
)


def is_for_staff(access: Access) -> bool:
    """Return whether only roles of the staff may open pages of this access."""
    return access in _ROLES


def is_always_open(path: str) -> bool:
    """Return whether a page stays open in maintenance and to users who are not let in yet."""
    return path.startswith(_ALWAYS)


def allows(access: Access, *, role: str | None, is_paid: bool) -> bool:
    """Return whether a user who is logged in may open pages of this access; `role` is that in the staff."""
    if access is Access.PAID:
        return is_paid or role in _ADMINS
    return access not in _ROLES or role in _ROLES[access]
