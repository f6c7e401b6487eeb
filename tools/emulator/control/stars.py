"""Invoices and subscriptions in Telegram Stars, seen by their payer: a part of the emulator's HTTP API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from pydantic import Field

from tools.emulator.control.bodies import ChatFields, OptionalNumber, Refused
from tools.emulator.control.chat_finder import ChatFinder
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.telegram import Chat, Telegram
from tools.emulator.telegram.model import Stored
from tools.emulator.telegram.stars import CURRENCY, NOT_POSSIBLE, POSSIBLE, Invoice
from tools.validation import Sentence

Outcome = Literal["pay", "close", "no_stars", "fail_after_check"]
# How the sheet of an invoice ends before the bot is asked; at any other outcome it is asked.
OUTCOMES = {"close": "closed", "no_stars": "no_stars"}
NO_INVOICE = "There is no invoice in this chat."
SUBSCRIPTION_WISHES = ("renew", "canceled", "active", "failed")


class InvoiceFields(ChatFields):
    """An invoice of a chat."""

    message_id: OptionalNumber = Field(None, description="the invoice's message, or")
    link: str = Field(
        "", description="the address of an invoice; without either, the newest invoice of the chat"
    )


class PayBody(InvoiceFields):
    """An invoice, and what its payer does."""

    outcome: Annotated[Outcome, Sentence(f"An outcome is one of {', '.join(get_args(Outcome))}.")] = Field(
        "pay",
        description="pay (if left out), close (the sheet), no_stars (too few) "
        "or fail_after_check (the bot agreed)",
    )


class SubscriptionBody(ChatFields):
    """A change of a subscription."""

    charge_id: str = Field("", description="any charge of the subscription")
    do: str = Field(
        "", description='"renew", "canceled", "active" or "failed"; GET /api/chat lists what is possible now'
    )


class StarsRoutes:
    """One method for each route; `get` and `post` list them."""

    def __init__(self, telegram: Telegram, chats: ChatFinder) -> None:
        self._chats = chats
        self._stars = telegram.stars
        self._transcripts = telegram.transcripts
        self._state = telegram.state
        self.get: Routes = {"invoice": Route(InvoiceFields, self._show)}
        self.post: Routes = {
            "pay": Route(PayBody, self._pay),
            "subscription": Route(SubscriptionBody, self._subscription),
        }

    def _show(self, query: InvoiceFields) -> Json:
        """Return what the payment sheet of an invoice in Stars shows."""
        return {"invoice": invoice_json(self._invoice(self._chats.chat(query), query))}

    def _pay(self, body: PayBody) -> Json:
        """Open an invoice in Stars, and pay it or not."""
        chat = self._chats.chat(body)
        invoice = self._invoice(chat, body)
        outcome, cursor = body.outcome, self._transcripts.cursor
        if state := OUTCOMES.get(outcome):
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

    def _invoice(self, chat: Chat, named: InvoiceFields) -> Invoice:
        message = named.message_id
        if named.link:
            invoice = self._stars.links.get(named.link)
        elif message is not None:
            invoice = self._posted(chat, chat.room.messages.get(message))
        else:
            invoice = next(self._newest(chat), None)
        if invoice is None:
            raise Refused("There is no such invoice any more." if named.link or message else NO_INVOICE)
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

    def _subscription(self, body: SubscriptionBody) -> Json:
        """Change a subscription in Stars."""
        charge, wish = body.charge_id, body.do
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
