"""Invoices, pre-checkout answers, refunds and subscriptions in Stars."""

from __future__ import annotations

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.methods.callbacks import TOO_OLD
from tools.emulator.telegram.methods.content import POST
from tools.emulator.telegram.methods.messages import post
from tools.emulator.telegram.model import Json
from tools.emulator.telegram.stars import CURRENCY, PERIOD, Invoice
from tools.emulator.telegram.text import units

MAX_TITLE = 32
MAX_DESCRIPTION = 255
MAX_PAYLOAD = 128  # bytes
MAX_SUBSCRIPTION = 10_000  # Stars
MAX_TRANSACTIONS = 100
STARS_ONLY = "Stars (XTR) only: there is no provider behind @BotFather here."
INVOICE = ("title", "description", "payload", "currency", "prices", "provider_token")


@method("sendInvoice", "chat_id", "subscription_period", *INVOICE, *POST, note=STARS_ONLY)
def send_invoice(call: Call) -> Json:
    """Send an invoice as a message with its own Pay button."""
    room = call.room()
    if call.integer("subscription_period"):
        raise bad_request("SUBSCRIPTION_PERIOD_INVALID")
    invoice = _invoice(call, 0)
    message = post(call, room, {"invoice": invoice.json()})
    call.stars.posted(room.id, message["message_id"], invoice)
    return message


@method("createInvoiceLink", "subscription_period", *INVOICE, note=STARS_ONLY)
def create_invoice_link(call: Call) -> str:
    """Make an address for an invoice; only such an invoice can be a subscription."""
    period = call.integer("subscription_period") or 0
    if period not in (0, PERIOD):
        raise bad_request("SUBSCRIPTION_PERIOD_INVALID")
    invoice = _invoice(call, period)
    if period and invoice.amount > MAX_SUBSCRIPTION:
        raise bad_request("STARS_AMOUNT_INVALID")
    return call.stars.link(invoice)


@method("answerPreCheckoutQuery", "pre_checkout_query_id", "ok", "error_message")
def answer_pre_checkout_query(call: Call) -> bool:
    """Allow or refuse a charge of Stars, within ten seconds."""
    ok, error = call.boolean("ok"), call.text("error_message")
    if not ok and not error:
        raise bad_request("error message must be specified")
    if not call.stars.answer(call.text("pre_checkout_query_id"), call.bot.name, ok, error):
        raise bad_request(TOO_OLD)
    return True


@method("refundStarPayment", "user_id", "telegram_payment_charge_id")
def refund_star_payment(call: Call) -> bool:
    """Refund a payment in full."""
    word = call.stars.refund(
        call.bot.name, call.integer("user_id") or 0, call.text("telegram_payment_charge_id")
    )
    if word:
        raise bad_request(word)
    return True


@method("editUserStarSubscription", "user_id", "telegram_payment_charge_id", "is_canceled")
def edit_user_star_subscription(call: Call) -> bool:
    """Stop or resume a subscription."""
    charge_id, is_canceled = call.text("telegram_payment_charge_id"), call.boolean("is_canceled")
    if not call.stars.edit(call.bot.name, call.integer("user_id") or 0, charge_id, is_canceled):
        raise bad_request("CHARGE_NOT_FOUND")
    return True


@method("getStarTransactions", "offset", "limit")
def get_star_transactions(call: Call) -> Json:
    """Return the transactions of the bot's Stars, the oldest first."""
    offset, limit = call.integer("offset") or 0, call.integer("limit", MAX_TRANSACTIONS) or 0
    if offset < 0 or not 1 <= limit <= MAX_TRANSACTIONS:
        raise bad_request("invalid value of parameter offset or limit specified")
    return {"transactions": call.stars.transactions(call.bot, offset, limit)}


@method("getMyStarBalance")
def get_my_star_balance(call: Call) -> Json:
    """Return the bot's balance of Stars."""
    return {"amount": call.stars.balance(call.bot)}


def _invoice(call: Call, period: int) -> Invoice:
    title, description = call.text("title"), call.text("description")
    payload = call.text("payload")
    for name in ("title", "description", "payload", "currency", "prices"):
        call.required(name)
    for name, value, limit in (("title", title, MAX_TITLE), ("description", description, MAX_DESCRIPTION)):
        if not 1 <= units(value) <= limit:
            raise bad_request(f"invoice {name} must have 1 to {limit} characters")
    if not 1 <= len(payload.encode()) <= MAX_PAYLOAD:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    if call.text("currency") != CURRENCY:
        # Other currencies need a provider connected at @BotFather, which the emulator does not have.
        raise bad_request("PAYMENT_PROVIDER_INVALID")
    return Invoice(call.bot.name, title, description, payload, _price(call), period)


def _price(call: Call) -> int:
    """Read the only price that an invoice in Stars has."""
    prices = call.json("prices", "prices")
    one = prices[0] if isinstance(prices, list) and len(prices) == 1 else None
    price = one if isinstance(one, dict) and isinstance(one.get("label"), str) else {}
    amount = price.get("amount")
    if call.text("provider_token") or type(amount) is not int or amount < 1:
        raise bad_request("STARS_INVOICE_INVALID")
    return amount
