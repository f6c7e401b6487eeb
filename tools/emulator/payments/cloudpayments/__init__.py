"""CloudPayments: its API, its seven kinds of callbacks, its two signatures.

Source: https://developers.cloudpayments.ru, read on 2026-11-21.
"""

from tools.emulator.payments.cloudpayments.fake_server import FakeServer

__all__ = ["FakeServer"]
