"""Answers to queries of inline mode."""

from __future__ import annotations

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.inline import QUERY_SECONDS
from tools.emulator.telegram.methods.callbacks import TOO_OLD
from tools.emulator.telegram.model import Json

MAX_RESULTS = 50


@method(
    "answerInlineQuery",
    "inline_query_id", "results", "cache_time", "is_personal", "button",
    note="articles with a text only; nothing is cached",
)  # fmt: skip
def answer_inline_query(call: Call) -> bool:
    """Offer results to the user who types."""
    query = call.services.inline.queries.get(call.text("inline_query_id"))
    answer = {
        "results": call.json("results"),
        "button": call.json("button"),
        "cache_time": call.integer("cache_time", 300),
        "is_personal": call.boolean("is_personal"),
    }
    if query is None or query.bot != call.bot.name or call.state.clock.now() - query.at > QUERY_SECONDS:
        raise bad_request(TOO_OLD)
    if not isinstance(answer["results"], list):
        raise bad_request("can't parse inline query result")
    if len(answer["results"]) > MAX_RESULTS:
        raise bad_request("RESULTS_TOO_MUCH")
    query.answer = answer | {"results": [_article(one) for one in answer["results"]]}
    call.state.publish("inline", {"id": query.id, "user": query.user.id, "by": call.bot.name} | query.answer)
    return True


def _article(result: Json) -> Json:
    content = result.get("input_message_content") if isinstance(result, dict) else None
    if not isinstance(content, dict) or not content.get("message_text") or not result.get("title"):
        raise bad_request("can't parse inline query result")
    if not 1 <= len(str(result.get("id") or "").encode()) <= 64:
        raise bad_request("RESULT_ID_INVALID")
    return result
