"""The contract of a transcription service."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from shared.ai.provider import Provider
from shared.ai.single_request import HttpRequest, Result

_MEGABYTE = 1024 * 1024
# Of a model whose price is unknown, so that daily cost limits are never exceeded.
_UNKNOWN_PRICE = Decimal("0.02")  # US dollars a minute
# MIME types as Telegram reports them. Services know Ogg by the name ogg, not by Telegram's oga.
FORMATS: Mapping[str, str] = {
    "audio/ogg": "ogg",
    "audio/oga": "ogg",
    "audio/opus": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/mp4": "m4a",
    "audio/m4a": "m4a",
    "audio/x-m4a": "m4a",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/webm": "webm",
    "video/mp4": "mp4",
}


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording: its bytes, MIME type and length in seconds."""

    data: bytes
    mime_type: str
    seconds: int

    @property
    def format(self) -> str:
        """The short name of the format; ogg where the MIME type is unknown."""
        return FORMATS.get(self.mime_type, "ogg")


class TranscriptionService(ABC):
    """A provider that transcribes.

    Attributes:
        MODEL: used where the catalogue has none of this provider, and TRANSCRIPTION_MODEL names none.
        MAX_BYTES, MAX_SECONDS: of one recording; the plan and Telegram's limit of 20 MB come on top.
        PRICES: US dollars a minute, by model; used where the catalogue has none.
    """

    MODEL: ClassVar[str]
    MAX_BYTES: ClassVar[int] = 20 * _MEGABYTE
    MAX_SECONDS: ClassVar[int] = 3_600
    PRICES: ClassVar[Mapping[str, Decimal]] = {}

    def __init__(self, key: str) -> None:
        self.provider = self.find_provider(key)

    def find_provider(self, key: str) -> Provider:
        """Return the provider of this key: its address, key, headers and errors."""
        from shared.ai import providers

        return providers.load(key)

    @abstractmethod
    def request(self, sound: Sound, model: str, secret: str) -> HttpRequest:
        """Return the request for a transcript.

        Args:
            secret: the API key.

        Raises:
            ConfigError: `<KEY>_BASE_URL` is malformed.
        """

    @abstractmethod
    def read(self, body: bytes) -> Result[str]:
        """Return the transcript in a response with status 200; see `single_request.send`."""

    def price(self, model: str, seconds: int) -> Decimal:
        """Return what a recording costs where the provider reports no cost, in US dollars."""
        return self.PRICES.get(model, _UNKNOWN_PRICE) * max(seconds, 1) / 60
