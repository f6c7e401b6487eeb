"""Quiz polls in groups: an answer names a poll alone, and the first one of a user counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.supabase.quiz.players import Call, Player, Sql, Time, next_reference
from tests.support import in_parallel, new_telegram_id

GROUP = -100123


@dataclass
class Member:
    """A Telegram user who answers polls; no row until the first answer."""

    call: Call
    name: str = "Ben"
    id: int = field(default_factory=new_telegram_id)

    def answer(self, poll: str, *choice: int, bot: str = "quiz") -> str:
        """Answer a poll; return the outcome."""
        done = self.call(
            "record_poll_answer",
            p_bot=bot,
            p_poll_id=poll,
            p_telegram_user={"id": self.id, "first_name": self.name, "hash": "00" * 32},
            p_choice=[*choice],
        )
        return str(done["outcome"])


def begin(player: Player, **more: Any) -> Any:
    given = {
        "p_chat_id": GROUP,
        "p_thread": 0,
        "p_language": "en",
        "p_questions": ["q-1", "q-2"],
        "p_seconds": 600,
        "p_reference": next_reference(),
        **more,
    }
    return player.call("begin_quiz_round", p_user_id=player.id, p_bot="quiz", **given)


def post(player: Player, round_id: int, n: int, poll: str, right: list[int] | None = None) -> bool:
    done = player.call(
        "record_quiz_poll",
        p_round_id=round_id,
        p_n=n,
        p_poll_id=poll,
        p_message_id=n,
        p_version="0a1b2c3d",
        p_right=right or [0],
    )
    return bool(done["stored"])


@pytest.fixture
def round_id(anna: Player) -> int:
    """Return a round with the polls `one` and `two`, whose first option is right."""
    number = int(begin(anna)["round_id"])
    assert post(anna, number, 1, "one")
    assert post(anna, number, 2, "two")
    return number


def test_a_round_is_begun_once_and_continued_by_its_update(anna: Player) -> None:
    reference = next_reference()
    begun = begin(anna, p_reference=reference)
    assert (begun["outcome"], begun["sent"]) == ("begun", [])
    post(anna, begun["round_id"], 1, "one")
    assert begin(anna, p_reference=reference) == {**begun, "sent": [1]}
    assert begin(anna)["outcome"] == "running"
    assert begin(anna, p_thread=5)["outcome"] == "begun", "a topic has a round of its own"
    assert not post(anna, begun["round_id"], 1, "other")


def test_the_first_answer_counts(anna: Player, call: Call, round_id: int, sql: Sql) -> None:
    ben = Member(call)
    assert ben.answer("one", 0) == "counted"
    assert ben.answer("one", 0) == "known"
    assert ben.answer("one", 1) == "known"
    assert ben.answer("one") == "retracted"
    assert ben.answer("two", 1) == "counted"
    rows = sql(
        "select a.poll_id, a.is_right, u.total_xp, u.has_started from quiz_poll_answers a "
        "join users u on u.id = a.user_id order by a.poll_id"
    )
    assert rows == [
        {"poll_id": "one", "is_right": True, "total_xp": 5, "has_started": True},
        {"poll_id": "two", "is_right": False, "total_xp": 5, "has_started": True},
    ]
    assert (
        sql("select from bot_sessions s join users u on u.id = s.user_id where u.telegram_id = %s", ben.id)
        == []
    )


def test_of_twenty_deliveries_at_once_one_counts(call: Call, round_id: int, sql: Sql) -> None:
    ben = Member(call)
    outcomes = in_parallel(20, lambda _: ben.answer("one", 0))
    assert sorted(outcomes) == ["counted", *["known"] * 19]
    assert sql("select total_xp from users where telegram_id = %s", ben.id) == [{"total_xp": 5}]


def test_an_unknown_poll_creates_no_user(call: Call, round_id: int, sql: Sql) -> None:
    ben = Member(call)
    assert ben.answer("none", 0) == "unknown"
    assert ben.answer("one", 0, bot="second") == "unknown"
    assert sql("select from users where telegram_id = %s", ben.id) == []


def test_a_banned_user_gets_nothing(call: Call, round_id: int, sql: Sql) -> None:
    ben = Member(call)
    ben.answer("one", 1)
    sql("update users set banned_at = now() where telegram_id = %s", ben.id)
    assert ben.answer("two", 0) == "banned"
    assert sql("select count(*) as n from quiz_poll_answers") == [{"n": 1}]


@pytest.mark.parametrize(
    ("choice", "is_right"), [((0, 2), True), ((2, 0), True), ((0,), False), ((0, 1, 2), False)]
)
def test_several_right_answers_must_all_be_chosen(
    anna: Player, call: Call, sql: Sql, choice: tuple[int, ...], is_right: bool
) -> None:
    post(anna, begin(anna)["round_id"], 1, "several", [0, 2])
    Member(call).answer("several", *choice)
    assert sql("select is_right from quiz_poll_answers") == [{"is_right": is_right}]


def test_a_new_level_is_reported_where_the_user_has_a_chat_with_the_bot(
    anna: Player, call: Call, round_id: int, sql: Sql
) -> None:
    for has_chat in (False, True):
        ben = Member(call)
        ben.answer("two", 1)
        if has_chat:
            call(
                "receive_update", p_bot="quiz", p_update_id=ben.id, p_kind="message", p_chat_id=ben.id,
                p_delivery="00000000-0000-0000-0000-000000000001", p_payload={}, p_lease_seconds=40,
                p_telegram_user={"id": ben.id, "first_name": "Ben", "hash": "00" * 32},
            )  # fmt: skip
        call("award_xp", p_telegram_id=ben.id, p_bot="spin", p_rule="service", p_reference="x:1", p_points=98)
        done = call(
            "record_poll_answer", p_bot="quiz", p_poll_id="one", p_choice=[0],
            p_telegram_user={"id": ben.id, "first_name": "Ben", "hash": "00" * 32},
        )  # fmt: skip
        keys = [(one["parameters"]["chat_id"], one["parameters"]["key"]) for one in done["outgoing"]]
        assert keys == ([(ben.id, "level_up")] if has_chat else [])


def test_results_are_enqueued_once_after_the_polls_closed(
    anna: Player, call: Call, round_id: int, time: Time, sql: Sql
) -> None:
    ben, cleo = Member(call, "Ben"), Member(call, "Cleo")
    ben.answer("one", 1)
    for poll in ("one", "two"):
        cleo.answer(poll, 0)
    assert call("closed_quiz_rounds") == []
    time.move(seconds=605)
    (closed,) = call("closed_quiz_rounds")
    assert closed == {
        "round_id": round_id, "bot": "quiz", "chat_id": GROUP, "thread_id": 0, "language": "en",
        "questions": 2, "polls": 2, "players": 2,
        "best": [
            {"place": 1, "name": None, "number": number_of(sql, cleo), "right_answers": 2},
            {"place": 2, "name": None, "number": number_of(sql, ben), "right_answers": 0},
        ],
    }  # fmt: skip
    done = in_parallel(
        8, lambda _: call("enqueue_quiz_summary", p_round_id=round_id, p_parameters={"text": "results"})
    )
    sent = [message for one in done for message in one["outgoing"]]
    assert [message["parameters"] for message in sent] == [{"text": "results", "chat_id": GROUP}]
    assert call("closed_quiz_rounds") == []
    assert begin(anna)["outcome"] == "begun"


def number_of(sql: Sql, member: Member) -> int:
    """Return the number by which a user without a display name is shown."""
    (row,) = sql("select private.board_number(id) as number from users where telegram_id = %s", member.id)
    return int(row["number"])


def test_results_name_users_as_boards_do(call: Call, round_id: int, time: Time, sql: Sql) -> None:
    hidden, named, banned, plain = (Member(call, name) for name in ("Ann", "Ben", "Cleo", "Dora"))
    for member in (hidden, named, banned, plain):
        member.answer("one", 0)
        time.move(seconds=1)
    ids = [sql("select id from users where telegram_id = %s", one.id)[0]["id"] for one in (hidden, named)]
    call("set_board_profile", p_user_id=ids[0], p_name="Annie", p_is_hidden=True)
    call("set_board_profile", p_user_id=ids[1], p_name="Benny", p_is_hidden=False)
    sql("update users set banned_at = now() where telegram_id = %s", banned.id)
    time.move(seconds=605)
    (closed,) = call("closed_quiz_rounds")
    assert closed["players"] == 3
    assert [(one["place"], one["name"]) for one in closed["best"]] == [(2, "Benny"), (3, None)]


def test_a_group_that_became_a_supergroup_gets_the_results(
    anna: Player, call: Call, round_id: int, time: Time
) -> None:
    call("migrate_chat", p_old=GROUP, p_new=GROUP - 1)
    time.move(seconds=605)
    assert call("closed_quiz_rounds")[0]["chat_id"] == GROUP - 1
    assert begin(anna)["outcome"] == "begun", "the old chat has no round"


def test_erasing_who_started_a_round_keeps_it_for_the_others(
    anna: Player, call: Call, round_id: int, sql: Sql
) -> None:
    ben = Member(call)
    ben.answer("one", 0)
    sql("delete from users where id = %s", anna.id)
    assert sql("select user_id from quiz_rounds") == [{"user_id": None}]
    sql("delete from users where telegram_id = %s", ben.id)
    assert sql("select from quiz_poll_answers") == []
