"""Switches link previews off, at the two places where a call leaves for Telegram.

Telegram fetches the preview of an address without a click. An address in an AI-written text may come from a
document or a message that instructed the model, and carry the conversation in its path: the preview would
deliver it. Our own texts contain names and other foreign words too, so the rule holds for every text.
"""

from __future__ import annotations

from typing import Any

OFF: dict[str, Any] = {"is_disabled": True}
# The methods whose text Telegram looks for addresses. `sendRichMessage` is not usable for AI-written text:
# Telegram fetches the pictures it names, and nothing switches that off.
_METHODS = frozenset({"sendMessage", "sendMessageDraft", "editMessageText"})


def without_preview(method: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a call with its link preview off.

    A call that wants the preview of an address we wrote says so: `link_preview_options={"url": …}`.
    """
    if method not in _METHODS or parameters.get("link_preview_options"):
        return parameters
    return {**parameters, "link_preview_options": OFF}
