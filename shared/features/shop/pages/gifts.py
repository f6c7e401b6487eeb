"""The gifts that a user bought: their links, and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.core.config import settings
from shared.core.errors import TelegramError
from shared.features.common import catalog, console_bot
from shared.features.common.web_buyer import WebBuyer, buyer_of
from shared.features.shop import gift_links
from shared.features.shop.pages import offers
from shared.web.access import Access
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import ListGifts
    from shared.web.visit import Visit

PATH = "/account/gifts"


def show(visit: Visit) -> Response:
    """List the gifts, and the plans that can be given."""
    buyer = buyer_of(visit)
    found: list[ListGifts] = db.call("list_gifts", p_user_id=buyer.user.id)
    return visit.render(
        "shop/gifts.html",
        gifts=[_line(visit, buyer, gift) for gift in found],
        plans=[
            {
                "address": visit.url(f"{offers.PATH}/{product['key']}", gift=1),
                "title": catalog.title(buyer, product["texts"]),
            }
            for product in catalog.products(buyer)
            if catalog.gift_options(buyer, product)
        ],
    )


def _line(visit: Visit, buyer: WebBuyer, gift: ListGifts) -> dict[str, object]:
    link = _link(gift) if gift["state"] == "waiting" else ""
    return {
        "id": gift["id"],
        "title": catalog.title(buyer, gift["texts"]),
        "state": gift["state"],
        "until": visit.date(gift["expires_at"]),
        "date": visit.date(gift["taken_at"]) if gift["taken_at"] else "",
        "link": link,
        "share": gift_links.share_link(link, visit.text("gift_share_words")) if link else "",
    }


def _link(gift: ListGifts) -> str:
    """Return the link of a gift; empty while the bot's name cannot be read."""
    # Every bot takes the link; the one of the order may have been removed since.
    bot = gift["bot"] if gift["bot"] in settings().bot_tokens else console_bot.name()
    try:
        return gift_links.link(console_bot.chat(console_bot.username(bot)), gift["token"])
    except TelegramError:
        return ""


pages = (Page(PATH, show, Policy(has_scripts=True), access=Access.USER),)
