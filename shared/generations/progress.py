"""Show in the message about a job how long it has taken, and how long it usually takes.

How often is decided by `postpone_generation`, together with the pause until the next read. An edit is sent
once and directly: one that Telegram does not take is lost, and the next one shows more. The button that
cancels becomes the one that stops waiting, because no provider takes a job back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import log, texts
from shared.core.errors import ConfigError, TelegramError
from shared.telegram import api

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import PostponeGeneration
    from shared.generations.job import Job

_TIME = 5.0  # seconds for the edit


def show(job: Job, postponed: PostponeGeneration) -> None:
    """Edit the message about a job if it is time; never raises."""
    status = postponed.get("status")
    if status is None:
        return
    usual, seconds = status["usual_seconds"], status["seconds"]
    key = "generation_progress" if usual is None else "generation_progress_usual"
    if usual is not None and seconds > usual:
        key = "generation_progress_late"
    language = texts.choose(job.language, job.language_code)
    text = texts.text(language, f"{key}_{job.kind}", elapsed=_clock(seconds), usual=_clock(int(usual or 0)))
    parameters: JsonObject = {
        "chat_id": job.chat_id,
        "message_id": status["message_id"],
        "text": text,
        **job.keyboard("running", language),
    }
    try:
        api.call(job.bot, "editMessageText", parameters, timeout=_TIME)
    except (TelegramError, ConfigError) as error:
        log.debug(str(error), action="generation_status_not_edited", job=job.id)


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02}"
