"""What one payment provider must be able to do. A seventh is one file in providers/."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from textwrap import shorten
from typing import Any, ClassVar

from shared.core.config import settings
from shared.core.errors import ExternalServiceError, SwitchboardError
from shared.payments.events import PaymentEvent, WebhookEvent

MAX_BODY = 262_144  # bytes of a callback


class InvalidSignature(SwitchboardError):
    """The callback does not prove that it is the provider's. The message never repeats what was sent."""


class InvalidPayload(SwitchboardError):
    """The callback is authentic, but not what the provider's documentation says."""


class PaymentError(ExternalServiceError):
    """The provider refused or did not answer. `is_certain` says that it surely did nothing."""

    def __init__(self, message: str, *, not_executed: bool = False) -> None:
        super().__init__(message)
        self.not_executed = not_executed


class RequestRefused(PaymentError):
    """The provider will not do what it was asked, however often: what we sent or our account is the cause."""

    def __init__(self, message: str) -> None:
        super().__init__(message, not_executed=True)


class ContactRefused(RequestRefused):
    """The provider does not take the e-mail address or phone number: only the buyer can give another one."""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A callback as it came. Names of headers are in lower case."""

    kind: str  # the rest of the path, for providers with an address for each kind
    method: str
    headers: Mapping[str, str]
    body: bytes
    query: bytes = b""
    address: str = ""  # of the caller, as far as our proxies can be trusted; empty when unknown
    # What `verify` worked out and `parse` needs again.
    known: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """What the provider is answered, in its own words."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"


class PrecheckResult(StrEnum):
    """What a provider hears that asks whether it may take the money: the words of `check_order`."""

    PAYABLE = "ok"
    UNKNOWN_ORDER = "unknown"
    WRONG_PAYER = "owner"
    WRONG_AMOUNT = "amount"
    PAID = "paid"
    RENEWING = "renewing"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What we ask a provider to be paid for."""

    id: int
    title: str  # 1 to 32 characters
    description: str  # 1 to 128 characters
    amount: Decimal
    currency: str  # in capitals
    telegram_id: int
    idempotency_key: str  # the same for every try of this one order
    return_url: str  # where the payer goes afterwards: the bot
    language: str = "ru"
    # month or year when the order renews: charged by the provider, or by us with a saved method
    period: str | None = None
    contact: str | None = None  # e-mail or phone for the receipt (54-FZ)
    expires_at: datetime | None = None
    bot: str = "assistant"  # which of our bots sells it: Stars belong to a bot

    def in_one_line(self, longest: int) -> str:
        """Return title and description for a provider that has one line for both, cut between words."""
        words = dict.fromkeys((self.title, self.description))  # a product may have its title alone
        return shorten(". ".join(words), longest, placeholder="…")


@dataclass(frozen=True, slots=True)
class Receipt:
    """For whom and for what a receipt (54-FZ) is due: one item, named as in the order."""

    contact: str  # e-mail or phone
    title: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """Where the payer pays. `reference` is the provider's own number of it, to ask for its state later."""

    url: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class StatementPage:
    """A page of a provider's own lists. Each event has the key of the callback that should have told it."""

    events: tuple[WebhookEvent, ...]
    cursor: str = ""  # where the next page begins; empty: this was the last one


class Provider(ABC):
    """One payment provider. Its key names its file, the path of its callbacks and its settings."""

    REQUIRED: ClassVar[tuple[str, ...]]  # variables without which it is not offered
    API_URL: ClassVar[str]  # its own address, without a slash at the end; `<KEY>_API_URL` replaces it
    CURRENCIES: ClassVar[frozenset[str]]
    PAYMENT_METHOD: ClassVar[str] = "card"  # how buyers call it: stars, card or crypto
    WEBHOOK_KINDS: ClassVar[frozenset[str]] = frozenset({""})  # paths below the provider's own
    # Kinds that ask before money moves and report nothing: see `precheck_response`.
    PRECHECK_KINDS: ClassVar[frozenset[str]] = frozenset()
    HTTP_METHODS: ClassVar[frozenset[str]] = frozenset({"POST"})
    RECURRING_PERIODS: ClassVar[frozenset[str]] = frozenset()  # periods it renews by itself: month, year
    # We can charge the payment method of an earlier payment again (`charge_saved_method`).
    SUPPORTS_SAVED_METHODS: ClassVar[bool] = False
    REQUIRES_CONTACT: ClassVar[bool] = False  # a receipt is due with it
    SUPPORTS_STATUS: ClassVar[bool] = False  # it can be asked for the state of one payment
    # An unpaid checkout may end without a callback, and `fetch` does not report it.
    EXPIRES_SILENTLY: ClassVar[bool] = False
    SUPPORTS_REFUNDS: ClassVar[bool] = False
    SUPPORTS_STATEMENTS: ClassVar[bool] = False  # it lists what moved on a day
    SUPPORTS_PARTIAL_REFUNDS: ClassVar[bool] = True
    # Seconds for which the provider remembers the idempotency key of a refund.
    IDEMPOTENCY_TTL: ClassVar[int] = 23 * 3600

    def __init__(self, key: str) -> None:
        self.key = key

    def is_configured(self) -> bool:
        """Whether it can be used here."""
        return all(settings().variable(name) for name in self.REQUIRED)

    def renews(self, period: str, currency: str) -> bool:
        """Whether a `month` or a `year` paid in a currency can be renewed, by itself or by us."""
        return (
            period in self.RECURRING_PERIODS or self.SUPPORTS_SAVED_METHODS
        ) and currency in self.CURRENCIES

    def secrets(self, name: str) -> tuple[str, ...]:
        """Return the values of a variable, the current one first; several, with commas, while rotating."""
        return tuple(word.strip() for word in settings().variable(name).split(",") if word.strip())

    def address(self, path: str = "") -> str:
        """Return where its API is.

        Raises:
            ConfigError: the variable with another address is malformed.
        """
        return settings().payment_url(self.key, self.API_URL) + path

    @abstractmethod
    def create(self, order: Order, timeout: float) -> Checkout:
        """Make a checkout. Asked again for one order it gives the same one, where the provider can.

        Args:
            timeout: seconds for all of it.

        Raises:
            ContactRefused: the provider does not take `order.contact`.
            RequestRefused: it does not take something else of the order.
            PaymentError: no answer.
        """

    @abstractmethod
    def verify(self, request: WebhookRequest) -> None:
        """Let only the provider's own callbacks pass; every comparison in constant time.

        Raises:
            InvalidSignature: it is not, or nothing proves it. Never anything else, whatever was sent.
            ConfigError: our secret is missing.
        """

    @abstractmethod
    def parse(self, request: WebhookRequest) -> WebhookEvent:
        """Say what an authentic callback means. It may ask the provider (YooKassa, where that is the proof).

        Raises:
            InvalidSignature: asking showed that it is not the provider's.
            InvalidPayload: it makes no sense.
            PaymentError: the provider had to be asked and did not answer.
        """

    def fetch(self, order_id: int, reference: str, timeout: float) -> tuple[PaymentEvent, ...]:
        """Ask for the state of a payment of ours by what `create` gave; only with SUPPORTS_STATUS.

        Raises:
            PaymentError: no answer.
        """
        raise NotImplementedError

    def statement(self, since: datetime, until: datetime, cursor: str, timeout: float) -> StatementPage:
        """Return a page of what moved from `since` to before `until`; only with SUPPORTS_STATEMENTS.

        It holds payments that came in, refunds and disputes in their present state, also those of other shops
        on the same account. An object that makes no sense is logged and left out.

        Args:
            cursor: of the page before; empty for the first.

        Raises:
            PaymentError: no answer.
        """
        raise NotImplementedError

    def charge_saved_method(self, order: Order, saved_method: str, timeout: float) -> PaymentEvent:
        """Charge `saved_method` of an earlier notice for an order; only with SUPPORTS_SAVED_METHODS.

        With the same `order.idempotency_key` it happens once. A refusal is a notice too: FAILED where another
        try may succeed, CANCELED where this method will never be charged again.

        Raises:
            PaymentError: no answer, or one that decides nothing.
        """
        raise NotImplementedError

    def find_charge(self, order_id: int, since: datetime, timeout: float) -> PaymentEvent | None:
        """Look for what an order of ours was charged; only with SUPPORTS_SAVED_METHODS.

        Called when the outcome of `charge_saved_method` is still unknown after IDEMPOTENCY_TTL.

        Returns:
            the last of its charges since then, or None when there surely is none.

        Raises:
            PaymentError: no answer.
        """
        raise NotImplementedError

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
        """Refund a payment; only with SUPPORTS_REFUNDS. The same `key` refunds once for IDEMPOTENCY_TTL.

        Returns:
            what happened, or None when a callback will tell.

        Raises:
            PaymentError: refused, or no answer (`is_certain` when it surely did not happen).
        """
        raise NotImplementedError

    def cancel_subscription(
        self, subscription_id: str, telegram_id: int, timeout: float, *, payment_id: str = "", payer: str = ""
    ) -> None:
        """Have it no longer renewed; only for providers that renew. What was paid still runs.

        Args:
            payment_id: a charge of this subscription, for providers that know it by nothing else (Stars).
            payer: who pays for it, for providers that have no number of their own for them (`Notice.payer`).

        Raises:
            PaymentError: refused, or no answer.
        """
        raise NotImplementedError

    # What the provider is answered.

    def precheck_response(self, request: WebhookRequest, verdict: PrecheckResult) -> WebhookResponse:
        """Answer a provider's pre-payment check (read-only), a webhook of one of the PRECHECK_KINDS."""
        raise NotImplementedError

    def success_response(self, request: WebhookRequest) -> WebhookResponse:
        """Answer that everything is stored, now or before."""
        return WebhookResponse(200, b"OK")

    def retry_response(self, request: WebhookRequest) -> WebhookResponse:
        """Answer so that the provider tries again."""
        return WebhookResponse(503, b"try again later")

    def rejection_response(self, request: WebhookRequest) -> WebhookResponse:
        """Answer a callback that proves nothing."""
        return WebhookResponse(401, b"not authentic")
