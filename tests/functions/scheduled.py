"""The scheduled function, knowing the same bots as the telegram function of the tests."""

from functions.scheduled.main import scheduled
from tests.functions import telegram

__all__ = ["scheduled", "telegram"]
