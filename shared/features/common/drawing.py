"""Sends pictures, drawn one at a time; leaves them out when drawing would take too long."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from time import monotonic

from shared.core import log
from shared.core.texts import Text
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard

_SENDING = 1.0  # seconds of the time limit that are reserved for sending


def send_drawing(
    context: UpdateContext, draw: Callable[[], BytesIO], caption: Text, keyboard: Keyboard | None = None
) -> None:
    """Draw a picture in turn and send it, or send only its caption when that takes too long.

    Raises:
        ExternalServiceError: Telegram cannot take it now; the update will be delivered again.
    """
    from shared.core.pictures.drawing import draw_in_turn

    picture = draw_in_turn(draw, context.deadline - monotonic() - _SENDING)
    if picture is None:
        log.warning("no picture was drawn: too many at once", action="picture_left_out")
        context.reply(caption, keyboard)
    else:
        context.send_picture(picture, caption, keyboard)
