"""Admins give and take XP and badges; each act is audited, acts once per reference and can be undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.supabase.admins.users import audit_entries
from tests.supabase.xp.test_boards import assert_boards_are_right
from tests.supabase.xp.users import Call, Sql, award, create_user, user_id_of, xp
from tests.support import in_parallel


class Anna:
    """A user on whom an admin acts."""

    def __init__(self, sql: Sql, call: Call, boss: str) -> None:
        self.telegram_id = create_user(sql)
        self.user_id = user_id_of(sql, self.telegram_id)
        sql(
            "insert into bot_sessions (user_id, bot, chat_id) values (%s, 'assistant', %s)",
            self.user_id,
            self.telegram_id,
        )
        self._sql, self._call, self._boss = sql, call, boss

    def adjust(self, points: int, reference: str | None = None) -> Any:
        """Give or take XP."""
        return self._act("admin_adjust_xp", p_points=points, p_reference=reference)

    def badge(self, function: str, reference: str | None = None, badge: str = "story") -> Any:
        """Award or revoke a badge."""
        return self._act(function, p_badge=badge, p_bot="spin", p_reference=reference, p_reason="asked")

    def _act(self, function: str, **given: Any) -> Any:
        return self._call(function, p_user_id=self.user_id, p_admin_email=self._boss, **given)

    def undo(self, entry: int) -> Any:
        """Undo an audit entry."""
        return self._call("admin_undo", p_audit_id=entry, p_admin_email=self._boss)

    @property
    def messages(self) -> list[tuple[str, int, int]]:
        """Return key, count and rest of the messages to the user."""
        rows = self._sql(
            "select parameters as p from telegram_outbox where chat_id = %s"
            " and parameters ->> 'key' <> 'level_up' order by id",
            self.telegram_id,
        )
        return [(row["p"]["key"], row["p"]["values"]["count"], row["p"]["values"]["left"]) for row in rows]


@pytest.fixture
def anna(sql: Sql, call: Call, boss: str) -> Anna:
    """Return a user with a chat with the assistant."""
    return Anna(sql, call, boss)


def test_xp_are_given_once_per_reference_and_undone_once(sql: Sql, anna: Anna) -> None:
    given = anna.adjust(350, "gift:1")
    assert (given["applied"], given["before"], given["after"]) == (True, 0, 350)
    assert [one["parameters"]["key"] for one in given["outgoing"]] == ["gift_xp", "level_up"]
    assert anna.adjust(350, "gift:1") == {**given, "applied": False, "outgoing": []}
    assert xp(sql, anna.telegram_id) == (350, 3)
    outcomes = in_parallel(6, lambda _n: anna.undo(given["id"])["outcome"])
    assert sorted(outcomes) == ["known"] * 5 + ["undone"]
    assert xp(sql, anna.telegram_id) == (0, 1)
    assert anna.messages == [("gift_xp", 350, 350), ("gift_xp_taken", 350, 0)]
    assert [entry["action"] for entry in audit_entries(sql, anna.user_id)] == ["adjust_xp", "undo"]
    assert_boards_are_right(sql)


def test_taking_stops_at_zero_and_its_undo_gives_back_what_was_taken(
    sql: Sql, call: Call, anna: Anna
) -> None:
    award(call, anna.telegram_id, 120)
    taken = anna.adjust(-500)
    assert (taken["before"], taken["after"]) == (120, 0)
    award(call, anna.telegram_id, 5)
    done = anna.undo(taken["id"])
    assert (done["outcome"], done["is_partial"], done["after"]) == ("undone", False, {"amount": 125})
    assert xp(sql, anna.telegram_id) == (125, 2)
    assert_boards_are_right(sql)


def test_an_undo_takes_what_is_left(sql: Sql, anna: Anna) -> None:
    given = anna.adjust(100)
    anna.adjust(-70)
    done = anna.undo(given["id"])
    assert (done["is_partial"], xp(sql, anna.telegram_id)) == (True, (0, 1))
    assert anna.undo(anna.adjust(-9)["id"])["outcome"] == "impossible", "it changed nothing"


def test_badges_are_awarded_revoked_and_undone(sql: Sql, call: Call, anna: Anna) -> None:
    def has() -> bool:
        return bool(call("has_badge", p_telegram_id=anna.telegram_id, p_badge="story"))

    given = anna.badge("admin_award_badge", "badge:1")
    assert (given["applied"], given["before"], given["after"], has()) == (True, False, True, True)
    assert anna.badge("admin_award_badge", "badge:1") == {**given, "applied": False}
    assert not call("award_badge", p_telegram_id=anna.telegram_id, p_bot="spin", p_badge="story")
    taken = anna.badge("admin_revoke_badge")
    assert (taken["before"], taken["after"], has()) == (True, False, False)
    assert not call("award_badge", p_telegram_id=anna.telegram_id, p_bot="spin", p_badge="story")
    assert anna.undo(given["id"])["outcome"] == "replaced"
    assert (anna.undo(taken["id"])["outcome"], has()) == ("undone", True)
    assert (anna.undo(given["id"])["outcome"], has()) == ("undone", False)
    assert anna.undo(given["id"])["outcome"] == "known"
    again = anna.badge("admin_award_badge")
    assert (again["before"], has()) == (False, True)
    assert anna.undo(anna.badge("admin_award_badge")["id"])["outcome"] == "impossible", "it changed nothing"
    assert anna.messages == []


def test_a_badge_that_an_admin_refused_is_not_awarded_by_its_condition(sql: Sql, anna: Anna) -> None:
    anna.badge("admin_revoke_badge", badge="spin_master")
    facts = '{"best_score": 300}'
    (row,) = sql("select private.award_due_badges(%s, 'spin', %s) as due", anna.user_id, facts)
    assert row["due"] == []


@pytest.mark.parametrize(
    ("function", "changed", "code"),
    [
        ("admin_adjust_xp", {"p_admin_email": "x@example.com"}, "N0001"),
        ("admin_adjust_xp", {"p_user_id": 0}, "N0002"),
        ("admin_adjust_xp", {"p_points": 6}, "N0003"),
        ("admin_adjust_xp", {"p_points": 0}, "N0004"),
        ("admin_adjust_xp", {"p_points": 1_000_001}, "N0004"),
        ("admin_adjust_xp", {"p_reason": "x" * 501}, "N0004"),
        ("admin_award_badge", {"p_admin_email": "x@example.com"}, "N0001"),
        ("admin_award_badge", {"p_user_id": 0}, "N0002"),
        ("admin_award_badge", {"p_badge": "other"}, "N0003"),
        ("admin_award_badge", {"p_badge": "No"}, "N0004"),
        ("admin_award_badge", {"p_bot": None}, "N0004"),
        ("admin_award_badge", {"p_reason": "x" * 501}, "N0004"),
        ("admin_revoke_badge", {}, "N0003"),
    ],
)
def test_an_invalid_act_is_refused(
    call: Call, refused: Callable[..., str | None], anna: Anna, boss: str,
    function: str, changed: dict[str, Any], code: str,
) -> None:  # fmt: skip
    values = {"p_user_id": anna.user_id, "p_admin_email": boss, "p_reference": "refused:1", "p_reason": "r"}
    xp_values, badge_values = {**values, "p_points": 5}, {**values, "p_badge": "story", "p_bot": "spin"}
    given = xp_values if function == "admin_adjust_xp" else badge_values
    call("admin_award_badge" if function == "admin_revoke_badge" else function, **given)
    assert refused(function, **{**given, **changed}) == code
