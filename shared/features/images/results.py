"""The buttons under a picture and its status: again, variation, file, rephrase, stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.features.images import drawing, wishes
from shared.features.images.wishes import Wish
from shared.telegram import outbox, reply

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import CancelGeneration, GetGenerationRequest
    from shared.telegram.context import UpdateContext


def again(context: UpdateContext, job_id: int) -> None:
    """Make the same picture once more."""
    if found := _own(context, job_id):
        drawing.grant(context, _wish(found))


def vary(context: UpdateContext, job_id: int) -> None:
    """Make a picture that resembles the result."""
    found = _own(context, job_id)
    if found is None:
        return None
    files = found.get("telegram_files") or []
    if not files:
        return context.answer_callback(context.text("image_gone"), alert=True)
    before = _wish(found)
    prompt = context.text("image_variation_prompt", words=before.words)
    references = [{"file_id": files[0]["file_id"]}]
    return drawing.grant(context, Wish(before.mode, before.words, references, before.options, prompt))


def rephrase(context: UpdateContext, job_id: int) -> None:
    """Ask for another description of the same picture."""
    if found := _own(context, job_id):
        wish = _wish(found)
        context.set_data(wishes.MODE, wish.mode)
        context.set_data("awaiting", "image")
        context.set_data(wishes.REFERENCES, list(wish.references) or None)
        reply(context.rich("image_ask_rephrase"))


def send_file(context: UpdateContext, job_id: int) -> None:
    """Send the picture as the provider made it, as a file."""
    found = _own(context, job_id)
    if found is None:
        return
    from shared.generations.originals import send_originals

    update = context.update
    if not send_originals(context.bot.name, update.chat_id, update.thread_id, found.get("files") or []):
        context.answer_callback(context.text("image_gone"), alert=True)


def stop(context: UpdateContext, job_id: int) -> None:
    """Cancel a job that has not begun; otherwise say that it can no longer be canceled."""
    canceled: CancelGeneration = db.call("cancel_generation", p_user_id=context.user.id, p_id=job_id)
    context.answer_callback(context.text(f"image_stop_{canceled['outcome']}"), alert=True)
    outbox.deliver_outgoing(canceled.get("outgoing", []))


def show(context: UpdateContext, job_id: int) -> None:
    """Send a picture of the history again."""
    found = _own(context, job_id)
    if found is None:
        return
    request: JsonObject = found["request"]
    rows = ((request.get("buttons") or {}).get("delivered")) or []
    keyboard = [
        [
            {"text": context.text(one["key"]), "callback_data": one["data"].replace("{id}", str(job_id))}
            for one in row
        ]
        for row in rows
    ]
    for file in found.get("telegram_files") or []:
        method, field = ("sendPhoto", "photo") if file["kind"] == "photo" else ("sendDocument", "document")
        parameters: JsonObject = {"chat_id": context.update.chat_id, field: file["file_id"]}
        if context.update.thread_id:
            parameters["message_thread_id"] = context.update.thread_id
        if request.get("caption"):
            parameters["caption"] = context.text(request["caption"])
        if keyboard:
            parameters["reply_markup"] = {"inline_keyboard": keyboard}
        context.call(method, parameters)


def _own(context: UpdateContext, job_id: int) -> GetGenerationRequest | None:
    """Return a job of the user; else say that it is gone: it is another user's, or was deleted."""
    found: GetGenerationRequest = db.call(
        "get_generation_request", p_user_id=context.user.id, p_bot=context.bot.name, p_id=job_id
    )
    if found["outcome"] == "found" and "wish" in found["request"]:
        return found
    context.answer_callback(context.text("image_gone"), alert=True)
    return None


def _wish(found: GetGenerationRequest) -> Wish:
    return Wish.from_json(found["request"]["wish"])
