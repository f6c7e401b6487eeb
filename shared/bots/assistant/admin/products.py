"""/products: what is sold, its prices and titles, and whether buyers see it.

Each change is shown with what buyers will see and needs a tap on Yes. What was asked is kept in the session
under the number of the update that asked, so that the Yes of an older question changes nothing.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from telebot.types import CallbackQuery, Message

from shared import db, texts
from shared.bots.assistant import bot
from shared.bots.assistant.admin import prices
from shared.bots.assistant.admin.people import parts, words
from shared.bots.assistant.features import plan_name
from shared.config import settings
from shared.errors import Refusal
from shared.payments import providers
from shared.telegram import current, reply
from shared.telegram.bot import is_for_admin
from shared.telegram.unit import Keyboard, StateUnavailable, Unit
from shared.texts import Text, figures, joined

Product = dict[str, Any]  # what private.product_card returns
_KEY = re.compile(r"[a-z0-9_]{1,32}")
_AWAITS = "product:"  # product:prices:<key>, product:texts:<key>:<language>
_ASKED = "product"  # the key in the session of what was asked
_ORDER = ("XTR", "RUB", "USD", "EUR")  # of currencies; others follow by name
_REFUSALS = ("N0001", "N0003", "N0004")


@bot.admin_command("products")
def products(message: Message) -> None:
    """Show all products, or one of them; or ask about new prices of one."""
    unit = current()
    match words(message, 2):
        case []:
            reply(*_list(unit))
        case [key, *rest] if _KEY.fullmatch(key.lower()) and (product := _find(unit, key.lower())):
            if rest:
                reply(*_ask_prices(unit, product, rest[0]))
            else:
                reply(*_card(unit, product))
        case [key, *_]:
            reply(unit.rich("admin_product_none", key=key), _to_list(unit))


@bot.admin_button("admin:products")
def show_products(_call: CallbackQuery) -> None:
    """Show all products."""
    unit = current()
    _await_nothing(unit)
    unit.show(*_list(unit))


@bot.admin_button(r"admin:product(_preview|_prices|_texts|_show|_hide)?:[a-z0-9_]{1,32}")
def show_product(call: CallbackQuery) -> None:
    """Show one page about a product."""
    unit = current()
    page = (call.data or "").split(":")[1]
    product = _find(unit, parts(call)[0])
    if product is None:
        return unit.notice(unit.text("button_old"), alert=True)
    _await_nothing(unit)
    pages = {
        "product": _card,
        "product_preview": _preview_page,
        "product_prices": _prices_page,
        "product_texts": _texts_page,
        "product_show": _ask_show,
        "product_hide": _ask_hide,
    }
    return unit.show(*pages[page](unit, product))


@bot.admin_button(r"admin:product_text:[a-z0-9_]{1,32}:[a-z]{2}")
def ask_texts(call: CallbackQuery) -> None:
    """Ask for the title and description in one language; the next message has them."""
    unit = current()
    key, language = parts(call)
    product = _find(unit, key)
    if product is None or language not in texts.languages():
        return unit.notice(unit.text("button_old"), alert=True)
    unit.set_data("awaiting", f"{_AWAITS}texts:{key}:{language}")
    now = {"title": "—", "description": "—", **product["texts"].get(language, {})}
    text = unit.rich("admin_product_send_texts", language=texts.language(language).NAME, **now)
    return unit.show(text, _cancel(unit, key))


def _is_answer(message: Message) -> bool:
    awaiting = str(current().data.get("awaiting") or "")
    return awaiting.startswith(_AWAITS) and is_for_admin() and not (message.text or "").startswith("/")


@bot.message_handler(func=_is_answer, content_types=["text"])
def take_answer(message: Message) -> None:
    """Take the prices or texts that were asked for, and ask whether to change them."""
    unit = current()
    _, what, key, *language = str(unit.data["awaiting"]).split(":")
    product = _find(unit, key)
    if product is None:
        unit.set_data("awaiting", None)
        reply(unit.rich("admin_product_none", key=key), _to_list(unit))
    elif what == "prices":
        reply(*_ask_prices(unit, product, message.text or ""))
    else:
        reply(*_ask_texts(unit, product, language[0], message.text or ""))


@bot.admin_button(r"admin:product_yes:\d+")
def confirm(call: CallbackQuery) -> None:
    """Make the change, if this question is still the last one."""
    unit = current()
    asked = unit.data.get(_ASKED) or {}
    if str(asked.get("number")) != parts(call)[0]:
        return unit.notice(unit.text("admin_product_old"), alert=True)
    what, values = asked["change"]
    done = _change(unit, what, {**values, "reference": unit.reference})
    if done is None:
        return unit.notice(unit.text("admin_product_old"), alert=True)
    unit.set_data(_ASKED, None)
    if done["outcome"] == "changed":
        unit.notice(unit.text("admin_product_changed"), alert=True)
    elif done["outcome"] == "applied":
        unit.notice(unit.text("admin_product_saved"))
    return unit.show(*_card(unit, done["product"]))


def _ask(unit: Unit, what: str, **values: Any) -> str:
    """Keep what a Yes would do, and return its button's data."""
    number = unit.incoming.update_id
    unit.set_data(_ASKED, {"number": number, "change": [what, values]})
    if unit.data.get("awaiting"):
        unit.set_data("awaiting", None)
    return f"admin:product_yes:{number}"


def _await_nothing(unit: Unit) -> None:
    if str(unit.data.get("awaiting") or "").startswith(_AWAITS):
        unit.set_data("awaiting", None)


def _find(unit: Unit, key: str) -> Product | None:
    return next(iter(_read(unit, key)["products"]), None)


def _read(unit: Unit, key: str | None = None) -> dict[str, Any]:
    if unit.is_offline:
        raise StateUnavailable
    found: dict[str, Any] = db.call("admin_products", p_admin_email=unit.person.admin_email, p_key=key)
    return found


def _change(unit: Unit, what: str, values: dict[str, Any]) -> dict[str, Any] | None:
    """Change a product, or ask what a change would do; None: it is gone, or cannot be changed so any more.

    Prices and texts change only with a reference.
    """
    if unit.is_offline:
        raise StateUnavailable
    admin, reference, key = unit.person.admin_email, values.get("reference"), values["key"]
    expected = values.get("expected")
    done: dict[str, Any] | None
    try:
        if what == "prices":
            done = db.call(
                "admin_set_prices",
                p_key=key,
                p_prices=values["prices"],
                p_admin_email=admin,
                p_reference=reference,
                p_expected=expected,
                p_providers=list(providers.configured()),
                p_is_confirmed=reference is not None,
            )
        elif what == "texts":
            done = db.call(
                "admin_set_product_texts",
                p_key=key,
                p_language=values["language"],
                p_title=values["title"],
                p_description=values["description"],
                p_admin_email=admin,
                p_reference=reference,
                p_expected=expected,
                p_is_confirmed=reference is not None,
            )
        else:
            done = db.call(
                "admin_switch_product",
                p_key=key,
                p_is_active=values["is_active"],
                p_admin_email=admin,
                p_reference=reference,
                p_expected=expected,
            )
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSALS:
            raise
        return None
    return done


def _list(unit: Unit) -> tuple[Text, Keyboard]:
    found = _read(unit)["products"]
    lines = [
        unit.rich(
            "admin_products_on" if one["is_active"] else "admin_products_off",
            title=_title(unit, one),
            prices=prices_line(unit, one["prices"]),
        )
        for one in found
    ]
    rows = [[(_title(unit, one), f"admin:product:{one['key']}")] for one in found]
    return joined(unit.rich("admin_products"), *lines, separator="\n\n"), rows


def _card(unit: Unit, product: Product) -> tuple[Text, Keyboard]:
    key = product["key"]
    text = unit.rich(
        "admin_product",
        title=_title(unit, product),
        state=unit.text("admin_product_on" if product["is_active"] else "admin_product_off"),
        gives=_gives(unit, product),
        prices=prices_line(unit, product["prices"]),
        key=key,
    )
    label, page = ("hide", "hide") if product["is_active"] else ("show", "show")
    return text, [
        [(unit.text("admin_button_prices"), f"admin:product_prices:{key}")],
        [(unit.text("admin_button_titles"), f"admin:product_texts:{key}")],
        [(unit.text("admin_button_preview"), f"admin:product_preview:{key}")],
        [(unit.text(f"admin_button_{label}"), f"admin:product_{page}:{key}")],
        *_to_list(unit),
    ]


def _prices_page(unit: Unit, product: Product) -> tuple[Text, Keyboard]:
    """Ask for new prices; the next message has them."""
    unit.set_data("awaiting", f"{_AWAITS}prices:{product['key']}")
    now = prices_line(unit, product["prices"])
    return unit.rich("admin_product_send_prices", title=_title(unit, product), prices=now), _cancel(
        unit, product["key"]
    )


def _texts_page(unit: Unit, product: Product) -> tuple[Text, Keyboard]:
    rows = [
        [(texts.language(code).NAME, f"admin:product_text:{product['key']}:{code}")]
        for code in texts.languages()
    ]
    head = unit.rich("admin_product_texts")
    return joined(head, *_by_language(product), separator="\n\n"), [*rows, *_cancel(unit, product["key"])]


def _preview_page(unit: Unit, product: Product) -> tuple[Text, Keyboard]:
    return joined(unit.rich("admin_product_preview"), *_preview(unit, product), separator="\n\n"), [
        [(unit.text("admin_button_product"), f"admin:product:{product['key']}")]
    ]


def _ask_prices(unit: Unit, product: Product, text: str) -> tuple[Text, Keyboard]:
    """Ask whether to change the prices to those of a message; say what is wrong with them."""
    wanted = prices.read(text)
    if wanted is None:
        return _send_again(unit, product, unit.rich("admin_product_prices_unreadable"))
    if unknown := sorted(set(wanted) - _currencies(unit)):
        words_ = unit.rich("admin_product_unknown_currency", currency=", ".join(unknown))
        return _send_again(unit, product, words_)
    values = {"key": product["key"], "prices": wanted}
    found = _change(unit, "prices", values)
    if found is None:
        return unit.rich("admin_product_old"), _to_list(unit)
    if found["outcome"] != "preview":
        return _no_prices(unit, product, found)
    data = _ask(unit, "prices", **values, expected=found["before"])
    yes = "admin_button_prices_jump" if found["jumps"] else "admin_button_prices_yes"
    keep = "admin_product_prices_keep" if product["kind"] == "subscription" else "admin_product_orders_keep"
    text_ = joined(
        unit.rich("admin_product_prices_question", title=_title(unit, product)),
        joined(*_differences(unit, found), separator="\n"),
        *_preview(unit, {**product, "prices": found["after"]}),
        unit.rich(keep),
        separator="\n\n",
    )
    return text_, [[(unit.text(yes), data)], *_cancel(unit, product["key"])]


def _no_prices(unit: Unit, product: Product, found: dict[str, Any]) -> tuple[Text, Keyboard]:
    """Say why the prices cannot be changed so."""
    if found["outcome"] == "refused":
        lines = [_problem(unit, one) for one in found["problems"]]
        text = joined(
            unit.rich("admin_product_prices_refused"), joined(*lines, separator="\n"), separator="\n\n"
        )
        return _send_again(unit, product, text)
    key = "admin_product_last_price" if found["outcome"] == "last" else "admin_product_unchanged"
    return _send_again(unit, product, unit.rich(key))


def _send_again(unit: Unit, product: Product, text: Text) -> tuple[Text, Keyboard]:
    """Wait for other prices in the next message."""
    unit.set_data("awaiting", f"{_AWAITS}prices:{product['key']}")
    return text, _cancel(unit, product["key"])


def _problem(unit: Unit, problem: dict[str, Any]) -> Text:
    """Say what is wrong with one price."""
    currency, limit = problem["currency"], problem["limit"]
    values = {
        "currency": currency,
        "limit": figures.money(unit.language, Decimal(limit), currency) if limit else "",
        "provider": unit.text(f"provider_{problem['provider']}") if problem["provider"] else "",
    }
    reason = problem["reason"]
    if reason == "decimals":
        reason = "whole" if limit == "0" else "decimals"
    elif reason == "maximum" and problem["provider"]:
        reason = "stars_month"
    return unit.rich(f"admin_price_{reason}", **values)


def _ask_texts(unit: Unit, product: Product, language: str, text: str) -> tuple[Text, Keyboard]:
    """Ask whether to rename the product: the first line is the title, the rest the description."""
    title, _, description = text.strip().partition("\n")
    old = product["texts"].get(language) or {}
    values = {
        "key": product["key"],
        "language": language,
        "title": title.strip(),
        "description": description.strip() or old.get("description"),
    }
    found = _change(unit, "texts", values)
    if found is None:
        return unit.rich("admin_product_old"), _to_list(unit)
    if found["outcome"] == "refused":
        lines = [unit.rich(f"admin_text_{one['field']}_{one['reason']}", **one) for one in found["problems"]]
        return joined(*lines, separator="\n"), _cancel(unit, product["key"])
    if found["outcome"] != "preview":
        return unit.rich("admin_product_unchanged"), _cancel(unit, product["key"])
    data = _ask(unit, "texts", **values, expected=found["before"])
    question = unit.rich("admin_product_texts_question", language=texts.language(language).NAME)
    shown = {**product, "texts": {**product["texts"], language: found["after"]}}
    return joined(question, *_preview(unit, shown), separator="\n\n"), [
        [(unit.text("admin_button_texts_yes"), data)],
        *_cancel(unit, product["key"]),
    ]


def _ask_show(unit: Unit, product: Product) -> tuple[Text, Keyboard]:
    key = product["key"]
    if not product["prices"]:
        return unit.rich("admin_product_no_price"), [
            [(unit.text("admin_button_prices"), f"admin:product_prices:{key}")],
            *_cancel(unit, key),
        ]
    if not settings().may_sell:
        return unit.rich("admin_product_no_contact"), _cancel(unit, key)
    data = _ask(unit, "switch", key=key, is_active=True, expected=product["prices"])
    question = unit.rich("admin_product_show_question", title=_title(unit, product))
    return joined(question, *_preview(unit, product), separator="\n\n"), [
        [(unit.text("admin_button_show"), data)],
        *_cancel(unit, key),
    ]


def _ask_hide(unit: Unit, product: Product) -> tuple[Text, Keyboard]:
    data = _ask(unit, "switch", key=product["key"], is_active=False)
    repeats = "admin_product_hide_repeats" if product["kind"] == "subscription" else "admin_product_hide"
    return unit.rich(repeats, title=_title(unit, product)), [
        [(unit.text("admin_button_hide"), data)],
        *_cancel(unit, product["key"]),
    ]


def _preview(unit: Unit, product: Product) -> list[Text]:
    """Return what buyers see: the texts in each language, and how each price can be paid."""
    paid = [_price_line(unit, product, code, product["prices"][code]) for code in _ordered(product["prices"])]
    return [*_by_language(product), *([joined(*paid, separator="\n")] if paid else [])]


def _by_language(product: Product) -> list[Text]:
    shown = []
    for code in texts.languages():
        words_ = texts.pick(code, product["texts"])
        name = texts.language(code).NAME.partition(" ")[0]
        shown.append(
            texts.rich(
                code, "admin_product_words", flag=name, title=words_["title"], about=words_["description"]
            )
        )
    return shown


def _price_line(unit: Unit, product: Product, currency: str, amount: str) -> Text:
    """Say how a price can be paid: with which provider, once or each period."""
    money = figures.money(unit.language, Decimal(amount), currency)
    ways = [
        unit.text(
            "admin_price_once_or_renews" if _renews(product, key, currency) else "admin_price_once",
            provider=unit.text(f"provider_{key}"),
        )
        for key in sorted(providers.configured())
        if currency in providers.load(key).CURRENCIES
    ]
    if product["kind"] != "balance" and currency == unit.person.currency:
        ways.append(unit.text("admin_price_once", provider=unit.text("provider_balance")))
    if not ways:
        return unit.rich("admin_price_unsold", money=money)
    return unit.rich("admin_price_line", money=money, ways="; ".join(ways))


def _renews(product: Product, provider: str, currency: str) -> bool:
    return bool(product["period"]) and providers.load(provider).renews(product["period"], currency)


def _differences(unit: Unit, found: dict[str, Any]) -> list[Text]:
    """Return a line for each price that would change."""
    lines = []
    before, after = found["before"], found["after"]
    for code in _ordered({**before, **after}):
        old, new = (prices_.get(code) for prices_ in (before, after))
        if old == new:
            continue
        values = {
            "old": figures.money(unit.language, Decimal(old), code) if old else "",
            "new": figures.money(unit.language, Decimal(new), code) if new else "",
            "times": figures.number(unit.language, Decimal(found["jumps"].get(code, 1))),
        }
        kind = "new" if not old else "gone" if not new else "jump" if code in found["jumps"] else "change"
        lines.append(unit.rich(f"admin_price_{kind}", **values))
    return lines


def _currencies(unit: Unit) -> set[str]:
    """Return the currencies that some provider, connected or not, can charge."""
    return {unit.person.currency}.union(*(providers.load(key).CURRENCIES for key in providers.names()))


def _ordered(by_currency: dict[str, Any]) -> list[str]:
    return sorted(by_currency, key=lambda code: (_ORDER.index(code) if code in _ORDER else len(_ORDER), code))


def prices_line(unit: Unit, by_currency: dict[str, str]) -> str:
    """Return all prices of a product in one line."""
    if not by_currency:
        return unit.text("admin_product_priceless")
    return " · ".join(
        figures.money(unit.language, Decimal(by_currency[code]), code) for code in _ordered(by_currency)
    )


def _gives(unit: Unit, product: Product) -> str:
    """Say what a buyer gets, whatever the title says."""
    if product["kind"] == "subscription":
        plan = plan_name(unit, product["plan"])
        return unit.text(f"admin_product_gives_{product['period']}", plan=plan)
    if product["kind"] == "balance":
        money = figures.money(unit.language, Decimal(product["quantity"]), unit.person.currency)
        return unit.text("admin_product_gives_balance", money=money)
    if product["kind"] == "credits":
        return unit.text("admin_product_gives_credits", quantity=int(Decimal(product["quantity"])))
    return unit.text("admin_product_gives_course")


def _title(unit: Unit, product: Product) -> str:
    return str(texts.pick(unit.language, product["texts"])["title"])


def _to_list(unit: Unit) -> list[list[tuple[str, str]]]:
    return [[(unit.text("admin_button_products"), "admin:products")]]


def _cancel(unit: Unit, key: str) -> list[list[tuple[str, str]]]:
    return [[(unit.text("admin_button_product_cancel"), f"admin:product:{key}")]]
