"""Polls and quizzes of the emulator: what bots may send, what users may vote, which updates come of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.emulator.receiving import Receiver
from tools.emulator.telegram import Chat, Telegram
from tools.emulator.telegram.errors import ApiError
from tools.emulator.telegram.polls import VoteRefused
from tools.emulator.telegram.test_objects import Answer

Json = dict[str, Any]
QUIZ: Json = {
    "question": "Which question is about consequences?",
    "options": [{"text": "Who signs?"}, {"text": "What does a day of delay cost?"}, {"text": "How many?"}],
    "type": "quiz",
    "is_anonymous": False,
    "correct_option_ids": [1],
    "explanation": "It asks for the cost of a problem.",
}


def send(telegram: Telegram, chat: Chat, **more: Any) -> Answer:
    """Send a quiz, or what `more` makes of it, and return its message."""
    telegram.request("assistant", "sendPoll", {**QUIZ, "chat_id": chat.id, **more})
    return chat.answer()


def kinds(receiver: Receiver) -> list[str]:
    """Return the kinds of updates that came, except messages."""
    return sorted(
        kind for update in receiver.updates for kind in update if kind not in ("update_id", "message")
    )


def of_kind(receiver: Receiver, kind: str) -> list[Json]:
    return [update[kind] for update in receiver.updates if kind in update]


@pytest.fixture
def chat(telegram: Telegram, receiver: Receiver) -> Chat:
    """A chat whose bot receives every kind of update."""
    chat = telegram.user("Anna").chat()
    chat.send("/start").wait()
    return chat


def test_a_quiz_is_a_message_with_a_poll(telegram: Telegram, chat: Chat) -> None:
    poll = send(telegram, chat).data["poll"]
    assert [option["text"] for option in poll["options"]] == [one["text"] for one in QUIZ["options"]]
    assert [option["voter_count"] for option in poll["options"]] == [0, 0, 0]
    assert (poll["type"], poll["is_anonymous"], poll["is_closed"]) == ("quiz", False, False)
    assert (poll["correct_option_ids"], poll["allows_revoting"]) == ([1], False)


def test_a_vote_sends_the_answer_and_the_new_state(
    telegram: Telegram, receiver: Receiver, chat: Chat
) -> None:
    quiz = send(telegram, chat)
    chat.vote(quiz, 1)
    telegram.idle()
    (answer,) = of_kind(receiver, "poll_answer")
    assert answer == {
        "poll_id": quiz.data["poll"]["id"],
        "user": chat.user.json(),
        "option_ids": [1],
        "option_persistent_ids": ["1"],
    }
    (state,) = of_kind(receiver, "poll")
    assert (state["total_voter_count"], state["options"][1]["voter_count"]) == (1, 1)
    assert quiz.data["poll"]["total_voter_count"] == 1


def test_an_anonymous_poll_does_not_say_who_voted(telegram: Telegram, receiver: Receiver, chat: Chat) -> None:
    poll = send(telegram, chat, is_anonymous=None)
    assert poll.data["poll"]["is_anonymous"] is True
    chat.vote(poll, 0)
    telegram.idle()
    assert kinds(receiver) == ["poll"]


def test_a_quiz_takes_one_answer_and_a_regular_poll_a_changed_one(
    telegram: Telegram, receiver: Receiver, chat: Chat
) -> None:
    quiz = send(telegram, chat)
    chat.vote(quiz, 0)
    with pytest.raises(VoteRefused, match="cannot be changed"):
        chat.vote(quiz, 1)
    regular = send(telegram, chat, type="regular", allows_multiple_answers=True)
    telegram.idle()  # updates of different moments may arrive in any order
    chat.vote(regular, 2, 0)
    telegram.idle()
    chat.vote(regular)
    telegram.idle()
    assert [one["option_ids"] for one in of_kind(receiver, "poll_answer")] == [[0], [0, 2], []]
    assert regular.data["poll"]["total_voter_count"] == 0


@pytest.mark.parametrize("chosen", [(3,), (-1,), (0, 0), (0, 1), ()])
def test_a_vote_that_no_app_would_send(telegram: Telegram, chat: Chat, chosen: tuple[int, ...]) -> None:
    quiz = send(telegram, chat)
    with pytest.raises(VoteRefused):
        chat.vote(quiz, *chosen)
    assert quiz.data["poll"]["total_voter_count"] == 0


def test_stopping_ends_a_poll_once(telegram: Telegram, receiver: Receiver, chat: Chat) -> None:
    quiz = send(telegram, chat)
    chat.vote(quiz, 1)
    telegram.idle()
    stopped = telegram.request("assistant", "stopPoll", {"chat_id": chat.id, "message_id": quiz.message_id})
    assert (stopped["is_closed"], stopped["total_voter_count"]) == (True, 1)
    with pytest.raises(VoteRefused, match="closed"):
        chat.vote(quiz, 1)
    with pytest.raises(ApiError, match="already been closed"):
        telegram.request("assistant", "stopPoll", {"chat_id": chat.id, "message_id": quiz.message_id})
    telegram.idle()
    assert [one["is_closed"] for one in of_kind(receiver, "poll")] == [False, True]


def test_a_poll_closes_when_its_time_is_over(telegram: Telegram, receiver: Receiver, chat: Chat) -> None:
    quiz = send(telegram, chat, open_period=60)
    assert quiz.data["poll"]["open_period"] == 60
    telegram.clock.advance(61)
    with pytest.raises(VoteRefused, match="closed"):
        chat.vote(quiz, 1)
    telegram.idle()
    assert [one["is_closed"] for one in of_kind(receiver, "poll")] == [True]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"question": ""}, "question must be non-empty"),
        ({"question": "я" * 301}, "question length"),
        ({"options": []}, "at least 1"),
        ({"options": "two"}, "Array of InputPollOption|options JSON"),
        ({"options": ["a"] * 13}, "more than 12"),
        ({"options": ["a", ""]}, "options must be non-empty"),
        ({"options": ["a", "😀" * 51]}, "options length"),
        ({"type": "riddle"}, "unsupported poll type"),
        ({"correct_option_ids": None}, "wrong correct option"),
        ({"correct_option_ids": [3]}, "wrong correct option"),
        ({"correct_option_ids": [1, 0], "allows_multiple_answers": True}, "wrong correct option"),
        ({"correct_option_ids": [0, 1]}, "wrong correct option"),
        ({"explanation": "a" * 201}, "explanation"),
        ({"explanation": "a\nb\nc\nd"}, "explanation"),
        ({"open_period": 4}, "close date"),
        ({"open_period": 2_628_001}, "close date"),
        ({"close_date": 1}, "close date"),
        ({"description": "a" * 1025}, "description"),
    ],
)
def test_what_the_bot_api_refuses(telegram: Telegram, chat: Chat, change: Json, words: str) -> None:
    with pytest.raises(ApiError, match=words):
        telegram.request("assistant", "sendPoll", {**QUIZ, "chat_id": chat.id, **change})


def test_the_old_name_of_the_right_option_works(telegram: Telegram, chat: Chat) -> None:
    quiz = send(telegram, chat, correct_option_ids=None, correct_option_id=2)
    assert quiz.data["poll"]["correct_option_ids"] == [2]


def test_only_the_bot_that_sent_a_poll_gets_its_answers(telegram: Telegram, receiver: Receiver) -> None:
    anna = telegram.user("Anna")
    telegram.add_bot("other")
    group = telegram.group("Team", [anna], bots=["assistant", "other"])
    telegram.request("other", "sendPoll", {**QUIZ, "chat_id": group.id})
    updates = group.by(anna).vote(group.answer(), 0)
    assert {update.bot for update in updates} == {"other"}


def test_the_transcript_shows_votes(telegram: Telegram, chat: Chat) -> None:
    quiz = send(telegram, chat)
    chat.vote(quiz, 1)
    (entry,) = [one for one in telegram.transcripts.of(chat.room) if one.kind == "vote"]
    assert (entry.who, entry.fields["text"]) == (
        "Anna",
        "Who signs? 0, What does a day of delay cost? 1, How many? 0",
    )
