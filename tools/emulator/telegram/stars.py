"""Telegram Stars: invoices, pre-checkout queries, charges, refunds, subscriptions.

A user pays, the bot has ten seconds to agree, then the Stars are taken and successful_payment is posted.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field

from tools.emulator.telegram.model import Account, BotAccount, Json
from tools.emulator.telegram.sending import Sender
from tools.emulator.telegram.state import TelegramState
from tools.emulator.telegram.updates import Updates

CURRENCY = "XTR"
PERIOD = 2_592_000  # seconds: a subscription's only length
ANSWER_SECONDS = 10.0
QUERY_SECONDS = 150.0  # how long the server keeps an undelivered pre-checkout query
QUERY_CLASS = "4"
SUBSCRIPTION_CLASS = "6"
LINK = "https://t.me/$"
# The possible changes of a subscription in each state, and why others are refused.
POSSIBLE = {
    "active": ("renew", "failed", "canceled"),
    "canceled": ("active",),
    "failed": ("renew", "canceled"),
    "ended": (),
}
NOT_POSSIBLE = {
    "active": "The subscription is active.",
    "canceled": "The subscription is canceled: nothing is charged until it is resumed.",
    "failed": "There are too few Stars for the subscription.",
    "ended": "The subscription has ended.",
}
SHEET_WORDS = {
    "closed": "The sheet was closed.",
    "no_stars": "There are too few Stars: Telegram offers to buy some.",
    "failed": "The bot agreed, and the Stars could not be taken.",
}


@dataclass(frozen=True)
class Invoice:
    """What a bot asks to be paid for. `subscription_period` is 0 for a single payment."""

    bot: str
    title: str
    description: str
    payload: str
    amount: int
    subscription_period: int = 0

    def json(self) -> Json:
        """Return the Bot API's Invoice object."""
        return {
            "title": self.title,
            "description": self.description,
            "start_parameter": "",
            "currency": CURRENCY,
            "total_amount": self.amount,
        }


@dataclass
class Purchase:
    """One try of a user to pay an invoice.

    `state`: asked, refused, unanswered, paid; closed and no_stars before the bot is asked, failed after it.
    """

    invoice: Invoice
    user: Account
    query_id: str
    asked_at: float
    state: str = "asked"
    error: str = ""
    charge_id: str = ""
    fails_after_check: bool = False


@dataclass
class Subscription:
    """What a user pays every 30 days. `state`: a key of POSSIBLE."""

    invoice: Invoice
    user: Account
    expires_at: int
    charges: list[str] = field(default_factory=list)
    state: str = "active"

    def json(self) -> Json:
        """Return its charges, its state and what can be done with it."""
        return {"charges": list(self.charges), "state": self.state, "actions": list(POSSIBLE[self.state])}


class Stars:
    """Invoices, charges and subscriptions in Stars. Users always have enough of them."""

    def __init__(self, state: TelegramState, updates: Updates, sender: Sender) -> None:
        self.answer_seconds = ANSWER_SECONDS
        self.commission_per_mille = 0  # of an affiliate who brought the buyers; the bot gets the rest
        self._state = state
        self._updates = updates
        self._sender = sender
        self.forget()

    def forget(self) -> None:
        """Begin again without invoices, charges and subscriptions."""
        with self._state.lock:
            self.links: dict[str, Invoice] = {}
            self.purchases: dict[str, Purchase] = {}
            self.subscriptions: list[Subscription] = []
            self._invoices: dict[tuple[str, int, int], Invoice] = {}
            self._transactions: dict[str, list[Json]] = {}

    def link(self, invoice: Invoice) -> str:
        """Make an address at which any user can pay the invoice, also more than once."""
        with self._state.lock:
            url = LINK + secrets.token_urlsafe(12)
            self.links[url] = invoice
            return url

    def posted(self, chat_id: int, message_id: int, invoice: Invoice) -> None:
        """Remember which invoice a message is."""
        self._invoices[(invoice.bot, chat_id, message_id)] = invoice

    def invoice_of(self, bot: str, chat_id: int, message_id: int) -> Invoice | None:
        """Return the invoice that a message of the bot is."""
        return self._invoices.get((bot, chat_id, message_id))

    def give_up(self, invoice: Invoice, user: Account, state: str) -> Purchase:
        """End a payment at the sheet, closed or with too few Stars. The bot gets no update."""
        purchase = Purchase(invoice, user, "", self._state.clock.now())
        with self._state.lock:
            self._end(purchase, state, SHEET_WORDS[state])
        return purchase

    def pay(self, invoice: Invoice, user: Account, *, fails_after_check: bool = False) -> Purchase:
        """Pay an invoice as a user; the outcome shows in the purchase.

        `fails_after_check`: the bot agrees, and the Stars cannot be taken after all.
        """
        bot = self._state.bots[invoice.bot]
        with self._state.lock:
            now = self._state.clock.now()
            purchase = Purchase(
                invoice, user, str(secrets.randbits(62)), now, fails_after_check=fails_after_check
            )
            self.purchases[purchase.query_id] = purchase
            query = {
                "id": purchase.query_id,
                "from": user.json(),
                "currency": CURRENCY,
                "total_amount": invoice.amount,
                "invoice_payload": invoice.payload,
            }
            self._updates.enqueue(
                bot,
                "pre_checkout_query",
                query,
                (QUERY_CLASS, user.id),
                now + QUERY_SECONDS,
                chat_id=user.id,
            )
        timer = threading.Timer(self.answer_seconds, self._give_up, (purchase,))
        timer.daemon = True
        timer.start()
        return purchase

    def answer(self, query_id: str, bot: str, ok: bool, error: str) -> bool:
        """Take the bot's answer; False when it is late, a second one, or another bot's."""
        with self._state.lock:
            purchase = self.purchases.get(query_id)
            if purchase is None or purchase.invoice.bot != bot or purchase.state != "asked":
                return False
            if self._state.clock.now() - purchase.asked_at > self.answer_seconds:
                return False
            if not ok:
                self._end(purchase, "refused", error)
                return True
            if purchase.fails_after_check:
                self._end(purchase, "failed", SHEET_WORDS["failed"])
                return True
            purchase.charge_id = self._charge(purchase.invoice, purchase.user)
            self._end(purchase, "paid")
            return True

    def refund(self, bot: str, user_id: int, charge_id: str) -> str:
        """Refund Stars; returns Telegram's error code, or nothing."""
        with self._state.lock:
            mine = self._transactions.get(bot, [])
            paid = next((one for one in mine if one["id"] == charge_id and "source" in one), None)
            if paid is None or paid["source"]["user"]["id"] != user_id:
                return "CHARGE_NOT_FOUND"
            if any(one["id"] == charge_id and "receiver" in one for one in mine):
                return "CHARGE_ALREADY_REFUNDED"
            partner = dict(paid["source"])
            total = paid["amount"]
            if affiliate := partner.get("affiliate"):
                total += affiliate["amount"]
                partner["affiliate"] = affiliate | {"amount": -affiliate["amount"]}
            mine.append(
                {
                    "id": charge_id,
                    "amount": paid["amount"],
                    "date": int(self._state.clock.now()),
                    "receiver": partner,
                }
            )
            content = {
                "currency": CURRENCY,
                "total_amount": total,
                "invoice_payload": partner["invoice_payload"],
                "telegram_payment_charge_id": charge_id,
            }
            room = self._state.private_room(user_id, bot)
            self._sender.message(room, self._state.users[user_id], {"refunded_payment": content})
            return ""

    def edit(self, bot: str, user_id: int, charge_id: str, is_canceled: bool) -> bool:
        """Let the bot stop or resume a subscription; False when it has none with this charge."""
        with self._state.lock:
            for one in self.subscriptions:
                is_of = one.invoice.bot == bot and one.user.id == user_id and charge_id in one.charges
                if is_of and one.state != "ended":
                    one.state = "canceled" if is_canceled else "active"
                    self._show(one)
                    return True
            return False

    def change(self, subscription: Subscription, state: str) -> None:
        """Cancel or resume a subscription, or fail its renewal, as the user; the bot gets an update."""
        with self._state.lock:
            subscription.state = state
            self._show(subscription)
            self._updates.enqueue(
                self._state.bots[subscription.invoice.bot],
                "subscription",
                {
                    "user": subscription.user.json(),
                    "invoice_payload": subscription.invoice.payload,
                    "state": state,
                },
                (SUBSCRIPTION_CLASS, subscription.user.id),
                self._state.clock.now() + 86400,
                chat_id=subscription.user.id,
            )

    def renew(self, subscription: Subscription) -> str:
        """Charge the next 30 days; returns the charge id."""
        with self._state.lock:
            return self._charge(subscription.invoice, subscription.user, subscription)

    def next_due(self) -> list[tuple[float, str]]:
        """Return when Telegram charges or ends subscriptions by itself: (Unix time, title)."""
        with self._state.lock:
            going = [one for one in self.subscriptions if one.state in ("active", "canceled")]
            return [(one.expires_at, f"Telegram Stars: {one.invoice.title}") for one in going]

    def pass_time(self) -> list[tuple[str, str]]:
        """Charge or end what is due by now; returns what happened: (kind, words)."""
        happened = []
        with self._state.lock:
            for one in self.subscriptions:
                if one.expires_at > self._state.clock.now() or one.state not in ("active", "canceled"):
                    continue
                kind = "renewal" if one.state == "active" else "ended"
                if kind == "renewal":
                    self.renew(one)
                else:
                    one.state = "ended"
                    self._show(one)
                happened.append((kind, f"Telegram Stars: {one.invoice.title}"))
        return happened

    def transactions(self, bot: BotAccount, offset: int, limit: int) -> list[Json]:
        """Return what happened to a bot's Stars, the oldest first."""
        with self._state.lock:
            return self._transactions.get(bot.name, [])[offset : offset + limit]

    def balance(self, bot: BotAccount) -> int:
        """Return the Stars that a bot has."""
        with self._state.lock:
            mine = self._transactions.get(bot.name, [])
            return sum(one["amount"] if "source" in one else -one["amount"] for one in mine)

    def _charge(self, invoice: Invoice, user: Account, renewed: Subscription | None = None) -> str:
        """Take the Stars and post successful_payment."""
        charge_id = f"stx{secrets.token_urlsafe(24)}"
        now = int(self._state.clock.now())
        fee = invoice.amount * self.commission_per_mille // 1000
        partner = _partner(invoice, user)
        if self.commission_per_mille:
            partner["affiliate"] = {"commission_per_mille": self.commission_per_mille, "amount": fee}
        self._transactions.setdefault(invoice.bot, []).append(
            {"id": charge_id, "amount": invoice.amount - fee, "date": now, "source": partner}
        )
        payment: Json = {
            "currency": CURRENCY,
            "total_amount": invoice.amount,
            "invoice_payload": invoice.payload,
            "telegram_payment_charge_id": charge_id,
            "provider_payment_charge_id": f"{user.id}_{len(self.purchases)}",
        }
        if invoice.subscription_period:
            subscription = renewed or Subscription(invoice, user, now)
            subscription.expires_at = max(subscription.expires_at, now) + invoice.subscription_period
            subscription.charges.append(charge_id)
            subscription.state = "active"
            self._show(subscription)
            payment |= {"subscription_expiration_date": subscription.expires_at, "is_recurring": True}
            if renewed is None:
                self.subscriptions.append(subscription)
                payment["is_first_recurring"] = True
        room = self._state.private_room(user.id, invoice.bot)
        self._sender.message(room, user, {"successful_payment": payment})
        return charge_id

    def _show(self, subscription: Subscription) -> None:
        of = {"user": subscription.user.id, "bot": subscription.invoice.bot}
        self._state.publish("subscription", of | subscription.json())

    def _give_up(self, purchase: Purchase) -> None:
        with self._state.lock:
            if purchase.state == "asked":
                self._end(purchase, "unanswered", "The bot did not answer in time.")

    def _end(self, purchase: Purchase, state: str, error: str = "") -> None:
        purchase.state, purchase.error = state, error
        # The chat of a payment is the private one, wherever the invoice was posted.
        outcome: Json = {"user": purchase.user.id, "bot": purchase.invoice.bot, "state": state}
        outcome["chat_id"] = purchase.user.id
        self._state.publish("purchase", outcome | {"error": error, "title": purchase.invoice.title})


def _partner(invoice: Invoice, user: Account) -> Json:
    partner: Json = {
        "type": "user",
        "transaction_type": "invoice_payment",
        "user": user.json(),
        "invoice_payload": invoice.payload,
    }
    if invoice.subscription_period:
        partner["subscription_period"] = invoice.subscription_period
    return partner
