"""Downloads the files that users send, for the AI. They stay in memory and are not stored."""

from __future__ import annotations

from shared.core import log
from shared.core.errors import TelegramError
from shared.telegram import api
from shared.telegram.context import UpdateContext

MEGABYTE = 1024 * 1024
MAX_BYTES = 20 * MEGABYTE  # getFile gives no larger files


def download(context: UpdateContext, file_id: str) -> bytes | None:
    """Return a file of at most MAX_BYTES; None where Telegram no longer has it.

    Raises:
        TelegramError: a temporary failure; the update will be delivered again.
    """
    try:
        found = api.call(context.bot.name, "getFile", {"file_id": file_id})
        return api.download(context.bot.name, found["file_path"])
    except TelegramError as error:
        if error.is_temporary:
            raise
        log.info("a file was not downloaded", action="file_unavailable", reason=str(error))
        return None
    except (KeyError, TypeError):
        log.info("a file was not downloaded", action="file_unavailable", reason="no file_path")
        return None
