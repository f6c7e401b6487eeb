"""Transcriptions of the fake AI providers: what a request for one holds, and what the answer looks like."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from tools.emulator.ai.dialects import DIALECTS, Dialect, Json
from tools.emulator.ai.words import tokens
from tools.emulator.telegram.files import WORDS
from tools.emulator.telegram.parameters import parse_parameters
from tools.emulator.web import Request

# It transcribes and has no chat here.
DEEPSEEK = Dialect("deepseek", "/deepseek/v1", check=None)
_OPENAI = next(one for one in DIALECTS if one.name == "openai")
_OPENROUTER = next(one for one in DIALECTS if one.name == "openrouter")
_PATHS = {
    f"{_OPENAI.base}/audio/transcriptions": _OPENAI,
    f"{_OPENROUTER.base}/audio/transcriptions": _OPENROUTER,
    f"{DEEPSEEK.base}/tools/asr": DEEPSEEK,
}


@dataclass(frozen=True)
class Recording:
    """A sound that a provider got to transcribe."""

    provider: str
    model: str
    content: bytes
    format: str  # the ending of the file's name, or the name of the format

    def heard(self) -> str:
        """Return the words that a sample holds, else a sentence that proves that all of the sound arrived."""
        _, _, words = self.content.rpartition(WORDS)
        if len(words) < len(self.content):
            return words.decode("utf-8", "replace")
        return f"This voice message has {len(self.content)} bytes"


def find_speaker(path: str) -> Dialect | None:
    """Return the provider that reads texts aloud at a path."""
    return next((one for one in (_OPENAI, _OPENROUTER) if path == f"{one.base}/audio/speech"), None)


def spoken(body: Json) -> bytes | None:
    """Return a sound that holds the words it says; None where the request is invalid."""
    if body.get("response_format") != "mp3" or not body.get("voice") or not body.get("model"):
        return None
    text = body.get("input")
    return b"ID3" + text.encode() + bytes(16) if isinstance(text, str) and 0 < len(text) <= 4096 else None


def find_transcriber(path: str) -> Dialect | None:
    """Return the provider that transcribes at a path."""
    return _PATHS.get(path)


def read_recording(request: Request, dialect: Dialect) -> Recording | None:
    """Return the sound of a request; None where the request is invalid."""
    content_type = request.headers.get("content-type", "")
    found = parse_parameters(content_type, request.body)
    if found is None:
        return None
    fields, files = found
    if dialect is _OPENROUTER and "input_audio" in fields:
        given = fields["input_audio"]
        return _from_base64(dialect.name, str(fields.get("model")), given.get("data"), given.get("format"))
    file = files.get("file")
    if file is None or not file.content or (dialect is not DEEPSEEK and not fields.get("model")):
        return None
    ending = file.name.rpartition(".")[2]
    return Recording(dialect.name, str(fields.get("model", "")), file.content, ending)


def recording_in(content: Json, model: str) -> Recording | None:
    """Return the sound among the parts of a request to Gemini; None without one."""
    for part in content.get("parts") or ():
        given = part.get("inlineData") or {}
        kind, _, name = str(given.get("mimeType")).partition("/")
        if kind in ("audio", "video"):
            return _from_base64("gemini", model, given.get("data"), name)
    return None


def transcript(dialect: Dialect, text: str, recording: Recording) -> Json:
    """Return the body of an answer."""
    if dialect is DEEPSEEK:
        return {"request_id": "asr-1", "text": text, "duration_ms": 1000}
    if dialect is _OPENROUTER:
        return {"text": text, "usage": {"seconds": 1.0, "cost": 0.0003}}
    usage = {"type": "tokens", "input_tokens": len(recording.content) // 100, "output_tokens": tokens(text)}
    return {"text": text, "usage": usage}


def _from_base64(provider: str, model: str, data: object, name: object) -> Recording | None:
    try:
        content = base64.b64decode(str(data), validate=True)
    except binascii.Error:
        return None
    return Recording(provider, model, content, str(name)) if content else None
