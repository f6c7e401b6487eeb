"""The payments function with the bots of the tests."""

from functions.payments.main import payments
from tests.functions import telegram

__all__ = ["payments", "telegram"]
