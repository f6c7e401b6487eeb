"""The changes of /products: what is asked before each, and the change itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, cast, overload

from shared.core import db, texts
from shared.core.config import settings
from shared.core.errors import Refusal
from shared.core.texts import Text, concat, figures
from shared.features.admin import prices, product_pages
from shared.payments import providers
from shared.telegram import waits
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard

if TYPE_CHECKING:
    from shared.core.sql_types import (
        AdminSetPrices,
        AdminSetProductTexts,
        AdminSwitchProduct,
        CheckPrice,
        ProductCard,
        ProductText,
    )

    Changed = AdminSetPrices | AdminSetProductTexts | AdminSwitchProduct

ASKED = "product"  # the key in the session of what was asked
_REFUSALS = ("N0001", "N0003", "N0004")


def ask_prices(context: UpdateContext, product: ProductCard, text: str) -> tuple[Text, Keyboard]:
    """Ask whether to change the prices to those of a message, or show what is wrong with them."""
    wanted = prices.read(text)
    if wanted is None:
        return _send_again(context, product, context.rich("admin_product_prices_unreadable"))
    if unknown := sorted(set(wanted) - _currencies(context)):
        words_ = context.rich("admin_product_unknown_currency", currency=", ".join(unknown))
        return _send_again(context, product, words_)
    values = {"key": product["key"], "prices": wanted}
    found = change(context, "prices", values)
    if found is None:
        return context.rich("admin_product_old"), product_pages.to_list(context)
    if found["outcome"] != "preview":
        return _no_prices(context, product, found)
    data = _ask(context, "prices", **values, expected=found["before"])
    yes = "admin_button_prices_jump" if found["jumps"] else "admin_button_prices_yes"
    keep = "admin_product_prices_keep" if product["kind"] == "subscription" else "admin_product_orders_keep"
    shown: ProductCard = {**product, "prices": found["after"]}
    text_ = concat(
        context.rich("admin_product_prices_question", title=product_pages.title(context, product)),
        concat(*_differences(context, found), separator="\n"),
        *product_pages.preview(context, shown),
        context.rich(keep),
        separator="\n\n",
    )
    return text_, [[(context.text(yes), data)], *product_pages.cancel(context, product["key"])]


def _no_prices(context: UpdateContext, product: ProductCard, found: AdminSetPrices) -> tuple[Text, Keyboard]:
    """Show why the prices cannot be changed like this."""
    if found["outcome"] == "refused":
        lines = [_problem(context, one) for one in found["problems"]]
        text = concat(
            context.rich("admin_product_prices_refused"), concat(*lines, separator="\n"), separator="\n\n"
        )
        return _send_again(context, product, text)
    key = "admin_product_last_price" if found["outcome"] == "last" else "admin_product_unchanged"
    return _send_again(context, product, context.rich(key))


def _send_again(context: UpdateContext, product: ProductCard, text: Text) -> tuple[Text, Keyboard]:
    """Wait for other prices in the next message."""
    waits.begin(context, f"{product_pages.AWAITS}prices:{product['key']}")
    return text, product_pages.cancel(context, product["key"])


def _problem(context: UpdateContext, problem: CheckPrice) -> Text:
    """Return what is wrong with one price."""
    currency, limit = problem["currency"], problem["limit"]
    values = {
        "currency": context.text("stats_stars") if currency == "XTR" else currency,
        "limit": figures.money(context.language, Decimal(limit), currency) if limit else "",
        "provider": context.provider_name(problem["provider"]) if problem["provider"] else "",
    }
    reason: str = problem["reason"]
    if reason == "decimals":
        reason = "whole" if limit == "0" else "decimals"
    elif reason == "maximum" and problem["provider"]:
        reason = "stars_month"
    return context.rich(f"admin_price_{reason}", **values)


def _differences(context: UpdateContext, found: AdminSetPrices) -> list[Text]:
    """Return a line for each price that would change."""
    lines = []
    before, after = found["before"], found["after"]
    for code in product_pages.ordered({**before, **after}):
        old, new = (prices_.get(code) for prices_ in (before, after))
        if old == new:
            continue
        values = {
            "old": figures.money(context.language, Decimal(old), code) if old else "",
            "new": figures.money(context.language, Decimal(new), code) if new else "",
            "times": figures.number(context.language, Decimal(found["jumps"].get(code, 1))),
        }
        kind = "new" if not old else "gone" if not new else "jump" if code in found["jumps"] else "change"
        lines.append(context.rich(f"admin_price_{kind}", **values))
    return lines


def _currencies(context: UpdateContext) -> set[str]:
    """Return the currencies that some provider, connected or not, can charge."""
    return {context.user.currency}.union(*(providers.load(key).CURRENCIES for key in providers.names()))


def ask_texts(
    context: UpdateContext, product: ProductCard, language: str, text: str
) -> tuple[Text, Keyboard]:
    """Ask whether to rename the product: the first line is the title, the rest the description."""
    title, _, description = text.strip().partition("\n")
    old = product["texts"].get(language)
    values = {
        "key": product["key"],
        "language": language,
        "title": title.strip(),
        "description": description.strip() or (old and old.get("description")),
    }
    found = change(context, "texts", values)
    if found is None:
        return context.rich("admin_product_old"), product_pages.to_list(context)
    if found["outcome"] == "refused":
        lines = [
            context.rich(f"admin_text_{one['field']}_{one['reason']}", **one) for one in found["problems"]
        ]
        return concat(*lines, separator="\n"), product_pages.cancel(context, product["key"])
    if found["outcome"] != "preview":
        return context.rich("admin_product_unchanged"), product_pages.cancel(context, product["key"])
    data = _ask(context, "texts", **values, expected=found["before"])
    question = context.rich("admin_product_texts_question", language=texts.language(language).NAME)
    words = cast("ProductText", found["after"])
    shown: ProductCard = {**product, "texts": {**product["texts"], language: words}}
    return concat(question, *product_pages.preview(context, shown), separator="\n\n"), [
        [(context.text("admin_button_texts_yes"), data)],
        *product_pages.cancel(context, product["key"]),
    ]


def ask_show(context: UpdateContext, product: ProductCard) -> tuple[Text, Keyboard]:
    """Ask whether to put a product on sale, or show what is missing."""
    key = product["key"]
    if not product["prices"]:
        return context.rich("admin_product_no_price"), [
            [(context.text("admin_button_prices"), f"admin:product_prices:{key}")],
            *product_pages.cancel(context, key),
        ]
    if not settings().may_sell:
        return context.rich("admin_product_no_contact"), product_pages.cancel(context, key)
    data = _ask(context, "switch", key=key, is_active=True, expected=product["prices"])
    question = context.rich("admin_product_show_question", title=product_pages.title(context, product))
    button_arguments = [question, *product_pages.preview(context, product), *_below_minimum(context, product)]
    return concat(*button_arguments, separator="\n\n"), [
        [(context.text("admin_button_show"), data)],
        *product_pages.cancel(context, key),
    ]


def _below_minimum(context: UpdateContext, product: ProductCard) -> list[Text]:
    """Return a warning for each price below what a provider charges that was connected after it was set."""
    found = change(context, "prices", {"key": product["key"], "prices": product["prices"]})
    problems = found["problems"] if found else []
    return [
        concat(context.rich("admin_price_warning"), _problem(context, one), separator=" ")
        for one in problems
        if one["reason"] == "minimum"
    ]


def ask_hide(context: UpdateContext, product: ProductCard) -> tuple[Text, Keyboard]:
    """Ask whether to take a product off sale."""
    data = _ask(context, "switch", key=product["key"], is_active=False)
    repeats = "admin_product_hide_repeats" if product["kind"] == "subscription" else "admin_product_hide"
    return context.rich(repeats, title=product_pages.title(context, product)), [
        [(context.text("admin_button_hide"), data)],
        *product_pages.cancel(context, product["key"]),
    ]


def _ask(context: UpdateContext, what: str, **values: object) -> str:
    """Store the change that Yes would make, and return its button's data."""
    number = context.update.update_id
    context.set_data(ASKED, {"number": number, "change": [what, values]})
    waits.end(context)
    return f"admin:product_yes:{number}"


@overload
def change(
    context: UpdateContext, what: Literal["prices"], values: Mapping[str, object]
) -> AdminSetPrices | None: ...


@overload
def change(
    context: UpdateContext, what: Literal["texts"], values: Mapping[str, object]
) -> AdminSetProductTexts | None: ...


@overload
def change(context: UpdateContext, what: str, values: Mapping[str, object]) -> Changed | None: ...


def change(context: UpdateContext, what: str, values: Mapping[str, object]) -> Changed | None:
    """Change a product, or ask what a change would do; None if it is gone or the change does not apply.

    Prices and texts change only with a reference.
    """
    if context.is_offline:
        raise StateUnavailable
    changes: dict[str, Callable[..., Changed | None]] = {"prices": _set_prices, "texts": _set_texts}
    make: Callable[..., Changed | None] = changes.get(what, _switch)
    try:
        return make(context, values, values.get("reference"), values.get("expected"))
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSALS:
            raise
        return None


def _set_prices(
    context: UpdateContext, values: Mapping[str, object], reference: str | None, expected: object
) -> AdminSetPrices | None:
    done: AdminSetPrices | None = db.call(
        "admin_set_prices",
        p_key=values["key"],
        p_prices=values["prices"],
        p_admin_email=context.user.admin_email,
        p_reference=reference,
        p_expected=expected,
        p_providers=list(providers.configured()),
        p_is_confirmed=reference is not None,
    )
    return done


def _set_texts(
    context: UpdateContext, values: Mapping[str, object], reference: str | None, expected: object
) -> AdminSetProductTexts | None:
    done: AdminSetProductTexts | None = db.call(
        "admin_set_product_texts",
        p_key=values["key"],
        p_language=values["language"],
        p_title=values["title"],
        p_description=values["description"],
        p_admin_email=context.user.admin_email,
        p_reference=reference,
        p_expected=expected,
        p_is_confirmed=reference is not None,
    )
    return done


def _switch(
    context: UpdateContext, values: Mapping[str, object], reference: str | None, expected: object
) -> AdminSwitchProduct | None:
    done: AdminSwitchProduct | None = db.call(
        "admin_switch_product",
        p_key=values["key"],
        p_is_active=values["is_active"],
        p_admin_email=context.user.admin_email,
        p_reference=reference,
        p_expected=expected,
    )
    return done
