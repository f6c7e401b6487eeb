"""What reaches each provider: every option and reference in its own words, checked by the fake servers."""

from __future__ import annotations

from typing import Any

import pytest

from shared.ai.media import providers
from shared.ai.media.contract import Cause, Failed, Finished, MediaOptions, Reference, Submitted
from tests.ai.media.requests import PROMPT, deadline, media_request, reference
from tools.emulator.ai.media import Media

URL = reference().url
FIRST, LAST = reference(role="first_frame"), reference(role="last_frame")


def sent(media: Media, key: str, variant: Any, **more: Any) -> dict[str, Any]:
    """Return the body of a request that the provider accepts."""
    outcome = providers.load(key).submit(media_request(key, variant, **more), deadline())
    assert isinstance(outcome, Submitted | Finished), outcome
    return media.requests[-1]


def rejected(media: Media, key: str, variant: Any, **more: Any) -> Cause:
    """Return why a request is not sent."""
    outcome = providers.load(key).submit(media_request(key, variant, **more), deadline())
    assert isinstance(outcome, Failed), outcome
    assert outcome.spent is False
    assert not media.requests
    return outcome.cause


WIDE = MediaOptions(aspect_ratio="16:9")
KIE: list[tuple[str, Any, MediaOptions, tuple[Reference, ...], dict[str, Any]]] = [
    ("nano-banana-2-lite", "image", WIDE, (reference(),), {"aspect_ratio": "16:9", "image_urls": [URL]}),
    (
        "nano-banana-pro", "image", MediaOptions(size="4K"), (reference(),),
        {"resolution": "4K", "output_format": "jpg", "image_input": [URL]},
    ),
    ("gpt-image-2-5-flare-text-to-image", "image", MediaOptions(size="2K"), (), {"resolution": "2K"}),
    (
        "gpt-image-2-5-sunburst-image-to-image", "image", WIDE, (reference(),),
        {"aspect_ratio": "16:9", "input_urls": [URL]},
    ),
    ("seedream/5-pro-text-to-image", "image", MediaOptions(quality="high"), (), {"quality": "high"}),
    ("seedream/4.5-edit", "image", MediaOptions(), (reference(),), {"image_urls": [URL]}),
    ("z-image", "image", WIDE, (), {"aspect_ratio": "16:9"}),
    (
        "kling-3.0/video", "video", MediaOptions(quality="pro", duration=10, sound=True), (LAST, FIRST),
        {"mode": "pro", "duration": "10", "sound": True, "image_urls": [URL, URL]},
    ),
    (
        "veo-3-1", "video", MediaOptions(resolution="1080p", duration=8), (),
        {"model": "veo3_fast", "resolution": "1080p", "duration": 8, "generation_type": "TEXT_2_VIDEO"},
    ),
    (
        "veo-3-1", "video", MediaOptions(quality="veo3_lite"), (FIRST,),
        {"model": "veo3_lite", "image_urls": [URL], "generation_type": "FIRST_AND_LAST_FRAMES_2_VIDEO"},
    ),
    (
        "veo-3-1", "video", MediaOptions(), (reference(), reference()),
        {"model": "veo3_fast", "image_urls": [URL, URL], "generation_type": "REFERENCE_2_VIDEO"},
    ),
    (
        "wan/3-0-video", "video", MediaOptions(resolution="720P", duration=30), (FIRST, LAST),
        {"resolution": "720P", "duration": 30, "first_frame_url": URL, "last_frame_url": URL},
    ),
    (
        "bytedance/seedance-2-5", "video", MediaOptions(duration=5, sound=False), (reference(),),
        {"duration": 5, "generate_audio": False, "reference_image_urls": [URL]},
    ),
    (
        "bytedance/seedance-2-mini", "video", MediaOptions(resolution="480p"), (FIRST,),
        {"resolution": "480p", "first_frame_url": URL},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("model", "variant", "options", "references", "fields"), KIE)
def test_families_of_kie_ai(
    media: Media, model: str, variant: Any, options: MediaOptions, references: Any, fields: dict[str, Any]
) -> None:
    body = sent(media, "kie_ai", variant, model=model, options=options, references=references)
    assert body["model"] == model
    assert body["input"] == fields | {"prompt": PROMPT}


class TestKieAi:
    def test_a_model_of_the_other_kind(self, media: Media) -> None:
        assert rejected(media, "kie_ai", "video", model="z-image") is Cause.INVALID_REQUEST

    @pytest.mark.parametrize(
        ("model", "references"),
        [
            ("gpt-image-2-5-flare-image-to-image", ()),
            ("gpt-image-2-5-flare-text-to-image", (reference(),)),
        ],
    )
    def test_pictures_that_need_or_take_no_reference(self, media: Media, model: str, references: Any) -> None:
        cause = rejected(media, "kie_ai", "image", model=model, options=MediaOptions(), references=references)
        assert cause is Cause.INVALID_REFERENCE

    @pytest.mark.parametrize(
        "references",
        [(LAST,), (FIRST, FIRST), (FIRST, reference()), (FIRST, LAST, LAST), (LAST, reference())],
    )
    @pytest.mark.parametrize(
        "model", ["kling-3.0/video", "veo-3-1", "wan/3-0-video", "bytedance/seedance-2-5"]
    )
    def test_frames_that_do_not_fit(self, media: Media, model: str, references: Any) -> None:
        cause = rejected(media, "kie_ai", "video", model=model, options=WIDE, references=references)
        assert cause is Cause.INVALID_REFERENCE

    def test_options_that_a_family_has_not(self, media: Media) -> None:
        for model, options in (
            ("wan/3-0-video", MediaOptions(sound=True)),
            ("wan/3-0-video", MediaOptions(quality="pro")),
            ("kling-3.0/video", MediaOptions(resolution="720p")),
        ):
            cause = rejected(media, "kie_ai", "video", model=model, options=options)
            assert cause is Cause.INVALID_REQUEST


class TestOpenRouter:
    def test_a_video(self, media: Media) -> None:
        options = MediaOptions(aspect_ratio="9:16", resolution="720p", duration=8, sound=False)
        body = sent(media, "openrouter", "video", options=options, references=(FIRST, LAST))
        assert (body["duration"], body["resolution"], body["aspect_ratio"]) == (8, "720p", "9:16")
        assert body["generate_audio"] is False
        assert [one["frame_type"] for one in body["frame_images"]] == ["first_frame", "last_frame"]
        assert body["frame_images"][0]["image_url"]["url"].startswith("data:image/png;base64,")
        assert "input_references" not in body
        assert "callback_url" not in body

    def test_references_are_not_dropped_for_frames(self, media: Media) -> None:
        cause = rejected(media, "openrouter", "video", references=(FIRST, reference()))
        assert cause is Cause.INVALID_REFERENCE

    def test_sizes_of_pictures(self, media: Media) -> None:
        assert sent(media, "openrouter", "image", options=MediaOptions(size="2K"))["resolution"] == "2K"
        assert sent(media, "openrouter", "image", options=MediaOptions(size="512x256"))["size"] == "512x256"


class TestGoogle:
    def test_frames_of_veo(self, media: Media) -> None:
        (instance,) = sent(media, "gemini", "video", references=(LAST, FIRST))["instances"]
        assert instance.keys() == {"prompt", "image", "lastFrame"}
        assert instance["image"]["mimeType"] == "image/png"

    def test_references_of_veo(self, media: Media) -> None:
        (instance,) = sent(media, "gemini", "video", references=(reference(),) * 3)["instances"]
        assert len(instance["referenceImages"]) == 3

    @pytest.mark.parametrize(
        "references", [(LAST,), (FIRST, FIRST), (FIRST, reference()), (reference(),) * 4]
    )
    def test_pictures_that_veo_does_not_take(self, media: Media, references: Any) -> None:
        assert rejected(media, "gemini", "video", references=references) is Cause.INVALID_REFERENCE

    def test_omni(self, media: Media) -> None:
        options = MediaOptions(aspect_ratio="9:16", resolution="1080p", duration=12)
        body = sent(media, "gemini", "omni", options=options, references=(reference(),))
        assert body["response_format"] == {
            "type": "video", "delivery": "uri", "aspect_ratio": "9:16", "resolution": "1080p",
            "duration": "12s",
        }  # fmt: skip
        assert [part["type"] for part in body["input"]] == ["text", "image"]
        assert "background" not in body

    def test_pictures_that_omni_does_not_take(self, media: Media) -> None:
        for references in ((FIRST,), (reference(),) * 7):
            assert rejected(media, "gemini", "omni", references=references) is Cause.INVALID_REFERENCE

    def test_a_gateway_with_the_compatible_interface_alone(
        self, media: Media, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from shared.core.errors import ConfigError

        monkeypatch.setenv("GEMINI_BASE_URL", "https://gateway.example.com/v1")
        with pytest.raises(ConfigError, match="GEMINI_BASE_URL must end in /openai"):
            providers.load("gemini").submit(media_request("gemini"), deadline())


class TestTheFakeServers:
    """They refuse what the real APIs refuse, instead of ignoring it."""

    @pytest.mark.parametrize(
        ("key", "variant", "options"),
        [
            ("openai", "image", MediaOptions(size="1000x1000")),
            ("openai", "image", MediaOptions(quality="ultra")),
            ("openrouter", "image", MediaOptions(aspect_ratio="7:5")),
            ("openrouter", "image", MediaOptions(count=2)),
            ("openrouter", "video", MediaOptions(duration=7)),
            ("gemini", "image", MediaOptions(size="8K")),
            ("gemini", "video", MediaOptions(duration=5)),
            ("gemini", "omni", MediaOptions(duration=20)),
            ("kie_ai", "image", MediaOptions(size="8K")),
            ("kie_ai", "video", MediaOptions(duration=99)),
        ],
    )
    def test_values(self, media: Media, key: str, variant: Any, options: MediaOptions) -> None:
        outcome = providers.load(key).submit(media_request(key, variant, options=options), deadline())
        assert isinstance(outcome, Failed)
        assert outcome.cause is Cause.INVALID_REQUEST
        assert not media.requests

    def test_models(self, media: Media) -> None:
        for key, model in (("openai", "gpt-image-1"), ("openrouter", "gpt-image-2"), ("gemini", "veo-2")):
            variant: Any = "video" if key == "gemini" else "image"
            outcome = providers.load(key).submit(media_request(key, variant, model=model), deadline())
            assert isinstance(outcome, Failed)
            assert outcome.cause is Cause.MODEL_NOT_FOUND
