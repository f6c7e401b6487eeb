"""Channel membership: which responses of getChatMember count as a member."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.errors import TelegramError
from shared.telegram import api, membership


@pytest.mark.parametrize(
    ("member", "is_in"),
    [
        ({"status": "creator"}, True),
        ({"status": "administrator"}, True),
        ({"status": "member"}, True),
        ({"status": "member", "until_date": 1_800_000_000}, True),
        ({"status": "restricted", "is_member": True}, True),
        ({"status": "restricted", "is_member": False}, False),
        ({"status": "left"}, False),
        ({"status": "kicked", "until_date": 0}, False),
        ({"status": "something new"}, False),
        ({}, False),
    ],
)
def test_a_status(monkeypatch: pytest.MonkeyPatch, member: dict[str, Any], is_in: bool) -> None:
    monkeypatch.setattr(api, "call", lambda *_question, **_more: member)
    assert membership.is_member("assistant", -1001, 5) is is_in


@pytest.mark.parametrize(
    ("status", "description", "is_known"),
    [
        (400, "Bad Request: user not found", True),
        (400, "Bad Request: PARTICIPANT_ID_INVALID", True),
        (400, "Bad Request: member list is inaccessible", False),
        (400, "Bad Request: chat not found", False),
        (403, "Forbidden: bot was kicked from the channel chat", False),
        (429, "Too Many Requests: retry after 3", False),
        (0, "no answer", False),
    ],
)
def test_a_refusal(monkeypatch: pytest.MonkeyPatch, status: int, description: str, is_known: bool) -> None:
    def refuse(_bot: str, method: str, *_more: Any, **_named: Any) -> Any:
        raise TelegramError(method, status, description)

    monkeypatch.setattr(api, "call", refuse)
    if is_known:
        assert membership.is_member("assistant", -1001, 5) is False
    else:
        with pytest.raises(TelegramError):
            membership.is_member("assistant", -1001, 5)
