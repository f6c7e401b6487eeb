"""Videos: made from a description, or from a picture (docs/images.md)."""

from shared.telegram.feature import Command, Feature

feature = Feature(
    __name__,
    commands=(Command("video", "chat", needs="videos"), Command("videos", "chat", needs="videos")),
    buttons=("video", "videos"),
    states=("video",),
)
