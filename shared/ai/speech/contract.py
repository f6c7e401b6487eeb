"""The contract of a service that reads texts aloud, and what OpenAI's interface has in common with others."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

import orjson

from shared.ai.single_request import HttpRequest, Result
from shared.core.config import settings

MOST_CHARACTERS = 4_096  # OpenAI's limit
_SHORTEST = 16  # bytes: less is no sound
# Of a model whose price is unknown, so that daily cost limits are never exceeded.
_UNKNOWN_PRICE = Decimal("0.03")  # US dollars for a thousand characters


class SpeechService:
    """`POST /audio/speech`, whose answer is the sound itself.

    Attributes:
        MODEL: used where the catalogue has none of this provider; empty: no model is known to live on.
        VOICE: used unless SPEECH_VOICE names another.
        PRICES: US dollars for a thousand characters, by model.
    """

    MODEL: ClassVar[str] = ""
    VOICE: ClassVar[str]
    PRICES: ClassVar[Mapping[str, Decimal]] = {}

    def __init__(self, key: str) -> None:
        from shared.ai import providers

        self.provider = providers.load(key)

    def request(self, text: str, model: str, voice: str, secret: str) -> HttpRequest:
        """Return the request for a text as MP3.

        Raises:
            ConfigError: `<KEY>_BASE_URL` is malformed.
        """
        fields = {"model": model, "voice": voice, "input": text, "response_format": "mp3"}
        base = settings().base_url(self.provider.key, self.provider.BASE_URL)
        return HttpRequest(f"{base}/audio/speech", self.provider.headers(secret), orjson.dumps(fields))

    def read(self, body: bytes) -> Result[bytes]:
        """Return the sound; ValueError for anything else, such as JSON or a page."""
        if len(body) < _SHORTEST or not body.startswith((b"ID3", b"\xff")):
            raise ValueError("the answer is no MP3")
        return Result(body)

    def price(self, model: str, characters: int) -> Decimal:
        """Return what a text costs, in US dollars."""
        return self.PRICES.get(model, _UNKNOWN_PRICE) * max(characters, 1) / 1_000
