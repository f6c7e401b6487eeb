"""OpenRouter's speech (https://openrouter.ai/google/gemini-3.8-flash-tts): MP3 of Gemini's voices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from shared.ai.speech.contract import SpeechService


class Service(SpeechService):
    """Speech of OpenRouter."""

    MODEL = "google/gemini-3.8-flash-tts"
    VOICE = "Kore"
    PRICES: ClassVar[Mapping[str, Decimal]] = {"google/gemini-3.8-flash-tts": Decimal("0.016")}
