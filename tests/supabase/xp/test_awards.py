"""XP is given once per user, rule and reference; the level follows it, and the limits of a day lower it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.privacy.conftest import SqlUser, id_of, next_update
from tests.supabase.xp.users import Call, Sql, award, create_user, next_reference, user_id_of, xp
from tests.support import examples, in_parallel

Refused = Callable[..., str | None]
MORNING = "(timestamptz '2026-11-30 09:00:00+03')"
LATE = "(timestamptz '2026-11-30 23:59:59+03')"
NEXT_DAY = "(timestamptz '2026-12-01 00:00:01+03')"


def test_fifty_calls_of_one_reference_award_once_and_level_up_once(sql: Sql, call: Call) -> None:
    anna = create_user(sql)
    given = {"p_telegram_id": anna, "p_bot": "spin", "p_rule": "training_finished"}
    results = in_parallel(50, lambda _n: call("award_xp", **given, p_reference="spin:1", p_points=150))
    assert [result["awarded"] for result in results].count(True) == 1
    (first,) = (result for result in results if result["leveled_up"])
    assert first == {
        "awarded": True, "points": 150, "leveled_up": True, "old_level": 1, "new_level": 2, "total_xp": 150
    }  # fmt: skip
    repeated = {**first, "awarded": False, "leveled_up": False, "old_level": 2}
    assert [result for result in results if result != first] == [repeated] * 49
    assert xp(sql, anna) == (150, 2)
    assert sql("select sum(points)::int as n from xp_awards")[0]["n"] == 150


def test_a_reference_belongs_to_its_user_and_rule(sql: Sql, call: Call) -> None:
    anna, ben = create_user(sql), create_user(sql)
    for user in (anna, ben):
        for rule in ("service", "import"):
            given = {"p_telegram_id": user, "p_bot": "spin", "p_rule": rule, "p_reference": "same:1"}
            assert call("award_xp", **given, p_points=10)["awarded"]
    assert (xp(sql, anna)[0], xp(sql, ben)[0]) == (20, 20)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"p_points": 11}, "Z0003"),
        ({"p_bot": "quiz"}, "Z0003"),
        ({"p_telegram_id": 1}, "Z0004"),
        ({"p_points": None}, None),  # the points of the first call apply
        ({"p_rule": "unknown"}, "Z0008"),
        ({"p_rule": "import", "p_points": None}, "Z0008"),
        ({"p_points": -1}, "Z0002"),
        ({"p_points": 1_000_001}, "Z0002"),
        ({"p_reference": ""}, "Z0002"),
        ({"p_reference": None}, "Z0002"),
        ({"p_reference": "x" * 201}, "Z0002"),
        # A slip in a bot's name would open a board of its own.
        ({"p_bot": "Spin"}, "Z0002"),
        ({"p_bot": " "}, "Z0002"),
        ({"p_bot": "b" * 33}, "Z0002"),
        ({"p_bot": None}, "Z0002"),
    ],
)
def test_a_changed_repetition_is_refused(
    sql: Sql, call: Call, refused: Refused, changed: dict[str, Any], code: str | None
) -> None:
    sql("insert into xp_rules (bot, rule, points) values ('', 'story', 10)")
    anna = create_user(sql)
    given = {"p_telegram_id": anna, "p_bot": "spin", "p_rule": "story", "p_reference": "test:a"}
    assert call("award_xp", **given, p_points=10)["awarded"]
    if code is None:
        assert not call("award_xp", **{**given, **changed})["awarded"]
    else:
        assert refused("award_xp", **{**given, "p_points": 10, **changed}) == code
    assert xp(sql, anna) == (10, 1)


def test_a_name_that_no_bot_has_and_a_reference_that_no_index_holds_are_refused(
    sql: Sql, call: Call, refused: Refused
) -> None:
    anna = create_user(sql)
    given = {"p_telegram_id": anna, "p_bot": "b" * 32, "p_rule": "service", "p_points": 1}
    assert call("award_xp", **given, p_reference="x" * 200)["awarded"]
    assert call("award_xp", **{**given, "p_bot": ""}, p_reference="of no bot")["awarded"]
    for bot in ("Spin", " ", "1", "b" * 33, None):
        assert refused("award_badge", p_telegram_id=anna, p_bot=bot, p_badge="hero") == "Z0002"
    for bot in ("b" * 32, ""):
        assert call("award_badge", p_telegram_id=anna, p_bot=bot, p_badge="hero")


def test_a_rule_of_the_bot_applies_before_the_common_one(sql: Sql, call: Call) -> None:
    sql("insert into xp_rules (bot, rule, points) values ('', 'story', 7), ('spin', 'story', 70)")
    anna = create_user(sql)
    for bot, points in (("quiz", 7), ("spin", 70)):
        given = {"p_telegram_id": anna, "p_bot": bot, "p_rule": "story", "p_reference": next_reference()}
        assert call("award_xp", **given)["points"] == points


def test_a_correction_is_a_row_and_stops_at_zero(sql: Sql, call: Call) -> None:
    anna = create_user(sql)
    award(call, anna, 320)
    taken = award(call, anna, -120, rule="correction")
    assert taken == {
        "awarded": True, "points": -120, "leveled_up": False, "old_level": 3, "new_level": 2, "total_xp": 200
    }  # fmt: skip
    assert award(call, anna, -5000, rule="correction")["points"] == -200
    assert xp(sql, anna) == (0, 1)
    nothing = award(call, anna, -5, rule="correction")
    assert (nothing["awarded"], nothing["points"]) == (False, 0)
    rows = sql("select requested, points from xp_awards order by id")
    assert [(row["requested"], row["points"]) for row in rows] == [
        (320, 320), (-120, -120), (-5000, -200), (-5, 0)
    ]  # fmt: skip


def test_every_fiftieth_award_folds_the_changes_of_boards(sql: Sql, call: Call) -> None:
    anna = create_user(sql)
    award(call, anna, 1)
    # The next ids are 99 and 100, and more than those before.
    sql(
        "select setval(pg_get_serial_sequence('public.xp_awards', 'id'), "
        "(max(id) / 2550 + 1) * 2550 + 98) from xp_awards"
    )
    for waiting in (12, 0, 6):
        award(call, anna, 1)
        assert sql("select count(*)::int as n from board_changes") == [{"n": waiting}]


def test_an_award_may_be_zero(sql: Sql, call: Call) -> None:
    anna = create_user(sql)
    assert award(call, anna, 0)["points"] == 0
    assert sql("select requested, points from xp_awards") == [{"requested": 0, "points": 0}]


def test_the_ledger_is_append_only(sql: Sql, call: Call) -> None:
    award(call, create_user(sql), 10)
    for statement in ("update xp_awards set points = 5", "delete from xp_awards"):
        with pytest.raises(psycopg.Error, match="immutable"):
            sql(statement)


def test_the_fourth_award_of_a_day_gives_half_and_later_ones_a_quarter(
    sql: Sql, call: Call, clock: Callable[[str], None]
) -> None:
    anna = create_user(sql)
    clock(MORNING)
    assert [award(call, anna, 101, rule="training_finished")["points"] for _ in range(4)] == [
        101,
        101,
        101,
        50,
    ]
    clock(LATE)
    assert [award(call, anna, 101, rule="training_finished")["points"] for _ in range(2)] == [25, 25]
    assert award(call, create_user(sql), 101, rule="training_finished")["points"] == 101
    clock(NEXT_DAY)
    assert award(call, anna, 101, rule="training_finished")["points"] == 101


def test_a_day_begins_at_midnight_and_awards_of_nothing_do_not_count(
    sql: Sql, call: Call, clock: Callable[[str], None]
) -> None:
    anna = create_user(sql)
    clock("(timestamptz '2026-11-30 00:00:00+03')")
    points = [award(call, anna, given, rule="training_finished")["points"] for given in (100, 0, 0, 1, 100)]
    assert points == [100, 0, 0, 1, 100]
    clock(LATE)
    assert award(call, anna, 100, rule="training_finished")["points"] == 50


def test_the_cap_of_a_day_leaves_the_rest(sql: Sql, call: Call, clock: Callable[[str], None]) -> None:
    anna = create_user(sql)
    sql("update xp_rules set daily_cap = 12 where rule = 'quiz_right'")
    clock(MORNING)

    def answer(reference: str) -> tuple[bool, int]:
        given = {"p_telegram_id": anna, "p_bot": "quiz", "p_rule": "quiz_right", "p_reference": reference}
        result = call("award_xp", **given)
        return result["awarded"], result["points"]

    assert [answer(f"quiz:{n}") for n in range(4)] == [(True, 5), (True, 5), (True, 2), (False, 0)]
    clock(NEXT_DAY)
    assert answer("quiz:3") == (False, 0), "what a day refused stays refused"
    assert answer("quiz:4") == (True, 5)


def test_the_first_award_of_a_day_has_the_whole_cap(sql: Sql, call: Call) -> None:
    sql("update xp_rules set daily_cap = 4 where rule = 'quiz_right'")
    given = {"p_telegram_id": create_user(sql), "p_bot": "quiz", "p_rule": "quiz_right"}
    assert call("award_xp", **given, p_reference="quiz:1")["points"] == 4


@pytest.mark.parametrize("statement", [
    "insert into levels (level, min_xp, name_key) values (21, 30, 'odd')",
    "delete from levels where level = 2",
    "update levels set min_xp = min_xp + 40 where level > 1",
])  # fmt: skip
def test_a_change_of_the_levels_reaches_all_users(sql: Sql, call: Call, statement: str) -> None:
    users = [create_user(sql) for _ in range(5)]
    for number, user in enumerate(users):
        award(call, user, 40 + number * 80)
    sql(statement)
    assert wrong_levels(sql) == []
    award(call, users[0], 1000)
    assert wrong_levels(sql) == []


def test_levels_stay_right_while_their_list_changes(sql: Sql, call: Call) -> None:
    users = [create_user(sql) for _ in range(6)]

    def change(number: int) -> None:
        if number:
            award(call, users[number - 1], 30)
        else:
            sql("update levels set min_xp = min_xp + 7 where level > 1")

    def work(number: int) -> None:
        for _ in range(10):
            while True:
                try:
                    change(number)
                    break
                except psycopg.errors.DeadlockDetected:  # rolled back, and repeated as shared/core/db.py does
                    continue

    in_parallel(7, work)
    assert wrong_levels(sql) == []
    assert (
        sorted(row["total_xp"] for row in sql("select total_xp from users where total_xp > 0")) == [300] * 6
    )


steps = st.lists(st.tuples(st.integers(0, 2), st.integers(-400, 400)), min_size=1, max_size=25)


@settings(
    max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps)
def test_total_and_level_follow_the_ledger(sql: Sql, call: Call, steps: list[tuple[int, int]]) -> None:
    users = [create_user(sql) for _ in range(3)]
    totals = [0, 0, 0]
    parts = in_parallel(
        3,
        lambda n: [
            award(call, users[who], points, rule="service" if points >= 0 else "correction")
            for who, points in steps
            if who == n
        ],
    )
    for who, points in steps:
        totals[who] = max(totals[who] + points, 0)
    assert [xp(sql, user)[0] for user in users] == totals
    for part in parts:
        for before, after in zip([None, *part], part, strict=False):
            assert after["old_level"] == (before["new_level"] if before else 1)
            assert after["leveled_up"] == (after["new_level"] > after["old_level"])
    assert wrong_levels(sql) == []


def wrong_levels(sql: Sql) -> list[dict[str, Any]]:
    """Return users whose total or level differs from the ledger and the list of levels."""
    return sql(
        "select u.id, u.total_xp, u.level from users u where u.level <> (select max(l.level) from levels l "
        "where l.min_xp <= u.total_xp) "
        "or u.total_xp <> coalesce((select sum(a.points) from xp_awards a where a.user_id = u.id), 0)"
    )


# Erase and return ------------------------------------------------------------------------------------------


def test_what_is_given_once_is_not_given_again_after_an_erasure(
    sql: Sql, call: Call, make_user: Callable[..., SqlUser]
) -> None:
    sql("insert into xp_rules (bot, rule, points, is_once) values ('spin', 'first_story', 40, true)")
    anna = make_user()
    for _ in range(2):  # erased twice
        anna.receive(next_update())
        given = {"p_telegram_id": anna.id, "p_bot": "spin", "p_rule": "first_story"}
        results = [call("award_xp", **given, p_reference=next_reference())["points"] for _ in range(2)]
        badge = call("award_badge", p_telegram_id=anna.id, p_bot="spin", p_badge="spin_master")
        award(call, anna.id, 10)
        anna.erase()
        assert sql("select from xp_awards") == []
    assert (results, badge) == ([0, 0], False)
    anna.receive(next_update())
    assert (xp(sql, anna.id)[0], call("get_user_badges", p_telegram_id=anna.id)) == (0, [])
    assert not call("has_badge", p_telegram_id=anna.id, p_badge="spin_master")
    facts = "'{\"best_score\": 300}'"
    (row,) = sql(f"select private.award_due_badges(%s, 'spin', {facts}) as due", id_of(sql, anna))
    assert row["due"] == []


def test_an_award_and_an_erasure_at_once_leave_nothing(
    sql: Sql, call: Call, make_user: Callable[..., SqlUser]
) -> None:
    users = [make_user() for _ in range(6)]
    for user in users:
        user.receive(next_update())

    def work(number: int) -> Any:
        user = users[number // 2]
        if number % 2:
            return user.erase()
        try:
            award(call, user.id, 10)
            call("award_badge", p_telegram_id=user.id, p_bot="spin", p_badge="story")
        except psycopg.Error as error:
            return error.sqlstate
        return None

    outcomes = in_parallel(12, work)
    assert set(outcomes[::2]) <= {None, "Z0004"}
    assert sql("select from xp_awards") == []
    assert sql("select from user_badges") == []


# Badges ----------------------------------------------------------------------------------------------------


def test_a_badge_is_awarded_once_and_seen_in_all_bots(sql: Sql, call: Call) -> None:
    anna = create_user(sql)
    given = {"p_telegram_id": anna, "p_badge": "spin_master", "p_metadata": {"score": 190}}
    results = in_parallel(20, lambda _n: call("award_badge", p_bot="spin", **given))
    assert results.count(True) == 1
    assert call("award_badge", p_bot="quiz", **given)
    assert call("award_badge", p_telegram_id=anna, p_bot="quiz", p_badge="perfect_run")
    badges = call("get_user_badges", p_telegram_id=anna)
    assert [(badge["bot"], badge["badge"]) for badge in badges] == [
        ("spin", "spin_master"), ("quiz", "spin_master"), ("quiz", "perfect_run")
    ]  # fmt: skip
    assert badges[0]["metadata"] == {"score": 190}
    assert len(call("get_user_badges", p_telegram_id=anna, p_bot="quiz")) == 2
    assert [call("count_badges", p_telegram_id=anna, p_bot=bot) for bot in (None, "quiz", "spin")] == [
        2,
        2,
        1,
    ]
    has = {"p_telegram_id": anna, "p_badge": "perfect_run"}
    assert call("has_badge", **has)
    assert not call("has_badge", **has, p_bot="spin")
    assert (call("get_user_badges", p_telegram_id=1), call("count_badges", p_telegram_id=1)) == ([], 0)


def test_the_metadata_of_a_badge_has_4000_bytes_at_most(sql: Sql, call: Call, refused: Refused) -> None:
    given = {"p_telegram_id": create_user(sql), "p_bot": "spin", "p_badge": "story"}
    frame = len('{"long": ""}')
    assert refused("award_badge", **given, p_metadata={"long": "x" * (4001 - frame)}) == "Z0002"
    assert call("award_badge", **given, p_metadata={"long": "x" * (4000 - frame)})


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"p_telegram_id": 1}, "Z0004"),
        ({"p_badge": "Upper"}, "Z0002"),
        ({"p_badge": None}, "Z0002"),
        ({"p_bot": None}, "Z0002"),
        ({"p_metadata": [1]}, "Z0002"),
        ({"p_metadata": {"long": "x" * 4000}}, "Z0002"),
    ],
)
def test_an_invalid_badge_is_refused(sql: Sql, refused: Refused, changed: dict[str, Any], code: str) -> None:
    given = {"p_telegram_id": create_user(sql), "p_bot": "spin", "p_badge": "story", "p_metadata": {}}
    assert refused("award_badge", **{**given, **changed}) == code


def test_due_badges_follow_their_conditions(sql: Sql) -> None:
    user_id = user_id_of(sql, create_user(sql, total_xp=4600, level=10))
    sql("delete from badges")
    conditions = {
        "high": '{"all": [["best_score", ">=", 185], ["clarity", ">", 80]]}',
        "either": '{"any": [["best_score", ">", 500], ["clarity", "<=", 81]]}',
        "exact": '{"all": [["clarity", "=", 81]]}',
        "more": '{"all": [["clarity", ">", 81]]}',
        "low": '{"any": [["clarity", "<", 81]]}',
        "missing": '{"all": [["nothing", "<", 5]]}',
        "words": '{"any": [["text", ">=", 0]]}',
        "level_ten": '{"all": [["level", ">=", 10], ["total_xp", ">=", 4600]]}',
    }
    for badge, condition in conditions.items():
        sql("insert into badges (badge, bot, condition) values (%s, 'spin', %s)", badge, condition)
    sql("insert into badges (badge, bot, condition) values ('other', 'quiz', %s)", conditions["exact"])

    def due(facts: str) -> Any:
        return sql("select private.award_due_badges(%s, 'spin', %s) as due", user_id, facts)[0]["due"]

    assert due('{"best_score": 184, "clarity": 81, "text": "9"}') == ["either", "exact", "level_ten"]
    assert due('{"best_score": 185, "clarity": 81}') == ["high"]
    assert due('{"best_score": 185, "clarity": 81}') == []


def test_a_due_badge_of_another_user_or_bot_is_no_obstacle(sql: Sql, call: Call) -> None:
    anna, ben = create_user(sql), create_user(sql)
    sql("delete from badges")
    for bot in ("", "spin", "quiz"):
        condition = '{"all": [["runs", ">=", 1]]}'
        sql("insert into badges (badge, bot, condition) values ('story', %s, %s)", bot, condition)
    call("award_badge", p_telegram_id=anna, p_bot="quiz", p_badge="story")
    for user in (anna, ben):
        (row,) = sql(
            """select private.award_due_badges(%s, 'spin', '{"runs": 1}') as due""", user_id_of(sql, user)
        )
        assert row["due"] == ["story", "story"], "of the bot, and of no bot"


@pytest.mark.parametrize(
    "condition",
    [
        "[]", "{}", '{"all": []}', '{"all": 5}', '{"none": [["a", "=", 1]]}', '{"all": ["a", "=", 1]}',
        '{"all": [["a", "=="," 1"]]}', '{"all": [["a", "=", "1"]]}', '{"all": [["a b", "=", 1]]}',
        '{"all": [["a", "=", 1]], "any": [["a", "=", 1]]}', '{"all": [["a", "=", 1, 2]]}', "null",
    ],
)  # fmt: skip
def test_a_malformed_condition_is_refused(sql: Sql, condition: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        sql("insert into badges (badge, bot, condition) values ('story', '', %s)", condition)


def test_our_own_award_finds_a_reference_that_no_other_service_has_used(sql: Sql, call: Call) -> None:
    anna, ben = create_user(sql), create_user(sql)

    def unused(user: int, rule: str = "service") -> str:
        user_id = user_id_of(sql, user)
        (row,) = sql("select private.unused_reference(%s, %s, 'own:1') as reference", user_id, rule)
        return str(row["reference"])

    assert unused(anna) == "own:1"
    spin = {"p_telegram_id": anna, "p_bot": "spin", "p_rule": "service", "p_points": 1}
    call("award_xp", **spin, p_reference="own:2")
    assert unused(anna) == "own:1"
    call("award_xp", **spin, p_reference="own:1")
    assert (unused(anna), unused(ben), unused(anna, "quiz_right")) == ("own:1:own", "own:1", "own:1")
    call("award_xp", **spin, p_reference="own:1:own")
    assert unused(anna) == "own:1:own:own"
