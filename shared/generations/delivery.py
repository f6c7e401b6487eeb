"""Send the files of a job to the user: multipart from memory, so that no address of a file is given away.

Delivered at least once: a worker that dies between Telegram's answer and the commit sends again. Telegram's
own processing fails on valid pictures now and then, so whatever it refuses as a photo or video is sent as a
document. Of what is too large for a bot, the user gets a link that ends.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from shared.ai.media.contract import DownloadError, Finished
from shared.core import db, log, texts
from shared.core.errors import ConfigError, TelegramError
from shared.core.json_types import JsonObject
from shared.generations import ending, storing
from shared.telegram import api, outbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.ai.media.contract import MediaProvider
    from shared.core.sql_types import RecordDelivery
    from shared.generations.job import BytesOfFile, Job

SEND_TIME = 40.0  # seconds for one file
READ_TIME = 30.0  # seconds to read or fetch the files again
MAX_PHOTO = 10 * 1024 * 1024  # bytes of sendPhoto (core.telegram.org/bots/api#sendphoto)
MAX_SIDES = 10_000  # width and height of a photo together
MAX_RATIO = 20
_FIRST_PAUSE = 20.0  # seconds to the next attempt, doubled each time
_MAX_PAUSE = 3600.0
MAX_ATTEMPTS = 30  # about a day
_EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/webm": "webm",
}
_METHODS = {"photo": "sendPhoto", "video": "sendVideo", "document": "sendDocument"}


class NoLinkError(Exception):
    """Storage gives no link at present."""


def deliver(
    provider: MediaProvider, job: Job, files: Sequence[BytesOfFile] = (), *, is_late: bool = False
) -> None:
    """Send the files of a job that was charged, and record it.

    Args:
        files: as the worker that fetched them has them; otherwise they are read again.
    """
    files = files or storing.load(job) or _read_again(provider, job)
    if not files:
        return ending.fail(
            job, "result_lost", "the worker that had the files ended, and they were not stored"
        )
    sent: list[JsonObject] = []
    for number, file in enumerate(files):
        key = job.files[number]["key"] if number < len(job.files) else None
        try:
            found = _send(job, file, key, is_last=number == len(files) - 1, is_late=is_late)
            sent += [found] if found else []
        except TelegramError as error:
            return _not_sent(job, error)
        except NoLinkError:
            return job.postpone(_FIRST_PAUSE, "there is no link to the file")
        except ConfigError as error:  # a bot without a token
            log.alert(f"a setting is wrong: {error}", action="config_error")
            return job.postpone(_MAX_PAUSE, str(error))
    recorded: RecordDelivery = db.call(
        "record_delivery", p_id=job.id, p_attempt=job.attempt, p_telegram_files=sent
    )
    return outbox.deliver_outgoing(recorded.get("outgoing", []))


def _read_again(provider: MediaProvider, job: Job) -> Sequence[BytesOfFile]:
    """Fetch the files of a job from its provider once more: a worker that had them in memory has crashed."""
    if not job.provider_job_id:
        return ()
    deadline = monotonic() + READ_TIME
    outcome = provider.read(job.provider_job_id, deadline)
    try:
        return (
            [provider.download(file, deadline) for file in outcome.files]
            if isinstance(outcome, Finished)
            else ()
        )
    except DownloadError:
        return ()


def _send(job: Job, file: BytesOfFile, key: str | None, *, is_last: bool, is_late: bool) -> JsonObject | None:
    """Send one file and return its kind and file_id; None when a link was sent.

    Raises:
        TelegramError: it was not sent, also not as a document or a link.
        NoLinkError: Storage gave no link.
    """
    parameters = _parameters(job, is_last=is_last, is_late=is_late)
    if isinstance(file, storing.LinkedFile):
        _send_link(job, file.key, parameters)
        return None
    kind = _kind(job, file)
    try:
        return _upload(job, kind, file, parameters)
    except TelegramError as error:
        if error.migrate_to_chat_id:
            return _upload(job, kind, file, {**parameters, "chat_id": error.migrate_to_chat_id})
        if outbox.is_topic_gone(error) and "message_thread_id" in parameters:
            del parameters["message_thread_id"]
            return _upload(job, kind, file, parameters)
        if key is not None and _is_too_large(error):
            _send_link(job, key, parameters)
            return None
        may_be_document = error.status == 400 and not outbox.may_not_write(error)
        if kind == "document" or not may_be_document or _is_too_large(error):
            raise
        log.warning(
            "sent as a document", action="generation_as_document", job=job.id, reason=error.description
        )
        return _upload(job, "document", file, parameters)


def _is_too_large(error: TelegramError) -> bool:
    return error.status == 413 or "too big" in error.description.lower()


def _send_link(job: Job, key: str, parameters: JsonObject) -> None:
    """Send the link to a stored file in a message, with what the file would have had."""
    url = storing.link(key)
    if url is None:
        raise NoLinkError
    language = texts.choose(job.language, job.language_code)
    caption = parameters.get("caption", "")
    text = texts.text(language, "generation_link", days=storing.LINK_DAYS)
    rows = parameters.get("reply_markup", {}).get("inline_keyboard", [])
    button = {"text": texts.text(language, "generation_download"), "url": url}
    message = {name: value for name, value in parameters.items() if name != "caption"}
    message["text"] = "\n\n".join(filter(None, (caption, text)))
    message["reply_markup"] = {"inline_keyboard": [[button], *rows]}
    api.call(job.bot, "sendMessage", message)


def _kind(job: Job, file: BytesOfFile) -> str:
    if job.kind == "video":
        return "video"
    width, height = file.width or 1, file.height or 1
    is_photo = (
        len(file.data or b"") <= MAX_PHOTO
        and width + height <= MAX_SIDES
        and max(width, height) <= MAX_RATIO * min(width, height)
    )
    return "photo" if is_photo else "document"


def _upload(job: Job, kind: str, file: BytesOfFile, parameters: JsonObject) -> JsonObject:
    if kind == "video":
        # Without them Telegram shows a large video as a square without duration.
        sizes = {"width": file.width, "height": file.height, "duration": round(file.duration_s or 0)}
        known = {name: value for name, value in sizes.items() if value}
        parameters = {**parameters, **known, "supports_streaming": True}
    mime = file.mime or "application/octet-stream"
    name = f"{job.kind}.{_EXTENSIONS.get(mime, 'bin')}"
    message = api.upload(
        job.bot, _METHODS[kind], parameters, {kind: (name, file.data or b"", mime)}, timeout=SEND_TIME
    )
    return _sent_file(message) or {"kind": kind, "file_id": None}


def _sent_file(message: JsonObject) -> JsonObject | None:
    """Return kind and file_id of what Telegram made of the upload, which is needed to send it again.

    A video without sound becomes an animation.
    """
    for kind in ("photo", "video", "animation", "document"):
        if found := message.get(kind):
            largest: JsonObject = found[-1] if isinstance(found, list) else found
            return {"kind": kind, "file_id": largest["file_id"]}
    return None


def _parameters(job: Job, *, is_last: bool, is_late: bool) -> JsonObject:
    """Return the parameters of a message with a file; only the last one says more than the file."""
    parameters: JsonObject = {"chat_id": job.chat_id}
    if job.is_muted:
        parameters["disable_notification"] = True
    if job.thread_id:
        parameters["message_thread_id"] = job.thread_id
    if job.reply_to:
        parameters["reply_parameters"] = {
            "message_id": job.reply_to,
            "allow_sending_without_reply": True,
        }
    if not is_last:
        return parameters
    language = texts.choose(job.language, job.language_code)
    keys = [*(["generation_late"] if is_late else []), *filter(None, [job.request.get("caption")])]
    if keys:
        parameters["caption"] = "\n\n".join(texts.text(language, key) for key in keys)
    return {**parameters, **job.keyboard("delivered", language)}


def _not_sent(job: Job, error: TelegramError) -> None:
    """Try again later, or decide that the result cannot be delivered."""
    if error.status == 403 or outbox.may_not_write(error):
        # The user has blocked the bot: the result stays, and so does its price.
        log.info(
            "a result is undeliverable", action="generation_undeliverable", job=job.id, reason=str(error)
        )
        return job.postpone(None, str(error))
    if error.is_temporary and job.delivery_failures < MAX_ATTEMPTS:
        pause = min(_FIRST_PAUSE * 2 ** min(job.delivery_failures, 10), _MAX_PAUSE)
        return job.postpone(max(error.retry_after or 0, pause), str(error))
    if _is_too_large(error):
        return ending.fail(job, "too_large", str(error))
    log.alert("Telegram refused a result", action="generation_refused", job=job.id, reason=str(error))
    return ending.fail(job, "delivery", str(error))
