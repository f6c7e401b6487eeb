"""The interface of a payment provider. A new provider is one module or package in providers/."""

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
from shared.core.errors import ConfigError, ExternalServiceError, SwitchboardError
from shared.payments.declarations import Sandbox, Setting
from shared.payments.events import PaymentEvent, WebhookEvent

MAX_BODY = 262_144  # bytes of a webhook


class InvalidSignature(SwitchboardError):
    """The webhook is not authentic. The message never repeats what was sent."""


class InvalidPayload(SwitchboardError):
    """The webhook is authentic, but does not match the provider's documentation."""


class PaymentError(ExternalServiceError):
    """The provider refused a request or did not answer.

    `not_executed` is true only if the provider certainly did nothing. Otherwise the outcome is unknown.
    """

    def __init__(self, message: str, *, not_executed: bool = False) -> None:
        super().__init__(message)
        self.not_executed = not_executed


class RequestRefused(PaymentError):
    """The provider refuses the request and would refuse a retry: our data or account is the cause."""

    def __init__(self, message: str) -> None:
        super().__init__(message, not_executed=True)


class ContactRefused(RequestRefused):
    """The provider refuses the e-mail address or phone number: the buyer has to give another one."""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A webhook as received. Header names are in lower case."""

    kind: str  # the rest of the path, for providers with one address per kind of webhook
    method: str
    headers: Mapping[str, str]
    body: bytes
    query: bytes = b""
    client_address: str = ""  # as our proxies saw it; empty when unknown
    # What `verify` computed and `parse` needs again.
    cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """Our HTTP response to a webhook, in the provider's format."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"


class PrecheckResult(StrEnum):
    """Result of a pre-payment check, as the SQL function `check_order` returns it."""

    PAYABLE = "ok"
    UNKNOWN_ORDER = "unknown"
    WRONG_PAYER = "owner"
    WRONG_AMOUNT = "amount"
    PAID = "paid"
    RENEWING = "renewing"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order for which a checkout is created, or a saved payment method is charged."""

    id: int
    title: str  # 1 to 32 characters
    description: str  # 1 to 128 characters
    amount: Decimal
    currency: str  # in capitals
    telegram_id: int
    idempotency_key: str  # the same for every attempt of this order
    return_url: str  # where the payer returns afterwards: the bot
    language: str = "ru"
    period: str | None = None  # month or year when it renews: charged by the provider, or by us
    contact: str | None = None  # e-mail or phone for the receipt (54-FZ)
    expires_at: datetime | None = None
    bot: str = "assistant"  # the selling bot: Stars belong to a bot

    def in_one_line(self, longest: int) -> str:
        """Return title and description in one line of at most `longest` characters, cut between words."""
        words = dict.fromkeys((self.title, self.description))  # the description may repeat the title
        return shorten(". ".join(words), longest, placeholder="…")


@dataclass(frozen=True, slots=True)
class Receipt:
    """Recipient and title of a fiscal receipt (54-FZ) of one item, titled as in the order."""

    contact: str  # e-mail or phone
    title: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout page. `reference` is the provider's number of it, with which its state can be fetched."""

    url: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class StatementPage:
    """A page of a provider's lists. Each event has the key of the webhook that should have reported it."""

    events: tuple[WebhookEvent, ...]
    cursor: str = ""  # of the next page; empty on the last one


class Provider(ABC):
    """One payment provider. Its key is the name of its module, and gives its webhook path and texts."""

    REQUIRED: ClassVar[tuple[Setting, ...]]  # the provider is offered once all of them are set
    OPTIONAL: ClassVar[tuple[Setting, ...]] = ()
    API_URL: ClassVar[str]  # without a trailing slash; the variable <KEY>_API_URL replaces it
    SANDBOX: ClassVar[Sandbox | None] = None  # a test mode that is recognizable by the key
    ENVIRONMENTS: ClassVar[tuple[str, ...]] = ()  # values of ENVIRONMENT that allow it; none: all of them
    CURRENCIES: ClassVar[frozenset[str]]
    PAYMENT_METHOD: ClassVar[str] = "card"  # what buyers call it: stars, card or crypto
    LINE_LENGTH: ClassVar[int] = 0  # characters, where the payer reads title and description in one line
    WEBHOOK_KINDS: ClassVar[frozenset[str]] = frozenset({""})  # paths below the provider's own
    # Kinds that ask before money moves and report nothing: see `precheck_response`.
    PRECHECK_KINDS: ClassVar[frozenset[str]] = frozenset()
    HTTP_METHODS: ClassVar[frozenset[str]] = frozenset({"POST"})
    RECURRING_PERIODS: ClassVar[frozenset[str]] = frozenset()  # month, year: renewed by the provider
    # We can charge the payment method of an earlier payment again (`charge_saved_method`).
    SUPPORTS_SAVED_METHODS: ClassVar[bool] = False
    REQUIRES_CONTACT: ClassVar[bool] = False  # it makes receipts, for which it needs the buyer's contact
    SUPPORTS_STATUS: ClassVar[bool] = False  # the state of one payment can be fetched
    # An expired checkout causes no webhook, and `fetch` does not report it.
    EXPIRES_SILENTLY: ClassVar[bool] = False
    SUPPORTS_REFUNDS: ClassVar[bool] = False
    SUPPORTS_STATEMENTS: ClassVar[bool] = False  # it lists the payments of a day
    SUPPORTS_PARTIAL_REFUNDS: ClassVar[bool] = True
    # Seconds for which the provider remembers the idempotency key of a refund.
    IDEMPOTENCY_TTL: ClassVar[int] = 23 * 3600

    def __init__(self, key: str) -> None:
        self.key = key

    def settings(self) -> tuple[Setting, ...]:
        """Return every setting that the provider reads."""
        if not self.API_URL:
            return self.REQUIRED + self.OPTIONAL
        about = "Address of the API, to use another one than the provider’s own."
        return (*self.REQUIRED, *self.OPTIONAL, Setting(self.api_variable, about, default=self.API_URL))

    def required_variables(self) -> tuple[str, ...]:
        """Return the variables without which the provider is not offered."""
        return tuple(setting.name for setting in self.REQUIRED)

    @property
    def api_variable(self) -> str:
        """The variable that replaces API_URL."""
        return f"{self.key.upper()}_API_URL"

    def is_allowed(self) -> bool:
        """Whether the provider may be used in this environment."""
        return not self.ENVIRONMENTS or settings().environment in self.ENVIRONMENTS

    def is_configured(self) -> bool:
        """Whether the provider may be used here and all its required settings are set."""
        return self.is_allowed() and all(settings().variable(name) for name in self.required_variables())

    def renews(self, period: str, currency: str) -> bool:
        """Whether a `month` or a `year` paid in a currency can be renewed, by the provider or by us."""
        is_renewable = period in self.RECURRING_PERIODS or self.SUPPORTS_SAVED_METHODS
        return is_renewable and currency in self.CURRENCIES

    def secrets(self, name: str) -> tuple[str, ...]:
        """Return the secrets in a variable: the current one first, then older ones during a rotation.

        Raises:
            ConfigError: the variable is missing, or a secret is too short.
        """
        values = tuple(word.strip() for word in settings().variable(name).split(",") if word.strip())
        if not values:
            raise ConfigError(f"{name} is missing")
        shortest = next((one.min_length for one in self.REQUIRED if one.name == name), 0)
        if any(len(value) < shortest for value in values):
            raise ConfigError(f"{name} must be {shortest} characters or more")
        return values

    def address(self, path: str = "") -> str:
        """Return the URL of an API path.

        Raises:
            ConfigError: the variable that replaces API_URL is malformed.
        """
        return settings().payment_url(self.key, self.API_URL) + path

    @abstractmethod
    def create(self, order: Order, timeout: float) -> Checkout:
        """Create a checkout. The same order gets the same checkout again, where the provider allows it.

        Args:
            timeout: seconds for all requests together.

        Raises:
            ContactRefused: the provider refuses `order.contact`.
            RequestRefused: it refuses another part of the order.
            PaymentError: no answer.
        """

    @abstractmethod
    def verify(self, request: WebhookRequest) -> None:
        """Accept only authentic webhooks; compare signatures of the raw bytes in constant time.

        Raises:
            InvalidSignature: the webhook is not authentic. No input may raise anything else.
            ConfigError: our secret is missing.
        """

    @abstractmethod
    def parse(self, request: WebhookRequest) -> WebhookEvent:
        """Parse an authentic webhook. May fetch its object from the provider (YooKassa, as the only proof).

        Raises:
            InvalidSignature: the provider's answer shows that the webhook is not authentic.
            InvalidPayload: it does not match the documentation.
            PaymentError: the provider had to be asked and did not answer.
        """

    def fetch(self, order_id: int, reference: str, timeout: float) -> tuple[PaymentEvent, ...]:
        """Fetch the state of a payment by its order and `Checkout.reference`; only with SUPPORTS_STATUS.

        Raises:
            PaymentError: no answer.
        """
        raise NotImplementedError

    def statement(self, since: datetime, until: datetime, cursor: str, timeout: float) -> StatementPage:
        """List what moved from `since` to before `until`, page by page; only with SUPPORTS_STATEMENTS.

        The page holds incoming payments, refunds and disputes in their current state, including those of
        other shops on the same account. Objects that do not match the documentation are logged and skipped.

        Args:
            cursor: of the previous page; empty for the first.

        Raises:
            PaymentError: no answer.
        """
        raise NotImplementedError

    def charge_saved_method(self, order: Order, saved_method: str, timeout: float) -> PaymentEvent:
        """Charge `PaymentEvent.saved_method` for an order; only with SUPPORTS_SAVED_METHODS.

        The same `order.idempotency_key` charges once. A refusal is an event too: FAILED if another attempt
        may succeed, CANCELED if this method can never be charged again.

        Raises:
            PaymentError: no answer, or an answer that leaves the outcome open.
        """
        raise NotImplementedError

    def find_charge(self, order_id: int, since: datetime, timeout: float) -> PaymentEvent | None:
        """Find the last charge of an order since then; only with SUPPORTS_SAVED_METHODS.

        Called when the outcome of `charge_saved_method` is still unknown after IDEMPOTENCY_TTL.

        Returns:
            the charge, or None if there certainly is none.

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
            the result, or None if a webhook will report it.

        Raises:
            PaymentError: refused, or no answer.
        """
        raise NotImplementedError

    def cancel_subscription(
        self, subscription_id: str, telegram_id: int, timeout: float, *, payment_id: str = "", payer: str = ""
    ) -> None:
        """Cancel a subscription at the end of its paid period; only with RECURRING_PERIODS.

        Args:
            payment_id: a charge of the subscription, for providers that know it by nothing else (Stars).
            payer: identifies the subscriber where the provider has no number (`PaymentEvent.payer`).

        Raises:
            PaymentError: refused, or no answer.
        """
        raise NotImplementedError

    # HTTP responses to webhooks, in the provider's format.

    def precheck_response(self, request: WebhookRequest, result: PrecheckResult) -> WebhookResponse:
        """Answer a provider's pre-payment check (read-only), a webhook of one of the PRECHECK_KINDS."""
        raise NotImplementedError

    def success_response(self, request: WebhookRequest) -> WebhookResponse:
        """Return the response after which the provider stops sending this webhook."""
        return WebhookResponse(200, b"OK")

    def retry_response(self, request: WebhookRequest) -> WebhookResponse:
        """Return the response after which the provider sends the webhook again."""
        return WebhookResponse(503, b"try again later")

    def rejection_response(self, request: WebhookRequest) -> WebhookResponse:
        """Return the response to a webhook that is not authentic."""
        return WebhookResponse(401, b"not authentic")
