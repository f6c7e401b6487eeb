"""What every payment stand-in has: bills, what the payer can do with them, and who is told of it."""

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
from tools.emulator.payments.troubles import Troubles
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
class Bill:
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
    told: list[Callback] = field(default_factory=list)
    asked: list[Callback] = field(default_factory=list)  # before the money was taken
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


class PaymentStandIn(ABC):
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
    PAYABLE: ClassVar[frozenset[str]] = frozenset({"open"})  # states in which a bill takes money

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
        self.bills: dict[str, Bill] = {}
        self.lock = threading.RLock()
        self.troubles = Troubles()
        self._base = base
        self.callbacks = Callbacks(
            key, self.callback_url, self.PAUSES, self.is_accepted, trace, retry_scale, self.NAME
        )

    # What a provider fills in.

    @abstractmethod
    def environment(self, url: str) -> dict[str, str]:
        """Return the settings that point a function here; `url` is this stand-in's own address."""

    @abstractmethod
    def api(self, request: Request, path: str) -> Response:
        """Answer a call of the shop's; `path` is the rest after this stand-in's own address."""

    @abstractmethod
    def pay(self, bill: Bill, amount: Decimal) -> list[Callback]:
        """The payer pays so much."""

    @abstractmethod
    def decline(self, bill: Bill) -> list[Callback]:
        """The payer tries, and the bank refuses."""

    @abstractmethod
    def forge(self, bill: Bill) -> list[Callback]:
        """Somebody else says that it is paid."""

    def pay_later(self, bill: Bill) -> list[Callback]:
        """The payer pays, and it is told late and, where more than one thing is told, out of order."""
        return self.pay(bill, bill.amount)

    def refund(self, bill: Bill) -> list[Callback]:
        """The shop gives everything back in the provider's cabinet."""
        raise NotPossible(f"{self.NAME} gives nothing back.")

    def expire(self, bill: Bill) -> list[Callback]:
        """Nobody pays, until it is too late."""
        raise NotPossible(f"{self.NAME} lets nothing expire.")

    def dispute(self, bill: Bill) -> list[Callback]:
        """The payer has the bank take the money back."""
        raise NotPossible(f"{self.NAME} tells nothing of disputes.")

    def win_dispute(self, bill: Bill) -> list[Callback]:
        """The bank gives the money back to the shop."""
        raise NotPossible(f"{self.NAME} tells nothing of disputes.")

    def lose_dispute(self, bill: Bill) -> list[Callback]:
        """The bank keeps the money taken back."""
        raise NotPossible(f"{self.NAME} tells nothing of disputes.")

    def fail_challenge(self, bill: Bill) -> list[Callback]:
        """The payer does not pass the bank's 3-D Secure page."""
        raise NotPossible(f"{self.NAME} knows no 3-D Secure.")

    def renew(self, bill: Bill) -> list[Callback]:
        """The next period of a subscription is charged."""
        raise NotPossible(f"{self.NAME} renews nothing by itself.")

    def fail_renewal(self, bill: Bill) -> list[Callback]:
        """The next period of a subscription cannot be charged."""
        raise NotPossible(f"{self.NAME} renews nothing by itself.")

    def mend_renewal(self, bill: Bill) -> list[Callback]:
        """The next period can be charged again."""
        raise NotPossible(f"{self.NAME} renews nothing by itself.")

    def remove_method(self, bill: Bill) -> list[Callback]:
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

    def next_charge(self, bill: Bill) -> float | None:
        """When the provider itself charges the next period; none without a subscription that runs."""
        return None

    def is_ending(self, bill: Bill) -> bool:
        """Whether the subscription ends with its current period instead of being charged."""
        return False

    def end_period(self, bill: Bill) -> list[Callback]:
        """The last period of a canceled subscription is over."""
        raise NotPossible(f"{self.NAME} ends a subscription when it is canceled.")

    def is_accepted(self, response: RawResponse) -> bool:
        """Whether the shop's answer means to this provider that it is told."""
        return 200 <= response.status < 300

    # What is possible now. A sentence says why not, in the words of the provider where they are known.

    def refusal(self, bill: Bill, action: str) -> str:
        """Return why the provider would refuse an action now; nothing when it would do it."""
        if action in TRIES:
            return self.not_payable(bill)
        checks: dict[str, Callable[[Bill], str]] = {
            "pass_challenge": _not_challenged,
            "fail_challenge": _not_challenged,
            "expire": self.not_expirable,
            "deliver_twice": self._nothing_to_repeat,
            "refund": self.not_refundable,
            "renew": self.not_renewable,
            "fail_renewal": self.not_running,
            "empty_card": lambda bill: (
                self.not_running(bill) or _if(bill.is_card_empty, "It is empty already.")
            ),
            "fill_card": lambda bill: _if(not bill.is_card_empty, "The card has money."),
        }
        return checks[action](bill) if action in checks else ""

    def not_payable(self, bill: Bill) -> str:
        """Return why a bill takes no money."""
        return "" if bill.state in self.PAYABLE else NOT_PAYABLE[bill.state]

    def not_expirable(self, bill: Bill) -> str:
        """Return why a bill cannot expire."""
        return "" if self.is_open(bill) else NOT_PAYABLE[bill.state]

    def not_refundable(self, bill: Bill) -> str:
        """Return why the newest payment of a bill cannot be given back."""
        if bill.state == "refunded":
            return NOT_PAYABLE["refunded"]
        return _if(bill.state != "paid", "Nothing is paid that could be given back.")

    def not_running(self, bill: Bill) -> str:
        """Return why no further period of a subscription is charged."""
        if bill.state not in ("paid", "refunded"):
            return "The first period isn’t paid."
        if self.next_charge(bill) is None:
            return "There is no subscription, or it has ended."
        return _if(self.is_ending(bill), "The subscription is canceled: it ends with its period.")

    def not_renewable(self, bill: Bill) -> str:
        """Return why the next period cannot be charged now."""
        return self.not_running(bill) or _if(bill.is_card_empty, "The card has no money.")

    def _nothing_to_repeat(self, bill: Bill) -> str:
        return (
            "" if _genuine(bill) else self.not_payable(bill) and "Nothing was sent that could be sent twice."
        )

    def status(self, bill: Bill) -> str:
        """Return what the checkout page adds to the state of a bill."""
        if not bill.is_subscription or bill.state not in ("paid", "refunded"):
            return ""
        if self.next_charge(bill) is None:
            return "the subscription has ended"
        return _if(self.is_ending(bill), "the subscription ends with this period")

    # What they share.

    @property
    def url(self) -> str:
        """Its own address."""
        return f"{self._base()}/pay/{self.key}"

    def callback_url(self) -> str:
        """Where it tells things."""
        return f"{self._base()}/payments/{self.key}"

    def checkout_url(self, bill: Bill) -> str:
        """Where the payer pays a bill."""
        return f"{self.url}/checkout/{bill.id}"

    def keep(self, bill: Bill) -> Bill:
        """Remember a bill."""
        with self.lock:
            bill.created_at = self.clock.now()
            self.bills[bill.id] = bill
        return bill

    def act(self, bill_id: str, action: str) -> None:
        """Press a button of a bill's checkout page.

        Raises:
            KeyError: there is no such bill.
            NotPossible: not with this bill, not now.
        """
        with self.lock:
            bill = self.bills[bill_id]
            if action not in self.actions(bill):
                raise NotPossible(f"{self.NAME} has no button for this.")
            if reason := self.refusal(bill, action):
                raise NotPossible(reason)
            getattr(self, f"_{action}")(bill)

    def actions(self, bill: Bill) -> tuple[str, ...]:
        """Return the buttons of a bill's checkout page."""
        return self.ACTIONS + (RENEWALS if bill.is_subscription else ())

    def due_at(self, bill: Bill) -> float | None:
        """When something happens to a bill by itself: it expires, or its next period is charged."""
        if self.is_open(bill):
            return bill.expires_at if "expire" in self.ACTIONS else None
        if bill.state not in ("paid", "refunded"):
            return None
        charge = self.next_charge(bill)
        return None if charge is None else max(charge, bill.retry_at or charge)

    def pass_time(self) -> list[tuple[str, str]]:
        """Let everything happen that is due by now; returns what did: (kind, words)."""
        happened: list[tuple[str, str]] = []
        with self.lock:
            for bill in list(self.bills.values()):
                due = self.due_at(bill)
                if due is not None and due <= self.clock.now():
                    happened += [(kind, f"{self.NAME}: {bill.product}") for kind in self._fall_due(bill, due)]
        return happened

    def _fall_due(self, bill: Bill, due: float) -> list[str]:
        if self.is_open(bill):
            self._expire(bill)
            return ["expired"]
        if self.is_ending(bill):
            self._end_period(bill)
            return ["ended"]
        if not bill.is_card_empty:
            self._renew(bill)
            return ["renewal"]
        bill.retry_at = due + RETRY_SECONDS
        self._fail_renewal(bill)
        return ["failed_renewal", *(["ended"] if self.next_charge(bill) is None else [])]

    def is_open(self, bill: Bill) -> bool:
        """Whether a bill waits for its payer, who may be at the bank's page."""
        return bill.state in self.PAYABLE or bill.state == "challenge"

    def tell(self, bill: Bill, callbacks: list[Callback], after: float = 0.0) -> None:
        """Tell the shop."""
        bill.told += callbacks
        self.callbacks.send(callbacks, after)

    def _pay(self, bill: Bill) -> None:
        self.tell(bill, self.pay(bill, bill.amount))

    def _wrong_amount(self, bill: Bill) -> None:
        self.tell(bill, self.pay(bill, max(Decimal(1), bill.amount // 2)))

    def _decline(self, bill: Bill) -> None:
        self.tell(bill, self.decline(bill))

    def _pay_later(self, bill: Bill) -> None:
        self.tell(bill, self.pay_later(bill), LATER_SECONDS)

    def _deliver_twice(self, bill: Bill) -> None:
        if not _genuine(bill):
            self._pay(bill)
        # Beside the first, not after it: the second comes while the first is still being worked on.
        self.callbacks.send(_genuine(bill))

    def _forge(self, bill: Bill) -> None:
        self.tell(bill, self.forge(bill))

    def _refund(self, bill: Bill) -> None:
        self.tell(bill, self.refund(bill))

    def _challenge(self, bill: Bill) -> None:
        bill.state, bill.state_before = "challenge", bill.state

    def _pass_challenge(self, bill: Bill) -> None:
        bill.state = bill.state_before
        self._pay(bill)

    def _fail_challenge(self, bill: Bill) -> None:
        bill.state = bill.state_before
        self.tell(bill, self.fail_challenge(bill))

    def _expire(self, bill: Bill) -> None:
        self.tell(bill, self.expire(bill))

    def _dispute(self, bill: Bill) -> None:
        self.tell(bill, self.dispute(bill))

    def _win_dispute(self, bill: Bill) -> None:
        self.tell(bill, self.win_dispute(bill))

    def _lose_dispute(self, bill: Bill) -> None:
        self.tell(bill, self.lose_dispute(bill))

    def _renew(self, bill: Bill) -> None:
        charged = self.renew(bill)
        bill.state, bill.retry_at, bill.failures = "paid", None, 0  # a payment of its own: it can be refunded
        self.tell(bill, charged)

    def _fail_renewal(self, bill: Bill) -> None:
        bill.failures += 1  # before it is told: the last failure may end the subscription
        self.tell(bill, self.fail_renewal(bill))

    def _end_period(self, bill: Bill) -> None:
        self.tell(bill, self.end_period(bill))

    def _empty_card(self, bill: Bill) -> None:
        bill.is_card_empty = True

    def _fill_card(self, bill: Bill) -> None:
        bill.is_card_empty = False

    def _mend_renewal(self, bill: Bill) -> None:
        self.tell(bill, self.mend_renewal(bill))

    def _remove_method(self, bill: Bill) -> None:
        self.tell(bill, self.remove_method(bill))


def _genuine(bill: Bill) -> list[Callback]:
    return [callback for callback in bill.told if not callback.is_forged]


def _not_challenged(bill: Bill) -> str:
    return _if(bill.state != "challenge", "The bank has not asked for 3-D Secure.")


def _if(condition: bool, sentence: str) -> str:
    return sentence if condition else ""
