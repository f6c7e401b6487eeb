"""/gifts: plans that a user bought for others, and the links that give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import Text, concat
from shared.features.common import catalog
from shared.features.common.menu import back
from shared.features.common.paging import page_of, split_page
from shared.features.common.plans import plan_name
from shared.features.shop import checkout, gift_links, lists, screens
from shared.features.shop.gift_button import GIVE
from shared.telegram import current_context, outbox, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import ListGifts, TakeGift

router = Router()

_LIST = "gifts"
_GIFT = "gift:"  # gift:<payment>


@router.message_handler(commands=["gifts"], private_only=True)
def gifts(_message: Message) -> None:
    """Show the gifts of the user, and the plans that can be given."""
    context = current_context()
    reply(*_list(context, 0))


@router.callback_query_handler(data=r"gifts(@[0-9]{1,3})?", private_only=True, page="gifts")
def show_gifts(call: CallbackQuery) -> None:
    """The same under a button."""
    context = current_context()
    context.show(*_list(context, split_page(call.data or "")[1]))


@router.callback_query_handler(
    data=f"{GIVE}[a-z0-9_]{{1,32}}(@[0-9]{{1,3}})?", private_only=True, page="gifts"
)
def give(call: CallbackQuery) -> None:
    """Ask how to pay for a plan for another user."""
    context = current_context()
    found = catalog.products(context)
    here, page = split_page(call.data or "")
    product = catalog.find(found, here.removeprefix(GIVE))
    options = catalog.gift_options(context, product) if product else []
    if product is None or not options:
        return catalog.gone(context)
    if len(options) == 1 and options[0].provider != "balance":
        return checkout.pay(context, product, options[0])
    rows = [[screens.method_button(context, product, [option])] for option in options]
    text = concat(screens.heading(context, product), context.rich("gift_question"), separator="\n\n")
    return context.show(text, page_of(context, rows, page, here, lists.BUY + product["key"]))


@router.callback_query_handler(data=_GIFT + "[0-9]{1,18}", private_only=True, page="gifts")
def show_gift(call: CallbackQuery) -> None:
    """Show a gift with its link."""
    context = current_context()
    number = int((call.data or "").removeprefix(_GIFT))
    found = _own(context, number)
    if not found:
        return context.show(*_list(context, 0))
    gift = found[0]
    text = context.rich(
        f"gift_is_{gift['state']}",
        title=catalog.title(context, gift["texts"]),
        until=context.date(gift["expires_at"]),
        date=context.date(gift["taken_at"]) if gift["taken_at"] else "",
    )
    rows: Keyboard = [[(context.text("list_back"), _LIST)]]
    if gift["state"] == "waiting":
        link = gift_links.link(f"https://t.me/{context.bot.user.username}", gift["token"])
        text = concat(text, Text(link, []), separator="\n\n")
        share = gift_links.share_link(link, context.text("gift_share_words"))
        rows = [[(context.text("gift_share"), share)], *rows]
    return context.show(text, rows)


def _own(context: UpdateContext, number: int | None = None) -> list[ListGifts]:
    if context.is_offline:
        raise StateUnavailable
    found: list[ListGifts] = db.call("list_gifts", p_user_id=context.user.id, p_id=number)
    return found


def _list(context: UpdateContext, page: int) -> tuple[Text, Keyboard]:
    """Return the gifts, and the plans that can be given."""
    rows: Keyboard = [
        [
            (
                context.text(
                    "gift_line",
                    title=catalog.title(context, gift["texts"]),
                    state=context.text(f"gift_state_{gift['state']}"),
                ),
                f"{_GIFT}{gift['id']}",
            )
        ]
        for gift in _own(context)
    ]
    offered = [
        [(context.text("gift_buy", title=catalog.title(context, one["texts"])), GIVE + one["key"])]
        for one in catalog.products(context)
        if catalog.gift_options(context, one)
    ]
    if not rows and not offered:
        return context.rich("gifts_none"), back(context)
    text = context.rich("gifts" if rows else "gifts_empty")
    return text, page_of(context, [*offered, *rows], page, _LIST, "menu")


@router.link_handler(gift_links.LINK)
def take(context: UpdateContext, token: str) -> tuple[Text, Keyboard] | None:
    """Accept the gift of a link, in the private chat."""
    if not context.update.is_private:
        return None
    if context.is_offline:
        raise StateUnavailable
    done: TakeGift = db.call("take_gift", p_user_id=context.user.id, p_token=token[:64])
    if done["outcome"] == "taken":
        outbox.deliver_outgoing(done["outgoing"])
    text = context.rich(
        f"gift_link_{done['outcome']}",
        title=catalog.title(context, done["texts"]) if "texts" in done else "",
        plan=plan_name(context, done["plan"]) if "plan" in done else "",
        until=context.date(done["until"]) if "until" in done else "",
    )
    if done["outcome"] == "own":
        return text, [[(context.text("gift_list"), _LIST)], *back(context)]
    return text, back(context)
