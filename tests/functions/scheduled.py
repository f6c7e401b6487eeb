"""The scheduled function with the bots of the tests."""

from functions.scheduled.main import scheduled
from tests.functions import telegram

__all__ = ["scheduled", "telegram"]
