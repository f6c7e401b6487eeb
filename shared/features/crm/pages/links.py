"""Links of advertisements: what each brought, new ones."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound

from shared.core import db
from shared.core.errors import TelegramError
from shared.core.texts import figures
from shared.features import xp
from shared.features.common import console_bot
from shared.features.crm.pages.views import PATH
from shared.telegram import configured
from shared.web.access import Access
from shared.web.forms import FormError, FormView, Reference, RowId, new_reference
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import ArchiveAdLink, CreateAdLink, ListAdLinks
    from shared.web.visit import Visit

_LINKS = f"{PATH}/links"
_START = "ad_"  # the feature's prefix of links


class _New(BaseModel):
    name: str = Field(min_length=1, max_length=100)
    key: str = Field(default="", pattern=r"^([A-Za-z0-9_-]{2,24})?$")
    reference: Reference


class _Archive(BaseModel):
    link: RowId
    is_archived: bool


def show(visit: Visit) -> Response:
    """List the links with their figures."""
    return _page(visit, FormView({}))


def _page(visit: Visit, form: FormView, status: int = 200) -> Response:
    """Return the page; of a form that was not accepted, with what was typed."""
    found: list[ListAdLinks] = db.call("list_ad_links", p_actor_id=visit.user.user_id)
    bots = _bots()
    bot = visit.request.args.get("bot", "")
    bot = bot if bot in bots else next(iter(bots), "")
    return visit.render(
        "crm/links.html",
        status,
        form=form,
        links=[_link(visit, one, bots.get(bot, "")) for one in found],
        bots=[(name, xp.bot_title(visit, name)) for name in bots],
        bot=bot,
        reference=new_reference(),
    )


def _bots() -> dict[str, str]:
    """Return the username of each bot that can be asked for it."""
    found = {}
    for name in configured.names():
        try:
            found[name] = console_bot.username(name)
        except TelegramError:
            continue
    return found


def _link(visit: Visit, row: ListAdLinks, username: str) -> JsonObject:
    money = [figures.money(visit.language, Decimal(one["amount"]), one["currency"]) for one in row["revenue"]]
    return {
        "id": row["id"],
        "name": row["name"],
        "key": row["key"],
        "address": f"{console_bot.chat(username)}?start={_START}{row['key']}" if username else "",
        "visits": row["visits"],
        "new_users": row["new_users"],
        "buyers": row["buyers"],
        "revenue": " + ".join(money) or "—",
        "is_archived": row["is_archived"],
        "board": visit.url(PATH, link=row["id"]),
    }


def create(visit: Visit) -> Response:
    """Create a link; a key that another link has is shown beside its field."""
    try:
        sent = visit.form(_New)
    except FormError as error:
        return _page(visit, visit.typed(error.fields, visit.text("web_error_fields")), 422)
    done: CreateAdLink = db.call(
        "create_ad_link",
        p_actor_id=visit.user.user_id,
        p_name=sent.name.strip(),
        p_key=sent.key,
        p_reference=sent.reference,
    )
    if done["outcome"] == "taken":
        return _page(visit, visit.typed({"key": "crm_link_taken"}, visit.text("web_error_fields")), 422)
    return visit.redirect(_LINKS, "crm_link_created_notice")


def archive(visit: Visit) -> Response:
    """Archive a link, or take it back.

    Raises:
        NotFound: there is no such link.
    """
    sent = visit.form(_Archive)
    done: ArchiveAdLink = db.call(
        "archive_ad_link",
        p_actor_id=visit.user.user_id,
        p_link_id=sent.link,
        p_is_archived=sent.is_archived,
    )
    if not done["found"]:
        raise NotFound
    return visit.redirect(_LINKS, "crm_saved_notice")


pages = (
    Page(_LINKS, show, Policy(has_scripts=True), access=Access.ADMIN),
    Page(f"{_LINKS}/create", create, methods=("POST",), max_body=4_000, access=Access.ADMIN),
    Page(f"{_LINKS}/archive", archive, methods=("POST",), max_body=4_000, access=Access.ADMIN),
)
