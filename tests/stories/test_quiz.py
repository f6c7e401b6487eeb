"""The quiz, as users play it: in private, once a day, and in groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from shared.features.quiz import library, screens
from tests.stories.test_trial import ask, labels, tap
from tests.support import eventually, says
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat, TelegramUser
from tools.emulator.telegram.model import Update

Sql = Callable[..., list[dict[str, Any]]]
WORDS = {
    "en": {
        "menu": "🧠 Choose a topic",
        "topic": "SPIN",
        "any": "Any level",
        "question": "Question {n} of 10 · SPIN",
        "right": "Right!",
        "wrong": "The right answer is ",
        "next": "Next question ›",
        "result": "🏁 9 of 10 right",
        "missed": "The questions you missed will come back in /review.",
        "badge": "First quiz",
        "answered": "This question is already answered.",
        "continue": "▶️ Continue",
        "nothing due": "✅ Nothing to review right now.",
        "review": "🔁 Review: 1",
        "daily": "🔥 Today’s challenge\n\n5 questions",
        "daily start": "🔥 Start the challenge",
        "daily done": "🔥 Challenge done: 4 of 5 right in 0:25",
        "answers": "Answers\n\n",
        "me": "🥇 User ",
        "taken": "You’ve already taken it.",
        "remind": "🔔 Remind me every day",
        "remind at": "🔔 Reminder at 9:00",
        "reminding": "I’ll remind you at 9:00. Time zone: Moscow (UTC+3).",
        "reminder": "🔥 Today’s challenge is ready.",
        "off": "🔕 Turn reminders off",
        "progress": "📊 Your progress\n9 of 10 answers right (90%)",
        "group": "🧠 Quiz: 5 questions.",
        "running": "A quiz is already running here.",
        "results": "🏁 Quiz results · players: 2\n\n🥇 Benny — 5/5\n🥈 User {number} — 1/5",
    },
    "ru": {
        "menu": "🧠 Выберите тему",
        "topic": "СПИН",
        "any": "Любой уровень",
        "question": "Вопрос {n} из 10 · СПИН",
        "right": "Верно!",
        "wrong": "Правильный ответ — ",
        "next": "Следующий вопрос ›",
        "result": "🏁 Верно 9 из 10",
        "missed": "Вопросы с ошибками вернутся в /review.",
        "badge": "Первый квиз",
        "answered": "На этот вопрос вы уже ответили.",
        "continue": "▶️ Продолжить",
        "nothing due": "✅ Сейчас повторять нечего.",
        "review": "🔁 Повторить: 1",
        "daily": "🔥 Вызов дня\n\n5 вопросов",
        "daily start": "🔥 Начать вызов",
        "daily done": "🔥 Вызов пройден: верно 4 из 5 за 0:25",
        "answers": "Ответы\n\n",
        "me": "🥇 Участник ",
        "taken": "Сегодня вы его уже прошли.",
        "remind": "🔔 Напоминать каждый день",
        "remind at": "🔔 Напоминание в 9:00",
        "reminding": "Буду напоминать в 9:00. Часовой пояс: Москва (UTC+3).",
        "reminder": "🔥 Новый вызов дня готов.",
        "off": "🔕 Отключить напоминания",
        "progress": "📊 Ваш прогресс\nВерно 9 из 10 (90%)",
        "group": "🧠 Квиз: 5 вопросов.",
        "running": "Здесь уже идёт квиз.",
        "results": "🏁 Итоги квиза · участников: 2\n\n🥇 Benny — 5/5\n🥈 Участник {number} — 1/5",
    },
}
START = datetime.fromisoformat("2026-12-07 12:00:00+03:00")


class Time:
    """The database's time, which stands still until it is moved."""

    def __init__(self, clock: Callable[[str], None]) -> None:
        self._clock = clock
        self.set(START.isoformat())

    def set(self, moment: str) -> None:
        """Set it to a moment."""
        self._seconds, self._start = 0, moment
        self._clock(f"(timestamptz '{moment}')")

    def move(self, seconds: int) -> None:
        """Move it forward."""
        self._seconds += seconds
        self._clock(f"(timestamptz '{self._start}' + interval '{self._seconds} seconds')")


@pytest.fixture
def time(clock: Callable[[str], None]) -> Iterator[Time]:
    yield Time(clock)


def player(stack: Stack, language: str = "en", name: str = "Anna") -> Chat:
    """Return the chat of a new user who has started the quiz."""
    chat = stack.telegram.user(name, language_code=language).chat("quiz")
    ask(chat, "/start")
    return chat


def start(chat: Chat, language: str = "en") -> Answer:
    """Start a quiz of SPIN; return the message with its first question."""
    words = WORDS[language]
    menu = ask(chat, "/quiz")
    assert menu.text.startswith(words["menu"])
    return tap(tap(menu, words["topic"]), words["any"])


def parts(page: Answer) -> tuple[int, int, str]:
    """Return quiz, number and version of the question that a message shows."""
    data = next(
        button.data for row in page.buttons for button in row if str(button.data).startswith("quiz:a:")
    )
    _, _, run, n, _, version = str(data).split(":")
    return int(run), int(n), version


def right_letter(page: Answer, sql: Sql) -> str:
    """Return the letter of the right option of the question that a message shows."""
    run, n, _ = parts(page)
    (row,) = sql("select questions from quiz_runs where id = %s", run)
    question = library.questions()[row["questions"][n - 1]]
    return screens.letter(library.shuffled(f"{run}:{n}", question.size).index(question.right[0]))


def wrong_letter(page: Answer, sql: Sql) -> str:
    return next(one for one in "AB" if one != right_letter(page, sql))


def play(page: Answer, sql: Sql, time: Time, words: dict[str, str], *, wrong: int, until: int = 10) -> None:
    """Answer the questions of a quiz up to a number, one of them wrong."""
    for n in range(parts(page)[1], until + 1):
        assert page.text.startswith(words["question"].format(n=n))
        time.move(5)
        tap(page, wrong_letter(page, sql) if n == wrong else right_letter(page, sql))
        assert words["wrong" if n == wrong else "right"] in page.text
        if n < until:
            tap(page, words["next"])


def xp_of(sql: Sql, chat: Chat) -> int:
    return int(sql("select total_xp from users where telegram_id = %s", chat.id)[0]["total_xp"])


@pytest.mark.parametrize("language", WORDS)
def test_a_quiz_from_the_topic_to_the_result(stack: Stack, sql: Sql, time: Time, language: str) -> None:
    words, anna = WORDS[language], player(stack, language)
    page = start(anna, language)
    for row in page.buttons:
        for button in row:
            assert len(str(button.data).encode()) <= 64
    play(page, sql, time, words, wrong=3)
    assert labels(page) == [], "after the last question there is no next one"
    result = anna.answer()
    assert result.text.startswith(words["result"])
    assert words["missed"] in result.text
    assert "+65 XP" in result.text
    assert words["badge"] in result.text
    assert xp_of(sql, anna) == 65
    assert ask(anna, "/review").text.startswith(words["nothing due"])
    time.set("2026-12-08 12:00:00+03:00")
    assert words["review"] not in labels(ask(anna, "/quiz"))
    time.set("2026-12-10 12:00:00+03:00")
    sql("update quiz_cards set due = due + interval '30 days' where lapses = 0")
    menu = ask(anna, "/quiz")
    assert words["review"] in labels(menu)
    page = tap(menu, words["review"])
    time.move(5)
    tap(page, right_letter(page, sql))
    assert words["right"] in page.text
    (card,) = sql("select reviews, due > private.clock() as later from quiz_cards where lapses = 1")
    assert card == {"reviews": 2, "later": True}


def test_double_taps_and_stale_buttons_count_once(stack: Stack, sql: Sql, time: Time) -> None:
    words, anna = WORDS["en"], player(stack)
    page = start(anna)
    time.move(5)
    letter = right_letter(page, sql)
    data = next(button.data for row in page.buttons for button in row if button.text == letter)
    first, second = anna.tap(page.stored, str(data)), anna.tap(page.stored, str(data))
    toasts = sorted([first.answer()["text"], second.answer()["text"]])
    assert toasts == ["", words["answered"]]
    assert eventually(lambda: sql("select count(*) as n from quiz_answers") == [{"n": 1}])
    assert anna.tap(page.stored, str(data)).answer()["text"] == words["answered"]
    run, _, version = parts_of(str(data))
    for forged in (
        f"quiz:a:{run}:2:1:{version}",
        f"quiz:a:{run}:99:1:{version}",
        f"quiz:a:{run}:0:1:{version}",
    ):
        anna.tap(page.stored, forged).answer()
    assert sql("select count(*) as n from quiz_answers") == [{"n": 1}]


def parts_of(data: str) -> tuple[int, int, str]:
    _, _, run, n, _, version = data.split(":")
    return int(run), int(n), version


def test_two_devices_show_one_quiz(stack: Stack, sql: Sql, time: Time) -> None:
    words, anna = WORDS["en"], player(stack)
    phone = start(anna)
    laptop = ask(anna, "/resume")
    assert laptop.text == phone.text
    time.move(5)
    tap(phone, right_letter(phone, sql))
    assert laptop.tap(labels(laptop)[0]).answer()["text"] == words["answered"]
    laptop.wait_for_edit()
    assert labels(laptop) == [words["next"]], "its own buttons would do nothing"
    tap(phone, words["next"])
    second = ask(anna, "/resume")
    assert second.text == phone.text
    time.move(5)
    tap(second, right_letter(second, sql))
    assert phone.tap("A").answer()["text"] == words["answered"]
    phone.wait_for_edit()
    assert tap(phone, words["next"]).text.startswith(words["question"].format(n=3))
    assert laptop.tap(words["next"]).answer()["text"] == words["answered"], "it names question 2"
    laptop.wait_for_edit()
    assert tap(laptop, words["next"]).text == phone.text
    assert sql("select count(*) as n from quiz_answers") == [{"n": 2}]


def test_a_foreign_button_counts_nothing(stack: Stack, sql: Sql, time: Time) -> None:
    anna, ben = player(stack), player(stack, name="Ben")
    page, own = start(anna), start(ben)
    data = str(page.buttons[0][0].data)
    ben.tap(own.stored, data).answer()
    assert sql("select from quiz_answers") == []


def test_an_edited_question_is_shown_again(stack: Stack, sql: Sql, time: Time) -> None:
    anna = player(stack)
    page = start(anna)
    run, n, _ = parts(page)
    alert = anna.tap(page.stored, f"quiz:a:{run}:{n}:1:ffff").answer()
    assert (alert["alert"], alert["text"]) == (
        True,
        "We’ve just updated this question. Please read it again.",
    )
    assert sql("select from quiz_answers") == []


def test_a_question_that_left_the_bank_is_skipped(stack: Stack, sql: Sql, time: Time) -> None:
    words, anna = WORDS["en"], player(stack)
    page = start(anna)
    run, _, _ = parts(page)
    sql("update quiz_runs set questions[2] = 'withdrawn', questions[10] = 'withdrawn' where id = %s", run)
    time.move(5)
    tap(page, right_letter(page, sql))
    tap(page, words["next"])
    assert page.text.startswith(words["question"].format(n=3))
    assert sql("select is_right from quiz_answers where n = 2") == [{"is_right": None}]


def test_a_quiz_is_resumed_after_a_restart(stack: Stack, sql: Sql, time: Time) -> None:
    words, anna = WORDS["en"], player(stack)
    assert "/review — Repeat questions that are due" in ask(anna, "/help").text
    page = start(anna)
    play(page, sql, time, words, wrong=0, until=4)
    stack.function("telegram").stop()
    stack.function("telegram").start()
    menu = ask(anna, "/quiz")
    assert "4 of 10 answered" in menu.text
    page = tap(menu, words["continue"])
    anna.sticker().wait()
    assert says(anna.answer().text, "cannot_quiz")
    typed = ask(anna, "B")
    assert "4 of 10 answered" in typed.text, "a text below the question leads back to it"
    page = tap(typed, words["continue"])
    play(page, sql, time, words, wrong=7)
    assert anna.answer().text.startswith(words["result"])
    assert sql("select count(*) as n from quiz_answers") == [{"n": 10}]


@pytest.mark.parametrize("name", ["answer_quiz_question", "finish_update", "get_quiz_run"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_the_last_answer_counts_once(
    stack: Stack, sql: Sql, time: Time, name: str, when: Any
) -> None:
    words, anna = WORDS["en"], player(stack)
    page = start(anna)
    play(page, sql, time, words, wrong=3, until=9)
    tap(page, words["next"])
    time.move(5)
    stack.database.on(name, when=when, do=lambda: stack.function("telegram").kill())
    page.tap(right_letter(page, sql))
    eventually(lambda: not stack.function("telegram").pid)
    time.move(180)  # the lease of the killed worker has expired
    stack.function("telegram").restart()
    stack.telegram.retry_now()
    assert eventually(lambda: sql("select from quiz_runs where status = 'finished'"), seconds=60)
    stack.run_job("sweep")
    assert eventually(lambda: any(one.text.startswith(words["result"]) for one in anna.answers()), seconds=60)
    assert xp_of(sql, anna) == 65
    assert sql("select count(*) as n from quiz_answers") == [{"n": 10}]


@pytest.mark.parametrize("language", WORDS)
def test_the_challenge_of_a_day(stack: Stack, sql: Sql, time: Time, language: str) -> None:
    words, anna = WORDS[language], player(stack, language)
    intro = ask(anna, "/daily")
    assert intro.text.startswith(words["daily"])
    page = tap(intro, words["daily start"])
    for n in range(1, 6):
        time.move(5)
        before = page.text
        tap(page, wrong_letter(page, sql) if n == 2 else right_letter(page, sql))
        assert page.text != before
        assert words["wrong"] not in page.text, "the explanations come at the end"
    assert page.text.startswith(words["answers"])
    assert (page.text.count("✅"), page.text.count("❌")) == (4, 1)
    result = anna.answer()
    assert result.text.startswith(words["daily done"])
    assert "+50 XP" in result.text
    assert words["me"] in result.text
    assert "460" in result.text
    again = ask(anna, "/daily")
    assert words["taken"] in again.text
    assert words["daily start"] not in labels(again)
    assert library.challenge("2026-12-07") == sql("select questions from quiz_challenges")[0]["questions"]


def test_midnight_comes_during_a_challenge(stack: Stack, sql: Sql, time: Time) -> None:
    words, anna = WORDS["en"], player(stack)
    time.set("2026-12-07 23:59:50+03:00")
    page = tap(ask(anna, "/daily"), words["daily start"])
    for _ in range(5):
        time.move(5)
        tap(page, right_letter(page, sql))
    assert anna.answer().text.startswith("🔥 Challenge done: 5 of 5 right")
    assert sql("select day::text, score from quiz_runs") == [{"day": "2026-12-07", "score": 575}]
    fresh = ask(anna, "/daily")
    assert words["daily start"] in labels(fresh), "a new day has a new challenge"
    page = tap(fresh, words["daily start"])
    questions = sql("select questions from quiz_challenges order by day")
    assert questions[0] != questions[1]


@pytest.mark.parametrize("language", WORDS)
def test_a_reminder_at_the_users_hour(stack: Stack, sql: Sql, time: Time, language: str) -> None:
    words, anna = WORDS[language], player(stack, language)
    page = tap(ask(anna, "/daily"), words["remind"])
    assert words["off"] not in labels(page), "nothing to turn off"
    assert page.tap("9:00").answer()["text"] == words["reminding"]
    assert eventually(lambda: words["remind at"] in labels(page))
    time.set("2026-12-08 08:59:00+03:00")
    stack.run_job("quiz")
    anna.expect_silence()
    time.set("2026-12-08 09:00:10+03:00")
    stack.run_job("quiz")
    reminder = anna.answer()
    assert reminder.text.startswith(words["reminder"])
    stack.run_job("quiz")
    anna.expect_silence()
    tap(reminder, words["off"])
    assert sql("select from quiz_reminders") == []


@pytest.mark.parametrize("language", WORDS)
def test_the_progress_is_a_picture(stack: Stack, sql: Sql, time: Time, language: str) -> None:
    words, anna = WORDS[language], player(stack, language)
    assert ask(anna, "/progress").text.startswith("📊")
    play(start(anna, language), sql, time, words, wrong=3)
    anna.answer()
    shown = ask(anna, "/progress")
    assert "photo" in shown.stored.data
    assert shown.stored.data["caption"].startswith(words["progress"])
    assert "photo" in ask(anna, "/stats").stored.data


def polls_of(chat: Chat) -> list[Answer]:
    return [one for one in chat.answers() if "poll" in one.stored.data]


def right_of(poll: Answer) -> int:
    return int(poll.stored.data["poll"]["correct_option_ids"][0])


def vote(chat: Chat, poll: Answer, *chosen: int) -> Update:
    """Vote, and wait until the bot has the answer."""
    (update,) = [one for one in chat.vote(poll, *chosen) if one.kind == "poll_answer"]
    assert eventually(lambda: update.status == "delivered")
    return update


@pytest.mark.parametrize("language", WORDS)
def test_a_round_of_polls_in_a_group(stack: Stack, sql: Sql, time: Time, language: str) -> None:
    words = WORDS[language]
    anna, ben = (stack.telegram.user(name, language_code=language) for name in ("Anna", "Ben"))
    group = stack.telegram.group("Team", [anna, ben], ["quiz"])
    by_anna, by_ben = group.by(anna), group.by(ben)
    by_anna.send("/quiz").wait()
    assert eventually(lambda: any(one.text.startswith(words["group"]) for one in by_anna.answers()))
    assert eventually(lambda: len(polls_of(by_anna)) == 5)
    polls = polls_of(by_anna)
    introductions = [n for n, one in enumerate(by_anna.answers()) if one.text.startswith(words["group"])]
    assert introductions == [0], "once, before the polls"
    for poll in polls:
        shown = poll.stored.data["poll"]
        assert (shown["type"], shown["is_anonymous"], shown["open_period"]) == ("quiz", False, 600)
        assert 0 < len(shown["explanation"].encode("utf-16-le")) // 2 <= 200
    for number, poll in enumerate(polls):
        vote(by_ben, poll, right_of(poll))
        vote(by_anna, poll, right_of(poll) if number == 0 else (right_of(poll) + 1) % 4)
    sql(
        "insert into board_profiles (user_id, name) select id, 'Benny' from users where telegram_id = %s",
        ben.id,
    )
    (row,) = sql("select private.board_number(id) as number from users where telegram_id = %s", anna.id)
    by_ben.send("/quiz").wait()
    assert eventually(lambda: any(one.text.startswith(words["running"]) for one in by_anna.answers()))
    stack.run_job("quiz")
    time.move(606)
    stack.run_job("quiz")
    stack.run_job("quiz")
    results = [one.text for one in by_anna.answers() if one.text.startswith("🏁")]
    assert results == [words["results"].format(**row)], "users are named as on boards"
    assert sql("select u.first_name, u.total_xp from users u order by total_xp desc, first_name limit 2") == [
        {"first_name": "Ben", "total_xp": 25},
        {"first_name": "Anna", "total_xp": 5},
    ]
    assert sql("select from bot_sessions s join users u on u.id = s.user_id where s.chat_id > 0") == []


def test_a_player_without_a_right_answer_gets_no_medal(stack: Stack, time: Time) -> None:
    chat, polls = post_round(stack, stack.telegram.user("Anna", language_code="en"))
    vote(chat, polls[0], (right_of(polls[0]) + 1) % 4)
    time.move(606)
    stack.run_job("quiz")
    (results,) = (one.text for one in chat.answers() if one.text.startswith("🏁"))
    assert "\n\n1. User " in results and results.endswith(" — 0/5")


def test_results_of_a_round_whose_players_are_hidden(stack: Stack, sql: Sql, time: Time) -> None:
    anna = stack.telegram.user("Anna", language_code="en")
    chat, polls = post_round(stack, anna)
    vote(chat, polls[0], right_of(polls[0]))
    sql(
        "insert into board_profiles (user_id, is_hidden) select id, true from users where telegram_id = %s",
        anna.id,
    )
    time.move(606)
    stack.run_job("quiz")
    assert [one.text for one in chat.answers() if one.text.startswith("🏁")] == [
        "🏁 Quiz results · players: 1"
    ]


def test_a_new_level_by_a_poll_has_its_xp_written_as_numbers_are(stack: Stack, sql: Sql, time: Time) -> None:
    anna = stack.telegram.user("Anna", language_code="en")
    ask(anna.chat("quiz"), "/start")
    chat, polls = post_round(stack, anna)
    (before,) = sql("select level, min_xp from levels where min_xp > 1000 order by level limit 1")
    sql(
        "update users set total_xp = %s, level = %s where telegram_id = %s",
        before["min_xp"] - 5,
        before["level"] - 1,
        anna.id,
    )
    vote(chat, polls[0], right_of(polls[0]))
    words = eventually(
        lambda: [one.text for one in anna.chat("quiz").answers() if "reached level" in one.text]
    )
    assert f"You have {before['min_xp']:,} XP" in words[0]


def post_round(stack: Stack, member: TelegramUser) -> tuple[Chat, list[Answer]]:
    chat = stack.telegram.group("Team", [member], ["quiz"]).by(member)
    chat.send("/quiz").wait()
    assert eventually(lambda: len(polls_of(chat)) == 5)
    return chat, polls_of(chat)


def test_a_poll_answer_that_is_delivered_again_counts_once(stack: Stack, sql: Sql, time: Time) -> None:
    anna = stack.telegram.user("Anna", language_code="en")
    chat, polls = post_round(stack, anna)
    update = vote(chat, polls[0], right_of(polls[0]))
    for _ in range(3):
        assert (
            stack.telegram.deliver({"update_id": update.update_id, "poll_answer": update.body}, "quiz").status
            == 200
        )
    assert sql("select total_xp from users where telegram_id = %s", anna.id) == [{"total_xp": 5}]
    assert sql("select count(*) as n from quiz_poll_answers") == [{"n": 1}]


def test_an_answer_while_the_database_is_down_comes_again(stack: Stack, sql: Sql, time: Time) -> None:
    anna = stack.telegram.user("Anna", language_code="en")
    chat, polls = post_round(stack, anna)
    stack.database.down()
    (update,) = [one for one in chat.vote(polls[0], right_of(polls[0])) if one.kind == "poll_answer"]
    assert eventually(lambda: update.attempts > 0)
    stack.database.up()
    assert eventually(lambda: update.status == "delivered", seconds=60)
    assert sql("select count(*) as n from quiz_poll_answers") == [{"n": 1}]


def test_a_group_that_takes_no_polls_gets_the_reason(stack: Stack, sql: Sql, time: Time) -> None:
    anna = stack.telegram.user("Anna", language_code="en")
    stack.telegram.fail("sendPoll", status=400, description="Bad Request: not enough rights to send polls")
    chat = stack.telegram.group("Team", [anna], ["quiz"]).by(anna)
    chat.send("/quiz").wait()
    assert eventually(lambda: [one.text[:30] for one in chat.answers()] == ["I can’t post polls in this gro"])
    assert sql("select from quiz_rounds where summarized_at is null") == []


def test_a_rate_limited_round_goes_on_where_it_stopped(stack: Stack, sql: Sql, time: Time) -> None:
    anna = stack.telegram.user("Anna", language_code="en")
    chat = stack.telegram.group("Team", [anna], ["quiz"]).by(anna)
    stack.telegram.fail("sendPoll", status=429, retry_after=1)
    chat.send("/quiz").wait()
    assert eventually(lambda: len(polls_of(chat)) == 5)
    assert sql("select n from quiz_polls order by n") == [{"n": n} for n in range(1, 6)]


def test_a_round_goes_on_without_a_question_that_left_the_bank(stack: Stack, sql: Sql, time: Time) -> None:
    anna = stack.telegram.user("Anna", language_code="en")
    chat = stack.telegram.group("Team", [anna], ["quiz"]).by(anna)
    stack.telegram.fail("sendPoll", status=429, retry_after=5)
    chat.send("/quiz")
    assert eventually(lambda: sql("select from quiz_rounds"))
    sql("update quiz_rounds set questions[2] = 'withdrawn'")
    assert eventually(lambda: any(one.text.startswith("🧠 Quiz: 4 questions.") for one in chat.answers()))
    left = [{"n": n} for n in (1, 3, 4, 5)]
    assert eventually(lambda: sql("select n from quiz_polls order by n") == left)


def test_the_bot_asks_telegram_for_poll_answers(stack: Stack) -> None:
    from shared import bots

    assert "poll_answer" in bots.load("quiz").handled_kinds()
    assert "poll_answer" not in bots.load("assistant").handled_kinds()
