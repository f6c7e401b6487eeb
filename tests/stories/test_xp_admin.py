"""/xp and /badge: admins correct a user's progress; audited, undone once, in both languages."""

from __future__ import annotations

import pytest

from tests.stories.test_admin import Appoint, Sql, ask, column, started_user, tap
from tools.emulator.stack import Stack


@pytest.mark.parametrize(
    ("language", "given", "audit", "undo", "undone"),
    [
        ("en", "Анна{user}: XP 0 → 1,000", "XP 0 → 1,000", "↩️ Undo", "Undone: 1,000 → 0"),
        (
            "ru",
            "Анна{user}: XP 0 → 1\u00a0000",
            "XP 0 → 1\u00a0000",
            "↩️ Отменить",
            "Отменено: 1\u00a0000 → 0",
        ),
    ],
)
def test_xp_is_given_audited_and_undone(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, given: str, audit: str, undo: str, undone: str
) -> None:
    boss, anna = appoint(language).chat("assistant"), started_user(stack)
    answer = ask(boss, f"/xp {anna.id} 1000 for the idea")
    assert answer.text == given.format(user=f" (@{anna.account.username})")
    assert (column(sql, anna, "total_xp"), column(sql, anna, "level")) == (1000, 5)
    message = anna.chat("assistant").answers()[-1].text
    assert "1\u00a0000 XP" in message and "idea" not in message
    log = ask(boss, f"/audit {anna.id}").text
    assert audit in log and "for the idea" in log
    assert undone in tap(answer, undo)
    assert (column(sql, anna, "total_xp"), column(sql, anna, "level")) == (0, 1)
    assert "0 → 0" in ask(boss, f"/xp {anna.id} -5").text, "never below zero"


@pytest.mark.parametrize(
    ("language", "given", "taken", "same", "undo", "none", "audit"),
    [
        ("en", "badge “SPIN master” given", "badge “SPIN master” taken", "nothing to change", "↩️ Undo",
         "There’s no badge spinmaster.", "gave the badge spin_master"),
        ("ru", "выдан значок «Мастер СПИН»", "снят значок «Мастер СПИН»", "менять нечего", "↩️ Отменить",
         "Значка spinmaster нет.", "выдан значок spin_master"),
    ],
)  # fmt: skip
def test_a_badge_is_given_taken_and_undone(
    stack: Stack,
    appoint: Appoint,
    sql: Sql,
    language: str,
    given: str,
    taken: str,
    same: str,
    undo: str,
    none: str,
    audit: str,
) -> None:
    boss, anna = appoint(language).chat("assistant"), started_user(stack)

    def held() -> list[tuple[str, str]]:
        rows = sql(
            "select b.badge, b.bot from user_badges b join users u on u.id = b.user_id "
            "where u.telegram_id = %s and b.revoked_at is null order by 1",
            anna.id,
        )
        return [(row["badge"], row["bot"]) for row in rows]

    assert none in ask(boss, f"/badge {anna.id} spinmaster").text
    answer = ask(boss, f"/badge {anna.id} spin_master for the final")
    assert answer.text.endswith(given)
    assert same in ask(boss, f"/badge {anna.id} spin_master").text
    assert held() == [("spin_master", "spin")], "in the bot whose condition awards it"
    log = ask(boss, f"/audit {anna.id}").text
    assert audit in log and "for the final" in log
    tap(answer, undo)
    assert held() == []
    ask(boss, f"/badge {anna.id} quiz:finalist")
    ask(boss, f"/badge {anna.id} :Founder")
    assert held() == [("finalist", "quiz"), ("founder", "")]
    ask(boss, f"/badge {anna.id} spin_master")
    assert ask(boss, f"/badge {anna.id} -spin_master").text.endswith(taken)
    assert held() == [("finalist", "quiz"), ("founder", "")]


@pytest.mark.parametrize(
    "command", ["/xp", "/xp 5", "/xp 5 0", "/xp @anna much", "/badge", "/badge 5", "/badge 5 two words!"]
)
def test_a_wrong_command_shows_how_to_write_it(stack: Stack, appoint: Appoint, command: str) -> None:
    boss = appoint("en").chat("assistant")
    answer = ask(boss, command).text
    assert "@name" in answer or "no badge two" in answer
