"""What can be made, and when texts and pictures of users are for it; imported for each chat.

Texts of a kind have its name in front: `kind.key("price")` is image_price or video_price.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shared.telegram import waits

if TYPE_CHECKING:
    from shared.telegram.context import UpdateContext


@dataclass(frozen=True)
class MediaKind:
    """What pictures and videos differ in.

    Attributes:
        name: of a job, of the command, of the button key and of the state; with an s of the history.
        choices: what a call may choose, and the list of the model that offers it.
        free_requests: requests that one may cost without showing its price first.
        role: what a picture that the user sends is, see `shared.ai.media.contract.Reference`.
        varies_result: a variation is made from the result; otherwise from the same pictures.
    """

    name: Literal["image", "video"]
    emoji: str
    choices: Mapping[str, str]
    free_requests: int
    role: str
    varies_result: bool

    @property
    def prefix(self) -> str:
        """What begins the session's mode, before the key of public.ai_modes, in which texts are prompts."""
        return f"{self.name}:"

    @property
    def history(self) -> str:
        """The command and button key of its history."""
        return f"{self.name}s"

    def key(self, name: str) -> str:
        """Return the key of a text, or of the session's data, of this kind."""
        return f"{self.name}_{name}"


IMAGE = MediaKind(
    name="image",
    emoji="🎨",
    choices={"aspect_ratio": "aspect_ratios", "size": "sizes", "quality": "qualities"},
    free_requests=1,
    role="reference",
    varies_result=True,
)
VIDEO = MediaKind(
    name="video",
    emoji="🎬",
    choices={
        "duration": "durations",
        "aspect_ratio": "aspect_ratios",
        "resolution": "resolutions",
        "quality": "qualities",
        "sound": "sound",
    },
    free_requests=0,
    role="first_frame",
    varies_result=False,
)
KINDS = (IMAGE, VIDEO)


def kind_of_mode(session_mode: str) -> MediaKind | None:
    """Return what a mode of the session makes of each text; None where the text is a question."""
    return next((one for one in KINDS if session_mode.startswith(one.prefix)), None)


def kind_of_content(context: UpdateContext) -> MediaKind | None:
    """Return what is to be made of pictures or a voice message: by its caption, the wait or the mode.

    None: nothing, it is a question.
    """
    if context.update.is_relayed:  # what others wrote makes nothing
        return None
    for kind in KINDS:
        if context.update.command == kind.name and context.bot.has_command(kind.name):
            return kind
    awaited = waits.current(context)
    return next((one for one in KINDS if one.name == awaited), None) or kind_of_mode(context.mode)
