"""The pages of /products: what is shown of products, and questions that the next message answers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from shared.bots.assistant import buy, offers
from shared.bots.assistant.features import plan_name
from shared.core import db, texts
from shared.core.texts import Text, figures, joined
from shared.telegram.unit import Keyboard, StateUnavailable, Unit

Product = dict[str, Any]  # what private.product_card returns
AWAITS = "product:"  # product:prices:<key>, product:texts:<key>:<language>
_ORDER = ("XTR", "RUB", "USD", "EUR")  # of currencies; others follow by name


def find(unit: Unit, key: str) -> Product | None:
    """Return a product by its key, on sale or hidden."""
    return next(iter(_read(unit, key)["products"]), None)


def _read(unit: Unit, key: str | None = None) -> dict[str, Any]:
    if unit.is_offline:
        raise StateUnavailable
    found: dict[str, Any] = db.call("admin_products", p_admin_email=unit.person.admin_email, p_key=key)
    return found


def list_page(unit: Unit) -> tuple[Text, Keyboard]:
    """Return all products with state and prices."""
    found = _read(unit)["products"]
    lines = [
        unit.rich(
            "admin_products_on" if one["is_active"] else "admin_products_off",
            title=title(unit, one),
            prices=prices_line(unit, one["prices"]),
        )
        for one in found
    ]
    rows = [[(title(unit, one), f"admin:product:{one['key']}")] for one in found]
    return joined(unit.rich("admin_products"), *lines, separator="\n\n"), rows


def card(unit: Unit, product: Product) -> tuple[Text, Keyboard]:
    """Return one product with buttons for what can be done to it."""
    key = product["key"]
    text = unit.rich(
        "admin_product",
        title=title(unit, product),
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
        *to_list(unit),
    ]


def prices_page(unit: Unit, product: Product) -> tuple[Text, Keyboard]:
    """Ask for new prices; the next message has them."""
    unit.set_data("awaiting", f"{AWAITS}prices:{product['key']}")
    now = prices_line(unit, product["prices"])
    return unit.rich("admin_product_send_prices", title=title(unit, product), prices=now), cancel(
        unit, product["key"]
    )


def texts_page(unit: Unit, product: Product) -> tuple[Text, Keyboard]:
    """Ask in which language to change title and description."""
    rows = [
        [(texts.language(code).NAME, f"admin:product_text:{product['key']}:{code}")]
        for code in texts.languages()
    ]
    head = unit.rich("admin_product_texts")
    return joined(head, *_by_language(product), separator="\n\n"), [*rows, *cancel(unit, product["key"])]


def preview_page(unit: Unit, product: Product) -> tuple[Text, Keyboard]:
    """Return what buyers see of a product."""
    return joined(unit.rich("admin_product_preview"), *preview(unit, product), separator="\n\n"), [
        [(unit.text("admin_button_product"), f"admin:product:{product['key']}")]
    ]


def preview(unit: Unit, product: Product) -> list[Text]:
    """Return what a new buyer sees of a product, as the shop renders it, in each language."""
    shown = [_in_language(unit, product, code) for code in texts.languages()]
    return [*shown, *_unsold(unit, product), *_too_cheap(unit, product)]


def _in_language(unit: Unit, product: Product, code: str) -> Text:
    """Return the button in the shop, and the screen that it opens with its buttons."""
    viewer = replace(
        unit,
        language=code,
        person=replace(unit.person, balance=Decimal(0), price_currency=None),
        usage=replace(unit.usage, plan="FREE"),
    )
    flag = texts.language(code).NAME.partition(" ")[0]
    offered = {**product, "discount": None}
    if not offers.ways_to_pay(viewer, offered):
        words = texts.product_words(code, product["texts"])
        return viewer.rich("admin_product_words", flag=flag, title=words.title, about=words.about)
    button = buy.product_row(viewer, offered)[0][0]
    screen, rows = buy.first_screen(viewer, offered)
    labels = [viewer.rich("admin_preview_button", label=label) for row in rows[:-1] for label, _ in row]
    head = unit.rich("admin_preview_shop", flag=flag, label=button)
    return joined(head, screen, *([joined(*labels, separator="\n")] if labels else []), separator="\n\n")


def _unsold(unit: Unit, product: Product) -> list[Text]:
    """Return a warning for each price that no connected provider charges."""
    charged = {way.currency for way in offers.all_ways({**product, "discount": None})}
    if product["kind"] != "balance":
        charged.add(unit.person.currency)
    return [
        unit.rich(
            "admin_price_unsold", money=figures.money(unit.language, Decimal(product["prices"][code]), code)
        )
        for code in ordered(product["prices"])
        if code not in charged
    ]


def _too_cheap(unit: Unit, product: Product) -> list[Text]:
    """Return a warning for a top-up that costs less than half of what it adds.

    Only the price in the balance's currency can be compared: there are no exchange rates here.
    """
    price = product["prices"].get(unit.person.currency)
    if product["kind"] != "balance" or price is None or 2 * Decimal(price) >= Decimal(product["quantity"]):
        return []
    costs, adds = (
        figures.money(unit.language, Decimal(value), unit.person.currency)
        for value in (price, product["quantity"])
    )
    return [unit.rich("admin_price_top_up", costs=costs, adds=adds)]


def _by_language(product: Product) -> list[Text]:
    shown = []
    for code in texts.languages():
        words = texts.product_words(code, product["texts"])
        name = texts.language(code).NAME.partition(" ")[0]
        shown.append(texts.rich(code, "admin_product_words", flag=name, title=words.title, about=words.about))
    return shown


def prices_line(unit: Unit, by_currency: dict[str, str]) -> str:
    """Return all prices of a product in one line."""
    if not by_currency:
        return unit.text("admin_product_priceless")
    return " · ".join(
        figures.money(unit.language, Decimal(by_currency[code]), code) for code in ordered(by_currency)
    )


def ordered(by_currency: dict[str, Any]) -> list[str]:
    """Return the currencies as they are listed, Stars first."""
    return sorted(by_currency, key=lambda code: (_ORDER.index(code) if code in _ORDER else len(_ORDER), code))


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


def title(unit: Unit, product: Product) -> str:
    """Return a product's title in the admin's language, or in any there is."""
    return texts.product_words(unit.language, product["texts"]).title


def to_list(unit: Unit) -> list[list[tuple[str, str]]]:
    """Return the row that leads to all products."""
    return [[(unit.text("admin_button_products"), "admin:products")]]


def cancel(unit: Unit, key: str) -> list[list[tuple[str, str]]]:
    """Return the row that leads back to the product without a change."""
    return [[(unit.text("admin_button_product_cancel"), f"admin:product:{key}")]]
