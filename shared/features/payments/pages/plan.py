"""The plan: what it includes, until when it lasts, what renews it, and how to stop that."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from werkzeug.exceptions import NotFound

from shared.core import db, texts
from shared.core.texts import figures
from shared.features.common import catalog
from shared.features.common.web_buyer import WebBuyer, buyer_of
from shared.features.payments import stopping
from shared.web.access import Access
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import (
        GetUserUsageStats,
        SubscriptionOverview,
        SubscriptionOverviewRenewals,
        TrialOffer,
    )
    from shared.web.visit import Visit

_PATH = "/account/plan"


def show(visit: Visit) -> Response:
    """Show the plan."""
    buyer = buyer_of(visit)
    running = _running(visit)
    usage: GetUserUsageStats = db.call("get_user_usage_stats", p_user_id=buyer.user.id)
    ends_at = stopping.late_until(running) or running["ends_at"]
    offered = [one for one in catalog.products(buyer) if one["kind"] == "subscription"]
    return visit.render(
        "payments/plan.html",
        plan=texts.plan_name(visit.language, usage["plan"]),
        is_free=usage["plan"] == "FREE",
        until=visit.date(ends_at) if ends_at else "",
        day=usage["day"]["limit"],
        month=usage["month"]["limit"],
        bonus=usage["bonus_credits"],
        renewals=[_renewal(visit, buyer, one) for one in running["renewals"]],
        trial=_trial(visit),
        offers=[
            {
                "key": product["key"],
                "title": catalog.title(buyer, product["texts"]),
                "price": catalog.price(buyer, catalog.shown_option(buyer, product)),
            }
            for product in offered
        ],
    )


def _trial(visit: Visit) -> tuple[str, int] | None:
    """Return plan and days of the trial that the user may start."""
    trial: TrialOffer | None = db.call("trial_offer", p_user_id=visit.user.user_id)
    if trial is None or trial["outcome"] != "available":
        return None
    return texts.plan_name(visit.language, trial["plan"]), trial["days"]


def _running(visit: Visit) -> SubscriptionOverview:
    running: SubscriptionOverview = db.call("subscription_overview", p_user_id=visit.user.user_id)
    return running


def _renewal(visit: Visit, buyer: WebBuyer, renewal: SubscriptionOverviewRenewals) -> dict[str, object]:
    status = renewal["status"]
    until = renewal["effective_end"]
    key = f"plan_renewal_{status}_{renewal['period']}" if status == "active" else f"plan_renewal_{status}"
    return {
        "id": renewal["id"],
        "title": catalog.title(buyer, renewal["texts"]),
        "about": visit.text(
            f"{key}_over" if status == "past_due" and not until else key,
            price=figures.money(visit.language, Decimal(renewal["amount"]), renewal["currency"]),
            provider=buyer.provider_name(renewal["provider"]),
            until=visit.date(until) if until else "",
        ),
        "status": status,
        "is_on": status != "canceled",
    }


def ask_to_cancel(visit: Visit, renewal_id: int) -> Response:
    """Ask before an auto-renewal is turned off."""
    renewal = _find(visit, renewal_id)
    buyer = buyer_of(visit)
    return visit.render(
        "payments/cancel.html",
        id=renewal["id"],
        title=catalog.title(buyer, renewal["texts"]),
        until=visit.date(renewal["effective_end"]) if renewal["effective_end"] else "",
    )


def _find(visit: Visit, renewal_id: int) -> SubscriptionOverviewRenewals:
    """Return an auto-renewal of the user that has not ended.

    Raises:
        NotFound: there is none.
    """
    found = next((one for one in _running(visit)["renewals"] if one["id"] == renewal_id), None)
    if found is None:
        raise NotFound("plan_renewal_gone")
    return found


def cancel(visit: Visit, renewal_id: int) -> Response:
    """Turn an auto-renewal off."""
    renewal = _find(visit, renewal_id)
    if renewal["status"] == "canceled":
        return visit.redirect(_PATH)
    stopped = stopping.stop(buyer_of(visit), renewal)
    return visit.redirect(_PATH, f"{stopped.key}_notice")


_RENEWAL = f"{_PATH}/renewals/{row_id('renewal_id')}"

pages = (
    Page(_PATH, show, access=Access.USER),
    Page(_RENEWAL, ask_to_cancel, access=Access.USER),
    Page(f"{_RENEWAL}/cancel", cancel, methods=("POST",), max_body=2_000, access=Access.USER),
)
