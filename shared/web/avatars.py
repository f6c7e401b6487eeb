"""Profile photos: the job `avatars` fetches Telegram's smallest size, and pages show it from our own address.

Telegram's address of a file holds the bot's token, so no browser ever gets one. Opening or renewing
a session names its user (want_avatars); the job fetches what is missing or older than a day.
"""

from __future__ import annotations

import base64
from time import monotonic
from typing import TYPE_CHECKING, Final

from shared.core import db, log
from shared.core.config import settings
from shared.core.errors import TelegramError

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import ClaimAvatars

BATCH = 30  # users in one claim
TIME = 40.0  # seconds of one run; the next run continues
_WIDTH = 150  # pixels; Telegram's smallest size has 160
_MAX_BYTES = 65_536
_EXPIRED = 1_000  # rows in one call
_STARTS: Final = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n": "image/png"}
_WAITS = (0, 429)  # the lease ends in ten minutes, and another run tries again


def initials(name: str) -> str:
    """Return what stands for a photo: the first letters of the first and the last word of a name."""
    words = [letters for word in name.split() if (letters := [one for one in word if one.isalnum()])]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def fetch() -> dict[str, int]:
    """Run the job once and return counts: {fetched, unchanged, without, failed, expired}.

    Safe to run concurrently: users are leased, and storing a photo twice does no harm.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    deadline = monotonic() + TIME
    done = dict.fromkeys(("fetched", "unchanged", "without", "failed"), 0)
    while monotonic() < deadline:
        claimed: list[ClaimAvatars] = db.call("claim_avatars", p_limit=BATCH)
        for user in claimed:
            done[_fetch(user)] += 1
        if len(claimed) < BATCH:
            break
    expired: int = db.call("expire_avatars", p_limit=_EXPIRED)
    done["expired"] = expired
    if any(done.values()):
        log.info("avatar job finished", action="avatar_job", **done)
    return done


def _fetch(user: ClaimAvatars) -> str:
    """Fetch the photo of one user, store it, and return what happened."""
    if user["bot"] not in settings().bot_tokens:
        return _store(user, None, "without")
    try:
        size = _smallest(user["bot"], user["telegram_id"])
        if size is None:
            return _store(user, None, "without")
        photo_id = str(size["file_unique_id"])
        if photo_id == user["photo_id"]:
            return _store(user, photo_id, "unchanged")
        return _store(user, photo_id, "fetched", _download(user["bot"], size))
    except TelegramError as error:
        log.info("a profile photo was not fetched", action="avatar_unavailable", reason=str(error))
        if error.status in _WAITS or error.status >= 500:
            return "failed"
        return _store(user, None, "failed")  # the bot does not know the user


def _store(user: ClaimAvatars, photo_id: str | None, outcome: str, image: bytes | None = None) -> str:
    mime_type = next((kind for start, kind in _STARTS.items() if image and image.startswith(start)), None)
    db.call(
        "finish_avatar",
        p_user_id=user["user_id"],
        p_photo_id=photo_id,
        p_mime_type=mime_type,
        p_image=base64.b64encode(image).decode() if image and mime_type else None,
    )
    return outcome


def _smallest(bot: str, telegram_id: int) -> JsonObject | None:
    """Return the smallest size of the newest photo that is large enough; None without one."""
    from shared.telegram import api

    found = api.call(bot, "getUserProfilePhotos", {"user_id": telegram_id, "limit": 1})
    sizes: list[JsonObject] = sorted(next(iter(found["photos"]), ()), key=lambda size: int(size["width"]))
    fitting = (size for size in sizes if size["width"] >= _WIDTH)
    return next(fitting, sizes[-1] if sizes else None)


def _download(bot: str, size: JsonObject) -> bytes | None:
    """Return the content of a photo; None where it is larger than a photo of this size can be."""
    from shared.telegram import api

    path = api.call(bot, "getFile", {"file_id": size["file_id"]}).get("file_path")  # optional in the Bot API
    if not path:
        return None
    content = api.download(bot, path)
    return content if len(content) <= _MAX_BYTES else None
