"""The families of models at kie.ai, and how each names its fields (docs.kie.ai, one page for each model)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.ai.media.contract import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How models take what `MediaOptions` and references say. An empty name: they do not have it.

    references: a list of addresses. frames: the fields of the first and the last frame; one name twice is a
    list of both. mode: says how the pictures are used. fixed: fields that are always sent.
    """

    models: re.Pattern[str]
    kind: Kind = "image"
    references: str = ""
    max_references: int = 0
    needs_reference: bool = False
    frames: tuple[str, ...] = ()
    mode: str = ""
    ratio: str = "aspect_ratio"
    size: str = ""
    resolution: str = ""
    quality: str = ""
    duration: str = ""
    is_duration_text: bool = False
    sound: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)


_JPG = {"output_format": "jpg"}
_FRAMES = ("first_frame_url", "last_frame_url")

FAMILIES = (
    Family(models=re.compile("nano-banana-2-lite"), references="image_urls", max_references=10),
    Family(
        models=re.compile("nano-banana-(?:2|2-1)"),
        references="image_input",
        max_references=10,
        size="resolution",
        fixed=_JPG,
    ),
    Family(
        models=re.compile("nano-banana-pro"),
        references="image_input",
        max_references=8,
        size="resolution",
        fixed=_JPG,
    ),
    Family(models=re.compile(r"gpt-image-2(?:-5-(?:flare|sunburst))?-text-to-image"), size="resolution"),
    Family(
        models=re.compile(r"gpt-image-2(?:-5-(?:flare|sunburst))?-image-to-image"),
        references="input_urls",
        max_references=16,
        needs_reference=True,
        size="resolution",
    ),
    Family(models=re.compile(r"seedream/[\w.]{1,20}-\w{1,20}-text-to-image"), quality="quality"),
    Family(
        models=re.compile(r"seedream/[\w.]{1,20}-(?:edit|\w{1,20}-image-to-image)"),
        references="image_urls",
        max_references=14,
        needs_reference=True,
        quality="quality",
    ),
    Family(models=re.compile("z-image")),
    Family(
        models=re.compile(r"kling-3\.0/video"),
        kind="video",
        frames=("image_urls", "image_urls"),
        quality="mode",
        duration="duration",
        is_duration_text=True,
        sound="sound",
    ),
    # `quality` is the model within the family: veo3_lite, veo3_fast or veo3.
    Family(
        models=re.compile("veo-3-1"),
        kind="video",
        references="image_urls",
        max_references=3,
        frames=("image_urls", "image_urls"),
        mode="generation_type",
        resolution="resolution",
        quality="model",
        duration="duration",
        fixed={"model": "veo3_fast"},
    ),
    Family(
        models=re.compile("wan/3-0-video(?:-prime)?"),
        kind="video",
        frames=_FRAMES,
        resolution="resolution",
        duration="duration",
    ),
    Family(
        models=re.compile("bytedance/seedance-2-(?:5|mini)"),
        kind="video",
        references="reference_image_urls",
        max_references=9,
        frames=_FRAMES,
        resolution="resolution",
        duration="duration",
        sound="generate_audio",
    ),
)
