"""/buy: product, period, once or auto-renewing, payment method: one message, at most five buttons a screen.

A step with one option is skipped. The callback data of each button names the whole choice, so a button works
for as long as its message stands.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from telebot.types import CallbackQuery, Message

from shared import db
from shared.bots.assistant import bot, checkout, contact, offers
from shared.bots.assistant.features import plan_name
from shared.bots.assistant.menu import back
from shared.bots.assistant.offers import Product, Way, price, title
from shared.bots.assistant.trial_offer import trial_offer, trial_row
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, Unit
from shared.texts import Text, figures, joined

BUY = "buy:"  # buy:<product>
_GROUP = "shop:"  # shop:<group>
_MODE = {False: "once:", True: "auto:"}  # once:<product>: pay once; auto:<product>: auto-renew
_CARDS = "card:"  # card:<product>[:again]: the providers of cards
_CURRENCY = "currency:"  # currency:<ISO 4217>
_MOST = 5  # buttons of a screen
_PAGE = re.compile(r"(.*?)(?:@([0-9]{1,3}))?", re.DOTALL)  # buttons that turn a page end with its number

Row = list[tuple[str, str]]


@bot.message_handler(commands=["buy"], private_only=True)
def buy(_message: Message) -> None:
    """Show the shop."""
    reply(*_shop(current(), 0))


@bot.callback_query_handler(
    func=lambda call: re.fullmatch(r"buy(@[0-9]{1,3})?", call.data or "") is not None,
    private_only=True,
    page="buy",
)
def show_shop(call: CallbackQuery) -> None:
    """Show the shop under a button."""
    unit = current()
    _, page = _paged(call.data or "")
    unit.show(*_shop(unit, page))


@bot.callback_query_handler(
    func=lambda call: (call.data or "").startswith(_CURRENCY), private_only=True, page="buy"
)
def choose_currency(call: CallbackQuery) -> None:
    """Show the shop in another currency from now on."""
    unit = current()
    code = (call.data or "").removeprefix(_CURRENCY)
    if code in offers.currencies(unit, offers.products(unit)):
        unit.set_price_currency(code)
    unit.show(*_shop(unit, 0))


@bot.callback_query_handler(
    func=lambda call: (call.data or "").startswith(_GROUP), private_only=True, page="buy"
)
def show_group(call: CallbackQuery) -> None:
    """Show the products of a group: the periods of a plan, packs of requests."""
    unit = current()
    group, page = _paged((call.data or "").removeprefix(_GROUP))
    found = offers.groups(offers.products(unit)).get(group)
    if found is None:
        return offers.gone(unit)
    return unit.show(*_group(unit, group, found, page))


@bot.callback_query_handler(
    func=lambda call: (call.data or "").startswith(BUY), private_only=True, page="buy"
)
def show_product(call: CallbackQuery) -> None:
    """Go on with one product, to the next question that has more than one answer."""
    unit = current()
    product = offers.find(unit, (call.data or "").removeprefix(BUY))
    if product is None:
        return offers.gone(unit)
    return _go_on(unit, product)


@bot.callback_query_handler(
    func=lambda call: (call.data or "").startswith(tuple(_MODE.values())), private_only=True, page="buy"
)
def choose_mode(call: CallbackQuery) -> None:
    """Go on with a single payment, or with one that repeats."""
    unit = current()
    mode, _, key = (call.data or "").partition(":")
    product = offers.find(unit, key)
    repeats = f"{mode}:" == _MODE[True]
    if product is None or not _ways(unit, product, repeats):
        return offers.gone(unit)
    return _pay_or_ask(unit, product, repeats)


@bot.callback_query_handler(
    func=lambda call: (call.data or "").startswith(_CARDS), private_only=True, page="buy"
)
def show_cards(call: CallbackQuery) -> None:
    """Show the providers that take cards, where there are several."""
    unit = current()
    data, page = _paged((call.data or "").removeprefix(_CARDS))
    key, _, again = data.partition(":")
    product = offers.find(unit, key)
    ways = _ways(unit, product, again == offers.AGAIN) if product else []
    ways = [way for way in ways if way.method == "card"]
    if product is None or not ways:
        return offers.gone(unit)
    rows = [[_method(unit, product, [way])] for way in ways]
    up = [(unit.text("buy_back"), _MODE[ways[0].repeats] + key)]
    text = joined(_head(unit, product), unit.rich("buy_card_question"), separator="\n\n")
    return unit.show(text, [*_page_of(unit, rows, page, _CARDS + data, _MOST - 1), up])


@bot.callback_query_handler(
    func=lambda call: re.fullmatch(r"other:[0-9]{1,18}", call.data or "") is not None,
    private_only=True,
    page="buy",
)
def leave_checkout(call: CallbackQuery) -> None:
    """Go back from a checkout; one that is paid meanwhile says so."""
    unit = current()
    order = int((call.data or "").partition(":")[2])
    left = db.call("leave_checkout", p_user_id=unit.person.id, p_order_id=order, p_message_id=unit.shown_in)
    if left["outcome"] == "closed":
        return checkout.show_closed(unit, left)
    product = offers.find(unit, left["product_key"]) if left["outcome"] == "left" else None
    if product is None:
        return offers.gone(unit)
    return unit.show(*_before_checkout(unit, product, left["renews"]))


@bot.callback_query_handler(
    func=lambda call: call.data == "contact:cancel", private_only=True, page="profile"
)
def cancel_contact(_call: CallbackQuery) -> None:
    """Stop asking for a receipt contact, and go back to where it was asked."""
    unit = current()
    pending = contact.stop_asking(unit)
    chosen = checkout.chosen_way(unit, pending) if pending else None
    if chosen is None:
        return contact.show_page(unit)
    return unit.show(*_before_checkout(unit, chosen[0], chosen[1].repeats))


def _before_checkout(unit: Unit, product: Product, repeats: bool) -> tuple[Text, Keyboard]:
    """Return the last screen before a checkout that asks something."""
    ways = _ways(unit, product, repeats)
    if len(ways) > 1:
        return _methods(unit, product, repeats)
    if len(_modes(unit, product)) > 1:
        return _mode(unit, product)
    return _screen(unit, _above(unit, product))


def product_row(unit: Unit, product: Product) -> Row:
    """Return the button that opens a product: its title and its price, unless a top-up costs what it adds."""
    way, name = offers.shown_way(unit, product), title(unit, product["texts"])
    is_named = product["kind"] == "balance" and (way.currency, way.amount) == (
        unit.person.currency,
        Decimal(product["quantity"]),
    )
    label = name if is_named else unit.text("buy_offer", title=name, price=price(unit, way))
    return [(label, BUY + product["key"])]


# The shop -------------------------------------------------------------------------------------------------


def _shop(unit: Unit, page: int) -> tuple[Text, Keyboard]:
    """Return the shop; what a top-up was to be made for is forgotten here."""
    if unit.data.get(checkout.WANTED):
        unit.set_data(checkout.WANTED, None)
    found = offers.products(unit)
    if not found:
        return unit.rich("buy_nothing"), back(unit)
    trial = trial_offer(unit)
    currency = _currency_row(unit, found)
    room = _MOST - len(currency) - 1
    rows = _shop_rows(unit, found, room)
    has_trial = bool(trial) and len(rows) < room
    offered = [*(trial_row(unit, trial) if has_trial else []), *rows]
    text = _shop_text(unit, found, None if has_trial else trial)
    return text, [*_page_of(unit, offered, page, "buy", room), *currency, *back(unit)]


def _shop_rows(unit: Unit, found: list[Product], room: int) -> list[Row]:
    """Return the products where all of them fit, else the groups they are in."""
    by_group = offers.groups(found)
    if len(found) <= room or len(by_group) == 1:
        return [product_row(unit, product) for product in found]
    return [
        product_row(unit, members[0]) if len(members) == 1 else [_group_button(unit, group, members)]
        for group, members in by_group.items()
    ]


def _group_button(unit: Unit, group: str, members: list[Product]) -> tuple[str, str]:
    ways = [offers.shown_way(unit, product) for product in members]
    least = min((way for way in ways if way.currency == ways[0].currency), key=lambda way: way.amount)
    label = unit.text("buy_from", title=_group_name(unit, group), price=price(unit, least))
    return label, _GROUP + group


def _group_name(unit: Unit, group: str) -> str:
    kind, _, plan = group.partition(".")
    return plan_name(unit, plan) if plan else unit.text(f"buy_group_{kind}")


def _currency_row(unit: Unit, found: list[Product]) -> Keyboard:
    """Return the button that shows the shop in the next currency, where there are several."""
    codes = sorted(offers.currencies(unit, found))
    if len(codes) < 2:
        return []
    now = offers.currencies(unit, found)[0]
    following = codes[(codes.index(now) + 1) % len(codes)]
    label = unit.text("buy_currency", currency=figures.currency_name(following))
    return [[(label, _CURRENCY + following)]]


def _shop_text(unit: Unit, found: list[Product], trial: dict[str, Any] | None) -> Text:
    """Say what can be done here, and which discount is in the prices already."""
    parts = [unit.rich("buy")]
    if trial:
        plan = plan_name(unit, trial["plan"])
        parts.append(unit.rich("buy_trial", plan=plan, days=trial["days"]))
    if discount := next((product["discount"] for product in found if product["discount"]), None):
        until = unit.date(discount["until"]) if discount["until"] else ""
        key = "buy_discount_until" if until else "buy_discount"
        parts.append(unit.rich(key, percent=discount["percent"], until=until))
    return joined(*parts, unit.rich("buy_promo_hint"), separator="\n\n")


# A group --------------------------------------------------------------------------------------------------


def _group(unit: Unit, group: str, members: list[Product], page: int) -> tuple[Text, Keyboard]:
    trial = trial_offer(unit)
    rows = [_member_row(unit, product, members) for product in members]
    if trial and group == f"plan.{trial['plan']}":
        rows = [*map(list, trial_row(unit, trial)), *rows]
    lines = dict.fromkeys(offers.about(unit, product["texts"]) for product in members)
    heading = unit.rich("buy_group", title=_group_name(unit, group))
    descriptions = Text("\n".join(line for line in lines if line), [])
    parts = [heading, descriptions] if descriptions.text else [heading]
    text = joined(joined(*parts, separator="\n"), unit.rich("buy_group_question"), separator="\n\n")
    return text, [*_page_of(unit, rows, page, _GROUP + group, _MOST - 1), [(unit.text("buy_back"), "buy")]]


def _member_row(unit: Unit, product: Product, members: list[Product]) -> Row:
    """Return the button of a product, with what a year saves against twelve months."""
    label, data = product_row(unit, product)[0]
    saved = _saved(unit, product, members)
    return [(unit.text("buy_saves", offer=label, percent=saved) if saved else label, data)]


def _saved(unit: Unit, product: Product, members: list[Product]) -> int:
    month = next((one for one in members if one["period"] == "month"), None)
    if product["period"] != "year" or month is None:
        return 0
    year_way, month_way = offers.shown_way(unit, product), offers.shown_way(unit, month)
    if year_way.currency != month_way.currency:
        return 0
    return max(int(100 - 100 * year_way.amount / (12 * month_way.amount)), 0)


# A product ------------------------------------------------------------------------------------------------


def _go_on(unit: Unit, product: Product) -> None:
    modes = _modes(unit, product)
    if len(modes) > 1:
        return unit.show(*_mode(unit, product))
    return _pay_or_ask(unit, product, modes[0])


def _pay_or_ask(unit: Unit, product: Product, repeats: bool) -> None:
    """Go to the checkout where there is one payment method and no note to show first."""
    ways = _ways(unit, product, repeats)
    if len(ways) == 1 and ways[0].method != "balance" and not _note(unit, product).text:
        return checkout.pay(unit, product, ways[0])
    return unit.show(*_methods(unit, product, repeats))


def _modes(unit: Unit, product: Product) -> list[bool]:
    """Return whether the product is paid once (False), repeatedly (True), or either."""
    return sorted({way.repeats for way in offers.ways_to_pay(unit, product)})


def _ways(unit: Unit, product: Product, repeats: bool) -> list[Way]:
    return [way for way in offers.ways_to_pay(unit, product) if way.repeats == repeats]


def _mode(unit: Unit, product: Product) -> tuple[Text, Keyboard]:
    rows = []
    for repeats in _modes(unit, product):
        key = f"buy_auto_{product['period']}" if repeats else "buy_once"
        way = offers.shown_way(unit, product, repeats=repeats)
        rows.append([(unit.text(key, price=price(unit, way)), _MODE[repeats] + product["key"])])
    text = _product_text(unit, product, "buy_mode_question")
    return text, [*rows, [(unit.text("buy_back"), _above(unit, product))]]


def _methods(unit: Unit, product: Product, repeats: bool) -> tuple[Text, Keyboard]:
    rows = [[_method(unit, product, ways)] for ways in _by_button(_ways(unit, product, repeats))]
    question = f"buy_method_question_{product['period']}" if repeats else "buy_method_question"
    up = BUY + product["key"] if len(_modes(unit, product)) > 1 else _above(unit, product)
    return _product_text(unit, product, question), [*rows, [(unit.text("buy_back"), up)]]


def _by_button(ways: list[Way]) -> list[list[Way]]:
    """Group the ways by button: the providers of cards share one, every other provider has its own."""
    groups: dict[str, list[Way]] = {}
    for way in ways:
        groups.setdefault("card" if way.method == "card" else way.provider, []).append(way)
    return list(groups.values())


def _method(unit: Unit, product: Product, ways: list[Way]) -> tuple[str, str]:
    """Return the button of a payment method; several providers of cards have one button together."""
    way = ways[0]
    if way.provider == "balance":
        balance = figures.money(unit.language, unit.person.balance, unit.person.currency)
        return unit.text("buy_way_balance", price=price(unit, way), balance=balance), way.button(
            product["key"]
        )
    if len(ways) == 1:
        name, data = unit.text(f"provider_{way.provider}"), way.button(product["key"])
    else:
        again = f":{offers.AGAIN}" if way.repeats else ""
        name, data = unit.text("buy_method_card"), f"{_CARDS}{product['key']}{again}"
    return unit.text("buy_offer", title=name, price=price(unit, way)), data


def _above(unit: Unit, product: Product) -> str:
    """Return the callback data of the screen a product was chosen on."""
    group = offers.group_of(product)
    found = offers.products(unit)
    room = _MOST - len(_currency_row(unit, found)) - 1
    by_group = offers.groups(found)
    is_in_shop = len(found) <= room or len(by_group) == 1 or len(by_group.get(group, [])) == 1
    return "buy" if is_in_shop else _GROUP + group


def _screen(unit: Unit, data: str) -> tuple[Text, Keyboard]:
    group = data.removeprefix(_GROUP)
    members = offers.groups(offers.products(unit)).get(group) if data.startswith(_GROUP) else None
    return _group(unit, group, members, 0) if members else _shop(unit, 0)


# Words ----------------------------------------------------------------------------------------------------


def _product_text(unit: Unit, product: Product, question: str) -> Text:
    note = _note(unit, product)
    parts = [_head(unit, product), *([note] if note.text else []), unit.rich(question)]
    return joined(*parts, separator="\n\n")


def _head(unit: Unit, product: Product) -> Text:
    heading = unit.rich("buy_group", title=title(unit, product["texts"]))
    description = offers.about(unit, product["texts"])
    return joined(heading, Text(description, []), separator="\n") if description else heading


def _note(unit: Unit, product: Product) -> Text:
    """Say what matters before a purchase: a discount, and what the user's plan makes of more time."""
    notes = [note for note in (_discount_note(unit, product), _plan_note(unit, product)) if note is not None]
    return joined(*notes, separator="\n\n")


def _discount_note(unit: Unit, product: Product) -> Text | None:
    ways = [way for way in offers.ways_to_pay(unit, product) if way.full_amount]
    if not ways:
        return None
    prices = {
        way.currency: unit.text(
            "buy_reduced_price",
            price=price(unit, way),
            full=figures.money(unit.language, way.full_amount or way.amount, way.currency),
        )
        for way in ways
    }
    percent = product["discount"]["percent"]
    key = "buy_reduced_repeats" if True in _modes(unit, product) else "buy_reduced"
    return unit.rich(key, percent=percent, prices="; ".join(prices.values()))


def _plan_note(unit: Unit, product: Product) -> Text | None:
    if product["kind"] != "subscription" or unit.usage.plan == "FREE":
        return None
    running = db.call("subscription_overview", p_user_id=unit.person.id)
    if not running["ends_at"]:
        return unit.rich("buy_note_endless")
    repeats = any(renewal["status"] in ("active", "past_due") for renewal in running["renewals"])
    key = "buy_note_repeats" if repeats else "buy_note_extends"
    return unit.rich(key, until=unit.date(running["ends_at"]))


# Pages ----------------------------------------------------------------------------------------------------


def _paged(data: str) -> tuple[str, int]:
    match = _PAGE.fullmatch(data)
    assert match is not None  # every text matches
    return match[1], int(match[2] or 0)


def _page_of(unit: Unit, rows: Keyboard, page: int, data: str, room: int) -> Keyboard:
    """Return the rows that fit on a page, and a button to the next page where there are more."""
    if len(rows) <= room:
        return rows
    size = room - 1
    pages = -(-len(rows) // size)
    page %= pages
    more = [(unit.text("buy_more"), f"{data}@{(page + 1) % pages}")]
    return [*rows[page * size : (page + 1) * size], more]
