"""Invoices and subscriptions in Telegram Stars, seen by their payer: a part of the emulator's HTTP API."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tools.emulator.control.bodies import Refused, optional_number
from tools.emulator.control.chat_finder import ChatFinder
from tools.emulator.telegram import Chat, Telegram
from tools.emulator.telegram.model import Json, Stored
from tools.emulator.telegram.stars import CURRENCY, NOT_POSSIBLE, POSSIBLE, Invoice

# How the sheet of an invoice ends before the bot is asked; None: it is asked.
OUTCOMES = {"pay": None, "close": "closed", "no_stars": "no_stars", "fail_after_check": None}
NO_INVOICE = "There is no invoice in this chat."
SUBSCRIPTION_WISHES = ("renew", "canceled", "active", "failed")


class StarsRoutes:
    """One method for each route; `get` and `post` list them."""

    def __init__(self, telegram: Telegram, chats: ChatFinder) -> None:
        self._chats = chats
        self._stars = telegram.stars
        self._transcripts = telegram.transcripts
        self._state = telegram.state
        self.get: dict[str, Callable[[Json], Json]] = {"invoice": self._show}
        self.post: dict[str, Callable[[Json], Json]] = {
            "pay": self._pay,
            "subscription": self._subscription,
        }

    def _show(self, query: Json) -> Json:
        """Return what the payment sheet of an invoice in Stars shows.

        user, bot, group: the chat
        message_id: the invoice's message, or
        link: the address of an invoice; without either, the newest invoice of the chat
        """
        return {"invoice": invoice_json(self._invoice(self._chats.chat(query), query))}

    def _pay(self, body: Json) -> Json:
        """Open an invoice in Stars, and pay it or not.

        user, bot, group: the chat
        message_id: the invoice's message, or
        link: the address of an invoice; without either, the newest invoice of the chat
        outcome: pay (if left out), close (the sheet), no_stars (too few) or fail_after_check (the bot agreed)
        """
        chat = self._chats.chat(body)
        invoice = self._invoice(chat, body)
        outcome = str(body.get("outcome") or "pay")
        if outcome not in OUTCOMES:
            raise Refused(f"An outcome is one of {', '.join(OUTCOMES)}.")
        cursor = self._transcripts.cursor
        if state := OUTCOMES[outcome]:
            purchase = self._stars.give_up(invoice, chat.user, state)
        else:
            purchase = self._stars.pay(invoice, chat.user, fails_after_check=outcome == "fail_after_check")
        return {
            "outcome": outcome,
            "pre_checkout_query_id": purchase.query_id or None,
            "amount": invoice.amount,
            "invoice": invoice_json(invoice),
            "cursor": cursor,
        }

    def _invoice(self, chat: Chat, body: Json) -> Invoice:
        message = optional_number(body, "message_id")
        if body.get("link"):
            invoice = self._stars.links.get(str(body["link"]))
        elif message is not None:
            invoice = self._posted(chat, chat.room.messages.get(message))
        else:
            invoice = next(self._newest(chat), None)
        if invoice is None:
            raise Refused("There is no such invoice any more." if body.get("link") or message else NO_INVOICE)
        return invoice

    def _posted(self, chat: Chat, stored: Stored | None) -> Invoice | None:
        if stored is None:
            return None
        return self._stars.invoice_of(stored.bot or "", chat.room.id, stored.message_id)

    def _newest(self, chat: Chat) -> Iterator[Invoice]:
        """Yield the invoices of a chat, messages and addresses on buttons, the newest first."""
        with self._state.lock:
            messages = list(chat.room.messages.values())
        for stored in reversed(messages):
            if invoice := self._posted(chat, stored):
                yield invoice
            rows = (stored.data.get("reply_markup") or {}).get("inline_keyboard", [])
            for button in (button for row in rows for button in row):
                if invoice := self._stars.links.get(str(button.get("url"))):
                    yield invoice

    def _subscription(self, body: Json) -> Json:
        """Change a subscription in Stars.

        user, bot: the private chat
        charge_id: any charge of the subscription
        do: "renew", "canceled", "active" or "failed"; GET /api/chat lists what is possible now
        """
        charge, wish = str(body.get("charge_id")), str(body.get("do"))
        mine = next((one for one in self._chats.chat(body).subscriptions if charge in one.charges), None)
        if mine is None:
            raise Refused("There is no such subscription any more.")
        if wish not in SUBSCRIPTION_WISHES:
            raise Refused(f"A subscription cannot be {wish}.")
        if wish not in POSSIBLE[mine.state]:
            raise Refused(NOT_POSSIBLE[mine.state])
        if wish == "renew":
            self._stars.renew(mine)
        else:
            self._stars.change(mine, wish)
        return {"state": mine.state}


def invoice_json(invoice: Invoice) -> Json:
    """Return an invoice as its payment sheet shows it."""
    return {
        "bot": invoice.bot,
        "title": invoice.title,
        "description": invoice.description,
        "currency": CURRENCY,
        "total_amount": invoice.amount,
        "subscription_period": invoice.subscription_period or None,
    }
