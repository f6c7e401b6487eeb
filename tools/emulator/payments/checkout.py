"""A provider's checkout page: what the payer sees, and a button for each action."""

from __future__ import annotations

import secrets
from html import escape
from string import Template
from urllib.parse import parse_qs, urlsplit

from tools.emulator import guard
from tools.emulator.pages import FOLDER
from tools.emulator.payments.actions import ACTIONS
from tools.emulator.payments.fake_server import FakePaymentServer
from tools.emulator.payments.invoices import Invoice, NotPossible
from tools.emulator.web import Request, Response

POLICY = (
    "default-src 'none'; style-src 'self' 'nonce-{nonce}'; script-src 'self'; img-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
# Labels of the payer's part, which imitates the provider's page; the rest is the emulator's own.
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
        "site": "Return to the site",
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
        "site": "Вернуться на сайт",
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


def handle(fake_server: FakePaymentServer, request: Request, invoice_id: str) -> Response:
    """Show an invoice's page, or press one of its buttons."""
    invoice = fake_server.invoices.get(invoice_id)
    if invoice is None:
        return _page(404, _gone(fake_server), fake_server)
    if request.method == "GET":
        return _page(200, _checkout(fake_server, invoice), fake_server)
    refusal = guard.check_page(request)
    if refusal is not None:
        return refusal
    action = parse_qs(request.body.decode("utf-8", "replace")).get("do", [""])[0]
    try:
        fake_server.act(invoice.id, action)
    except NotPossible as reason:
        return _page(409, _checkout(fake_server, invoice, str(reason)), fake_server)
    return Response(303, b"", "text/plain", {"Location": f"/pay/{fake_server.key}/checkout/{invoice.id}"})


def _page(status: int, values: dict[str, str], fake_server: FakePaymentServer) -> Response:
    nonce = secrets.token_urlsafe(12)
    template = Template((FOLDER / "checkout.html").read_text(encoding="utf-8"))
    html = template.substitute(
        values, provider=escape(fake_server.NAME), colour=fake_server.COLOUR, nonce=nonce, key=fake_server.key
    )
    headers = {"Content-Security-Policy": POLICY.format(nonce=nonce), "Cache-Control": "no-store"}
    return Response(status, html.encode(), "text/html; charset=utf-8", headers)


def _gone(fake_server: FakePaymentServer) -> dict[str, str]:
    said = (
        "This checkout no longer exists: the emulator forgets them when it stops. Start a new one in the bot."
    )
    return dict.fromkeys(("refresh", "card", "buttons", "attempts"), "") | {
        "language": "en",
        "title": escape(fake_server.NAME),
        "state": "gone",
        "said": said,
    }


def _checkout(fake_server: FakePaymentServer, invoice: Invoice, refused: str = "") -> dict[str, str]:
    is_busy = fake_server.callbacks.is_under_way([callback.id for callback in invoice.callbacks])
    return {
        "language": _language(fake_server, invoice),
        "title": escape(invoice.title),
        "refresh": '<meta http-equiv="refresh" content="2">' if is_busy else "",
        "state": invoice.state,
        "said": escape(
            refused or ", ".join(filter(None, (SAID[invoice.state], fake_server.status(invoice))))
        ),
        "card": _card(fake_server, invoice),
        "buttons": _simulated(fake_server, invoice),
        "attempts": _attempts(fake_server, invoice) or '<li class="none">Nothing yet</li>',
    }


def _simulated(fake_server: FakePaymentServer, invoice: Invoice) -> str:
    """Write the buttons in groups: before the payment, after it, and what its webhook does.

    What the provider would refuse now is listed below them, with the reason.
    """
    refusals = {
        action: fake_server.refusal(invoice, action)
        for action in fake_server.actions(invoice)
        if action != "pay"
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


def _card(fake_server: FakePaymentServer, invoice: Invoice) -> str:
    language = _language(fake_server, invoice)
    words, amount = WORDS[language], money(invoice, language)
    card = ((words["card"], "4242 4242 4242 4242"), (words["date"], "12 / 34"), (words["code"], "•••"))
    fields = "".join(f"<span>{escape(a)}</span><b>{escape(b)}</b>" for a, b in fake_server.FIELDS or card)
    title, _, about = invoice.title.partition(". ")  # the description is one line at some providers
    label = escape(words.get(invoice.state) or f"{words['pay']} {amount}")
    disabled = " disabled" if fake_server.refusal(invoice, "pay") else ""
    pay = f'<button class="pay" name="do" value="pay"{disabled}>{label}</button>'
    if invoice.state == "paid":
        # The bot is the chat of the page at "/"; pages of the console are at this host too.
        path = urlsplit(invoice.return_url).path
        link, label = (path, words["site"]) if path.startswith("/console/") else ("/", words["back"])
        pay += f'<a class="return" href="{escape(link)}">{label}</a>'
    return (
        f'<p class="test">{words["test"]}</p><h1>{escape(title)}</h1>'
        + (f'<p class="about">{escape(about)}</p>' if about else "")
        + f'<p class="amount">{escape(amount)}</p><div class="fields">{fields}</div>{pay}'
    )


def _language(fake_server: FakePaymentServer, invoice: Invoice) -> str:
    """Return the language the shop asked for, or the provider's own."""
    return invoice.language if invoice.language in WORDS else fake_server.LANGUAGE


def money(invoice: Invoice, language: str) -> str:
    """Write what an invoice asks for as its page does."""
    number, symbol = f"{invoice.amount:,.2f}", SYMBOLS.get(invoice.currency, invoice.currency)
    if language == "ru":
        number = number.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")
    elif symbol in "$€£":
        return symbol + number
    return f"{number}\N{NO-BREAK SPACE}{symbol}"


def _attempts(fake_server: FakePaymentServer, invoice: Invoice) -> str:
    ids = {callback.id for callback in invoice.prechecks + invoice.callbacks}
    return "".join(
        _attempt(one["title"] + (" (forged)" if one["is_forged"] else ""), one["attempt"], one["status"])
        for one in reversed(list(fake_server.callbacks.attempts))
        if one["id"] in ids
    )


def _attempt(title: str, number: int, status: int) -> str:
    tone = "good" if 200 <= status < 300 else "bad"
    again = f", attempt {number}" if number > 1 else ""
    return f'<li><span>{escape(title)}{again}</span><b class="{tone}">{status or "no response"}</b></li>'
