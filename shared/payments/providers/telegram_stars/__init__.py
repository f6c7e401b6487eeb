"""Telegram Stars: links to invoices. Payments are reported by Telegram's updates, not by a webhook.

Source: https://core.telegram.org/bots/api (10.3). The invoice's payload is our order's number. Event keys
hold the charge, which is unique, unlike an update_id, whose numbering may restart. A charge belongs to the
bot that sold it. A refund is always of the whole payment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from time import monotonic
from typing import ClassVar

from shared.core.config import settings
from shared.core.errors import TelegramError
from shared.core.json_types import JsonMapping, JsonObject, JsonValue
from shared.payments import provider
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.parsing import order_number
from shared.payments.provider import (
    Checkout,
    InvalidPayload,
    InvalidSignature,
    Order,
    PaymentError,
    Receipt,
    RequestRefused,
    StatementPage,
    WebhookRequest,
)
from shared.payments.providers.telegram_stars.charges import CURRENCY, refund_id
from shared.telegram import api

PERIOD = 2_592_000  # seconds: 30 days, the only period that Telegram allows
PAGE = 100  # transactions of a page, Telegram's maximum
_SEARCHED = 5  # newest pages, in which a payment is searched for


class Provider(provider.Provider):
    """Invoices, refunds and subscriptions, by Bot API calls of the bot that sells."""

    REQUIRED = ()  # the bots’ own tokens
    API_URL = ""  # TELEGRAM_API_URL
    CURRENCIES = frozenset({CURRENCY})
    PAYMENT_METHOD = "stars"
    WEBHOOK_KINDS: ClassVar[frozenset[str]] = (
        frozenset()
    )  # Telegram's updates report payments: see `parse_update`
    RECURRING_PERIODS: ClassVar[frozenset[str]] = frozenset({"month"})
    SUPPORTS_REFUNDS = True
    SUPPORTS_STATEMENTS = True
    SUPPORTS_PARTIAL_REFUNDS = False

    def create(self, order: Order, timeout: float) -> Checkout:
        """Create an invoice link. An order may have several links, and each can be paid."""
        if order.amount != order.amount.to_integral_value() or order.amount < 1:
            raise RequestRefused("Stars come in whole numbers")
        invoice: JsonObject = {
            "title": order.title,
            "description": order.description,
            "payload": str(order.id),
            "provider_token": "",
            "currency": CURRENCY,
            "prices": [{"label": order.title, "amount": int(order.amount)}],
        }
        if order.period == "month":
            invoice["subscription_period"] = PERIOD
        return Checkout(str(_call(order.bot, "createInvoiceLink", invoice, timeout)), order.bot)

    def verify(self, request: WebhookRequest) -> None:
        """Reject every webhook: see `parse_update`."""
        raise InvalidSignature("only Telegram's updates report Stars")

    def parse(self, request: WebhookRequest) -> WebhookEvent:
        """Reject every webhook: see `parse_update`."""
        raise InvalidPayload("only Telegram's updates report Stars")

    def refund(
        self,
        payment_id: str,
        amount: Decimal,
        currency: str,
        *,
        key: str,
        telegram_id: int,
        timeout: float,
        receipt: Receipt | None = None,
    ) -> PaymentEvent | None:
        """Refund the whole payment; repeating it changes nothing. An erased payer is searched for, not
        stored."""
        deadline = monotonic() + timeout
        payer = telegram_id or _payer_of(payment_id, deadline)
        left = deadline - monotonic()
        self._of_charge("refundStarPayment", payment_id, payer, left, success="CHARGE_ALREADY_REFUNDED")
        return PaymentEvent(
            kind=EventKind.REFUNDED,
            payment_id=payment_id,
            operation_id=refund_id(payment_id),
            amount=amount,
            currency=currency,
            telegram_id=telegram_id or None,
            is_total=True,
        )

    def statement(self, since: datetime, until: datetime, cursor: str, timeout: float) -> StatementPage:
        """List the sales of one bot after another, each from its first transaction since then."""
        deadline = monotonic() + timeout
        bots = list(settings().bot_tokens)
        bot, _, place = cursor.partition(":")
        if bot not in bots:  # the first page, or a bot that was removed
            bot, place = bots[0], ""
        offset = int(place) if place else 0
        found = _page(bot, offset, PAGE, deadline - monotonic())
        if not place and len(found) == PAGE and not _is_since(found[-1], since):
            # The day begins after the first page.
            offset = _first_since(bot, since, deadline)
            found = _page(bot, offset, PAGE, deadline - monotonic())
        sales = [sale for sale in map(_listed, found) if sale is not None]
        events = tuple(
            WebhookEvent(event_key(sale), (sale,), "star_transaction")
            for sale in sales
            if sale.happened_at and since <= sale.happened_at < until
        )
        if len(found) == PAGE and not _is_since(found[-1], until):
            return StatementPage(events, f"{bot}:{offset + PAGE}")
        following = bots[bots.index(bot) + 1 :]
        return StatementPage(events, f"{following[0]}:" if following else "")

    def cancel_subscription(
        self, subscription_id: str, telegram_id: int, timeout: float, *, payment_id: str = "", payer: str = ""
    ) -> None:
        """Cancel a subscription by one of its charges. A missing charge or payer is searched for."""
        deadline = monotonic() + timeout
        charge = payment_id or self._charge_of(subscription_id, deadline)
        telegram_id = telegram_id or _payer_of(charge, deadline)
        left = deadline - monotonic()
        self._of_charge("editUserStarSubscription", charge, telegram_id, left, is_canceled=True)

    def _charge_of(self, subscription_id: str, deadline: float) -> str:
        order = order_number(subscription_id) or 0
        for bot in settings().bot_tokens:
            for payment_event in reversed(_newest(bot, deadline)):
                if (
                    payment_event.order_id == order
                    and payment_event.kind is EventKind.PAID
                    and payment_event.payment_id
                ):
                    return payment_event.payment_id
        raise PaymentError("the subscription has no charge among the newest transactions", not_executed=True)

    def _of_charge(
        self, method: str, charge: str, telegram_id: int, timeout: float, *, success: str = "", **more: object
    ) -> None:
        """Call a method about a charge as the bot that sold it: others do not know the charge."""
        deadline = monotonic() + timeout
        parameters = {"user_id": telegram_id, "telegram_payment_charge_id": charge, **more}
        refusal: PaymentError | None = None
        for bot in settings().bot_tokens:
            try:
                _call(bot, method, parameters, deadline - monotonic())
            except PaymentError as error:
                if success and success in str(error):
                    return
                if not (error.not_executed and "CHARGE_" in str(error)):
                    raise
                refusal = error
            else:
                return
        raise refusal or PaymentError("BOT_TOKENS has no bot", not_executed=True)


def parse_update(update: JsonMapping) -> WebhookEvent | None:
    """Parse a Telegram update about a payment; None if it is about something else.

    Raises:
        InvalidPayload: it is about a payment, but does not match the documentation.
    """
    from shared.payments.payloads import parse
    from shared.payments.providers.telegram_stars.payloads import (
        PaymentMessage,
        RefundMessage,
        SubscriptionUpdate,
    )

    message = update.get("message")
    if isinstance(message, Mapping) and "successful_payment" in message:
        return parse(PaymentMessage, message).to_event()
    if isinstance(message, Mapping) and "refunded_payment" in message:
        return parse(RefundMessage, message).to_event()
    if "subscription" in update:
        return parse(SubscriptionUpdate, update).to_event()
    return None


def transactions(bot: str, offset: int, timeout: float) -> tuple[tuple[PaymentEvent, ...], int]:
    """Return the sales among a bot's transactions from `offset` on, and how many transactions were read.

    The list begins with the oldest, so the sum of the counts is the next offset.

    Raises:
        PaymentError: no answer.
    """
    found = _page(bot, offset, PAGE, timeout)
    sales = (_listed(one) for one in found)
    return tuple(sale for sale in sales if sale is not None), len(found)


def event_key(payment_event: PaymentEvent) -> str:
    """Return the key of the update that reports the same as a transaction."""
    return f"{'refund' if payment_event.kind is EventKind.REFUNDED else 'payment'}:{payment_event.payment_id}"


def _newest(bot: str, deadline: float) -> list[PaymentEvent]:
    """Return a bot's newest sales, ordered from the oldest."""
    end = _count(bot, deadline)
    found: list[PaymentEvent] = []
    for offset in range(max(0, end - _SEARCHED * PAGE), end, PAGE):
        page, _ = transactions(bot, offset, deadline - monotonic())
        found += page
    return found


def _payer_of(charge: str, deadline: float) -> int:
    """Return the payer of a charge, which Telegram requires."""
    for bot in settings().bot_tokens:
        for payment_event in reversed(_newest(bot, deadline)):
            if payment_event.payment_id == charge and payment_event.telegram_id:
                return payment_event.telegram_id
    raise PaymentError("the payer is erased, and not among the newest transactions", not_executed=True)


def _page(bot: str, offset: int, limit: int, timeout: float) -> list[JsonValue]:
    answer = _call(bot, "getStarTransactions", {"offset": offset, "limit": limit}, timeout)
    found = answer.get("transactions") if isinstance(answer, dict) else None
    return found if isinstance(found, list) else []


def _count(bot: str, deadline: float) -> int:
    """Return the number of transactions: the API lists them only from the oldest."""
    return _first(lambda offset: not _page(bot, offset, 1, deadline - monotonic()))


def _first_since(bot: str, since: datetime, deadline: float) -> int:
    """Return the offset of the first transaction since then, or the number of transactions."""

    def is_beyond(offset: int) -> bool:
        found = _page(bot, offset, 1, deadline - monotonic())
        return not found or _is_since(found[0], since)

    return _first(is_beyond)


def _is_since(transaction: object, moment: datetime) -> bool:
    seconds = transaction.get("date") if isinstance(transaction, dict) else None
    return isinstance(seconds, int) and seconds >= moment.timestamp()


def _first(is_beyond: Callable[[int], bool]) -> int:
    """Return the first offset for which `is_beyond` is true; it is true for all later ones."""
    low, high = 0, PAGE  # invariant: `low - 1` is not beyond
    while not is_beyond(high):
        low, high = high + 1, high * 4
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_beyond(middle) else (middle + 1, high)
    return low


def _call(bot: str, method: str, parameters: JsonObject, timeout: float) -> JsonValue:
    try:
        return api.call(bot, method, parameters, timeout=max(timeout, 0.001))
    except TelegramError as error:
        reason = f"{method}: {error.status} {error.description}"
        if 400 <= error.status < 500 and error.status != 429:
            raise RequestRefused(reason) from None
        raise PaymentError(reason, not_executed=error.status == 429) from None


def _listed(found: object) -> PaymentEvent | None:
    """Return a listed transaction as an event; None if it is not a sale."""
    from shared.payments.payloads import parse
    from shared.payments.providers.telegram_stars.payloads import Transaction

    try:
        return parse(Transaction, found).to_event()
    except InvalidPayload:
        return None
