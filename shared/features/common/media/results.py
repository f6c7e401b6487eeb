"""The buttons under a result and its status: again, variation, file, rephrase, stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.features.common.media import making, wishes
from shared.features.common.media.wishes import Wish
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import CancelGeneration, GetGenerationRequest, MuteGeneration
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
    sent = send_originals(context.bot.name, update.chat_id, update.thread_id, found.get("files") or [])
    if sent == "gone":
        context.answer_callback(_deletion(context, found) or context.text(kind.key("gone")), alert=True)
    elif sent == "later":
        context.answer_callback(context.text("media_file_later"), alert=True)


def stop(context: UpdateContext, kind: MediaKind, job_id: int) -> None:
    """Cancel a job that has not begun; stop waiting for one that no provider takes back."""
    canceled: CancelGeneration = db.call("cancel_generation", p_user_id=context.user.id, p_id=job_id)
    outcome: str = canceled["outcome"]
    outgoing = canceled.get("outgoing", [])
    if outcome == "too_late":
        muted: MuteGeneration = db.call("mute_generation", p_user_id=context.user.id, p_id=job_id)
        outcome, outgoing = muted["outcome"], muted.get("outgoing", [])
    context.answer_callback(context.text(kind.key(f"stop_{outcome}")), alert=True)
    outbox.deliver_outgoing(outgoing)


def show(context: UpdateContext, kind: MediaKind, job_id: int) -> None:
    """Send a result of the history again, and say so when its original is no longer kept."""
    found = _own(context, kind, job_id)
    if found is None:
        return None
    request: JsonObject = found["request"]
    rows = ((request.get("buttons") or {}).get("delivered")) or []
    has_originals = found.get("has_originals")
    shown = [[one for one in row if has_originals or one["key"] != "media_file"] for row in rows]
    keyboard = [
        [
            {"text": context.text(one["key"]), "callback_data": one["data"].replace("{id}", str(job_id))}
            for one in row
        ]
        for row in shown
        if row
    ]
    caption = [context.text(request["caption"])] if request.get("caption") else []
    if deletion := _deletion(context, found):
        caption.append(deletion)
    sent = found.get("telegram_files") or []
    if not sent:
        from shared.generations.storing import LINK_DAYS

        return context.answer_callback(context.text("media_sent_as_link", days=LINK_DAYS), alert=True)
    for file in sent:
        field = file["kind"]
        parameters: JsonObject = {"chat_id": context.update.chat_id, field: file["file_id"]}
        if context.update.thread_id:
            parameters["message_thread_id"] = context.update.thread_id
        if caption:
            parameters["caption"] = "\n\n".join(caption)
        if keyboard:
            parameters["reply_markup"] = {"inline_keyboard": keyboard}
        context.call(f"send{field.capitalize()}", parameters)
    return None


def _deletion(context: UpdateContext, found: GetGenerationRequest) -> str | None:
    """Return that the original was deleted; None when it is kept, or never was."""
    stored = found.get("files") or []
    if not stored or not all(one["key"] for one in stored) or found.get("has_originals"):
        return None
    return context.text("media_original_deleted", days=found.get("kept_days", 0))


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
