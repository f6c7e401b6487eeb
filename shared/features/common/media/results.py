"""The buttons under a result and its status: again, variation, file, rephrase, stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.features.common.media import making, wishes
from shared.features.common.media.wishes import Wish
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import CancelGeneration, GetGenerationRequest
    from shared.features.common.media.kinds import MediaKind
    from shared.telegram.context import UpdateContext


def again(context: UpdateContext, kind: MediaKind, job_id: int) -> None:
    """Make the same once more."""
    if found := _own(context, kind, job_id):
        making.grant(context, kind, _wish(found))


def vary(context: UpdateContext, kind: MediaKind, job_id: int) -> None:
    """Make something that resembles the result."""
    found = _own(context, kind, job_id)
    if found is None:
        return None
    before = _wish(found)
    references = list(before.references)
    if kind.varies_result:
        files = found.get("telegram_files") or []
        if not files:
            return context.answer_callback(context.text(kind.key("gone")), alert=True)
        references = [{"file_id": files[0]["file_id"], "role": kind.role}]
    prompt = context.text(kind.key("variation_prompt"), words=before.words)
    return making.grant(context, kind, Wish(before.mode, before.words, references, before.options, prompt))


def rephrase(context: UpdateContext, kind: MediaKind, job_id: int) -> None:
    """Ask for another description of the same."""
    if found := _own(context, kind, job_id):
        wish = _wish(found)
        context.set_data(kind.key(wishes.MODE), wish.mode)
        making.await_words(context, kind, "ask_rephrase", wish.references)


def send_file(context: UpdateContext, kind: MediaKind, job_id: int) -> None:
    """Send the result as the provider made it, as a file."""
    found = _own(context, kind, job_id)
    if found is None:
        return
    from shared.generations.originals import send_originals

    update = context.update
    if not send_originals(context.bot.name, update.chat_id, update.thread_id, found.get("files") or []):
        context.answer_callback(context.text(kind.key("gone")), alert=True)


def stop(context: UpdateContext, kind: MediaKind, job_id: int) -> None:
    """Cancel a job that has not begun; otherwise say that it can no longer be canceled."""
    canceled: CancelGeneration = db.call("cancel_generation", p_user_id=context.user.id, p_id=job_id)
    context.answer_callback(context.text(kind.key(f"stop_{canceled['outcome']}")), alert=True)
    outbox.deliver_outgoing(canceled.get("outgoing", []))


def show(context: UpdateContext, kind: MediaKind, job_id: int) -> None:
    """Send a result of the history again."""
    found = _own(context, kind, job_id)
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
        field = file["kind"]
        parameters: JsonObject = {"chat_id": context.update.chat_id, field: file["file_id"]}
        if context.update.thread_id:
            parameters["message_thread_id"] = context.update.thread_id
        if request.get("caption"):
            parameters["caption"] = context.text(request["caption"])
        if keyboard:
            parameters["reply_markup"] = {"inline_keyboard": keyboard}
        context.call(f"send{field.capitalize()}", parameters)


def _own(context: UpdateContext, kind: MediaKind, job_id: int) -> GetGenerationRequest | None:
    """Return a job of the user; else say that it is gone: it is another user's, or was deleted."""
    found: GetGenerationRequest = db.call(
        "get_generation_request", p_user_id=context.user.id, p_bot=context.bot.name, p_id=job_id
    )
    if found["outcome"] == "found" and found["kind"] == kind.name and "wish" in found["request"]:
        return found
    context.answer_callback(context.text(kind.key("gone")), alert=True)
    return None


def _wish(found: GetGenerationRequest) -> Wish:
    return Wish.from_json(found["request"]["wish"])
