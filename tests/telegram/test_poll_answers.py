"""Answers to polls name no chat: who may be their user, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.telegram.update_parsing import InvalidPayload, parse
from tools.emulator.stack import Stack

USER = {"id": 71, "is_bot": False, "first_name": "Anna"}


def body(**changes: Any) -> dict[str, Any]:
    return {"update_id": 5, "poll_answer": {"poll_id": "77", "user": USER, "option_ids": [0], **changes}}


def test_the_user_of_an_answer_is_the_voter() -> None:
    update = parse("quiz", json.dumps(body()).encode())
    assert update is not None
    assert (update.user, update.chat_id, update.is_private) == (USER, 71, False)


def test_a_vote_on_behalf_of_a_chat_has_no_user() -> None:
    channel = {"id": 136817688, "is_bot": False, "first_name": "Channel"}  # the placeholder of older clients
    vote = body(user=channel, voter_chat={"id": -100, "type": "channel", "title": "News"})
    update = parse("quiz", json.dumps(vote).encode())
    assert update is not None
    assert update.user is None


@pytest.mark.parametrize(
    "changes",
    [
        {"poll_id": 77},
        {"option_ids": ["0"]},
        {"option_ids": [True]},
        {"option_ids": [-1]},
        {"option_ids": [2**70]},
        {"option_ids": None},
        {"user": "Anna"},
        {"user": {"id": "71"}},
    ],
)
def test_an_answer_of_another_shape_is_invalid(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload):
        parse("quiz", json.dumps(body(**changes)).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {},  # no bot of ours posted this poll
        {"option_ids": []},
        {"user": {**USER, "is_bot": True}},
        {"user": None, "voter_chat": {"id": -100, "type": "channel", "title": "News"}},
        {"newer_field": {"a": 1}, "option_persistent_ids": ["a"]},
    ],
)
def test_what_is_no_ones_answer_is_acknowledged(stack: Stack, changes: dict[str, Any]) -> None:
    assert stack.telegram.deliver(body(**changes), "quiz").status == 200


def test_a_bot_without_polls_acknowledges_it(stack: Stack) -> None:
    assert stack.telegram.deliver(body(), "assistant").status == 200
