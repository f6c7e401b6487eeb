"""Prodamus: links to the payment page, notices signed as PHP reads them, subscriptions.

Source: https://help.prodamus.ru/payform/integracii, read on 2026-11-21. A refund is made in the cabinet, and
there is no callback.
"""

from tools.emulator.payments.prodamus.fake_server import FakeServer

__all__ = ["FakeServer"]
