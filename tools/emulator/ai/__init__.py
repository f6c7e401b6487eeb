"""A fake server for the AI providers' chat interfaces."""

from tools.emulator.ai.behaviour import AiBehaviour
from tools.emulator.ai.server import Ai

__all__ = ["Ai", "AiBehaviour"]
