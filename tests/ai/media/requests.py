"""What the tests of media providers send, and the recorded answers."""

from __future__ import annotations

import base64
import io
import json
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import pytest
from PIL import Image

from shared.ai.media.contract import Kind, MediaOptions, MediaRequest, Reference
from tools.emulator.ai.media.drawings import video

RECORDED = Path(__file__).parent / "recorded"
PROMPT = "A fox reads a newspaper on the Moon, in the style of an old poster"
USER = "5e884898da28047151d0e56f8dc62927"
JOB = "9b2f6a5e-0000-4000-8000-000000000001"
CALLBACK = "https://bot.example.com/generations/x?token=unguessable-0001"
# A model of each provider and interface that the fake servers know, with options that it has. Videos of
# Google have two interfaces.
Variant = Literal["image", "video", "omni"]
KINDS: dict[Variant, Kind] = {"image": "image", "video": "video", "omni": "video"}
_CLIP = MediaOptions(aspect_ratio="16:9", duration=4)
MODELS: dict[tuple[str, Variant], tuple[str, MediaOptions]] = {
    ("gemini", "video"): ("veo-3.1-fast-generate-001", _CLIP),
    ("gemini", "omni"): ("gemini-omni-1.2-flash", _CLIP),
    ("kie_ai", "video"): ("bytedance/seedance-2-5", _CLIP),
    ("openrouter", "video"): ("google/veo-3.1", _CLIP),
    ("gemini", "image"): ("gemini-nano-banana-2.1", MediaOptions(aspect_ratio="16:9", size="1K")),
    ("kie_ai", "image"): ("nano-banana-2-1", MediaOptions(aspect_ratio="16:9", size="1K")),
    ("openai", "image"): ("gpt-image-2.6-flare", MediaOptions(size="1024x576", quality="low")),
    ("openrouter", "image"): ("google/gemini-nano-banana-2.1", MediaOptions(aspect_ratio="16:9", size="1K")),
}


@lru_cache(maxsize=8)
def picture(kind: str = "PNG", size: tuple[int, int] = (32, 16)) -> bytes:
    """Return a small picture."""
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, kind)
    return file.getvalue()


def reference(**more: Any) -> Reference:
    """Return a picture to work from."""
    return Reference(picture(), "image/png", "https://files.example.com/1.png?token=secret", **more)


def media_request(provider: str, variant: Variant = "image", **more: Any) -> MediaRequest:
    """Return a request that the provider accepts."""
    model, options = MODELS[provider, variant]
    fields = {"model": model, "options": options, "prompt": PROMPT} | more
    return MediaRequest(kind=KINDS[variant], user_hash=USER, job=JOB, **fields)


def deadline(seconds: float = 20.0) -> float:
    """Return a deadline in `seconds`."""
    return time.monotonic() + seconds


def recorded(name: str, *more: str) -> list[Any]:
    """Return the recorded answers of all providers to one request, as parameters of a test."""
    return [
        pytest.param(path.parent.name, case, *more, id=f"{path.parent.name}: {case['name']}")
        for path in sorted(RECORDED.glob(f"*/{name}.json"))
        for case in json.loads(path.read_text())
    ]


def body_of(case: dict[str, Any]) -> bytes:
    """Return the recorded body with its files."""
    if "page" in case:
        return bytes(case["page"], "utf-8")
    body = json.dumps(case["body"])
    clip = video("A fox", 64, 36, 1)
    for name, data in (
        ("$PNG", picture()), ("$JPEG", picture("JPEG")), ("$MP4", clip), ("$BROKEN", b"no picture"),
    ):  # fmt: skip
        body = body.replace(name, base64.b64encode(data).decode())
    return body.encode()
