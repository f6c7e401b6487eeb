"""OpenAI's speech (https://developers.openai.com/api/reference/resources/audio).

Its models end on 2027-01-06 without a successor at this address and without a default: set SPEECH_MODEL.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from shared.ai.speech.contract import SpeechService


class Service(SpeechService):
    """Speech of OpenAI and of servers with the same interface."""

    VOICE = "coral"
    PRICES: ClassVar[Mapping[str, Decimal]] = {"gpt-4o-mini-tts": Decimal("0.017")}
