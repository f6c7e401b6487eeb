"""Pictures: made from a description, and edited (docs/images.md)."""

from shared.telegram.feature import Command, Feature

feature = Feature(
    __name__,
    commands=(Command("image", "chat", needs="images"), Command("images", "chat", needs="images")),
    buttons=("image", "images"),
    states=("image",),
)
