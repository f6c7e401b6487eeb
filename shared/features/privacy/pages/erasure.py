"""The erasure of the account: what is lost, and a word to type."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import Unauthorized

from shared.core import db, texts
from shared.core.config import settings
from shared.core.errors import Refusal
from shared.core.signatures import user_hash
from shared.core.texts import figures
from shared.features.privacy import losses
from shared.web import cookies, sessions, styled
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import (
        AccountOverview,
        EraseAccount,
        SubscriptionOverview,
        SubscriptionOverviewRenewals,
    )
    from shared.web.visit import Visit

PATH = "/account/data/delete"
_PLAN = "/account/plan"
_CONFLICTS = ("Y0001", "Y0002")  # the balance grew, or a renewal began, since the user confirmed


class _Confirmation(BaseModel):
    """The word, and the losses that the user has seen (losses.digest)."""

    word: str = Field(default="", max_length=40)
    losses: str = Field(max_length=16)


def show(visit: Visit, failure: str = "", status: int = 200) -> Response:
    """Show what is deleted, what stays and what is lost."""
    running, found = _state(visit)
    lost = _losses(visit, running, found)
    return visit.render(
        "privacy/delete.html",
        status,
        failure=failure,
        charging=[_renewal(visit, one) for one in losses.charging(running)],
        plan_page=_PLAN if visit.offers(_PLAN) else "",
        lost=lost,
        digest=losses.digest(lost),
        keeps=styled.to_html(visit.rich("deleteme_keeps")),
        word=visit.text("erase_word"),
    )


def erase(visit: Visit) -> Response:
    """Erase the account, if the user has typed the word and seen the present losses."""
    sent = visit.form(_Confirmation)
    running, found = _state(visit)
    if losses.charging(running):
        return show(visit, visit.text("erase_renewal"), 409)
    words = {texts.text(code, "erase_word").casefold() for code in texts.codes()}
    if sent.word.strip().casefold() not in words:
        return show(visit, visit.text("erase_word_wrong"), 422)
    if sent.losses != losses.digest(_losses(visit, running, found)):
        return show(visit, visit.text("erase_changed"), 409)
    try:
        done: EraseAccount = db.call(
            "erase_account",
            p_user_id=visit.user.user_id,
            p_hash=user_hash(visit.user.telegram_id, settings().user_hash_key),
            p_balance=found["balance"],
        )
    except Refusal as error:
        if error.sqlstate not in _CONFLICTS:
            raise
        return show(visit, visit.text("erase_changed"), 409)
    if done["outcome"] == "unknown":  # erased by another request
        raise Unauthorized
    response = visit.redirect("/", "erase_done_notice")
    cookies.delete(response, sessions.COOKIE)
    return response


def _state(visit: Visit) -> tuple[SubscriptionOverview, AccountOverview]:
    user_id = visit.user.user_id
    running: SubscriptionOverview = db.call("subscription_overview", p_user_id=user_id)
    found: AccountOverview | None = db.call("account_overview", p_user_id=user_id)
    if found is None:  # erased this moment
        raise Unauthorized
    return running, found


def _losses(visit: Visit, running: SubscriptionOverview, found: AccountOverview) -> list[str]:
    return losses.of(
        visit,
        visit.user.user_id,
        running,
        bonus_credits=found["bonus_credits"],
        balance=Decimal(found["balance"]),
        currency=found["currency"],
    )


def _renewal(visit: Visit, renewal: SubscriptionOverviewRenewals) -> str:
    title = texts.product_words(visit.language, renewal["texts"]).title
    return f"{title} · {figures.money(visit.language, Decimal(renewal['amount']), renewal['currency'])}"


pages = (
    Page(PATH, show, access=Access.USER),
    Page(f"{PATH}/confirm", erase, methods=("POST",), max_body=2_000, access=Access.USER),
)
