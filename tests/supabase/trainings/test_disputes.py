"""The SQL of disputes: once a line, one decision, the score and XP as if the label had been right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import ADMIN
from tests.supabase.trainings.test_trainings import SEED, Call, Player, Sql
from tests.support import in_parallel


@pytest.fixture
def player(sql: Sql, call: Call) -> Player:
    sql("insert into admins (email, telegram_id) values (%s, 7) on conflict do nothing", ADMIN)
    return Player(sql, call)


def dispute(player: Player, training: int, position: int, reason: str = "") -> Any:
    return player.call(
        "dispute_training_turn",
        p_user_id=player.user_id,
        p_training_id=training,
        p_position=position,
        p_reason=reason,
    )


def decide(player: Player, number: int, type_: str | None, *, contextual: bool = False) -> Any:
    return player.call(
        "admin_decide_dispute",
        p_dispute_id=number,
        p_type=type_,
        p_is_contextual=contextual,
        p_admin_email=ADMIN,
    )


def dispute_id(sql: Sql) -> int:
    return int(sql("select max(id) as id from training_disputes")[0]["id"])


def xp(sql: Sql, player: Player) -> int:
    return int(sql("select total_xp from users where id = %s", player.user_id)[0]["total_xp"])


def test_ten_taps_dispute_once(player: Player, sql: Sql) -> None:
    training = player.play(SEED)["training_id"]
    outcomes = in_parallel(10, lambda _: dispute(player, training, 1, "x" * 900)["outcome"])
    assert sorted(outcomes) == [*["known"] * 9, "sent"]
    (row,) = sql("select * from training_disputes")
    assert (row["status"], row["type"], row["reason"]) == ("open", "situation", "x" * 500)


def test_a_corrected_training_is_one_that_was_labeled_so_at_first(
    player: Player, sql: Sql, call: Call
) -> None:
    wanted = Player(sql, call).play(["situation", "problem", *SEED[2:]])
    training = player.play(SEED)["training_id"]
    dispute(player, training, 2)
    done = decide(player, dispute_id(sql), "problem")
    assert (done["outcome"], done["before"], done["after"]) == ("corrected", 170, wanted["score"])
    found = call("get_training_result", p_user_id=player.user_id, p_training_id=training)["result"]
    assert [line["points"] for line in found["lines"]] == [line["points"] for line in wanted["lines"]]
    assert [line["why"] for line in found["lines"]] == [line["why"] for line in wanted["lines"]]
    assert found["lines"][1]["dispute"] == "corrected"
    for key in ("score", "questions", "coverage", "order", "depth", "per_type_counts", "question_count"):
        assert found[key] == wanted[key], key
    assert xp(sql, player) == wanted["score"]
    (history,) = sql("select score from training_history where user_id = %s", player.user_id)
    assert history["score"] == wanted["score"]
    rows = sql("select rule, points from xp_awards where user_id = %s order by id", player.user_id)
    assert [row["rule"] for row in rows] == ["training_finished", "correction"]


def test_a_repetition_that_was_none_counts_after_all(player: Player, sql: Sql) -> None:
    player.start()
    for type_ in SEED:
        player.ask(type_)
    player.ask("need_payoff", is_repeated=True)
    result = player.finish()["result"]
    dispute(player, result["training_id"], 9)
    done = decide(player, dispute_id(sql), "need_payoff", contextual=True)
    assert done["after"] - done["before"] == 25


def test_the_correction_of_a_reduced_award_is_reduced_alike(player: Player, sql: Sql) -> None:
    for _ in range(4):
        training = player.play(SEED)["training_id"]
    before = xp(sql, player)
    dispute(player, training, 1)
    done = decide(player, dispute_id(sql), "implication")
    award = sql("select points, requested from xp_awards where user_id = %s order by id", player.user_id)[3]
    share = award["points"] / award["requested"]
    assert share == 0.5
    assert done["xp"] == xp(sql, player) - before == round((done["after"] - done["before"]) * share)


def test_a_training_that_was_too_fast_gives_no_xp_after_a_correction(player: Player, sql: Sql) -> None:
    player.start()
    for type_ in SEED:
        player.ask(type_)
    training = player.finish(is_fast=True)["result"]["training_id"]
    dispute(player, training, 1)
    assert decide(player, dispute_id(sql), "implication")["xp"] == 0
    assert xp(sql, player) == 0


def test_of_two_admins_one_decides(player: Player, sql: Sql) -> None:
    training = player.play(SEED)["training_id"]
    dispute(player, training, 1)
    number = dispute_id(sql)
    done = in_parallel(8, lambda place: decide(player, number, "problem" if place % 2 else None)["outcome"])
    assert done.count("known") == 7
    assert {"corrected", "upheld"} & {*done}
    assert sql("select count(*) as n from audit_log where action = 'decide_dispute'")[0]["n"] == 1
    sent = sql("select from telegram_outbox where chat_id = %s", player.telegram_id)
    assert len(sent) == 1


def test_two_lines_of_a_training_are_corrected_at_once(player: Player, sql: Sql, call: Call) -> None:
    wanted = Player(sql, call).play(["problem", "problem", *SEED[2:]])
    training = player.play(SEED)["training_id"]
    numbers = []
    for position in (1, 2):
        dispute(player, training, position)
        numbers.append(dispute_id(sql))
    in_parallel(2, lambda place: decide(player, numbers[place], "problem"))
    (history,) = sql("select score from training_history where user_id = %s", player.user_id)
    assert history["score"] == wanted["score"] == xp(sql, player)


def test_who_is_no_admin_decides_nothing(player: Player, sql: Sql, call: Call) -> None:
    training = player.play(SEED)["training_id"]
    dispute(player, training, 1)
    with pytest.raises(Exception, match="not an admin"):
        call(
            "admin_decide_dispute",
            p_dispute_id=dispute_id(sql),
            p_type=None,
            p_is_contextual=False,
            p_admin_email="eve@example.com",
        )


def test_without_its_user_a_dispute_is_gone(player: Player, sql: Sql) -> None:
    training = player.play(SEED)["training_id"]
    dispute(player, training, 1)
    number = dispute_id(sql)
    sql("delete from users where id = %s", player.user_id)
    assert decide(player, number, None) == {"outcome": "none"}


def test_an_unknown_type_is_refused(player: Player, sql: Sql, refused: Callable[..., str | None]) -> None:
    training = player.play(SEED)["training_id"]
    dispute(player, training, 1)
    code = refused(
        "admin_decide_dispute",
        p_dispute_id=dispute_id(sql),
        p_type="rubbish",
        p_is_contextual=False,
        p_admin_email=ADMIN,
    )
    assert code == "N0008"
