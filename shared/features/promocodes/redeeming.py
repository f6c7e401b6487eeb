"""Reads and redeems a promo code, for the chat and for the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.core import db, user_input
from shared.core.texts import Text
from shared.features.common.menu import PROMO
from shared.features.common.plans import plan_name

if TYPE_CHECKING:
    from shared.core.sql_types import RedeemPromocode
    from shared.features.common.buyer import Buyer

_CODE = re.compile(r"[A-Za-z0-9_-]{3,32}")
_LABEL = re.compile(
    r"(?:promo ?code|promo|coupon|voucher|code|промо-?код|промик|купон|ваучер|код)"
    r"(?: ?[:=] ?| [-\u2013\u2014] | )(?=\S)",
    re.IGNORECASE,
)
_LINK = re.compile(rf"[?&]start=(?:{PROMO})?([A-Za-z0-9_-]{{1,64}})")
_HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212"), "-")
_AROUND = re.compile(r"\A[^\w-]{1,32}|[^\w-]{1,32}\Z")  # emoji, `#`
_DASHES = re.compile("[\u2014\u2015]")  # phones write -- so
_LATIN = re.compile("[A-Z0-9]")
# Letters of other alphabets that look the same.
_LOOKALIKES = str.maketrans("АВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEKMHOPCTYXIJSABEZHIKMNOPTYX")
_GIVEN = {"month": "promo_month", "credits": "promo_credits", "trainings": "promo_trainings"}
_REFUSED = {
    "unknown": "promo_unknown",
    "expired": "promo_expired",
    "used_up": "promo_used_up",
    "not_yet": "promo_not_yet",
    "too_many_attempts": "promo_too_many_attempts",
}


def readings(text: str) -> tuple[str, ...]:
    """Return the codes that pasted words can mean, the likeliest first; none if they are no code.

    "Code: SUMMER.", "🎁 SUMMER 🎁", a link with a code, lookalike letters and the dashes of phones are read.
    """
    if link := _LINK.search(user_input.normalize(text)):
        return (link[1].upper(),) if _CODE.fullmatch(link[1]) else ()
    words = _AROUND.sub(
        "", user_input.single_value(_without_label(_AROUND.sub("", user_input.single_value(text))))
    )
    code = words.upper().translate(_HYPHENS)
    if _LATIN.search(code):
        code = code.translate(_LOOKALIKES)
    found = [_DASHES.sub(dash, code) for dash in ("--", "-")]
    found += [one.removeprefix(PROMO.upper()) for one in found]
    return tuple(dict.fromkeys(one for one in found if _CODE.fullmatch(one)))


def _without_label(words: str) -> str:
    label = _LABEL.match(words)
    return words[label.end() :] if label else words


def redeem(user_id: int, text: str, reference: str) -> tuple[str, RedeemPromocode | None]:
    """Redeem a code as it was written, once per reference; return how it was read, and what came of it.

    No result: these words cannot be a code.
    """
    code = ""
    result: RedeemPromocode | None = None
    for code in readings(text):
        result = db.call("redeem_promocode", p_user_id=user_id, p_code=code, p_reference=reference)
        if result and result["outcome"] != "unknown":
            break
    return code, result


def is_discount(result: RedeemPromocode) -> bool:
    """Return whether the code is a discount that the user can still use."""
    return bool(result.get("is_unused")) or (result["outcome"], result.get("kind")) == ("redeemed", "percent")


def outcome_text(buyer: Buyer, code: str, result: RedeemPromocode) -> Text:
    """Return what came of a code, as the user reads it."""
    until = buyer.date(result["until"]) if "until" in result else ""
    match result["outcome"]:
        case "redeemed" if result["kind"] == "percent":
            key = "promo_percent_until" if until else "promo_percent"
            return buyer.rich(key, code=code, percent=result["value"], until=until)
        case "redeemed":
            plan = plan_name(buyer, result["plan"]) if "plan" in result else ""
            return buyer.rich(
                _GIVEN[result["kind"]], code=code, value=result["value"], plan=plan, until=until
            )
        case "already_used" if result["is_unused"]:
            return buyer.rich("promo_waits", code=code, percent=result["value"])
        case "already_used":
            return buyer.rich("promo_already_used", code=code)
        case outcome:
            begins = buyer.date(result["from"]) if "from" in result else ""
            return buyer.rich(_REFUSED[outcome], code=code, date=begins)
