"""Fake servers for the payment providers: their interfaces, their checkout pages, their callbacks.

The fake server of a provider is a class `FakeServer` in the module of the provider's name.
"""

from tools.emulator.payments.callbacks import Callback, Callbacks
from tools.emulator.payments.fake_server import FakePaymentServer
from tools.emulator.payments.invoices import Invoice, NotPossible
from tools.emulator.payments.registry import Payments

__all__ = ["Callback", "Callbacks", "FakePaymentServer", "Invoice", "NotPossible", "Payments"]
