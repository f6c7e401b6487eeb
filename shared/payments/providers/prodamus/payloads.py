"""What Prodamus sends: notifications about payments and subscriptions, as forms.

Source: https://help.prodamus.ru/payform/integracii, read on 2026-11-21. Every value is text, times are
Moscow's. `order_id` is Prodamus's number, `order_num` ours.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Annotated

from pydantic import BeforeValidator

from shared.core.config import settings
from shared.core.signatures import hmac_sha256
from shared.payments import parsing
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.payloads import (
    Amount,
    Identifier,
    Number,
    OptionalAmount,
    OptionalCurrency,
    Payload,
    RequiredIdentifier,
    RequiredText,
    Text,
)
from shared.payments.provider import InvalidPayload

_CURRENCY = "RUB"  # of older notifications, which name none
MOSCOW = timezone(timedelta(hours=3))
_STATUSES = MappingProxyType(
    {"success": EventKind.PAID, "order_canceled": EventKind.CANCELED, "order_denied": EventKind.FAILED}
)
_ACTIONS = MappingProxyType(
    {
        "deactivation": EventKind.SUBSCRIPTION_CANCELED,
        "reactivation": EventKind.SUBSCRIPTION_ACTIVE,
        "finish": EventKind.SUBSCRIPTION_ENDED,
    }
)


def _map_or_none(value: object) -> object:
    return value if isinstance(value, dict) and value else None


MoscowTimestamp = Annotated[datetime | None, BeforeValidator(lambda value: parsing.timestamp(value, MOSCOW))]
Flag = Annotated[bool, BeforeValidator(lambda value: value == "1")]


class SubscriptionFields(Payload):
    """The map `subscription` of a notification."""

    id: Identifier = None  # of the subscription in the cabinet, the same for all buyers
    profile_id: Identifier = None  # the buyer's own; older notifications have none
    action_code: Text = ""  # auto_payment, deactivation, reactivation, finish
    notification_code: Text = ""  # of a reminder
    action_reason: Text = ""
    payment_num: Text = ""
    payment_date: Text = ""
    date: Text = ""
    date_next_payment: MoscowTimestamp = None
    error_code: Text = ""
    error: Text = ""
    last_attempt: Text = ""  # yes after the last failed charge


class Notification(Payload):
    """Fields that every notification has."""

    order_id: Identifier = None
    order_num: Number = None
    currency: OptionalCurrency = None  # older notifications have none: roubles
    customer_phone: Text = ""
    date: Text = ""
    is_test: Flag = False
    demo_mode: Flag = False
    sum: OptionalAmount = None
    subscription: Annotated[SubscriptionFields | None, BeforeValidator(_map_or_none)] = None

    @property
    def is_in_test_mode(self) -> bool:
        """Whether no money was moved."""
        return self.is_test or self.demo_mode

    @property
    def happened_at(self) -> datetime | None:
        """When it happened."""
        return parsing.timestamp(self.date, MOSCOW)

    def subscriber(self) -> tuple[str, str]:
        """Return our number of the subscription, and the payer's phone where there is no profile.

        Raises:
            InvalidPayload: it names no subscription or no payer.
        """
        one = self.subscription
        if one is None or one.id is None:
            raise InvalidPayload("subscription.id: missing")
        phone = "" if one.profile_id else self.customer_phone
        if not (one.profile_id or phone):
            raise InvalidPayload("subscription.profile_id and customer_phone: missing")
        return f"{one.id}:{one.profile_id or _hash(phone)}", phone


class Payment(Notification):
    """A notification about a payment: a single one, or the first of a subscription."""

    order_id: RequiredIdentifier
    payment_status: RequiredText
    payment_status_description: Text = ""
    sum: Amount

    def to_event(self) -> WebhookEvent:
        """Return it as an event.

        Raises:
            InvalidPayload: it belongs to a subscription, but does not name it or its payer.
        """
        status, subscription = self.payment_status.lower(), self.subscription
        subscription_id, phone = self.subscriber() if subscription else (None, "")
        event = PaymentEvent(
            kind=_STATUSES.get(status, EventKind.OTHER),
            payment_id=self.order_id,
            order_id=self.order_num,
            amount=self.sum,
            currency=self.currency or _CURRENCY,
            is_test=self.is_in_test_mode,
            happened_at=self.happened_at,
            reason=self.payment_status_description if status != "success" else "",
            has_buyer_terms=subscription is not None,  # the buyer may have written the link of this page
            subscription_id=subscription_id,
            payer=phone or None,
            period_ends_at=subscription.date_next_payment if subscription else None,
        )
        return WebhookEvent(f"{self.order_id}:{status}", (event,), status)


class SubscriptionAction(Notification):
    """A notification about a subscription: a charge, a failed one, a reminder, an end."""

    subscription: SubscriptionFields

    def to_event(self) -> WebhookEvent:
        """Return it as an event.

        Raises:
            InvalidPayload: it does not name the subscription or its payer, or a charge has no sum.
        """
        one = self.subscription
        subscription_id, phone = self.subscriber()
        code, failure = one.action_code or one.notification_code, one.error_code or one.error
        day = one.payment_date or one.date or self.date
        who = PaymentEvent(
            kind=EventKind.OTHER,
            subscription_id=subscription_id,
            payer=phone or None,
            is_test=self.is_in_test_mode,
        )
        if failure:
            event = replace(who, kind=self._kind_of_failure(), reason=failure)
        elif one.action_code == "auto_payment":
            event = self._charge(who)
        else:
            event = replace(
                who,
                kind=_ACTIONS.get(one.action_code, EventKind.OTHER),
                order_id=self.order_num,
                period_ends_at=one.date_next_payment,
                reason=one.action_reason,
            )
        key = ":".join(("sub", subscription_id, code, failure, day, one.payment_num))
        return WebhookEvent(key, (event,), code)

    def _kind_of_failure(self) -> EventKind:
        is_last = self.subscription.last_attempt.lower() == "yes"
        return EventKind.SUBSCRIPTION_ENDED if is_last else EventKind.SUBSCRIPTION_PAST_DUE

    def _charge(self, who: PaymentEvent) -> PaymentEvent:
        if self.sum is None:
            raise InvalidPayload("sum: missing or not an amount")
        has_number = self.order_id is not None and self.order_id != "0"
        return replace(
            who,
            kind=EventKind.PAID,
            payment_id=self.order_id
            if has_number
            else f"{who.subscription_id}:{self.subscription.payment_num}",
            order_id=self.order_num,
            amount=self.sum,
            currency=self.currency or _CURRENCY,
            happened_at=self.happened_at,
            period_ends_at=self.subscription.date_next_payment,
        )


def _hash(phone: str) -> str:
    """Return a keyed hash that stands for a phone number: subscription ids outlive their users' data."""
    digits = "".join(filter(str.isdecimal, phone))
    return f"h{hmac_sha256(settings().user_hash_key, f'phone:{digits}'.encode()).hex()[:32]}"
