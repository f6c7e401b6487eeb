"""Inline mode: questions to the AI in any chat, with a short answer in the message that the user sends."""

from __future__ import annotations

from shared.telegram.feature import Feature

feature = Feature(__name__, kinds=("inline_query", "chosen_inline_result"))
