"""Answers to button taps."""

from __future__ import annotations

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.text import units

MAX_ANSWER = 200
QUERY_SECONDS = 150.0
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


@method("answerCallbackQuery", "callback_query_id", "text", "show_alert")
def answer_callback_query(call: Call) -> bool:
    """Show the note or alert to the user, once for each tap."""
    state = call.state
    query = state.callbacks.get(call.text("callback_query_id"))
    if query is None or query["bot"] != call.bot.name or state.clock.now() - query["at"] > QUERY_SECONDS:
        raise bad_request(TOO_OLD)
    text = call.text("text")
    if units(text) > MAX_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    query["answer"] = {"text": text, "alert": call.boolean("show_alert")}
    payload = {"user": query["user"], "chat_id": query["chat_id"], "by": call.bot.name}
    state.publish("callback_answer", payload | {"bot": call.bot.name, **query["answer"]})
    return True
