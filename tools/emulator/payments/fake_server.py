"""What every payment fake server has: invoices, what the payer can do with them, and who is told of it."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from tools.emulator.clock import Clock
from tools.emulator.payments.callbacks import Callback, Callbacks
from tools.emulator.payments.faults import PaymentFaults
from tools.emulator.telegram import RawResponse
from tools.emulator.trace import Trace
from tools.emulator.web import Request, Response

Json = dict[str, Any]

CHALLENGES = ("challenge", "pass_challenge", "fail_challenge")
RENEWALS = ("renew", "fail_renewal", "empty_card", "fill_card")
TRIES = frozenset({"pay", "decline", "pay_later", "wrong_amount", "challenge"})  # of the payer
RETRY_SECONDS = 86400.0  # from a renewal that failed by itself to the next try
LATER_SECONDS = 300.0  # of the provider's; see callbacks.MINUTE
# What the checkout page's buttons do, and what they say.
ACTIONS = {
    "pay": "Pay",
    "decline": "Decline",
    "pay_later": "Pay later",
    "wrong_amount": "Wrong amount",
    "deliver_twice": "Deliver twice",
    "forge": "Forge",
    "refund": "Refund",
    "expire": "Let it expire",
    "challenge": "Ask for 3-D Secure",
    "pass_challenge": "3-D Secure passed",
    "fail_challenge": "3-D Secure failed",
    "dispute": "Dispute",
    "win_dispute": "Dispute won",
    "lose_dispute": "Dispute lost",
    "renew": "Renew",
    "fail_renewal": "Renewal fails",
    "mend_renewal": "Renewal works again",
    "remove_method": "Card removed",
    "empty_card": "Empty the card",
    "fill_card": "Fill the card",
    "end_period": "Let the period end",
}
NOT_PAYABLE = {
    "pending": "It is being paid already.",
    "challenge": "The payer is at the bank’s page already.",
    "declined": "It is declined already: a new payment is needed.",
    "paid": "It is paid already.",
    "refunded": "It is refunded already.",
    "canceled": "It has expired already.",
}


class NotPossible(Exception):
    """The provider would not do this now; the message is a sentence for the page."""


@dataclass
class Invoice:
    """What a payer is asked for. `state` is for the page, `object` the provider's own picture of it."""

    id: str
    amount: Decimal
    currency: str
    title: str
    return_url: str = ""
    state: str = "open"  # open | pending | challenge | declined | paid | refunded | canceled
    state_before: str = ""  # the challenge
    is_subscription: bool = False
    object: Json = field(default_factory=dict)
    callbacks: list[Callback] = field(default_factory=list)
    prechecks: list[Callback] = field(default_factory=list)  # before the money was taken
    created_at: float = 0.0  # by the emulator's clock, as the moments below
    expires_at: float | None = None
    retry_at: float | None = None  # when the provider tries a failed renewal again
    failures: int = 0  # of the provider's own renewals, in a row
    is_card_empty: bool = False  # what the next renewal by the provider itself will find
    language: str = ""  # of the checkout page, where the shop may ask for one

    @property
    def product(self) -> str:
        """Return the title without the description, which some shops put behind it."""
        return self.title.partition(". ")[0]


class FakePaymentServer(ABC):
    """One provider. What a payer does returns what the provider tells the shop, in the order it arrives."""

    NAME: ClassVar[str]  # as its checkout page calls it
    LANGUAGE: ClassVar[str] = "en"  # of the checkout page
    COLOUR: ClassVar[str]  # of its checkout page, as CSS has it
    PAUSES: ClassVar[tuple[float, ...]]  # its seconds between two attempts to tell something
    ADDRESS: ClassVar[str] = ""  # where its callbacks come from
    ACTIONS: ClassVar[tuple[str, ...]] = (
        "pay",
        "decline",
        "pay_later",
        "wrong_amount",
        "deliver_twice",
        "forge",
        "refund",
    )
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = ()  # of its checkout page, where it takes no cards
    page_size = 100  # objects that its lists show at once
    SIGNATURES: ClassVar[tuple[str, ...]] = ()  # headers that prove its callbacks
    PAYABLE: ClassVar[frozenset[str]] = frozenset({"open"})  # states in which a invoice takes money

    def __init__(
        self,
        key: str,
        base: Callable[[], str],
        trace: Trace,
        retry_scale: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        self.key = key
        self.trace = trace
        self.clock = clock or Clock()
        self.invoices: dict[str, Invoice] = {}
        self.lock = threading.RLock()
        self.faults = PaymentFaults()
        self._base = base
        self.callbacks = Callbacks(
            key, self.callback_url, self.PAUSES, self.is_accepted, trace, retry_scale, self.NAME
        )

    # What a provider fills in.

    @abstractmethod
    def environment(self, url: str) -> dict[str, str]:
        """Return the settings that point a function here; `url` is this fake server's own address."""

    @abstractmethod
    def api(self, request: Request, path: str) -> Response:
        """Answer a call of the shop's; `path` is the rest after this fake server's own address."""

    @abstractmethod
    def pay(self, invoice: Invoice, amount: Decimal) -> list[Callback]:
        """The payer pays so much."""

    @abstractmethod
    def decline(self, invoice: Invoice) -> list[Callback]:
        """The payer tries, and the bank refuses."""

    @abstractmethod
    def forge(self, invoice: Invoice) -> list[Callback]:
        """Somebody else says that it is paid."""

    def pay_later(self, invoice: Invoice) -> list[Callback]:
        """The payer pays, and it is told late and, where more than one thing is told, out of order."""
        return self.pay(invoice, invoice.amount)

    def refund(self, invoice: Invoice) -> list[Callback]:
        """The shop gives everything back in the provider's cabinet."""
        raise NotPossible(f"{self.NAME} gives nothing back.")

    def expire(self, invoice: Invoice) -> list[Callback]:
        """Nobody pays, until it is too late."""
        raise NotPossible(f"{self.NAME} lets nothing expire.")

    def dispute(self, invoice: Invoice) -> list[Callback]:
        """The payer has the bank take the money back."""
        raise NotPossible(f"{self.NAME} tells nothing of disputes.")

    def win_dispute(self, invoice: Invoice) -> list[Callback]:
        """The bank gives the money back to the shop."""
        raise NotPossible(f"{self.NAME} tells nothing of disputes.")

    def lose_dispute(self, invoice: Invoice) -> list[Callback]:
        """The bank keeps the money taken back."""
        raise NotPossible(f"{self.NAME} tells nothing of disputes.")

    def fail_challenge(self, invoice: Invoice) -> list[Callback]:
        """The payer does not pass the bank's 3-D Secure page."""
        raise NotPossible(f"{self.NAME} knows no 3-D Secure.")

    def renew(self, invoice: Invoice) -> list[Callback]:
        """The next period of a subscription is charged."""
        raise NotPossible(f"{self.NAME} renews nothing by itself.")

    def fail_renewal(self, invoice: Invoice) -> list[Callback]:
        """The next period of a subscription cannot be charged."""
        raise NotPossible(f"{self.NAME} renews nothing by itself.")

    def mend_renewal(self, invoice: Invoice) -> list[Callback]:
        """The next period can be charged again."""
        raise NotPossible(f"{self.NAME} renews nothing by itself.")

    def remove_method(self, invoice: Invoice) -> list[Callback]:
        """The payer takes back that the shop may charge their card."""
        raise NotPossible(f"{self.NAME} saves no cards.")

    @abstractmethod
    def rewrite(self, callback: Callback, text: str, *, is_genuine: bool) -> Callback:
        """Return a callback with an edited body, signed anew: with the provider's secret, or another."""

    def editable(self, callback: Callback) -> str:
        """Return a callback's body as text to edit."""
        body = callback.write(1)[1].decode("utf-8", "replace")
        try:
            return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
        except ValueError:
            return body

    def next_charge(self, invoice: Invoice) -> float | None:
        """When the provider itself charges the next period; none without a subscription that runs."""
        return None

    def is_ending(self, invoice: Invoice) -> bool:
        """Whether the subscription ends with its current period instead of being charged."""
        return False

    def end_period(self, invoice: Invoice) -> list[Callback]:
        """The last period of a canceled subscription is over."""
        raise NotPossible(f"{self.NAME} ends a subscription when it is canceled.")

    def is_accepted(self, response: RawResponse) -> bool:
        """Whether the shop's answer means to this provider that it is told."""
        return 200 <= response.status < 300

    # What is possible now. A sentence says why not, in the words of the provider where they are known.

    def refusal(self, invoice: Invoice, action: str) -> str:
        """Return why the provider would refuse an action now; nothing when it would do it."""
        if action in TRIES:
            return self.not_payable(invoice)
        checks: dict[str, Callable[[Invoice], str]] = {
            "pass_challenge": _not_challenged,
            "fail_challenge": _not_challenged,
            "expire": self.not_expirable,
            "deliver_twice": self._nothing_to_repeat,
            "refund": self.not_refundable,
            "renew": self.not_renewable,
            "fail_renewal": self.not_running,
            "empty_card": lambda invoice: (
                self.not_running(invoice) or _if(invoice.is_card_empty, "It is empty already.")
            ),
            "fill_card": lambda invoice: _if(not invoice.is_card_empty, "The card has money."),
        }
        return checks[action](invoice) if action in checks else ""

    def not_payable(self, invoice: Invoice) -> str:
        """Return why a invoice takes no money."""
        return "" if invoice.state in self.PAYABLE else NOT_PAYABLE[invoice.state]

    def not_expirable(self, invoice: Invoice) -> str:
        """Return why a invoice cannot expire."""
        return "" if self.is_open(invoice) else NOT_PAYABLE[invoice.state]

    def not_refundable(self, invoice: Invoice) -> str:
        """Return why the newest payment of a invoice cannot be given back."""
        if invoice.state == "refunded":
            return NOT_PAYABLE["refunded"]
        return _if(invoice.state != "paid", "Nothing is paid that could be given back.")

    def not_running(self, invoice: Invoice) -> str:
        """Return why no further period of a subscription is charged."""
        if invoice.state not in ("paid", "refunded"):
            return "The first period isn’t paid."
        if self.next_charge(invoice) is None:
            return "There is no subscription, or it has ended."
        return _if(self.is_ending(invoice), "The subscription is canceled: it ends with its period.")

    def not_renewable(self, invoice: Invoice) -> str:
        """Return why the next period cannot be charged now."""
        return self.not_running(invoice) or _if(invoice.is_card_empty, "The card has no money.")

    def _nothing_to_repeat(self, invoice: Invoice) -> str:
        return (
            ""
            if _genuine(invoice)
            else self.not_payable(invoice) and "Nothing was sent that could be sent twice."
        )

    def status(self, invoice: Invoice) -> str:
        """Return what the checkout page adds to the state of a invoice."""
        if not invoice.is_subscription or invoice.state not in ("paid", "refunded"):
            return ""
        if self.next_charge(invoice) is None:
            return "the subscription has ended"
        return _if(self.is_ending(invoice), "the subscription ends with this period")

    # What they share.

    @property
    def url(self) -> str:
        """Its own address."""
        return f"{self._base()}/pay/{self.key}"

    def callback_url(self) -> str:
        """Where it tells things."""
        return f"{self._base()}/payments/{self.key}"

    def checkout_url(self, invoice: Invoice) -> str:
        """Where the payer pays a invoice."""
        return f"{self.url}/checkout/{invoice.id}"

    def keep(self, invoice: Invoice) -> Invoice:
        """Remember a invoice."""
        with self.lock:
            invoice.created_at = self.clock.now()
            self.invoices[invoice.id] = invoice
        return invoice

    def act(self, invoice_id: str, action: str) -> None:
        """Press a button of a invoice's checkout page.

        Raises:
            KeyError: there is no such invoice.
            NotPossible: not with this invoice, not now.
        """
        with self.lock:
            invoice = self.invoices[invoice_id]
            if action not in self.actions(invoice):
                raise NotPossible(f"{self.NAME} has no button for this.")
            if reason := self.refusal(invoice, action):
                raise NotPossible(reason)
            getattr(self, f"_{action}")(invoice)

    def actions(self, invoice: Invoice) -> tuple[str, ...]:
        """Return the buttons of a invoice's checkout page."""
        return self.ACTIONS + (RENEWALS if invoice.is_subscription else ())

    def due_at(self, invoice: Invoice) -> float | None:
        """When something happens to a invoice by itself: it expires, or its next period is charged."""
        if self.is_open(invoice):
            return invoice.expires_at if "expire" in self.ACTIONS else None
        if invoice.state not in ("paid", "refunded"):
            return None
        charge = self.next_charge(invoice)
        return None if charge is None else max(charge, invoice.retry_at or charge)

    def pass_time(self) -> list[tuple[str, str]]:
        """Let everything happen that is due by now; returns what did: (kind, words)."""
        happened: list[tuple[str, str]] = []
        with self.lock:
            for invoice in list(self.invoices.values()):
                due = self.due_at(invoice)
                if due is not None and due <= self.clock.now():
                    happened += [
                        (kind, f"{self.NAME}: {invoice.product}") for kind in self._fall_due(invoice, due)
                    ]
        return happened

    def _fall_due(self, invoice: Invoice, due: float) -> list[str]:
        if self.is_open(invoice):
            self._expire(invoice)
            return ["expired"]
        if self.is_ending(invoice):
            self._end_period(invoice)
            return ["ended"]
        if not invoice.is_card_empty:
            self._renew(invoice)
            return ["renewal"]
        invoice.retry_at = due + RETRY_SECONDS
        self._fail_renewal(invoice)
        return ["failed_renewal", *(["ended"] if self.next_charge(invoice) is None else [])]

    def is_open(self, invoice: Invoice) -> bool:
        """Whether a invoice waits for its payer, who may be at the bank's page."""
        return invoice.state in self.PAYABLE or invoice.state == "challenge"

    def send(self, invoice: Invoice, callbacks: list[Callback], after: float = 0.0) -> None:
        """Tell the shop."""
        invoice.callbacks += callbacks
        self.callbacks.send(callbacks, after)

    def _pay(self, invoice: Invoice) -> None:
        self.send(invoice, self.pay(invoice, invoice.amount))

    def _wrong_amount(self, invoice: Invoice) -> None:
        self.send(invoice, self.pay(invoice, max(Decimal(1), invoice.amount // 2)))

    def _decline(self, invoice: Invoice) -> None:
        self.send(invoice, self.decline(invoice))

    def _pay_later(self, invoice: Invoice) -> None:
        self.send(invoice, self.pay_later(invoice), LATER_SECONDS)

    def _deliver_twice(self, invoice: Invoice) -> None:
        if not _genuine(invoice):
            self._pay(invoice)
        # Beside the first, not after it: the second comes while the first is still being worked on.
        self.callbacks.send(_genuine(invoice))

    def _forge(self, invoice: Invoice) -> None:
        self.send(invoice, self.forge(invoice))

    def _refund(self, invoice: Invoice) -> None:
        self.send(invoice, self.refund(invoice))

    def _challenge(self, invoice: Invoice) -> None:
        invoice.state, invoice.state_before = "challenge", invoice.state

    def _pass_challenge(self, invoice: Invoice) -> None:
        invoice.state = invoice.state_before
        self._pay(invoice)

    def _fail_challenge(self, invoice: Invoice) -> None:
        invoice.state = invoice.state_before
        self.send(invoice, self.fail_challenge(invoice))

    def _expire(self, invoice: Invoice) -> None:
        self.send(invoice, self.expire(invoice))

    def _dispute(self, invoice: Invoice) -> None:
        self.send(invoice, self.dispute(invoice))

    def _win_dispute(self, invoice: Invoice) -> None:
        self.send(invoice, self.win_dispute(invoice))

    def _lose_dispute(self, invoice: Invoice) -> None:
        self.send(invoice, self.lose_dispute(invoice))

    def _renew(self, invoice: Invoice) -> None:
        charged = self.renew(invoice)
        invoice.state, invoice.retry_at, invoice.failures = (
            "paid",
            None,
            0,
        )  # a payment of its own: it can be refunded
        self.send(invoice, charged)

    def _fail_renewal(self, invoice: Invoice) -> None:
        invoice.failures += 1  # before it is told: the last failure may end the subscription
        self.send(invoice, self.fail_renewal(invoice))

    def _end_period(self, invoice: Invoice) -> None:
        self.send(invoice, self.end_period(invoice))

    def _empty_card(self, invoice: Invoice) -> None:
        invoice.is_card_empty = True

    def _fill_card(self, invoice: Invoice) -> None:
        invoice.is_card_empty = False

    def _mend_renewal(self, invoice: Invoice) -> None:
        self.send(invoice, self.mend_renewal(invoice))

    def _remove_method(self, invoice: Invoice) -> None:
        self.send(invoice, self.remove_method(invoice))


def _genuine(invoice: Invoice) -> list[Callback]:
    return [callback for callback in invoice.callbacks if not callback.is_forged]


def _not_challenged(invoice: Invoice) -> str:
    return _if(invoice.state != "challenge", "The bank has not asked for 3-D Secure.")


def _if(condition: bool, sentence: str) -> str:
    return sentence if condition else ""
