"""The inbox stores an update with the credentials in any of its strings redacted, and all else unchanged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.core.redaction import REDACTED
from shared.telegram.update import Update

KEY = "sk-proj-Zx81kQpLm29TyuWq"
MESSAGE = {"message_id": 7, "from": {"id": 5, "first_name": "Ann"}, "chat": {"id": 5, "type": "private"}}


def stored(kind: str, content: dict[str, Any]) -> Any:
    """Return the update as the inbox stores it."""
    return json.loads(Update("assistant", 1, kind, {"update_id": 1, kind: content}).redacted_json)


@pytest.mark.parametrize(
    "place",
    [
        {"text": f"my key:\n{KEY}"},
        {"text": "see above", "reply_to_message": {"message_id": 6, "text": f"it is {KEY}"}},
        {"document": {"file_name": f"{KEY}.txt"}},
        {"text": "?", "entities": [{"type": "text_link", "url": f"https://example.com/?key={KEY}"}]},
        {"text": "?", "of_the_future": {"list": [["ordinary", {KEY: 1}]]}},
    ],
)
def test_a_credential_is_redacted_wherever_it_stands(place: dict[str, Any]) -> None:
    content = stored("message", MESSAGE | place)["message"]

    assert KEY not in json.dumps(content)
    assert REDACTED in json.dumps(content, ensure_ascii=False)
    assert content["from"] == MESSAGE["from"]


def test_a_credential_in_a_button_is_redacted() -> None:
    query = {"id": "4382", "from": MESSAGE["from"], "message": MESSAGE | {"text": KEY}, "data": "profile"}

    assert stored("callback_query", query)["callback_query"]["message"]["text"] == REDACTED


def test_an_update_without_credentials_is_stored_unchanged() -> None:
    query = {"id": "4382bfdwdsb323b2d9", "data": "language:ru", "chat_instance": "-81234567890"}
    query |= {"from": MESSAGE["from"], "message": MESSAGE | {"text": "Меню", "date": 1_700_000_000}}

    assert stored("callback_query", query)["callback_query"] == query
