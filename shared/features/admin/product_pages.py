"""The pages of /products: what is shown of products, and questions that the next message answers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.core import db, texts
from shared.core.texts import Text, concat, figures
from shared.core.texts.reader import Reader
from shared.features import shop
from shared.features.common import catalog
from shared.features.common.plans import plan_name
from shared.telegram import waits
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard

if TYPE_CHECKING:
    from shared.core.sql_types import AdminProducts, ProductCard, ProductsForSale

AWAITS = "product:"  # product:prices:<key>, product:texts:<key>:<language>
_ORDER = ("XTR", "RUB", "USD", "EUR")  # of currencies; others follow by name


def find(context: UpdateContext, key: str) -> ProductCard | None:
    """Return a product by its key, on sale or hidden."""
    return next(iter(_read(context, key)["products"]), None)


def _read(context: UpdateContext, key: str | None = None) -> AdminProducts:
    if context.is_offline:
        raise StateUnavailable
    found: AdminProducts = db.call("admin_products", p_admin_email=context.user.admin_email, p_key=key)
    return found


def list_page(context: UpdateContext) -> tuple[Text, Keyboard]:
    """Return all products with state and prices."""
    found = _read(context)["products"]
    lines = [
        context.rich(
            "admin_products_on" if one["is_active"] else "admin_products_off",
            title=title(context, one),
            prices=prices_line(context, one["prices"]),
        )
        for one in found
    ]
    rows = [[(title(context, one), f"admin:product:{one['key']}")] for one in found]
    return concat(context.rich("admin_products"), *lines, separator="\n\n"), rows


def card(context: UpdateContext, product: ProductCard) -> tuple[Text, Keyboard]:
    """Return one product with buttons for what can be done to it."""
    key = product["key"]
    text = context.rich(
        "admin_product",
        title=title(context, product),
        state=context.text("admin_product_on" if product["is_active"] else "admin_product_off"),
        gives=_gives(context, product),
        prices=prices_line(context, product["prices"]),
        key=key,
    )
    label, page = ("hide", "hide") if product["is_active"] else ("show", "show")
    return text, [
        [(context.text("admin_button_prices"), f"admin:product_prices:{key}")],
        [(context.text("admin_button_titles"), f"admin:product_texts:{key}")],
        [(context.text("admin_button_preview"), f"admin:product_preview:{key}")],
        [(context.text(f"admin_button_{label}"), f"admin:product_{page}:{key}")],
        *to_list(context),
    ]


def prices_page(context: UpdateContext, product: ProductCard) -> tuple[Text, Keyboard]:
    """Ask for new prices; the next message has them."""
    waits.begin(context, f"{AWAITS}prices:{product['key']}")
    now = prices_line(context, product["prices"])
    return context.rich("admin_product_send_prices", title=title(context, product), prices=now), cancel(
        context, product["key"]
    )


def texts_page(context: UpdateContext, product: ProductCard) -> tuple[Text, Keyboard]:
    """Ask in which language to change title and description."""
    rows = [
        [(texts.language(code).NAME, f"admin:product_text:{product['key']}:{code}")]
        for code in texts.languages()
    ]
    head = context.rich("admin_product_texts")
    return concat(head, *_by_language(product), separator="\n\n"), [*rows, *cancel(context, product["key"])]


def preview_page(context: UpdateContext, product: ProductCard) -> tuple[Text, Keyboard]:
    """Return what buyers see of a product."""
    return concat(context.rich("admin_product_preview"), *preview(context, product), separator="\n\n"), [
        [(context.text("admin_button_product"), f"admin:product:{product['key']}")]
    ]


def preview(context: UpdateContext, product: ProductCard) -> list[Text]:
    """Return what a new buyer sees of a product, as the shop renders it, in each language."""
    shown = [_in_language(context, product, code) for code in texts.languages()]
    return [*shown, *_unsold(context, product), *_too_cheap(context, product)]


def _in_language(context: UpdateContext, product: ProductCard, code: str) -> Text:
    """Return the button in the shop, and the screen that it opens with its buttons."""
    viewer = replace(
        context,
        language=code,
        user=replace(context.user, balance=Decimal(0), price_currency=None),
        usage=replace(context.usage, plan="FREE"),
    )
    flag = texts.language(code).NAME.partition(" ")[0]
    offered = _for_sale(product)
    if not catalog.payment_options(viewer, offered):
        words = texts.product_words(code, product["texts"])
        return viewer.rich("admin_product_words", flag=flag, title=words.title, about=words.about)
    button, screen, rows = shop.preview(viewer, offered)
    labels = [viewer.rich("admin_preview_button", label=label) for row in rows[:-1] for label, _ in row]
    head = context.rich("admin_preview_shop", flag=flag, label=button)
    return concat(head, screen, *([concat(*labels, separator="\n")] if labels else []), separator="\n\n")


def _for_sale(product: ProductCard) -> ProductsForSale:
    """Return the product as the shop knows one that is on sale."""
    return {
        "key": product["key"],
        "kind": product["kind"],
        "plan": product["plan"],
        "period": product["period"],
        "quantity": product["quantity"],
        "texts": product["texts"],
        "prices": product["prices"],
        "discount": None,
    }


def _unsold(context: UpdateContext, product: ProductCard) -> list[Text]:
    """Return a warning for each price that no connected provider charges."""
    charged = {option.currency for option in catalog.all_options(_for_sale(product))}
    if product["kind"] != "balance":
        charged.add(context.user.currency)
    return [
        context.rich(
            "admin_price_unsold",
            money=figures.money(context.language, Decimal(product["prices"][code]), code),
        )
        for code in ordered(product["prices"])
        if code not in charged
    ]


def _too_cheap(context: UpdateContext, product: ProductCard) -> list[Text]:
    """Return a warning for a top-up that costs less than half of what it adds.

    Only the price in the balance's currency can be compared: there are no exchange rates here.
    """
    price = product["prices"].get(context.user.currency)
    quantity = Decimal(product["quantity"] or 0)
    if product["kind"] != "balance" or price is None or 2 * Decimal(price) >= quantity:
        return []
    costs, adds = (
        figures.money(context.language, Decimal(value), context.user.currency) for value in (price, quantity)
    )
    return [context.rich("admin_price_top_up", costs=costs, adds=adds)]


def _by_language(product: ProductCard) -> list[Text]:
    shown = []
    for code in texts.languages():
        words = texts.product_words(code, product["texts"])
        name = texts.language(code).NAME.partition(" ")[0]
        shown.append(texts.rich(code, "admin_product_words", flag=name, title=words.title, about=words.about))
    return shown


def prices_line(reader: Reader, by_currency: dict[str, str]) -> str:
    """Return all prices of a product in one line."""
    if not by_currency:
        return reader.text("admin_product_priceless")
    return " · ".join(
        figures.money(reader.language, Decimal(by_currency[code]), code) for code in ordered(by_currency)
    )


def ordered(by_currency: dict[str, str]) -> list[str]:
    """Return the currencies as they are listed, Stars first."""
    return sorted(by_currency, key=lambda code: (_ORDER.index(code) if code in _ORDER else len(_ORDER), code))


def _gives(context: UpdateContext, product: ProductCard) -> str:
    """Return what a buyer gets, regardless of the title."""
    if product["kind"] == "subscription":
        plan = plan_name(context, product["plan"])
        return context.text(f"admin_product_gives_{product['period']}", plan=plan)
    if product["kind"] == "balance":
        money = figures.money(context.language, Decimal(product["quantity"] or 0), context.user.currency)
        return context.text("admin_product_gives_balance", money=money)
    if product["kind"] == "credits":
        return context.text("admin_product_gives_credits", quantity=int(Decimal(product["quantity"] or 0)))
    return context.text("admin_product_gives_course")


def title(context: UpdateContext, product: ProductCard) -> str:
    """Return a product's title in the admin's language, else in another one."""
    return texts.product_words(context.language, product["texts"]).title


def to_list(context: UpdateContext) -> list[list[tuple[str, str]]]:
    """Return the row that leads to all products."""
    return [[(context.text("admin_button_products"), "admin:products")]]


def cancel(context: UpdateContext, key: str) -> list[list[tuple[str, str]]]:
    """Return the row that leads back to the product without a change."""
    return [[(context.text("admin_button_product_cancel"), f"admin:product:{key}")]]
