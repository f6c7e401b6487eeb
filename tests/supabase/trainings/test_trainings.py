"""The SQL of trainings: points from the rules alone, access once, awards once, the formula of the tool."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from shared.features.trainer import library
from shared.features.trainer.rules import training_rules
from tests.supabase.xp.users import create_user, user_id_of
from tests.support import in_parallel, new_update_id
from tools.scenarios.reachability import score

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]

SPIN = library.load("spin")
CASE = library.load_case("spin", "packaging_line")
RULES = training_rules(SPIN, CASE, None)
SEED = ["situation"] * 2 + ["problem"] * 3 + ["implication"] * 2 + ["need_payoff"]
_references = itertools.count(1)


class Player:
    """A user in a training of CASE, without a bot."""

    def __init__(self, sql: Sql, call: Call, *, bonus_credits: int = 100) -> None:
        self.sql, self.call = sql, call
        self.telegram_id = create_user(sql, bonus_credits=bonus_credits)
        self.user_id = user_id_of(sql, self.telegram_id)
        self.started: Any = None

    def start(self, **changes: Any) -> Any:
        """Start a training; return the result."""
        parameters = {
            "p_user_id": self.user_id,
            "p_bot": "spin",
            "p_scenario": "spin",
            "p_version": 1,
            "p_case": CASE.id,
            "p_mode": "practice",
            "p_drill_type": None,
            "p_difficulty": "medium",
            "p_language": "en",
            "p_rules": json.dumps(changes.pop("rules", RULES)),
            "p_reference": f"test:{next(_references)}",
            "p_replace": True,
            **changes,
        }
        self.started = self.call("start_training", **parameters)
        return self.started

    def update(self) -> int:
        """Receive an update of the user; return its number."""
        number = new_update_id()
        self.sql(
            "insert into telegram_updates (bot, update_id, kind, status, user_id, lease_until)"
            " values ('spin', %s, 'message', 'working', %s, private.clock() + interval '40 seconds')",
            number,
            self.user_id,
        )
        return number

    def begin(self, reference: str, update: int | None = None) -> Any:
        """Begin a turn."""
        return self.call(
            "begin_training_turn",
            p_bot="spin",
            p_update_id=update or self.update(),
            p_attempt=1,
            p_reference=reference,
            p_cost="0.01",
            p_lease_seconds=40,
        )

    def record(self, reference: str, type_: str, **changes: Any) -> Any:
        """Record a turn that was begun."""
        turn = {
            "question": f"Question {reference}?",
            "reply": "Yes.",
            "kind": "question",
            "type": type_,
            "is_contextual": False,
            "used_fragment": "",
            "touches": [],
            "reveals": [],
            "facts": [],
            "source": "patterns",
            "is_repeated": False,
            "is_copied": False,
            **changes,
        }
        return self.call(
            "record_training_turn",
            p_user_id=self.user_id,
            p_training_id=self.started["training"]["id"],
            p_reference=reference,
            p_turn=json.dumps(turn),
        )

    def ask(self, type_: str, **changes: Any) -> Any:
        """Begin and record a turn; return the recorded one."""
        reference = f"turn:{next(_references)}"
        assert self.begin(reference)["outcome"] == "work"
        return self.record(reference, type_, **changes)["turn"]

    def finish(self, *, is_fast: bool = False) -> Any:
        """Finish the training, slowly enough to count unless is_fast."""
        training_id = self.started["training"]["id"]
        if not is_fast:
            self.sql(
                "update trainings set first_question_at = first_question_at - interval '5 minutes'"
                " where id = %s",
                training_id,
            )
        return self.call(
            "finish_training", p_user_id=self.user_id, p_training_id=training_id, p_reason="button"
        )

    def play(self, types: list[str], *, contextual: int = 0, **changes: Any) -> Any:
        """Play a training of these types, slowly enough to count; return its result."""
        self.start(**changes)
        for number, type_ in enumerate(types):
            self.ask(type_, is_contextual=number < contextual)
        return self.finish()["result"]

    @property
    def bonus_credits(self) -> int:
        """What is left of the bonus credits."""
        (row,) = self.sql("select bonus_credits from users where id = %s", self.user_id)
        return int(row["bonus_credits"])


@pytest.fixture
def player(sql: Sql, call: Call) -> Player:
    return Player(sql, call)


def test_the_example_of_the_seed_scores_185(player: Player) -> None:
    result = player.play(SEED, contextual=3)
    assert (result["score"], result["questions"], result["coverage"], result["order"]) == (185, 150, 20, 15)
    assert set(result["badges"]) == {"first_training", "spin_master"}
    assert result["xp"]["points"] == 185
    assert [line["points"] for line in result["lines"]] == [15, 15, 20, 15, 15, 25, 25, 20]


def test_the_database_computes_the_score_as_the_check_of_scenarios_does(sql: Sql) -> None:
    types = [one.id for one in SPIN.types]
    vectors = [
        dict(zip(types, counts, strict=True))
        for counts in itertools.product(range(6), repeat=len(types))
        if sum(counts) <= SPIN.rules.max_questions
    ]
    for is_ordered, chains in ((True, 0), (False, 3)):
        names = list(reversed(types)) if is_ordered else types  # the file lists need-payoff first
        questions = [
            {"counts": one, "first": {name: place for place, name in enumerate(names) if one[name]}}
            for one in vectors
        ]
        found = sql(
            "select (private.training_bonuses(%s::jsonb, ("
            "   select coalesce(sum(private.turn_points(%s::jsonb, c.key, n - 1, false)), 0)::integer"
            "     from jsonb_each_text(q -> 'counts') as c, generate_series(1, c.value::integer) as n"
            " ), q -> 'first', %s) ->> 'score')::integer as score"
            " from jsonb_array_elements(%s::jsonb) with ordinality as t (q, number) order by number",
            json.dumps(RULES),
            json.dumps(RULES),
            chains,
            json.dumps(questions),
        )
        wanted = [score(SPIN, one, 0, chains, is_ordered=is_ordered) for one in vectors]
        assert [row["score"] for row in found] == wanted


def test_badges_of_scenarios_are_those_of_the_table(sql: Sql) -> None:
    rows = sql("select badge, condition from badges where bot = 'spin'")
    declared = {}
    for name in library.names():
        prefix = "" if name == "spin" else f"{name}_"
        for badge in library.load(name).badges:
            when = [
                [fact if fact == "total_trainings" else prefix + fact, sign, limit]
                for fact, sign, limit in badge.when
            ]
            declared[badge.id] = {"all": when}
    assert {row["badge"]: row["condition"] for row in rows} == declared


def test_a_type_beyond_its_cap_gives_nothing_and_situations_cost_points(player: Player) -> None:
    player.start()
    turns = [player.ask("situation") for _ in range(5)]
    assert [turn["points"] for turn in turns] == [10, 10, 10, -5, -5]
    assert [turn["why"] for turn in turns] == ["counted"] * 3 + ["capped"] * 2


def test_repetitions_and_copies_earn_nothing_for_context(player: Player) -> None:
    player.start()
    assert player.ask("problem", is_repeated=True, is_contextual=True)["points"] == 0
    assert player.ask("problem", is_copied=True, is_contextual=True)["points"] == 15
    assert player.ask("problem", is_contextual=True)["points"] == 20


def test_labels_outside_the_rules_count_as_nothing(player: Player) -> None:
    player.start()
    turn = player.ask("genius", reveals=["downtime:problem", "moon:problem", "downtime:moon"])
    assert (turn["why"], turn["points"], turn["question_count"]) == ("none", 0, 0)
    assert turn["clarity_level"] == 16, "only what the rules know is disclosed: 40 % of 40 %"


def test_clarity_is_the_weight_of_what_is_disclosed(player: Player) -> None:
    player.start()
    player.ask("problem", reveals=["downtime:problem"])
    player.ask("implication", reveals=["downtime:consequence"])
    assert player.ask("need_payoff", reveals=["downtime:value", "downtime:value"])["clarity_level"] == 40
    assert player.ask("need_payoff", reveals=["downtime:value"])["clarity_level"] == 40
    assert player.finish()["result"]["chains"] == 1


def test_access_is_consumed_once_at_the_first_message_that_the_client_answers(player: Player) -> None:
    player.start()
    assert player.bonus_credits == 100
    for type_ in ("none", "problem", "problem"):
        player.ask(type_)
        assert player.bonus_credits == 99
    rows = player.sql("select reference from access_usages where user_id = %s", player.user_id)
    assert [row["reference"] for row in rows] == [f"spin:{player.started['training']['id']}"]


def test_without_access_no_training_starts_and_none_goes_on(sql: Sql, call: Call) -> None:
    player = Player(sql, call, bonus_credits=1)
    started = player.start()
    sql("update users set bonus_credits = 0 where id = %s", player.user_id)
    assert player.begin("turn:a")["outcome"] == "no_access"
    assert player.start()["outcome"] == "no_access"
    player.started = started
    sql("update users set bonus_credits = 1 where id = %s", player.user_id)
    assert player.begin("turn:a")["outcome"] == "work"
    sql("update users set bonus_credits = 0 where id = %s", player.user_id)
    assert player.record("turn:a", "problem")["outcome"] == "no_access"
    assert sql("select from training_turns") == []


def test_a_turn_is_recorded_once_and_its_repetition_returns_it(player: Player) -> None:
    player.start()
    player.begin("turn:x")
    first = player.record("turn:x", "problem")
    again = player.record("turn:x", "implication")
    assert (first["outcome"], again["outcome"]) == ("recorded", "known")
    assert again["turn"] == first["turn"]
    assert player.begin("turn:x")["outcome"] == "known"


def test_of_two_updates_one_has_the_lease(player: Player, clock: Callable[[str], None]) -> None:
    player.start()
    assert player.begin("turn:one")["outcome"] == "work"
    assert player.begin("turn:two")["outcome"] == "busy"
    assert player.begin("turn:one")["outcome"] == "work", "a redelivery takes its own lease again"
    clock("clock_timestamp() + interval '1 minute'")
    assert player.begin("turn:two")["outcome"] == "work"
    assert player.record("turn:one", "problem")["outcome"] == "superseded"
    assert player.record("turn:two", "problem")["outcome"] == "recorded"


def test_an_update_that_lost_its_lease_begins_nothing(player: Player) -> None:
    player.start()
    update = player.update()
    player.sql("update telegram_updates set attempt = 2 where update_id = %s", update)
    assert player.begin("turn:late", update)["outcome"] == "superseded"


def test_many_starts_and_finishes_at_once_count_once(player: Player) -> None:
    player.start()
    for type_ in SEED:
        player.ask(type_)
    player.sql("update trainings set first_question_at = first_question_at - interval '5 minutes'")
    with ThreadPoolExecutor(8) as pool:
        outcomes = [done["outcome"] for done in pool.map(lambda _: player.finish(), range(8))]
        assert sorted(outcomes) == ["finished"] + ["known"] * 7
        assert len(player.sql("select from training_history")) == 1
        assert len(player.sql("select from xp_awards where user_id = %s", player.user_id)) == 1
        list(pool.map(lambda _: player.start(p_replace=False), range(8)))
    assert len(player.sql("select from trainings where status = 'open'")) == 1


def test_an_open_training_is_replaced_only_on_demand(player: Player) -> None:
    first = player.start()["training"]["id"]
    assert player.start(p_replace=False)["outcome"] == "open"
    assert player.start()["outcome"] == "started"
    rows = player.sql("select id, status, reference from trainings order by id")
    assert [row["status"] for row in rows] == ["abandoned", "open"]
    again = player.start(p_reference=rows[0]["reference"])
    assert again["training"]["id"] == first, "the same update starts nothing new"


def test_too_few_questions_and_haste(player: Player) -> None:
    assert not player.play(SEED[:4])["is_scored"]
    assert player.sql("select from training_history") == []
    player.start()
    for type_ in SEED:
        player.ask(type_)
    result = player.finish(is_fast=True)["result"]
    assert (result["is_fast"], result["counts"], result["score"]) == (True, False, 170)
    assert (result["xp"], result["badges"], result["maestro_streak"], result["streak"]) == (
        None,
        [],
        None,
        None,
    )
    assert player.sql("select from training_history") == []
    assert player.sql("select from user_badges where user_id = %s", player.user_id) == []
    counted = player.play(SEED, contextual=3)
    assert counted["maestro_streak"] == 1
    assert "spin_master" in counted["badges"]


def test_references_of_another_service_keep_no_training_from_being_finished(player: Player) -> None:
    player.start()
    number = player.started["training"]["id"]
    reference, other = f"spin:{number}", Player(player.sql, player.call)
    player.call("consume_access", p_telegram_id=other.telegram_id, p_reference=reference)
    award = {"p_telegram_id": player.telegram_id, "p_rule": "training_finished", "p_reference": reference}
    stored = {"scenario": "spin", "score": 7, "clarity_level": 9, "question_count": 5}
    history = {"p_telegram_id": player.telegram_id, "p_bot": "spin", "p_reference": reference}
    player.call("save_training_history", **history, p_training=json.dumps(stored))
    player.call("award_xp", **award, p_bot="spin", p_points=3)
    for type_ in SEED:
        player.ask(type_)
    assert player.bonus_credits == 99
    result = player.finish()["result"]
    assert (result["score"], result["xp"]["points"]) == (170, 170)
    rows = player.sql("select score, reference from training_history order by id")
    assert [(row["score"], row["reference"] == reference) for row in rows] == [(7, True), (170, False)]


def test_a_question_that_is_being_answered_is_answered_before_the_end(player: Player) -> None:
    player.start()
    for type_ in SEED[:5]:
        player.ask(type_)
    player.begin("running")
    assert player.finish() == {"outcome": "busy"}
    assert player.record("running", "problem")["outcome"] == "recorded"
    assert player.finish()["result"]["question_count"] == 6


def test_the_maestro_streak_ends_with_a_lower_score_but_not_with_a_drill(player: Player) -> None:
    for expected in (1, 2):
        assert player.play(SEED, contextual=3)["maestro_streak"] == expected
    drill = training_rules(SPIN, CASE, "problem")
    result = player.play(["problem"] * 5, p_mode="drill", p_drill_type="problem", rules=drill)
    assert (result["maestro_streak"], result["score"]) == (2, 75)
    player.start()  # abandoned
    third = player.play(SEED, contextual=3)
    assert third["maestro_streak"] == 3
    assert "maestro_3" in third["badges"]
    assert player.play(SEED)["maestro_streak"] == 0
    assert player.play(SEED)["before"] == {"score": 170, "clarity_level": 0}


def test_xp_of_a_day_becomes_less_and_a_drill_gives_half(player: Player) -> None:
    points = [player.play(SEED)["xp"]["points"] for _ in range(5)]
    assert points == [170, 170, 170, 85, 42]
    other = Player(player.sql, player.call)
    drill = training_rules(SPIN, CASE, "problem")
    result = other.play(["problem"] * 6, p_mode="drill", p_drill_type="problem", rules=drill)
    assert (result["score"], result["xp"]["points"]) == (90, 45)


def test_a_drill_counts_its_type_alone_and_begins_with_what_leads_to_it(player: Player) -> None:
    player.start(p_mode="drill", p_drill_type="implication", rules=training_rules(SPIN, CASE, "implication"))
    assert player.ask("problem")["why"] == "other_type"
    turns = [player.ask("implication") for _ in range(6)]
    assert [turn["points"] for turn in turns] == [25] * 6
    last = player.ask("implication", reveals=["downtime:consequence"])
    assert last["clarity_level"] == round(100 * 40 * 35 / (100 * 60)), "of what was hidden at the start"


def test_a_dispute_reaches_the_admins_once(player: Player) -> None:
    training_id = player.play(SEED)["training_id"]
    stranger = Player(player.sql, player.call)

    def dispute(user: Player, position: int) -> str:
        done = user.call(
            "dispute_training_turn",
            p_user_id=user.user_id,
            p_training_id=training_id,
            p_position=position,
        )
        return str(done["outcome"])

    assert [dispute(player, number) for number in (1, 1, 99)] == ["sent", "known", "none"]
    assert dispute(stranger, 2) == "none"
    found = stranger.call("get_training_result", p_user_id=stranger.user_id, p_training_id=training_id)
    assert found is None


def test_disputes_of_a_user_are_limited_by_the_day(player: Player, sql: Sql) -> None:
    trainings = [player.play(["situation"] * 8)["training_id"] for _ in range(3)]

    def dispute(number: int) -> str:
        done = player.call(
            "dispute_training_turn",
            p_user_id=player.user_id,
            p_training_id=trainings[number // 8],
            p_position=number % 8 + 1,
        )
        return str(done["outcome"])

    assert Counter(in_parallel(24, dispute)) == {"sent": 20, "limit": 4}
    assert sql("select count(*) as n from training_turns where disputed_at is not null")[0]["n"] == 20
    sql("update training_turns set disputed_at = disputed_at - interval '1 day'")
    assert "sent" in [dispute(number) for number in range(24)]


def test_incomplete_rules_are_refused(player: Player) -> None:
    with pytest.raises(psycopg.Error) as caught:
        player.start(rules={"types": []})
    assert caught.value.sqlstate == "Z0009"


def test_the_history_has_the_columns_of_the_seed(player: Player) -> None:
    player.play(SEED, contextual=3)
    history = player.call("get_training_history", p_telegram_id=player.telegram_id, p_bot="spin")
    (row,) = history["trainings"]
    assert history["total"] == 1
    assert row["per_type_counts"] == {"situation": 2, "problem": 3, "implication": 2, "need_payoff": 1}
    assert (row["score"], row["question_count"], row["contextual_questions"]) == (185, 8, 3)
    assert row["case_data"] == {"case_id": CASE.id}
    assert row["session_snapshot"]["bonuses"]["score"] == 185


def test_a_redelivered_update_finds_the_result_of_the_training_that_it_finished(player: Player) -> None:
    player.start()
    player.ask("problem")
    finished = player.call(
        "finish_training",
        p_user_id=player.user_id,
        p_training_id=player.started["training"]["id"],
        p_reason="button",
        p_reference="update:5",
    )
    asked = {"p_user_id": player.user_id, "p_bot": "spin"}
    found = player.call("training_finished_by", **asked, p_reference="update:5")
    assert found["result"]["training_id"] == finished["result"]["training_id"]
    assert found["result"]["score"] == finished["result"]["score"]
    assert player.call("training_finished_by", **asked, p_reference="update:6") is None
    other = {**asked, "p_bot": "quiz"}
    assert player.call("training_finished_by", **other, p_reference="update:5") is None
