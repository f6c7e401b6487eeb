"""/products: what is sold, its prices and titles, and whether buyers see it.

Each change is shown with what buyers will see and needs a tap on Yes. The question is stored in the session
under the number of the update that asked, so that the Yes of an older question changes nothing.
"""

from __future__ import annotations

import re

from telebot.types import CallbackQuery, Message

from shared.core import texts
from shared.features.admin import product_changes, product_pages
from shared.features.admin.users import button_arguments, command_arguments
from shared.features.common.offering import hidden_commands, read_offering
from shared.telegram import current_context, menus, reply, waits
from shared.telegram.context import UpdateContext
from shared.telegram.router import Router

router = Router()

_KEY = re.compile(r"[a-z0-9_]{1,32}")


@router.message_handler(commands=["products"], admin=True)
def products(message: Message) -> None:
    """Show all products, or one of them; or ask about new prices of one."""
    context = current_context()
    match command_arguments(message, 2):
        case []:
            reply(*product_pages.list_page(context))
        case [key, *rest] if _KEY.fullmatch(key.lower()) and (
            product := product_pages.find(context, key.lower())
        ):
            if rest:
                reply(*product_changes.ask_prices(context, product, rest[0]))
            else:
                reply(*product_pages.card(context, product))
        case [key, *_]:
            reply(context.rich("admin_product_none", key=key), product_pages.to_list(context))


@router.callback_query_handler(data="admin:products", admin=True)
def show_products(_call: CallbackQuery) -> None:
    """Show all products."""
    context = current_context()
    context.show(*product_pages.list_page(context))


@router.callback_query_handler(
    data=r"admin:product(_preview|_prices|_texts|_show|_hide)?:[a-z0-9_]{1,32}", admin=True
)
def show_product(call: CallbackQuery) -> None:
    """Show one page about a product."""
    context = current_context()
    page = (call.data or "").split(":")[1]
    product = product_pages.find(context, button_arguments(call)[0])
    if product is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    pages = {
        "product": product_pages.card,
        "product_preview": product_pages.preview_page,
        "product_prices": product_pages.prices_page,
        "product_texts": product_pages.texts_page,
        "product_show": product_changes.ask_show,
        "product_hide": product_changes.ask_hide,
    }
    return context.show(*pages[page](context, product))


@router.callback_query_handler(data=r"admin:product_text:[a-z0-9_]{1,32}:[a-z]{2}", admin=True)
def ask_texts(call: CallbackQuery) -> None:
    """Ask for the title and description in one language; the next message has them."""
    context = current_context()
    key, language = button_arguments(call)
    product = product_pages.find(context, key)
    if product is None or language not in texts.languages():
        return context.answer_callback(context.text("button_old"), alert=True)
    waits.begin(context, f"{product_pages.AWAITS}texts:{key}:{language}")
    now = {"title": "—", "description": "—", **product["texts"].get(language, {})}
    text = context.rich("admin_product_send_texts", language=texts.language(language).NAME, **now)
    return context.show(text, product_pages.cancel(context, key))


@router.message_handler(state="product", admin=True)
def take_answer(message: Message) -> None:
    """Take the prices or texts that were asked for, and ask whether to change them."""
    context = current_context()
    _, what, key, *language = waits.current(context).split(":")
    product = product_pages.find(context, key)
    if product is None:
        waits.end(context)
        reply(context.rich("admin_product_none", key=key), product_pages.to_list(context))
    elif what == "prices":
        reply(*product_changes.ask_prices(context, product, message.text or ""))
    else:
        reply(*product_changes.ask_texts(context, product, language[0], message.text or ""))


@router.callback_query_handler(data=r"admin:product_yes:[0-9]{1,18}", admin=True)
def confirm(call: CallbackQuery) -> None:
    """Make the change, if this question is still the last one."""
    context = current_context()
    asked = context.data.get(product_changes.ASKED) or {}
    if str(asked.get("number")) != button_arguments(call)[0]:
        return context.answer_callback(context.text("admin_product_old"), alert=True)
    what, values = asked["change"]
    done = product_changes.change(context, what, {**values, "reference": context.reference})
    if done is None:
        return context.answer_callback(context.text("admin_product_old"), alert=True)
    context.set_data(product_changes.ASKED, None)
    if done["outcome"] == "changed":
        context.answer_callback(context.text("admin_product_changed"), alert=True)
    elif done["outcome"] == "applied":
        context.answer_callback(context.text("admin_product_saved"))
    context.show(*product_pages.card(context, done["product"]))
    if done["outcome"] == "applied" and what != "texts":
        _set_menu(context)
    return None


def _set_menu(context: UpdateContext) -> None:
    """Show or hide /buy in the command menu: the first product may be on sale now, or the last one gone."""
    hidden = hidden_commands(context.bot, read_offering())
    context.set_menu(menus.menus(context.bot, texts.languages(), hidden=hidden))
