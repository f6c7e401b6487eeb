"""Pictures reach every provider whole, and only the last message has them."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
from PIL import Image

from shared.ai import chat
from shared.ai.call_records import AiCall
from shared.ai.error_patterns import about_pictures
from shared.ai.pictures import LONGEST_SIDE, MAX_BYTES, UnusablePicture, prepare
from shared.ai.provider import ErrorKind, Picture, ProviderError
from shared.core.errors import AINoVision
from tools.emulator.ai import Ai, AiBehaviour
from tools.emulator.ai.dialects import DIALECTS

HISTORY = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi"},
    {"role": "user", "content": "What is this?"},
]


def painted(kind: str, size: tuple[int, int] = (64, 32), **more: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, kind, **more)
    return buffer.getvalue()


def _ask(provider: str, pictures: tuple[Picture, ...], calls: list[AiCall] | None = None) -> str:
    return chat.complete(
        HISTORY,
        model="gpt-5-mini",
        provider=provider,
        deadline=time.monotonic() + 20,
        user_reference=None,
        record=None if calls is None else calls.append,
        pictures=pictures,
    ).text


@pytest.mark.parametrize("name", [dialect.name for dialect in DIALECTS])
def test_a_picture_reaches_the_model(ai: Ai, name: str) -> None:
    picture = prepare(painted("PNG"), 64)
    assert _ask(name, (picture, picture)) == " ".join(["I see a red picture of 64×32 pixels."] * 2)
    *earlier, last = ai.requests[-1]["messages"]
    assert [one["content"] for one in earlier] == ["Be brief.", "Hello", "Hi"]
    assert [part["type"] for part in last["content"]] == ["text", "image_url", "image_url"]


def test_without_pictures_the_messages_are_texts(ai: Ai) -> None:
    ai.next(AiBehaviour(text="Fine"))
    _ask("openai", ())
    assert ai.requests[-1]["messages"] == HISTORY


def test_a_model_without_vision_is_an_error_of_its_own(ai: Ai) -> None:
    message = "Invalid content type. image_url is only supported by certain models."
    ai.next(AiBehaviour(status=400, error={"message": message}))
    calls: list[AiCall] = []
    with pytest.raises(AINoVision):
        _ask("openai", (prepare(painted("PNG"), 64),), calls)
    assert [(call["status"], call["cost"]) for call in calls] == [("no_vision", None)]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("No endpoints found that support image input", ErrorKind.NO_VISION),
        ("llama is not a multimodal model", ErrorKind.NO_VISION),
        ("messages[1].content must be a string", ErrorKind.NO_VISION),
        ("This model does not support image inputs", ErrorKind.NO_VISION),
        ("You uploaded an unsupported image.", ErrorKind.INVALID_PICTURE),
        ("image exceeds 5 MB maximum", ErrorKind.INVALID_PICTURE),
        ("temperature is not supported", ErrorKind.INVALID_REQUEST),
    ],
)
def test_errors_about_pictures_are_recognized(message: str, kind: ErrorKind) -> None:
    error = ProviderError(ErrorKind.INVALID_REQUEST, 400, message=message)
    assert about_pictures(error).kind is kind


def test_other_errors_stay_what_they_are() -> None:
    error = ProviderError(ErrorKind.RATE_LIMITED, 429, message="too many image inputs are not supported")
    assert about_pictures(error) is error


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_picture_within_the_limits_stays_as_it_is(kind: str) -> None:
    data = painted(kind)
    assert prepare(data, 64) == Picture(data, f"image/{kind.lower()}")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_large_picture_is_reduced(kind: str) -> None:
    picture = prepare(painted(kind, (3000, 1500)))
    with Image.open(io.BytesIO(picture.data)) as image:
        assert (image.format, image.size) == ("JPEG", (LONGEST_SIDE, LONGEST_SIDE // 2))
    assert len(picture.data) < MAX_BYTES


def test_a_transparent_picture_stands_on_white() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(buffer, "PNG")
    with Image.open(io.BytesIO(prepare(buffer.getvalue()).data)) as image:
        assert image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "format"),
        (b"BM" + bytes(100), "format"),
        (b"\0\0\0\x1cftypavif" + bytes(100), "format"),
        (b"GIF89a", "broken"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "broken"),
        (painted("PNG", (6000, 5000)), "size"),
        (painted("JPEG")[:200], "broken"),
    ],
)
def test_what_no_provider_reads_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(UnusablePicture) as refused:
        prepare(data)
    assert refused.value.reason == reason
