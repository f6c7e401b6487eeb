"""The payments function, knowing the same bots as the telegram function of the tests."""

from functions.payments.main import payments
from tests.functions import telegram

__all__ = ["payments", "telegram"]
