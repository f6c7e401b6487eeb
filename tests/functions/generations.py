"""The generations function with the checks of the tests."""

from functions.generations.main import generations
from tests.functions import telegram

__all__ = ["generations", "telegram"]
