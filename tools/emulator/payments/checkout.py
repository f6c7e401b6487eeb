"""A provider's checkout page: what the payer sees, and buttons for everything that can happen there."""

from __future__ import annotations

import secrets
from html import escape
from string import Template
from urllib.parse import parse_qs

from tools.emulator import guard
from tools.emulator.pages import FOLDER
from tools.emulator.payments.stand_in import ACTIONS, Bill, NotPossible, PaymentStandIn
from tools.emulator.web import Request, Response

POLICY = (
    "default-src 'none'; style-src 'self' 'nonce-{nonce}'; script-src 'self'; img-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
# Words of the payer's part, which looks as the provider's does; the rest is the emulator's own.
WORDS = {
    "en": {
        "pay": "Pay",
        "card": "Card number",
        "date": "MM / YY",
        "code": "CVC",
        "test": "Test mode",
        "paid": "✓ Paid",
        "refunded": "Refunded",
        "canceled": "This payment has expired",
        "back": "Return to the bot",
    },
    "ru": {
        "pay": "Оплатить",
        "card": "Номер карты",
        "date": "ММ / ГГ",
        "code": "CVC",
        "test": "Тестовый режим",
        "paid": "✓ Оплачено",
        "refunded": "Деньги возвращены",
        "canceled": "Срок оплаты истёк",
        "back": "Вернуться в бот",
    },
}
SAID = {
    "open": "Awaiting payment",
    "pending": "Payment in progress",
    "challenge": "The bank asks for 3-D Secure",
    "declined": "Declined by the bank",
    "paid": "Paid",
    "refunded": "Refunded",
    "canceled": "Expired",
}
AFTER = frozenset(  # once it is paid
    {
        "refund",
        "dispute",
        "win_dispute",
        "lose_dispute",
        "renew",
        "fail_renewal",
        "mend_renewal",
        "remove_method",
        "empty_card",
        "fill_card",
        "end_period",
    }
)
SYMBOLS = {"RUB": "₽", "USD": "$", "EUR": "€", "GBP": "£", "KZT": "₸", "UAH": "₴"}
HINTS = {
    "decline": "The bank declines the card",
    "pay_later": "The money arrives later, its events out of order",
    "wrong_amount": "Only half the price is paid",
    "deliver_twice": "The provider sends its webhook twice",
    "forge": "A stranger claims that it’s paid",
    "expire": "No one pays in time",
    "challenge": "The user is sent to the bank’s page",
    "pass_challenge": "The user confirms the payment there",
    "fail_challenge": "The user doesn’t confirm it",
    "dispute": "The cardholder disputes the charge",
    "win_dispute": "The bank decides in your favor",
    "lose_dispute": "The bank decides against you",
    "refund": "A full refund from the provider’s dashboard",
    "renew": "The next period is charged",
    "fail_renewal": "The next charge is declined",
    "mend_renewal": "Charges work again",
    "empty_card": "The card has no money from now on",
    "fill_card": "The card has money again",
    "remove_method": "The user revokes the saved card",
    "end_period": "The canceled subscription is over",
}
WEBHOOKS = frozenset({"deliver_twice", "forge"})


def handle(stand_in: PaymentStandIn, request: Request, bill_id: str) -> Response:
    """Show a bill's page, or press one of its buttons."""
    bill = stand_in.bills.get(bill_id)
    if bill is None:
        return _page(404, _gone(stand_in), stand_in)
    if request.method == "GET":
        return _page(200, _checkout(stand_in, bill), stand_in)
    refusal = guard.check_page(request)
    if refusal is not None:
        return refusal
    action = parse_qs(request.body.decode("utf-8", "replace")).get("do", [""])[0]
    try:
        stand_in.act(bill.id, action)
    except NotPossible as reason:
        return _page(409, _checkout(stand_in, bill, str(reason)), stand_in)
    return Response(303, b"", "text/plain", {"Location": f"/pay/{stand_in.key}/checkout/{bill.id}"})


def _page(status: int, values: dict[str, str], stand_in: PaymentStandIn) -> Response:
    nonce = secrets.token_urlsafe(12)
    template = Template((FOLDER / "checkout.html").read_text(encoding="utf-8"))
    html = template.substitute(
        values, provider=escape(stand_in.NAME), colour=stand_in.COLOUR, nonce=nonce, key=stand_in.key
    )
    headers = {"Content-Security-Policy": POLICY.format(nonce=nonce), "Cache-Control": "no-store"}
    return Response(status, html.encode(), "text/html; charset=utf-8", headers)


def _gone(stand_in: PaymentStandIn) -> dict[str, str]:
    said = (
        "This checkout no longer exists: the emulator forgets them when it stops. Start a new one in the bot."
    )
    return dict.fromkeys(("refresh", "card", "buttons", "told"), "") | {
        "language": "en",
        "title": escape(stand_in.NAME),
        "state": "gone",
        "said": said,
    }


def _checkout(stand_in: PaymentStandIn, bill: Bill, refused: str = "") -> dict[str, str]:
    is_busy = stand_in.callbacks.is_under_way([callback.id for callback in bill.told])
    return {
        "language": _language(stand_in, bill),
        "title": escape(bill.title),
        "refresh": '<meta http-equiv="refresh" content="2">' if is_busy else "",
        "state": bill.state,
        "said": escape(refused or ", ".join(filter(None, (SAID[bill.state], stand_in.status(bill))))),
        "card": _card(stand_in, bill),
        "buttons": _simulated(stand_in, bill),
        "told": _told(stand_in, bill) or '<li class="none">Nothing yet</li>',
    }


def _simulated(stand_in: PaymentStandIn, bill: Bill) -> str:
    """Write the buttons in groups: before the payment, after it, and what its webhook does.

    What the provider would refuse now is listed below them, with the reason.
    """
    refusals = {
        action: stand_in.refusal(bill, action) for action in stand_in.actions(bill) if action != "pay"
    }
    possible = [action for action, refusal in refusals.items() if not refusal]
    groups = {
        "Payment": [one for one in possible if one not in AFTER | WEBHOOKS],
        "After payment": [one for one in possible if one in AFTER],
        "Webhook": [one for one in possible if one in WEBHOOKS],
    }
    return "".join(
        f'<h3>{title}</h3><ul class="buttons">{"".join(map(_button, actions))}</ul>'
        for title, actions in groups.items()
        if actions
    ) + _refused({action: refusal for action, refusal in refusals.items() if refusal})


def _button(action: str) -> str:
    return (
        f'<li><button class="secondary" name="do" value="{action}" aria-describedby="{action}">'
        f'{ACTIONS[action]}</button><span id="{action}">{HINTS[action]}</span></li>'
    )


def _refused(refusals: dict[str, str]) -> str:
    rows = "".join(
        f"<li><b>{ACTIONS[action]}</b><span>{escape(why)}</span></li>" for action, why in refusals.items()
    )
    summary = f"<summary>Not possible now ({len(refusals)})</summary>"
    return f'<details class="refused">{summary}<ul>{rows}</ul></details>' if rows else ""


def _card(stand_in: PaymentStandIn, bill: Bill) -> str:
    language = _language(stand_in, bill)
    words, amount = WORDS[language], money(bill, language)
    card = ((words["card"], "4242 4242 4242 4242"), (words["date"], "12 / 34"), (words["code"], "•••"))
    fields = "".join(f"<span>{escape(a)}</span><b>{escape(b)}</b>" for a, b in stand_in.FIELDS or card)
    title, _, about = bill.title.partition(". ")  # one line at providers that have no other
    label = escape(words.get(bill.state) or f"{words['pay']} {amount}")
    disabled = " disabled" if stand_in.refusal(bill, "pay") else ""
    pay = f'<button class="pay" name="do" value="pay"{disabled}>{label}</button>'
    if bill.state == "paid":
        pay += f'<a class="return" href="/">{words["back"]}</a>'
    return (
        f'<p class="test">{words["test"]}</p><h1>{escape(title)}</h1>'
        + (f'<p class="about">{escape(about)}</p>' if about else "")
        + f'<p class="amount">{escape(amount)}</p><div class="fields">{fields}</div>{pay}'
    )


def _language(stand_in: PaymentStandIn, bill: Bill) -> str:
    """Return the language the shop asked for, or the provider's own."""
    return bill.language if bill.language in WORDS else stand_in.LANGUAGE


def money(bill: Bill, language: str) -> str:
    """Write what a bill asks for as its page does."""
    number, symbol = f"{bill.amount:,.2f}", SYMBOLS.get(bill.currency, bill.currency)
    if language == "ru":
        number = number.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")
    elif symbol in "$€£":
        return symbol + number
    return f"{number}\N{NO-BREAK SPACE}{symbol}"


def _told(stand_in: PaymentStandIn, bill: Bill) -> str:
    ids = {callback.id for callback in bill.asked + bill.told}
    return "".join(
        _attempt(one["title"] + (" (forged)" if one["is_forged"] else ""), one["attempt"], one["status"])
        for one in reversed(list(stand_in.callbacks.attempts))
        if one["id"] in ids
    )


def _attempt(title: str, number: int, status: int) -> str:
    tone = "good" if 200 <= status < 300 else "bad"
    again = f", attempt {number}" if number > 1 else ""
    return f'<li><span>{escape(title)}{again}</span><b class="{tone}">{status or "no response"}</b></li>'
