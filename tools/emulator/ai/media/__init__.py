"""Fake servers for the providers of pictures and videos."""

from tools.emulator.ai.media.behaviour import MediaBehaviour
from tools.emulator.ai.media.server import Media

__all__ = ["Media", "MediaBehaviour"]
