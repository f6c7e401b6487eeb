"""Stripe: Checkout sessions, subscriptions, refunds and disputes; signed events in no fixed order.

`account` holds the objects, `api` answers the shop's calls, `fake_server` is the payer's side.
"""

from tools.emulator.payments.stripe.fake_server import FakeServer

__all__ = ["FakeServer"]
