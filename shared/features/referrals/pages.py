"""The page of invitations: the link, its QR code, and what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response
from werkzeug.exceptions import ServiceUnavailable, Unauthorized

from shared.core import db
from shared.core.errors import TelegramError
from shared.features.common import console_bot
from shared.features.referrals import invitation
from shared.web.access import Access
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from shared.core.sql_types import ReferralOverview
    from shared.web.visit import Visit

_PATH = "/account/referrals"


def show(visit: Visit) -> Response:
    """Show the link and what came of it."""
    overview = _overview(visit)
    link = _link(overview)
    return visit.render(
        "referrals/page.html",
        link=link,
        share=invitation.share_link(link, visit.text("referral_invitation")),
        overview=overview,
    )


def picture(visit: Visit) -> Response:
    """Return the QR code of the link."""
    return Response(invitation.picture(_link(_overview(visit)), "svg"), content_type="image/svg+xml")


def _overview(visit: Visit) -> ReferralOverview:
    """Return what came of the user's invitations.

    Raises:
        Unauthorized: the user was erased at this moment.
    """
    overview: ReferralOverview | None = db.call("referral_overview", p_user_id=visit.user.user_id)
    if overview is None:
        raise Unauthorized
    return overview


def _link(overview: ReferralOverview) -> str:
    """Return the invite link.

    Raises:
        ServiceUnavailable: the bot's name cannot be read.
    """
    try:
        return invitation.link(console_bot.username(), overview["code"])
    except TelegramError:
        raise ServiceUnavailable from None


pages = (
    Page(_PATH, show, Policy(has_scripts=True), access=Access.USER),
    Page(f"{_PATH}/qr.svg", picture, access=Access.USER),
)
