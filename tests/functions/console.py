"""The console function with the checks of the tests."""

from functions.console.main import console
from tests.functions import telegram

__all__ = ["console", "telegram"]
