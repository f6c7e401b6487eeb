"""The changes of /products: what is asked before each, and the change itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from shared.bots.assistant.admin import prices, product_pages
from shared.bots.assistant.admin.product_pages import Product
from shared.core import db, texts
from shared.core.config import settings
from shared.core.errors import Refusal
from shared.core.texts import Text, figures, joined
from shared.payments import providers
from shared.telegram.unit import Keyboard, StateUnavailable, Unit

ASKED = "product"  # the key in the session of what was asked
_REFUSALS = ("N0001", "N0003", "N0004")


def ask_prices(unit: Unit, product: Product, text: str) -> tuple[Text, Keyboard]:
    """Ask whether to change the prices to those of a message; say what is wrong with them."""
    wanted = prices.read(text)
    if wanted is None:
        return _send_again(unit, product, unit.rich("admin_product_prices_unreadable"))
    if unknown := sorted(set(wanted) - _currencies(unit)):
        words_ = unit.rich("admin_product_unknown_currency", currency=", ".join(unknown))
        return _send_again(unit, product, words_)
    values = {"key": product["key"], "prices": wanted}
    found = change(unit, "prices", values)
    if found is None:
        return unit.rich("admin_product_old"), product_pages.to_list(unit)
    if found["outcome"] != "preview":
        return _no_prices(unit, product, found)
    data = _ask(unit, "prices", **values, expected=found["before"])
    yes = "admin_button_prices_jump" if found["jumps"] else "admin_button_prices_yes"
    keep = "admin_product_prices_keep" if product["kind"] == "subscription" else "admin_product_orders_keep"
    text_ = joined(
        unit.rich("admin_product_prices_question", title=product_pages.title(unit, product)),
        joined(*_differences(unit, found), separator="\n"),
        *product_pages.preview(unit, {**product, "prices": found["after"]}),
        unit.rich(keep),
        separator="\n\n",
    )
    return text_, [[(unit.text(yes), data)], *product_pages.cancel(unit, product["key"])]


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
    unit.set_data("awaiting", f"{product_pages.AWAITS}prices:{product['key']}")
    return text, product_pages.cancel(unit, product["key"])


def _problem(unit: Unit, problem: dict[str, Any]) -> Text:
    """Say what is wrong with one price."""
    currency, limit = problem["currency"], problem["limit"]
    values = {
        "currency": unit.text("stats_stars") if currency == "XTR" else currency,
        "limit": figures.money(unit.language, Decimal(limit), currency) if limit else "",
        "provider": unit.provider_name(problem["provider"]) if problem["provider"] else "",
    }
    reason = problem["reason"]
    if reason == "decimals":
        reason = "whole" if limit == "0" else "decimals"
    elif reason == "maximum" and problem["provider"]:
        reason = "stars_month"
    return unit.rich(f"admin_price_{reason}", **values)


def _differences(unit: Unit, found: dict[str, Any]) -> list[Text]:
    """Return a line for each price that would change."""
    lines = []
    before, after = found["before"], found["after"]
    for code in product_pages.ordered({**before, **after}):
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


def ask_texts(unit: Unit, product: Product, language: str, text: str) -> tuple[Text, Keyboard]:
    """Ask whether to rename the product: the first line is the title, the rest the description."""
    title, _, description = text.strip().partition("\n")
    old = product["texts"].get(language) or {}
    values = {
        "key": product["key"],
        "language": language,
        "title": title.strip(),
        "description": description.strip() or old.get("description"),
    }
    found = change(unit, "texts", values)
    if found is None:
        return unit.rich("admin_product_old"), product_pages.to_list(unit)
    if found["outcome"] == "refused":
        lines = [unit.rich(f"admin_text_{one['field']}_{one['reason']}", **one) for one in found["problems"]]
        return joined(*lines, separator="\n"), product_pages.cancel(unit, product["key"])
    if found["outcome"] != "preview":
        return unit.rich("admin_product_unchanged"), product_pages.cancel(unit, product["key"])
    data = _ask(unit, "texts", **values, expected=found["before"])
    question = unit.rich("admin_product_texts_question", language=texts.language(language).NAME)
    shown = {**product, "texts": {**product["texts"], language: found["after"]}}
    return joined(question, *product_pages.preview(unit, shown), separator="\n\n"), [
        [(unit.text("admin_button_texts_yes"), data)],
        *product_pages.cancel(unit, product["key"]),
    ]


def ask_show(unit: Unit, product: Product) -> tuple[Text, Keyboard]:
    """Ask whether to put a product on sale; say what is missing for it."""
    key = product["key"]
    if not product["prices"]:
        return unit.rich("admin_product_no_price"), [
            [(unit.text("admin_button_prices"), f"admin:product_prices:{key}")],
            *product_pages.cancel(unit, key),
        ]
    if not settings().may_sell:
        return unit.rich("admin_product_no_contact"), product_pages.cancel(unit, key)
    data = _ask(unit, "switch", key=key, is_active=True, expected=product["prices"])
    question = unit.rich("admin_product_show_question", title=product_pages.title(unit, product))
    parts = [question, *product_pages.preview(unit, product), *_below_minimum(unit, product)]
    return joined(*parts, separator="\n\n"), [
        [(unit.text("admin_button_show"), data)],
        *product_pages.cancel(unit, key),
    ]


def _below_minimum(unit: Unit, product: Product) -> list[Text]:
    """Return a warning for each price below what a provider charges that was connected after it was set."""
    found = change(unit, "prices", {"key": product["key"], "prices": product["prices"]})
    problems = found["problems"] if found else []
    return [
        joined(unit.rich("admin_price_warning"), _problem(unit, one), separator=" ")
        for one in problems
        if one["reason"] == "minimum"
    ]


def ask_hide(unit: Unit, product: Product) -> tuple[Text, Keyboard]:
    """Ask whether to take a product off sale."""
    data = _ask(unit, "switch", key=product["key"], is_active=False)
    repeats = "admin_product_hide_repeats" if product["kind"] == "subscription" else "admin_product_hide"
    return unit.rich(repeats, title=product_pages.title(unit, product)), [
        [(unit.text("admin_button_hide"), data)],
        *product_pages.cancel(unit, product["key"]),
    ]


def _ask(unit: Unit, what: str, **values: Any) -> str:
    """Keep what a Yes would do, and return its button's data."""
    number = unit.incoming.update_id
    unit.set_data(ASKED, {"number": number, "change": [what, values]})
    if unit.data.get("awaiting"):
        unit.set_data("awaiting", None)
    return f"admin:product_yes:{number}"


def change(unit: Unit, what: str, values: dict[str, Any]) -> dict[str, Any] | None:
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
