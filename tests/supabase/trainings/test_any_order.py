"""Turns, tips, starts and ends in any order: points follow from the turns, and nothing is given twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.features.trainer.rules import training_rules
from tests.supabase.trainings.test_trainings import CASE, SPIN, Player
from tests.support import examples

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]
Row = Mapping[str, Any]
TYPES = [one.id for one in SPIN.types]
KEYS = [f"{item.id}:{stage.id}" for item in CASE.hidden for stage in SPIN.stages]
CREDITS = 100
_runs = itertools.count(1)

CHAINS = [[f"{item.id}:{stage.id}" for stage in SPIN.stages] for item in CASE.hidden]
LABELS = st.fixed_dictionaries(
    {
        # Situation questions often: too many of them cost points.
        "type": st.sampled_from([*TYPES, *TYPES, *["situation"] * 8, "none", "genius"]),
        "is_contextual": st.booleans(),
        "is_copied": st.sampled_from([False, False, False, True]),
        "is_repeated": st.sampled_from([False, False, False, True]),
        "reveals": st.lists(st.sampled_from([*KEYS, "moon:problem", "downtime:moon"]), max_size=2)
        | st.sampled_from(CHAINS),
    }
)
TURNS = ["turn"] * 50  # an example is a training of some length more often than a row of starts
OTHERS = ["again", "again", "begin", "record", "tip", "finish", "expire", "later", "start", "replace"]
STEP = st.tuples(st.sampled_from([*TURNS, *OTHERS]), st.integers(0, 9), LABELS)


class Session:
    """A user who does the steps; `sent` are the labels of each recorded turn."""

    def __init__(self, sql: Sql, call: Call, drill_type: str | None) -> None:
        self.player = Player(sql, call, bonus_credits=CREDITS)
        self.rules = training_rules(SPIN, CASE, drill_type)
        self.drill_type = drill_type
        self.run = next(_runs)
        self.references = 0
        self.sent: dict[tuple[int, str], Row] = {}
        self.results: dict[int, Any] = {}
        self.start(replace=False)

    def start(self, *, replace: bool) -> None:
        mode = "practice" if self.drill_type is None else "drill"
        self.player.start(p_mode=mode, p_drill_type=self.drill_type, rules=self.rules, p_replace=replace)

    def turn(self, step: str, training_id: int, reference: str, labels: Row) -> None:
        """Begin a turn, record it, or both."""
        if step in ("turn", "again"):
            self.move(
                "turn_lease_until", training_id
            )  # a turn that was begun does not keep the others waiting
        if step != "record":
            self.player.begin(reference)
        if step != "begin":
            type_, more = str(labels["type"]), {key: labels[key] for key in labels if key != "type"}
            if self.player.record(reference, type_, **more)["outcome"] == "recorded":
                assert (training_id, reference) not in self.sent
                self.sent[training_id, reference] = labels

    def do(self, step: str, number: int, labels: Row) -> None:
        """Do one step."""
        training_id = self.player.started["training"]["id"]
        if step in ("turn", "again", "begin", "record"):
            self.references += step in ("turn", "begin")
            # A turn is named by its update, and "again" is a redelivery of one of the last ten.
            reference = self.references if step != "again" else max(self.references - number, 1)
            self.turn(step, training_id, f"any:{self.run}:{reference}", labels)
        elif step == "tip":
            self.player.call(
                "add_training_tip",
                p_user_id=self.player.user_id,
                p_training_id=training_id,
                p_hash=f"{number % 3}",
            )
        elif step == "finish":
            finished = self.player.finish(is_fast=True)
            if "result" in finished:
                assert finished["result"] == self.results.setdefault(training_id, finished["result"])
        elif step in ("start", "replace"):
            self.start(replace=step == "replace")
        else:
            self.move({"expire": "turn_lease_until", "later": "first_question_at"}[step], training_id)

    def move(self, column: str, training_id: int) -> None:
        """Move a time of the training two minutes back."""
        self.player.sql(
            f"update trainings set {column} = {column} - interval '2 minutes' where id = %s", training_id
        )


def why(labels: Row, count: int, caps: Mapping[str, int], drill_type: str | None) -> str:
    if labels["type"] not in caps:
        return "none"
    if drill_type not in (None, labels["type"]):
        return "other_type"
    if labels["is_repeated"]:
        return "repeated"
    return "counted" if count < caps[labels["type"]] else "capped"


def recount(rules: Any, turns: Sequence[Row], drill_type: str | None) -> dict[str, Any]:
    """Return what the labels of a training's turns are worth, computed without the database."""
    caps = {one["id"]: one["cap"] for one in rules["types"]}
    weights = {one["id"]: one["weight"] for one in rules["types"]}
    bonuses, counts = rules["bonuses"], dict.fromkeys(caps, 0)
    first: dict[str, int] = {}
    lines, revealed = [], set()
    for position, turn in enumerate(turns, 1):
        type_ = turn["type"]
        reason = why(turn, counts.get(type_, 0), caps, drill_type)
        points = 0
        is_contextual = reason in ("counted", "capped") and turn["is_contextual"] and not turn["is_copied"]
        if reason in ("counted", "capped"):
            excess = bonuses["excess"]
            points = weights[type_] if reason == "counted" else 0
            points += bonuses["contextual"] if is_contextual else 0
            if excess and excess["type"] == type_ and counts[type_] >= excess["beyond"]:
                points -= excess["points"]
            counts[type_] += 1
            first.setdefault(type_, position)
        revealed |= {key for key in turn["reveals"] if key in KEYS and key not in rules["given"]}
        lines.append((type_, reason, points, is_contextual))
    asked = [line for line in lines if line[1] != "none"]
    order = [first.get(name) for name in bonuses["order"]["types"]]
    is_ordered = None not in order and order == sorted(order, key=lambda place: place or 0)
    chains = sum(f"{item['id']}:{rules['stages'][-1]['id']}" in revealed for item in rules["hidden"])
    parts = {
        "questions": sum(line[2] for line in lines),
        "coverage": bonuses["coverage"] if set(first) == set(caps) else 0,
        "order": bonuses["order"]["points"] if is_ordered else 0,
        "depth": bonuses["depth"]["points"] * min(chains, bonuses["depth"]["most"]),
    }
    shares = {
        f"{item['id']}:{stage['id']}": item["weight"] * stage["share"]
        for item in rules["hidden"]
        for stage in rules["stages"]
        if f"{item['id']}:{stage['id']}" not in rules["given"]
    }
    clarity = Decimal(100 * sum(shares[key] for key in revealed)) / sum(shares.values())
    return {
        **parts,
        "score": max(sum(parts.values()), 0),
        "chains": chains,
        "clarity_level": int(clarity.quantize(Decimal(1), ROUND_HALF_UP)),
        "question_count": len(asked),
        "contextual_questions": sum(line[3] for line in asked),
        "per_type_counts": {name: count for name, count in counts.items() if count},
        "lines": asked,
    }


def check_training(session: Session, training: Row) -> None:
    """Compare a training with the count of its turns."""
    sql = session.player.sql
    stored = sql("select * from training_turns where training_id = %s order by position", training["id"])
    turns = [session.sent[training["id"], row["reference"]] for row in stored]
    assert len(turns) == sum(training_id == training["id"] for training_id, _ in session.sent)
    found = recount(session.rules, turns, session.drill_type)
    lines = [(row["type"], row["why"], row["points"], row["is_contextual"]) for row in stored]
    assert [line for line in lines if line[1] != "none"] == found["lines"]
    assert training["points"] == found["questions"]
    for name in ("clarity_level", "question_count", "contextual_questions", "per_type_counts"):
        assert training[name] == found[name], name
    history = sql(
        "select score from training_history where reference = %s and user_id = %s",
        f"spin:{training['id']}",
        session.player.user_id,
    )
    awards = sql("select points from xp_awards where reference = %s", f"spin:{training['id']}")
    if training["status"] != "finished":
        assert (history, awards) == ([], [])
        return
    result = session.results[training["id"]]
    for name in ("questions", "coverage", "order", "depth", "score", "chains", "clarity_level"):
        assert result[name] == found[name], name
    assert [
        (line["type"], line["why"], line["points"], line["is_contextual"]) for line in result["lines"]
    ] == (found["lines"])
    is_scored = found["question_count"] >= session.rules["min_questions"]
    counts = is_scored and not result["is_fast"]
    assert (result["is_scored"], result["counts"]) == (is_scored, counts)
    assert history == ([{"score": found["score"]}] if counts else [])
    assert len(awards) <= counts
    assert all(award["points"] <= found["score"] for award in awards)


@settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEP, min_size=5, max_size=40), drill_type=st.sampled_from([None, None, "implication"]))
def test_points_access_and_history_follow_from_the_turns(
    sql: Sql, call: Call, steps: list[tuple[str, int, Row]], drill_type: str | None
) -> None:
    session = Session(sql, call, drill_type)
    for step in steps:
        session.do(*step)
    for last in ("later", "finish", "finish"):
        session.do(last, 0, {})
    player = session.player
    trainings = sql("select * from trainings where user_id = %s order by id", player.user_id)
    for training in trainings:
        check_training(session, training)
    paid = [f"spin:{row['id']}" for row in trainings if row["turns"]]
    usages = sql("select reference from access_usages where user_id = %s order by id", player.user_id)
    assert sorted(row["reference"] for row in usages) == sorted(paid)
    assert player.bonus_credits == CREDITS - len(paid)
    assert sum(row["status"] == "open" for row in trainings) <= 1
