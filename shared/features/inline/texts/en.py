"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "inline_title": "Ask: {question}",
    "inline_about": "Send the question with a short answer from the AI. Uses 1 request.",
    "inline_thinking": "⏳ Thinking…",
    "inline_busy": "⏳ Your previous question isn’t answered yet. Wait for the answer, then ask again.",
    "inline_limit": "🙅 I can’t answer this one: a limit is reached. Ask me in the private chat to see which.",
    "inline_key_failed": "🔑 I couldn’t use your API key. Open the private chat and check it: /keys",
    "inline_no_question": "ℹ️ I can’t answer this question. Ask another one, 3 to 256 characters long.",
}
