"""What the fake provider sends: events in our own terms, as JSON."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from shared.payments import parsing
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.payloads import (
    Identifier,
    Number,
    ObjectList,
    OptionalAmount,
    OptionalCurrency,
    Payload,
    RequiredIdentifier,
    Text,
    Timestamp,
)

_KINDS = {kind.value: kind for kind in EventKind}
_MAX_EVENTS = 10  # of one webhook


class Event(Payload):
    """One operation; the names of its fields are those of `PaymentEvent`."""

    kind: Annotated[EventKind, BeforeValidator(lambda value: _KINDS.get(parsing.text(value)))]
    payment_id: Identifier = None
    order_id: Number = None
    operation_id: Identifier = None
    amount: OptionalAmount = None
    currency: OptionalCurrency = None
    subscription_id: Identifier = None
    period_ends_at: Timestamp = None
    telegram_id: Number = None
    happened_at: Timestamp = None
    reason: Text = ""

    def to_event(self) -> PaymentEvent:
        """Return it as an event of a test mode."""
        return PaymentEvent(**dict(self), is_test=True)


class Webhook(Payload):
    """A webhook with any number of operations."""

    id: RequiredIdentifier
    type: Text = ""
    events: Annotated[list[Event], ObjectList] = Field(default_factory=list)

    def to_event(self) -> WebhookEvent:
        """Return it as an event; operations beyond the tenth are ignored."""
        events = tuple(event.to_event() for event in self.events[:_MAX_EVENTS])
        return WebhookEvent(self.id, events, self.type)


class State(Payload):
    """Everything that happened to an order."""

    events: Annotated[list[Event], ObjectList] = Field(default_factory=list)
