"""CloudPayments: orders with a page, one webhook address per kind, two HMAC headers.

Source: https://developers.cloudpayments.ru, read on 2026-11-21. The kind of a webhook is not in its body, so
it is the last part of the path: /payments/cloudpayments/pay. Choose POST, UTF-8 and the CloudPayments format
in the cabinet (GET and JSON work, too). `check` comes before the charge: without our {"code": 0} nothing is
charged.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import ClassVar
from urllib.parse import parse_qsl, unquote_to_bytes

from shared.core.config import settings
from shared.core.json_types import JsonMapping, JsonObject
from shared.core.signatures import is_signed
from shared.payments import api_client, provider
from shared.payments.contacts import CONTACT_WORDS
from shared.payments.declarations import Setting
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.parsing import (
    get_list,
    get_object,
    identifier,
    json_object,
    order_number,
    text,
)
from shared.payments.provider import (
    MAX_BODY,
    Checkout,
    ContactRefused,
    InvalidPayload,
    InvalidSignature,
    Order,
    PaymentError,
    PrecheckResult,
    Receipt,
    RequestRefused,
    StatementPage,
    WebhookRequest,
    WebhookResponse,
)
from shared.payments.providers.cloudpayments.receipts import receipt_data

_MAX_FIELDS = 200
_CODES = MappingProxyType(
    {
        PrecheckResult.PAYABLE: 0,
        PrecheckResult.UNKNOWN_ORDER: 10,
        PrecheckResult.WRONG_PAYER: 11,
        PrecheckResult.WRONG_AMOUNT: 12,
        PrecheckResult.PAID: 13,
        PrecheckResult.RENEWING: 13,
        PrecheckResult.EXPIRED: 20,
    }
)
_ENDED = ("Cancelled", "Rejected", "Expired")  # final states of a subscription
_FETCH_TIMEOUT = 5.0  # seconds for what a webhook leaves out
_CULTURES = MappingProxyType({"ru": "ru-RU", "en": "en-US"})


class Provider(provider.Provider):
    """Single payments and monthly subscriptions by a link to an order's page."""

    REQUIRED = (
        Setting("CLOUDPAYMENTS_PUBLIC_ID", "Public ID of the site: cabinet, Sites, settings."),
        Setting("CLOUDPAYMENTS_API_SECRET", "API Secret of the same site.", is_secret=True),
    )
    API_URL = "https://api.cloudpayments.ru"
    CURRENCIES = frozenset({"RUB", "USD", "EUR", "GBP", "KZT", "UAH", "BYN", "AZN", "AMD", "KGS", "UZS"})
    WEBHOOK_KINDS = frozenset({"check", "pay", "fail", "confirm", "refund", "recurrent", "cancel"})
    PRECHECK_KINDS = frozenset({"check"})
    HTTP_METHODS = frozenset({"GET", "POST"})
    RECURRING_PERIODS: ClassVar[frozenset[str]] = frozenset({"month"})
    LINE_LENGTH = 200
    REQUIRES_CONTACT = True
    SUPPORTS_STATUS = True
    EXPIRES_SILENTLY = True
    SUPPORTS_REFUNDS = True
    SUPPORTS_STATEMENTS = True
    IDEMPOTENCY_TTL = 55 * 60  # the provider remembers X-Request-ID for an hour

    def create(self, order: Order, timeout: float) -> Checkout:
        """Create an order with a page. The same request within an hour returns the same order."""
        body: JsonObject = {
            "Amount": float(order.amount),
            "Currency": order.currency,
            "Description": order.in_one_line(self.LINE_LENGTH),
            "InvoiceId": str(order.id),
            "AccountId": str(order.telegram_id),
            "RequireConfirmation": False,
            "SendEmail": False,
            "SuccessRedirectUrl": order.return_url,
            "FailRedirectUrl": order.return_url,
            "CultureName": _CULTURES.get(order.language, "en-US"),
        }
        if order.period == "month":
            body["SubscriptionBehavior"] = "CreateMonthly"
        if order.contact:
            body["Email" if "@" in order.contact else "Phone"] = order.contact
            body["JsonData"] = receipt_data(Receipt(order.contact, order.title), order.amount)
        model = self._ask("/orders/create", body, timeout, key=order.idempotency_key)
        url = model.get("Url")
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise PaymentError("CloudPayments returned no address for the order")
        return Checkout(url, identifier(model.get("Id")) or "")

    def verify(self, request: WebhookRequest) -> None:
        """Check the two HMAC headers: one of the raw body, one of the URL-decoded body. One is enough."""
        message = request.query if request.method == "GET" else request.body
        if len(message) > MAX_BODY:
            raise InvalidSignature("too long")
        secrets = self.secrets("CLOUDPAYMENTS_API_SECRET")
        # X-Content-HMAC is of the text before URL encoding; JSON is never encoded.
        plain = message if _is_json(request) else unquote_to_bytes(message.replace(b"+", b" "))
        raw = is_signed([request.headers.get("content-hmac")], secrets, message, _base64)
        decoded = is_signed([request.headers.get("x-content-hmac")], secrets, plain, _base64)
        if not (raw or decoded):
            raise InvalidSignature("neither Content-HMAC nor X-Content-HMAC matches the body")

    def parse(self, request: WebhookRequest) -> WebhookEvent:
        """Parse a form or JSON; its kind is the last part of the path."""
        from shared.payments.payloads import parse
        from shared.payments.providers.cloudpayments.payloads import Notification, Subscription

        fields = _fields(request)
        if request.kind == "recurrent":
            subscription = parse(Subscription, fields)
            return subscription.to_event(self._current_status(subscription.id, subscription.status))
        notification = parse(Notification, fields)
        event = notification.to_event(request.kind)
        return WebhookEvent(f"{request.kind}:{notification.transaction_id}", (event,), request.kind)

    def fetch(self, order_id: int, reference: str, timeout: float) -> tuple[PaymentEvent, ...]:
        """Fetch the last operation of an order; if that is a refund, its payment too."""
        from shared.payments.payloads import parse
        from shared.payments.providers.cloudpayments.payloads import Transaction

        model = self._find("/v2/payments/find", {"InvoiceId": str(order_id)}, timeout)
        if not model:
            return ()
        with api_client.as_provider_error(self.key):
            last = parse(Transaction, model)
            if last.original_transaction_id is None:
                return (last.to_payment_event(),)
            # Only the last operation is found, so the refunded payment is fetched by its number.
            payment = self._find("/payments/get", {"TransactionId": last.original_transaction_id}, timeout)
            refund = last.to_refund_event(order_id)
            return (parse(Transaction, payment).to_payment_event(), refund) if payment else (refund,)

    def statement(self, since: datetime, until: datetime, cursor: str, timeout: float) -> StatementPage:
        """List the transactions by when they were created; an empty page is the last one.

        The size of a page is not documented.
        """
        number = int(cursor or "1")
        asked = {
            "CreatedDateGte": _iso(since),
            "CreatedDateLte": _iso(until - timedelta(milliseconds=1)),
            "PageNumber": number,
        }
        answer = self._post("/v2/payments/list", asked, timeout)
        if answer.get("Success") is not True:
            raise PaymentError(f"/v2/payments/list: {_refusal(answer)}")
        found = get_list(answer.get("Model"))
        return StatementPage(
            api_client.parse_each(self.key, _listed, found), str(number + 1) if found else ""
        )

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
        """Refund a payment at once."""
        transaction = order_number(payment_id)
        if transaction is None:
            raise PaymentError("not a payment of CloudPayments", not_executed=True)
        body: JsonObject = {"TransactionId": transaction, "Amount": float(amount)}
        if receipt:
            body["JsonData"] = receipt_data(receipt, amount)
        model = self._ask("/payments/refund", body, timeout, key=key)
        return PaymentEvent(
            kind=EventKind.REFUNDED,
            payment_id=payment_id,
            operation_id=identifier(model.get("TransactionId")) or key,
            amount=amount,
            currency=currency,
        )

    def cancel_subscription(
        self, subscription_id: str, telegram_id: int, timeout: float, *, payment_id: str = "", payer: str = ""
    ) -> None:
        """Cancel a subscription; one that has ended counts as canceled."""
        try:
            self._ask("/subscriptions/cancel", {"Id": subscription_id}, timeout)
        except PaymentError as error:
            if not error.not_executed:
                raise
            state = self._find("/subscriptions/get", {"Id": subscription_id}, timeout).get("Status")
            if state not in _ENDED:
                raise

    def success_response(self, request: WebhookRequest) -> WebhookResponse:
        """Return code 0; every other code is a failure."""
        return _reply(0)

    def retry_response(self, request: WebhookRequest) -> WebhookResponse:
        """Return 503; `check` is not retried, so its payer gets a refusal."""
        return _reply(13, 200 if request.kind in self.PRECHECK_KINDS else 503)

    def rejection_response(self, request: WebhookRequest) -> WebhookResponse:
        """Return a code that is not success."""
        return _reply(13, 401)

    def precheck_response(self, request: WebhookRequest, result: PrecheckResult) -> WebhookResponse:
        """Return the code of the result: https://developers.cloudpayments.ru/#check."""
        return _reply(_CODES[result])

    def _current_status(self, subscription_id: str, notified: str) -> str:
        """Return the status of a subscription: a notification may be repeated for days after a newer one."""
        if notified in _ENDED:
            return notified
        try:
            model = self._find("/subscriptions/get", {"Id": subscription_id}, _FETCH_TIMEOUT)
        except RequestRefused:
            return notified
        return text(model.get("Status")) or notified

    def _ask(self, path: str, body: JsonObject, timeout: float, key: str = "") -> JsonMapping:
        """Return the `Model` of a request that must succeed."""
        answer = self._post(path, body, timeout, key)
        if answer.get("Success") is not True:
            reason = _refusal(answer)
            is_about_contact = "Email" in body or "Phone" in body
            if is_about_contact and CONTACT_WORDS.search(reason):
                raise ContactRefused(f"{path}: {reason}")
            raise RequestRefused(f"{path}: {reason}")
        return get_object(answer, "Model")

    def _find(self, path: str, body: JsonObject, timeout: float) -> JsonMapping:
        """Return the `Model` of a query, empty if there is none; a declined payment has one without
        Success."""
        return get_object(self._post(path, body, timeout), "Model")

    def _post(self, path: str, body: JsonObject, timeout: float, key: str = "") -> JsonMapping:
        secret = self.secrets("CLOUDPAYMENTS_API_SECRET")[0]
        headers = api_client.basic_auth(settings().variable("CLOUDPAYMENTS_PUBLIC_ID"), secret)
        if key:
            headers["X-Request-ID"] = key
        url = self.address(path)
        answer = api_client.request_json(self.key, "POST", url, timeout=timeout, body=body, headers=headers)
        return api_client.parse_response(self.key, answer)


def _is_json(request: WebhookRequest) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0]
    return request.method != "GET" and "json" in kind.lower()


def _fields(request: WebhookRequest) -> JsonMapping:
    message = request.query if request.method == "GET" else request.body
    if _is_json(request):
        content = json_object(message)
        if content is None:
            raise InvalidPayload("the body: not a JSON object")
        return content
    try:
        pairs = parse_qsl(
            message.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS
        )
    except UnicodeDecodeError:
        raise InvalidPayload("the body is not UTF-8: choose this encoding in the cabinet") from None
    except ValueError:
        raise InvalidPayload("the body: too many fields") from None
    return dict(pairs)


def _listed(found: JsonMapping) -> WebhookEvent | None:
    from shared.payments.payloads import parse
    from shared.payments.providers.cloudpayments.payloads import ListedTransaction

    return parse(ListedTransaction, found).to_event()


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _base64(digest: bytes) -> str:
    return b64encode(digest).decode()


def _refusal(answer: JsonMapping) -> str:
    return text(answer.get("Message")) or text(get_object(answer, "Model").get("Reason")) or "refused"


def _reply(code: int, status: int = 200) -> WebhookResponse:
    return WebhookResponse(status, b'{"code":%d}' % code, "application/json")
