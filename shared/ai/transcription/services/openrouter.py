"""OpenRouter's transcriptions: JSON with the sound in base64, and the cost in the answer."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

import orjson

from shared.ai import reported_usage
from shared.ai.provider import Usage
from shared.ai.single_request import HttpRequest, ProviderFailure, Result
from shared.ai.transcription.contract import Sound
from shared.ai.transcription.services import openai
from shared.core.config import settings
from shared.core.json_types import JsonMapping


class Service(openai.Service):
    """Transcripts of OpenRouter."""

    MODEL = "openai/whisper-large-v3-turbo"
    PRICES: ClassVar[Mapping[str, Decimal]] = {"openai/whisper-large-v3-turbo": Decimal("0.006")}

    def request(self, sound: Sound, model: str, secret: str) -> HttpRequest:
        """Return the request. MP4 has the name of its sound track, m4a."""
        known = {"mp4": "m4a"}.get(sound.format, sound.format)
        fields = {
            "model": model,
            "input_audio": {"data": b64encode(sound.data).decode(), "format": known},
        }
        base = settings().base_url(self.provider.key, self.provider.BASE_URL)
        return HttpRequest(base + self.PATH, self.provider.headers(secret), orjson.dumps(fields))

    def read(self, body: bytes) -> Result[str]:
        """Return the transcript; an error may come with status 200."""
        answer = orjson.loads(body)
        if answer.get("error") and "text" not in answer:
            raise ProviderFailure(self.provider.parse_error(0, answer))
        return super().read(body)

    def usage(self, usage: JsonMapping) -> Usage:
        """Return tokens and cost; OpenRouter's credits are US dollars."""
        found = super().usage(usage)
        return Usage(found.tokens_in, found.tokens_out, reported_usage.cost(usage.get("cost")))
