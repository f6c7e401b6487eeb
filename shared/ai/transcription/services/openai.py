"""OpenAI's transcriptions (https://developers.openai.com/api/reference/resources/audio).

The language is not sent: users speak other languages than that of their menus, and models recognize them.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

import orjson

from shared.ai import reported_usage
from shared.ai.provider import Usage
from shared.ai.single_request import HttpRequest, Result
from shared.ai.transcription.contract import Sound, TranscriptionService
from shared.core.config import settings
from shared.core.json_types import JsonMapping


class Service(TranscriptionService):
    """Transcripts of OpenAI and of servers with the same interface."""

    MODEL = "gpt-transcribe"
    PRICES: ClassVar[Mapping[str, Decimal]] = {
        "gpt-transcribe": Decimal("0.0045"),
        "gpt-4o-transcribe": Decimal("0.006"),
        "gpt-4o-mini-transcribe": Decimal("0.003"),
        "whisper-1": Decimal("0.006"),
    }
    PATH = "/audio/transcriptions"

    def request(self, sound: Sound, model: str, secret: str) -> HttpRequest:
        """Return the request: a form with the file under a name with a known ending."""
        from urllib3.filepost import encode_multipart_formdata  # 20 ms that chats do not need

        fields: dict[str, str | tuple[str, bytes, str]] = {
            "file": (f"voice.{sound.format}", sound.data, sound.mime_type),
            "model": model,
            "response_format": "json",
        }
        body, content_type = encode_multipart_formdata(fields)
        headers = self.provider.headers(secret) | {"Content-Type": content_type}
        base = settings().base_url(self.provider.key, self.provider.BASE_URL)
        return HttpRequest(base + self.PATH, headers, body)

    def read(self, body: bytes) -> Result[str]:
        """Return the transcript and the tokens, where the model counts any."""
        answer = orjson.loads(body)
        text = answer["text"]
        if not isinstance(text, str):
            raise TypeError("the transcript is no text")
        usage = answer.get("usage")
        return Result(text, self.usage(usage if isinstance(usage, Mapping) else {}))

    def usage(self, usage: JsonMapping) -> Usage:
        """Return the tokens that the answer reports."""
        return Usage(
            reported_usage.count(usage.get("input_tokens")), reported_usage.count(usage.get("output_tokens"))
        )
