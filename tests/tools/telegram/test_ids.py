"""ids lists the senders of waiting messages of a bot without a webhook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core.errors import TelegramError
from tests.tools.telegram.conftest import Run
from tools.telegram import retrying

Answer = Callable[[Any], None]


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Let getUpdates return or raise the given value."""

    def answer(what: Any) -> None:
        def call(bot: str, method: str, parameters: dict[str, Any]) -> Any:
            assert (bot, method) == ("assistant", "getUpdates")
            assert "offset" not in parameters, "that would take the updates away"
            if isinstance(what, Exception):
                raise what
            return what

        monkeypatch.setattr(retrying, "call", call)

    return answer


def message(number: int, **sender: Any) -> dict[str, Any]:
    chat = {"id": number, "type": "private"}
    return {"update_id": 1, "message": {"from": {"id": number, "is_bot": False} | sender, "chat": chat}}


def test_each_sender_is_shown_once(run: Run, waiting: Answer) -> None:
    olga = message(123456789, first_name="Olga", username="olga")
    bot = message(5, first_name="Bot", is_bot=True)
    waiting([olga, olga, bot, {"update_id": 3, "poll": {}}, message(7, first_name="Иван")])
    assert run("ids") == (0, "assistant: 123456789  Olga (@olga)\nassistant: 7  Иван\n", "")


def test_a_name_cannot_control_the_terminal(run: Run, waiting: Answer) -> None:
    waiting([message(7, first_name="\x1b[2JA\nnna", last_name="\ud800\u202eLee")])
    assert run("ids") == (0, "assistant: 7  [2JAnna Lee\n", "")


def test_a_bot_without_messages_explains_what_to_do(run: Run, waiting: Answer) -> None:
    waiting([])
    assert "Send your bot a message and run this again" in run("ids")[1]


def test_a_bot_with_a_webhook_suggests_whoami(run: Run, waiting: Answer) -> None:
    waiting(TelegramError("getUpdates", 409, "Conflict: can't use getUpdates method while webhook is active"))
    status, _, errors = run("ids")
    assert (status, errors) == (
        1, "assistant has a webhook: write /whoami to it, and it answers with your id\n",
    )  # fmt: skip


def test_a_wrong_token_is_reported_with_telegrams_description(run: Run, waiting: Answer) -> None:
    waiting(TelegramError("getUpdates", 401, "Unauthorized"))
    status, _, errors = run("ids")
    assert status == 1
    assert "Unauthorized" in errors


def test_a_result_that_is_none_is_one_line(run: Run, waiting: Answer) -> None:
    waiting([{"update_id": 1, "message": {"from": {"id": "x"}, "chat": {"type": "private"}}}])
    status, _, errors = run("ids")
    assert status == 1
    assert errors == "getUpdates: 200 the result is unexpected: [0].message.from.id must be a number\n"
