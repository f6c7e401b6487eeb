"""Prodamus: a link to the shop's own page; forms signed as PHP parses them.

Source: https://help.prodamus.ru/payform/integracii, read on 2026-11-21. Our order's number is `order_id` in
a request and `order_num` in a notification, where `order_id` is Prodamus's. A buyer can write a cheaper link
with our number, so the amount and currency of a notification are compared with the order. Payments can't be
fetched, and refunds are made only in the cabinet.

Renewing plans are subscriptions created in the cabinet, with the price set there. Their number is the same
for all buyers; the buyer's own is `profile_id`, and both together are our `subscription_id`. Older
notifications have only a phone: a keyed hash takes its place, because our number of a subscription outlives
its buyer's data, and the phone itself is in `PaymentEvent.payer`.
"""

from __future__ import annotations

import re
from datetime import timedelta, timezone
from typing import ClassVar

from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.core.json_types import JsonObject
from shared.core.signatures import hmac_sha256, is_signed
from shared.payments import api_client, provider
from shared.payments.contacts import CONTACT_WORDS
from shared.payments.declarations import Setting
from shared.payments.events import WebhookEvent
from shared.payments.parsing import text
from shared.payments.provider import (
    MAX_BODY,
    Checkout,
    ContactRefused,
    InvalidSignature,
    Order,
    PaymentError,
    RequestRefused,
    WebhookRequest,
    WebhookResponse,
)
from shared.payments.providers.prodamus import php_forms
from shared.payments.providers.prodamus.receipts import product

# The documented key of demo.payform.ru, with which anyone can sign.
_PUBLISHED_KEY = "2y2aw4oknnke80bp1a8fniwuuq7tdkwmmuq7vwi4nzbr8z1182ftbn6p8mhw3bhz"
_MOSCOW = timezone(timedelta(hours=3))  # of link_expired
_LINK = re.compile(r"https?://[^\s<>\"']{4,500}")
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Provider(provider.Provider):
    """Single payments and subscriptions by a signed link to the shop's payment page."""

    REQUIRED = (
        Setting("PRODAMUS_URL", "The shop’s page, https://<shop>.payform.ru."),
        Setting("PRODAMUS_SECRET_KEY", "Secret key of that page.", is_secret=True),
    )
    OPTIONAL = (
        Setting("PRODAMUS_SYS", "Integration code agreed with Prodamus’s support."),
        Setting("PRODAMUS_SUBSCRIPTION_MONTH", "Id of the monthly subscription created in the cabinet."),
        Setting("PRODAMUS_SUBSCRIPTION_YEAR", "Id of the yearly subscription created in the cabinet."),
    )
    API_URL = ""  # every shop has its own: PRODAMUS_URL
    CURRENCIES = frozenset({"RUB", "USD", "EUR", "KZT"})
    RECURRING_PERIODS: ClassVar[frozenset[str]] = frozenset(
        {"month", "year"}
    )  # those that have a subscription there
    EXPIRES_SILENTLY = True

    def address(self, path: str = "") -> str:
        """Return the URL of a path below the shop's page."""
        return settings().url("PRODAMUS_URL") + path

    def renews(self, period: str, currency: str) -> bool:
        """Whether the cabinet has a subscription of this period; its prices are in roubles."""
        return currency == "RUB" and period in self.RECURRING_PERIODS and bool(_subscription_of(period))

    def create(self, order: Order, timeout: float) -> Checkout:
        """Request a signed link. An order may have several links, and each can be paid."""
        request: JsonObject = {
            "do": "link",
            "order_id": str(order.id),
            "currency": order.currency.lower(),
            "customer_extra": order.description,
            "urlReturn": order.return_url,
            "urlSuccess": order.return_url,
            "payments_limit": "1",
        }
        if order.period and (subscription := _subscription_of(order.period)):
            request["subscription"] = subscription
        else:
            request["products"] = {0: product(order)}
        if order.contact:
            request["customer_email" if "@" in order.contact else "customer_phone"] = order.contact
        if order.expires_at:
            request["link_expired"] = order.expires_at.astimezone(_MOSCOW).strftime("%d.%m.%Y %H:%M")
        if sys := settings().variable("PRODAMUS_SYS"):
            request["sys"] = sys
            if settings().public_url:
                request["urlNotification"] = f"{settings().public_url}/payments/{self.key}"
        try:
            link = self._post("/", request, timeout)
        except RequestRefused as error:
            raise _refusal(str(error), order) from None
        if not _LINK.fullmatch(link):
            raise _refusal(f"Prodamus returned no link: {text(link)}", order)
        return Checkout(link)

    def verify(self, request: WebhookRequest) -> None:
        """Check the signature of the form as PHP parses it, whatever its encoding."""
        if len(request.body) > MAX_BODY:
            raise InvalidSignature("too long")
        given = request.headers.get("sign", "").lower()
        if not given:
            raise InvalidSignature("the header Sign is missing")
        secrets = self.secrets("PRODAMUS_SECRET_KEY")
        if _PUBLISHED_KEY in secrets and settings().environment == "production":
            raise ConfigError(
                "PRODAMUS_SECRET_KEY is the published one of demo.payform.ru: anyone can sign with it"
            )
        try:
            message = php_forms.canonical(_tree(request))
        except php_forms.Malformed as error:
            raise InvalidSignature(f"not a form: {error}") from None
        if is_signed([given], secrets, message):
            return
        # While the page's live mode is off at Prodamus, it signs with this suffix: no money was moved.
        if is_signed([given], [f"{secret}demo" for secret in secrets], message):
            raise InvalidSignature("signed as a demonstration: the payment page is not live at Prodamus")
        raise InvalidSignature("Sign does not match the form")

    def parse(self, request: WebhookRequest) -> WebhookEvent:
        """Parse a notification. Each attempt has another body, so the key is made of its content."""
        from shared.payments.payloads import parse
        from shared.payments.providers.prodamus.payloads import Payment, SubscriptionAction

        tree = _tree(request)
        subscription = tree.get("subscription")
        is_action = isinstance(subscription, dict) and any(
            text(subscription.get(name)) for name in ("action_code", "notification_code")
        )
        if is_action:
            return parse(SubscriptionAction, tree).to_event()
        return parse(Payment, tree).to_event()

    def cancel_subscription(
        self, subscription_id: str, telegram_id: int, timeout: float, *, payment_id: str = "", payer: str = ""
    ) -> None:
        """Cancel a subscription on behalf of the buyer, which is final."""
        subscription, _, profile = subscription_id.partition(":")
        if not subscription or not (payer or profile.isdecimal()):
            raise PaymentError("not a subscription of Prodamus", not_executed=True)
        who = {"customer_phone": payer} if payer else {"profile": profile}
        request: JsonObject = {"subscription": subscription, **who, "active_user": "0"}
        answer = self._post("/rest/setActivity/", request, timeout)
        # An ended subscription can't be changed.
        if answer.lower() != "success" and "completed" not in answer:
            raise PaymentError(f"setActivity: {text(answer)}", not_executed=True)

    def success_response(self, request: WebhookRequest) -> WebhookResponse:
        """Return the body of their own example."""
        return WebhookResponse(200, b"success")

    def _post(self, path: str, request: JsonObject, timeout: float) -> str:
        secret = self.secrets("PRODAMUS_SECRET_KEY")[0]
        signature = hmac_sha256(secret, php_forms.canonical(request)).hex()
        body = php_forms.form({**request, "signature": signature})
        url = self.address(path)
        answer = api_client.request(self.key, "POST", url, timeout=timeout, body=body, headers=_FORM)
        words = answer.data.decode("utf-8", "replace").strip()
        if answer.status != 200 and "completed" not in words:
            reason = f"Prodamus answered {answer.status}: {text(words)}"
            if 400 <= answer.status < 500 and answer.status != 429:
                raise RequestRefused(reason)
            raise PaymentError(reason, not_executed=answer.status == 429)
        return words


def _refusal(reason: str, order: Order) -> RequestRefused:
    if order.contact and CONTACT_WORDS.search(reason):
        return ContactRefused(reason)
    return RequestRefused(reason)


def _tree(request: WebhookRequest) -> php_forms.Tree:
    """Return the form as PHP parses it; parsed once per request.

    Raises:
        php_forms.Malformed: it is not a form; `verify` handles it before `parse`.
    """
    if "form" not in request.cache:
        request.cache["form"] = _parse_form(request)
    found: php_forms.Tree = request.cache["form"]
    return found


def _parse_form(request: WebhookRequest) -> php_forms.Tree:
    content_type = request.headers.get("content-type", "")
    if "json" in content_type.partition(";")[0].lower():
        return php_forms.from_json(request.body)
    return php_forms.nested(php_forms.fields(content_type, request.body))


def _subscription_of(period: str) -> str:
    return settings().variable(f"PRODAMUS_SUBSCRIPTION_{period.upper()}")
