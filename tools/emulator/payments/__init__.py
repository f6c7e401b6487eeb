"""Stand-ins for the payment providers: their interfaces, their checkout pages, their callbacks.

A provider's stand-in is the file of its name here, a class `StandIn`; everything else follows from that.
"""

from tools.emulator.payments.callbacks import Callback, Callbacks
from tools.emulator.payments.desk import Payments
from tools.emulator.payments.stand_in import Bill, NotPossible, PaymentStandIn

__all__ = ["Bill", "Callback", "Callbacks", "NotPossible", "PaymentStandIn", "Payments"]
