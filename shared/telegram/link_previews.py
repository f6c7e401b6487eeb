"""Disables link previews, in the two places where a call leaves for Telegram.

Telegram fetches a preview without a click. A URL in an AI-written text may come from a document that
instructed the model (prompt injection) and carry the conversation in its path: the preview would deliver
it. Texts of the product contain names and other untrusted values too, so the rule applies to every text.
"""

from __future__ import annotations

from shared.core.json_types import JsonObject

OFF: JsonObject = {"is_disabled": True}
# Methods in whose text Telegram detects URLs. `sendRichMessage` must not be used for AI-written text:
# Telegram fetches the images it names, and that cannot be disabled.
_METHODS = frozenset({"sendMessage", "sendMessageDraft", "editMessageText"})


def without_preview(method: str, parameters: JsonObject) -> JsonObject:
    """Return the parameters of a call with link previews disabled.

    A call may request the preview of a trusted URL: `link_preview_options={"url": …}`.
    """
    if method not in _METHODS or parameters.get("link_preview_options"):
        return parameters
    return {**parameters, "link_preview_options": OFF}
