"""The pages of /products: what is shown of products, and questions that the next message answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from shared import db, texts
from shared.bots.assistant.features import plan_name
from shared.payments import providers
from shared.telegram.unit import Keyboard, StateUnavailable, Unit
from shared.texts import Text, figures, joined

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
    """Return what buyers see: the texts in each language, and how each price can be paid."""
    paid = [_price_line(unit, product, code, product["prices"][code]) for code in ordered(product["prices"])]
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
    return str(texts.pick(unit.language, product["texts"])["title"])


def to_list(unit: Unit) -> list[list[tuple[str, str]]]:
    """Return the row that leads to all products."""
    return [[(unit.text("admin_button_products"), "admin:products")]]


def cancel(unit: Unit, key: str) -> list[list[tuple[str, str]]]:
    """Return the row that leads back to the product without a change."""
    return [[(unit.text("admin_button_product_cancel"), f"admin:product:{key}")]]
