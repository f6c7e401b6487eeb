"""Polls and quizzes."""

from __future__ import annotations

from typing import Any

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.methods.content import POST, formatted, markup_content
from tools.emulator.telegram.methods.messages import post
from tools.emulator.telegram.model import Json, Room
from tools.emulator.telegram.text import units

MAX_QUESTION = 300
MAX_OPTION = 100
MAX_OPTIONS = 12
MAX_EXPLANATION = 200
MAX_EXPLANATION_BREAKS = 2
MAX_DESCRIPTION = 1024
MIN_SECONDS, MAX_SECONDS = 5, 2_628_000


@method(
    "sendPoll",
    "chat_id", "question", "question_parse_mode", "question_entities", "options", "is_anonymous", "type",
    "allows_multiple_answers", "allows_revoting", "shuffle_options", "hide_results_until_closes",
    "correct_option_ids", "correct_option_id", "explanation", "explanation_parse_mode",
    "explanation_entities", "open_period", "close_date", "is_closed", "description",
    "description_parse_mode", "description_entities", *POST,
    note="A poll whose time is over closes with the next vote. Options keep their order, results show.",
)  # fmt: skip
def send_poll(call: Call) -> Json:
    """Send a poll or a quiz."""
    room = call.room()
    content = _question(call) | _rules(call)
    right = _right(call, content)
    closes_at = _closing(call, content)
    call.boolean("shuffle_options")
    call.boolean("hide_results_until_closes")
    poll = call.services.polls.add(call.bot, room, content, right, closes_at)
    sent = post(call, room, {"poll": poll.json()})
    poll.stored = room.messages[sent["message_id"]]
    poll.stored.votes = poll.votes
    if call.boolean("is_closed"):
        call.services.polls.close(poll)
    return sent


@method("stopPoll", "chat_id", "message_id", "reply_markup")
def stop_poll(call: Call) -> Json:
    """End a poll of the bot and return its result."""
    room: Room = call.room()
    stored = call.message(room, "message with poll to stop not found")
    markup = markup_content(call)
    poll = call.services.polls.of(stored)
    if poll is None:
        raise bad_request("there is no poll in the message")
    if poll.bot != call.bot.name:
        raise bad_request("poll can't be stopped")
    if poll.is_closed:
        raise bad_request("poll has already been closed")
    stored.data |= markup
    call.services.polls.close(poll)
    return poll.json()


def _question(call: Call) -> Json:
    question, entities = formatted(call, "question", "question_parse_mode", "question_entities")
    if not question:
        raise bad_request("poll question must be non-empty")
    if units(question) > MAX_QUESTION:
        raise bad_request(f"poll question length must not exceed {MAX_QUESTION}")
    options = call.json("options")
    if not isinstance(options, list):
        raise bad_request("expected an Array of InputPollOption as options")
    if not options:
        raise bad_request("poll must have at least 1 option")
    if len(options) > MAX_OPTIONS:
        raise bad_request(f"poll can't have more than {MAX_OPTIONS} options")
    content: Json = {
        "question": question,
        "options": [
            {"persistent_id": str(number), "text": _option(option)} for number, option in enumerate(options)
        ],
    }
    return content | ({"question_entities": entities} if entities else {})


def _option(option: Any) -> str:
    text = option.get("text") if isinstance(option, dict) else option
    if not isinstance(text, str) or not text.strip():
        raise bad_request("poll options must be non-empty")
    text = " ".join(text.split())
    if units(text) > MAX_OPTION:
        raise bad_request(f"poll options length must not exceed {MAX_OPTION}")
    return text


def _rules(call: Call) -> Json:
    kind = call.text("type") or "regular"
    if kind not in ("quiz", "regular"):
        raise bad_request("unsupported poll type specified")
    is_anonymous = call.raw("is_anonymous") is None or call.boolean("is_anonymous")
    revoting = kind == "regular" if call.raw("allows_revoting") is None else call.boolean("allows_revoting")
    content: Json = {
        "type": kind,
        "is_anonymous": is_anonymous,
        "allows_multiple_answers": call.boolean("allows_multiple_answers"),
        "allows_revoting": revoting,
    }
    description, entities = formatted(call, "description", "description_parse_mode", "description_entities")
    if units(description) > MAX_DESCRIPTION:
        raise bad_request("poll description is too long")
    if description:
        content |= {"description": description} | ({"description_entities": entities} if entities else {})
    return content


def _right(call: Call, content: Json) -> list[int]:
    """Return the right options of a quiz, and put its explanation into the content."""
    given = call.json("correct_option_ids")
    one = call.integer("correct_option_id")
    if given in (None, "") and one is not None:
        given = [one]
    text, entities = formatted(call, "explanation", "explanation_parse_mode", "explanation_entities")
    if content["type"] != "quiz":
        return []
    size = len(content["options"])
    if (
        not isinstance(given, list)
        or not given
        or not all(isinstance(one, int) and 0 <= one < size for one in given)
        or given != sorted(set(given))
        or (len(given) > 1 and not content["allows_multiple_answers"])
    ):
        raise bad_request("wrong correct option ID specified")
    if units(text) > MAX_EXPLANATION or text.count("\n") > MAX_EXPLANATION_BREAKS:
        raise bad_request("poll explanation is too long")
    if text:
        content |= {"explanation": text} | ({"explanation_entities": entities} if entities else {})
    return given


def _closing(call: Call, content: Json) -> float | None:
    """Return when the poll ends, and put what was asked for into the content."""
    period, date = call.integer("open_period"), call.integer("close_date")
    now = call.state.clock.now()
    seconds = period if period is not None else (None if date is None else date - now)
    if seconds is None:
        return None
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise bad_request("invalid poll close date specified")
    content |= {"open_period": period} if period is not None else {"close_date": date}
    return now + seconds
