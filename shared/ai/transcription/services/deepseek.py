"""DeepSeek's transcriptions (https://api-docs.deepseek.com/guides/asr): at most 8 MiB and two minutes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from shared.ai.provider import Provider
from shared.ai.providers import openai as chat
from shared.ai.single_request import HttpRequest
from shared.ai.transcription.contract import Sound
from shared.ai.transcription.services import openai
from shared.core.config import settings


class _Account(chat.Provider):
    """DeepSeek's address and key; its errors are those of OpenAI."""

    NAME = "DeepSeek"
    BASE_URL = "https://api.deepseek.com/v1"


class Service(openai.Service):
    """Transcripts of DeepSeek. The service has one model, and the request does not name it."""

    MODEL = "asr"
    MAX_BYTES = 8 * 1024 * 1024
    MAX_SECONDS = 120
    PRICES: ClassVar[Mapping[str, Decimal]] = {}
    PATH = "/tools/asr"

    def find_provider(self, key: str) -> Provider:
        """Return DeepSeek, which is no chat provider here."""
        return _Account(key)

    def request(self, sound: Sound, _model: str, secret: str) -> HttpRequest:
        """Return the request: a form with the file alone."""
        from urllib3.filepost import encode_multipart_formdata

        body, content_type = encode_multipart_formdata(
            {"file": (f"voice.{sound.format}", sound.data, sound.mime_type)}
        )
        base = settings().base_url(self.provider.key, self.provider.BASE_URL)
        headers = self.provider.headers(secret) | {"Content-Type": content_type}
        return HttpRequest(base + self.PATH, headers, body)
