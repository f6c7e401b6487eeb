"""Teams of the sales trainer over HTTP: a manager and two members, in both languages."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from shared.core import texts
from shared.features.trainer import library
from tests.stories.test_spin import CASE, QUESTIONS, choose, give_trainings, take_time
from tests.stories.test_trial import labels, tap, user_id
from tests.support import eventually, says
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]
Clock = Callable[[str], None]
LANGUAGES = ("en", "ru")
NOON = "timestamptz '2026-12-01 09:00:00+00'"  # in Moscow


def ask(chat: Chat, text: str) -> Answer:
    """Send a text; return the answer to it, whatever came before."""
    seen = {one.message_id for one in chat.answers()}
    chat.send(text).wait()
    return eventually(lambda: next((one for one in chat.answers() if one.message_id not in seen), None))


def words(language: str, key: str, **values: object) -> str:
    return texts.text(language, key, **values)


def join(stack: Stack, code: str, name: str, language: str = "en") -> Chat:
    """A new user opens the invite link and joins."""
    chat = stack.telegram.user(name, language).chat("spin")
    invitation = ask(chat, f"/start team_{code}")
    assert says(invitation.text, "welcome_spin", language)
    assert says(invitation.text, "team_invitation", language)
    joined = tap(invitation, words(language, "team_join_button"))
    assert says(joined.text, "team_joined", language)
    return chat


def create(stack: Stack, sql: Sql, language: str = "en", name: str = "North") -> tuple[Chat, str]:
    """A new user creates a team; return the chat and the code of the link."""
    manager = stack.telegram.user("Maria", language).chat("spin")
    ask(manager, "/start")
    screen = ask(manager, "/team")
    assert says(screen.text, "team_about", language)
    tap(screen, words(language, "team_new_button"))
    created = ask(manager, name)
    code = str(sql("select code from teams order by id desc limit 1")[0]["code"])
    assert says(created.text, "team_managed", language)
    assert f"start=team_{code}" in created.text
    return manager, code


def assign(manager: Chat, language: str = "en", *, days: int = 7, rounds: str = "team_once_button") -> Answer:
    """Assign CASE to the team; return the last screen."""
    screen = ask(manager, "/team")
    tap(screen, words(language, "team_assign_button"))
    choose(screen, library.load("spin").info.name.of(language))
    choose(screen, CASE.client.company.of(language))
    tap(screen, words(language, "team_practice_button"))
    tap(screen, words(language, "trainer_easy_button"))
    choose(screen, words(language, "team_days_button", until="", days=days).strip())
    choose(screen, words(language, rounds, count=2))
    assert says(screen.text, "team_assigned", language)
    return screen


def last(chat: Chat, key: str, language: str = "en") -> Answer:
    """Wait for a message that has this text."""
    return eventually(
        lambda: next((one for one in reversed(chat.answers()) if says(one.text, key, language)), None)
    )


def count(chat: Chat, key: str, language: str = "en") -> int:
    return sum(says(one.text, key, language) for one in chat.answers())


def play(sql: Sql, chat: Chat, language: str = "en", questions: int = 5) -> Answer:
    """Play the open training, slowly enough to count; return its result."""
    for question in QUESTIONS[language][:questions]:
        ask(chat, question)
    take_time(sql)
    return ask(chat, "/finish")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_team_from_the_invitation_to_the_report(
    stack: Stack, sql: Sql, clock: Clock, language: str
) -> None:
    clock(NOON)
    stack.ai.always(AiBehaviour(status=500))
    manager, code = create(stack, sql, language)
    anna, ben = (join(stack, code, name, language) for name in ("Anna", "Ben"))
    assert eventually(lambda: count(manager, "team_joined_notice", language) == 2)
    assert says(ask(anna, "/team").text, "team_joined_view", language)
    assert words(language, "team_report_button") not in labels(ask(anna, "/team"))
    assign(manager, language)
    for chat in (anna, ben):
        message = last(chat, "team_assigned_practice", language)
        assert library.load("spin").info.name.of(language) in message.text
        assert not {"Round", "Раунд"} & set(message.text.split()), "there is only one"
        assert words(language, "team_start_button") in labels(message)
    give_trainings(sql, anna)
    tap(last(anna, "team_assigned_practice", language), words(language, "team_start_button"))
    result = play(sql, anna, language)
    assert words(language, "trainer_open_lines") in result.text
    score = sql("select score from training_history")[0]["score"]
    (done,) = sql("select * from assignment_tasks where done_at is not null")
    assert (done["user_id"], done["best_score"], done["is_passed"]) == (user_id(sql, anna), score, None)
    assert says(ask(anna, "/team").text, "team_joined_view", language)
    assert words(language, "team_tasks") not in ask(anna, "/team").text
    report = tap(ask(manager, "/team"), words(language, "team_report_button"))
    line = words(language, "team_report_member", name="{}", done="{}", late="{}", open="{}", overdue="{}")
    assert line.format("Anna", 1, 0, 0, 0) in report.text
    assert line.format("Ben", 0, 0, 1, 0) in report.text
    assert str(score) in report.text
    assert QUESTIONS[language][2] not in report.text, "results, not conversations"
    report.tap(words(language, "team_file_button")).wait()
    document = eventually(lambda: next((one for one in manager.answers() if one.data.get("document")), None))
    assert document.data["document"]["file_name"].endswith(".csv")
    rows = list(
        csv.reader(io.StringIO(file_text(stack, document)), delimiter=";" if language == "ru" else ",")
    )
    assert [row[0] for row in rows] == [words(language, "team_column_member"), "Anna", "Ben"]
    assert rows[1][7:9] == [words(language, "team_state_done"), str(score)]


def file_text(stack: Stack, answer: Answer) -> str:
    file = stack.telegram.state.files.by_id(answer.data["document"]["file_id"])
    assert file is not None
    return file.content.decode("utf-8-sig")


def test_reminders_come_with_the_job_and_start_the_training(stack: Stack, sql: Sql, clock: Clock) -> None:
    clock(NOON)
    stack.ai.always(AiBehaviour(status=500))
    manager, code = create(stack, sql)
    anna = join(stack, code, "Anna")
    assign(manager, rounds="team_rounds_button")
    clock("timestamptz '2026-12-08 09:00:00+00'")  # the deadline ends at 21:00
    stack.run_job("payments")
    reminder = last(anna, "team_reminder")
    assert "SPIN call" in reminder.text and "Round 1 of" in reminder.text
    assert says(tap(reminder, words("en", "team_start_button")).text, "trainer_first_access")
    give_trainings(sql, anna)
    home = ask(anna, "/team")
    choose(home, "▶️")
    assert CASE.situation.public.en in home.text
    assert says(play(sql, anna).text, "trainer_open_lines")
    stack.run_job("payments")
    assert count(anna, "team_reminder") == 0, "the button turned the only one into the training"
    clock("timestamptz '2026-12-08 21:00:01+00'")
    stack.run_job("payments")
    assert eventually(lambda: count(anna, "team_assigned_practice") == 2), "the second round"


def test_another_open_training_is_dropped_only_when_the_member_agrees(
    stack: Stack, sql: Sql, clock: Clock
) -> None:
    stack.ai.always(AiBehaviour(status=500))
    manager, code = create(stack, sql)
    anna = join(stack, code, "Anna")
    give_trainings(sql, anna)
    assign(manager)
    sql("update assignments set case_id = null")
    message = last(anna, "team_assigned_practice")
    tap(message, words("en", "team_start_button"))
    ask(anna, QUESTIONS["en"][0])
    assign(manager)
    again = last(anna, "team_assigned_practice")
    tap(again, words("en", "team_start_button"))
    assert says(again.text, "trainer_open")
    assert len(sql("select from trainings")) == 1
    tap(again, words("en", "trainer_replace_button"))
    assert [row["status"] for row in sql("select status from trainings order by id")] == ["abandoned", "open"]
    assert len(sql("select from assignment_trainings")) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_managers_share_the_work_and_members_leave(stack: Stack, sql: Sql, language: str) -> None:
    manager, code = create(stack, sql, language)
    anna, ben = (join(stack, code, name, language) for name in ("Anna", "Ben"))
    screen = ask(manager, "/team")
    tap(screen, words(language, "team_leave_button"))
    alert = screen.tap(words(language, "team_leave_button")).answer()
    assert alert["text"] == words(language, "team_last_manager")
    screen = ask(manager, "/team")
    tap(screen, words(language, "team_members_button"))
    choose(screen, "Anna")
    tap(screen, words(language, "team_promote_button"))
    assert says(screen.text, "team_manager_card", language)
    promoted = tap(last(anna, "team_manager_notice", language), words(language, "team_open_button"))
    assert says(promoted.text, "team_managed", language)
    tap(promoted, words(language, "team_members_button"))
    choose(promoted, "Ben")
    tap(promoted, words(language, "team_remove_button"))
    tap(promoted, words(language, "team_remove_button"))
    last(ben, "team_removed_notice", language)
    assert says(ask(ben, "/team").text, "team_about", language)
    screen = ask(manager, "/team")
    tap(screen, words(language, "team_renew_button"))
    tap(screen, words(language, "team_renew_button"))
    assert says(ask(ben, f"/start team_{code}").text, "team_link_invalid", language)
    tap(screen, words(language, "team_zone_button"))
    assert says(ask(manager, "Mars/Olympus").text, "team_bad_zone", language)
    assert "Almaty (UTC+5)" in ask(manager, "asia/almaty").text
    screen = ask(manager, "/team")
    tap(screen, words(language, "team_leave_button"))
    tap(screen, words(language, "team_leave_button"))
    assert says(screen.text, "team_about", language)
    screen = ask(anna, "/team")
    tap(screen, words(language, "team_leave_button"))
    assert says(screen.text, "team_ask_end", language)
    tap(screen, words(language, "team_leave_button"))
    assert sql("select from teams") == []


def test_a_manager_sees_and_cancels_what_is_assigned(stack: Stack, sql: Sql) -> None:
    manager, code = create(stack, sql)
    join(stack, code, "Anna")
    assign(manager, rounds="team_rounds_button")
    screen = tap(ask(manager, "/team"), words("en", "team_assignments_button"))
    assert says(screen.text, "team_assignment_line", rounds=2, open=2)
    choose(screen, words("en", "team_cancel_number_button", number=1))
    choose(screen, words("en", "team_cancel_assignment_button"))
    assert says(screen.text, "team_no_assignments")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_exam_gives_feedback_at_the_end_and_a_certificate(
    stack: Stack, sql: Sql, clock: Clock, language: str
) -> None:
    clock(NOON)
    chat = exam(stack, sql, language)
    for question in QUESTIONS[language]:
        answer = ask(chat, question)
        assert says(answer.text, "trainer_line_exam", language)
        assert "+" not in answer.text.rpartition("\n")[2], "no points before the end"
    assert says(ask(chat, "/tip").text, "trainer_tip_exam", language)
    assert words(language, "trainer_tip_button") not in labels(answer)
    clock("timestamptz '2026-12-01 09:05:00+00'")
    result = ask(chat, "/finish")
    assert says(result.text, "trainer_exam_passed", language, score=150)
    result.tap(words(language, "trainer_certificate_button")).wait()
    picture = last(chat, "certificate_caption", language)
    assert picture.data["photo"]
    result.tap(words(language, "trainer_certificate_button")).wait()
    (row,) = sql("select * from certificates")
    number = "-".join(row["number"][start : start + 4] for start in (0, 4, 8))
    assert number in picture.text
    stranger = stack.telegram.user("Zoe", language).chat("spin")
    ask(stranger, "/start")
    checked = ask(stranger, f"/certificate {number.upper()}")
    assert says(checked.text, "certificate_valid", language, name="Anna")
    assert says(ask(stranger, "/certificate 0000-0000-0000").text, "certificate_unknown", language)
    assert says(ask(stranger, "/certificate").text, "certificate_ask", language)
    sql("delete from users where telegram_id = %s", chat.id)
    assert says(ask(stranger, f"/certificate {number}").text, "certificate_unknown", language)


def exam(stack: Stack, sql: Sql, language: str = "en") -> Chat:
    """A new user starts an exam of CASE without an assignment."""
    stack.ai.always(AiBehaviour(status=500))
    chat = stack.telegram.user("Anna", language).chat("spin")
    ask(chat, "/start")
    give_trainings(sql, chat)
    screen = pick_exam(chat, language)
    assert says(screen.text, "trainer_exam_start", language)
    return chat


def pick_exam(chat: Chat, language: str = "en") -> Answer:
    screen = ask(chat, "/new")
    choose(screen, library.load("spin").info.name.of(language))
    choose(screen, CASE.client.company.of(language))
    tap(screen, words(language, "trainer_exam_button"))
    return tap(screen, words(language, "trainer_medium_button"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_time_of_an_exam_ends_it(stack: Stack, sql: Sql, clock: Clock, language: str) -> None:
    clock(NOON)
    chat = exam(stack, sql, language)
    for question in QUESTIONS[language][:5]:
        ask(chat, question)
    clock("timestamptz '2026-12-01 09:19:59+00'")
    assert says(ask(chat, QUESTIONS[language][5]).text, "trainer_line_exam", language)
    clock("timestamptz '2026-12-01 09:20:00+00'")
    result = ask(chat, QUESTIONS[language][6]).text
    assert result.startswith("⏰ ") and says(result, "trainer_time_over", language)
    assert says(result, "trainer_open_lines", language)
    (training,) = sql("select * from trainings")
    assert (training["status"], training["question_count"], training["result"]["reason"]) == (
        "finished",
        6,
        "time",
    )


def test_a_forgotten_exam_is_finished_by_the_job_once(stack: Stack, sql: Sql, clock: Clock) -> None:
    clock(NOON)
    chat = exam(stack, sql)
    for question in QUESTIONS["en"][:5]:
        ask(chat, question)
    clock("timestamptz '2026-12-01 09:21:00+00'")
    stack.run_job("payments")
    assert sql("select status from trainings") == [{"status": "open"}], "a last question may be on its way"
    clock("timestamptz '2026-12-01 09:23:00+00'")
    stack.run_job("payments")
    stack.run_job("payments")
    over = last(chat, "trainer_exam_over")
    assert count(chat, "trainer_exam_over") == 1
    assert says(tap(over, words("en", "trainer_result_button")).text, "trainer_open_lines")


def test_an_exam_that_cannot_be_finished_stops_no_other(stack: Stack, sql: Sql, clock: Clock) -> None:
    clock(NOON)
    chat = exam(stack, sql)
    sql('update trainings set rules = rules || \'{"min_questions": "many"}\'')
    other = exam(stack, sql)
    clock("timestamptz '2026-12-01 09:23:00+00'")
    stack.run_job("payments")
    assert last(other, "trainer_exam_over")
    assert count(chat, "trainer_exam_over") == 0
    assert [row["status"] for row in sql("select status from trainings order by id")] == ["open", "finished"]


def test_the_attempts_of_a_day_are_limited(stack: Stack, sql: Sql, clock: Clock) -> None:
    clock(NOON)
    chat = exam(stack, sql)
    sql("update free_trainings set quantity = 10")
    for attempt in range(3):
        if attempt:
            assert says(pick_exam(chat).text, "trainer_exam_start")
        ask(chat, QUESTIONS["en"][0])
        ask(chat, "/finish")
    assert says(pick_exam(chat).text, "trainer_no_attempts")
    clock("timestamptz '2026-12-02 09:00:01+00'")
    assert says(pick_exam(chat).text, "trainer_exam_start")
