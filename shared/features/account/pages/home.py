"""The first page of the account: what the user has, what to do next, and the way to everything else."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from werkzeug.exceptions import Unauthorized

from shared.core import db, texts
from shared.core.texts import figures
from shared.features import xp
from shared.features.account import usage
from shared.features.account.renewal import paid_time
from shared.web import charts
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Response

    from shared.core.sql_types import AccountOverview, GetUserUsageStats, SubscriptionOverview
    from shared.web.visit import Visit

PATH = "/account"
_BUY = "/buy"
# The parts of the account by group; a part is shown once there is a page with its path. The last word of the
# path is the key of its texts.
_PARTS = {
    "activity": ("usage", "progress", "trainings", "free", "quiz", "pictures", "videos"),
    "money": ("plan", "buy", "balance", "purchases", "gifts", "referrals", "promo"),
    "assistant": ("memory", "reminders", "shared", "keys"),
    "safety": ("settings", "devices", "data"),
}


class Link(NamedTuple):
    """The way to a part of the account."""

    path: str
    text: str
    about: str


class Step(NamedTuple):
    """What the user can do next."""

    text: str
    path: str


def show(visit: Visit) -> Response:
    """Show the first page of the account."""
    user = visit.user
    found: AccountOverview | None = db.call("account_overview", p_user_id=user.user_id)
    if found is None:  # erased this moment
        raise Unauthorized
    stats: GetUserUsageStats = db.call("get_user_usage_stats", p_user_id=user.user_id)
    running: SubscriptionOverview = db.call("subscription_overview", p_user_id=user.user_id)
    return visit.render(
        "account/home.html",
        since=visit.date(found["created_at"]),
        plan=texts.plan_name(visit.language, stats["plan"]),
        plan_lines=paid_time(visit, stats["plan"], running),
        usage=usage.view(visit, stats),
        resets=visit.date(stats["day"]["resets_at"], with_time=True),
        bar=charts.bar,
        balance=figures.money(visit.language, Decimal(found["balance"]), found["currency"]),
        level=xp.level_card(visit, user.user_id),
        steps=[step for step in _steps(stats, running) if visit.offers(step.path)],
        groups=[
            (group, visit.text(f"account_group_{group}"), _links(visit, parts))
            for group, parts in _PARTS.items()
        ],
    )


def _links(visit: Visit, parts: Sequence[str]) -> list[Link]:
    return [
        Link(_path(one), visit.text(f"account_part_{one}"), visit.text(f"account_part_{one}_about"))
        for one in parts
        if visit.offers(_path(one))
    ]


def _path(part: str) -> str:
    return _BUY if part == "buy" else f"{PATH}/{part}"


def _steps(stats: GetUserUsageStats, running: SubscriptionOverview) -> list[Step]:
    steps = []
    if any(one["status"] == "past_due" for one in running["renewals"]):
        steps.append(Step("account_step_past_due", f"{PATH}/plan"))
    if 0 in (stats["day"]["remaining"], stats["month"]["remaining"]):
        steps.append(Step("account_step_more", _BUY))
    elif stats["plan"] == "FREE":
        steps.append(Step("account_step_plan", _BUY))
    if not stats["referrals"]["total"]:
        steps.append(Step("account_step_invite", f"{PATH}/referrals"))
    return steps


page = Page(PATH, show, access=Access.USER, menu="web_account")
