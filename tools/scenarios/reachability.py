"""Proves that every rank and badge of a scenario can be reached, by trying all numbers of questions."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.features.trainer.scenario_models import Case, Scenario

Counts = Mapping[str, int]
_OPERATORS = {
    ">=": operator.ge,
    ">": operator.gt,
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
}
_UNLIMITED = frozenset({"total_trainings"})  # grow with every training


@dataclass(frozen=True)
class Outcome:
    """One way a training can end."""

    counts: tuple[tuple[str, int], ...]
    contextual: int
    chains: int
    score: int
    clarity: int


def score(scenario: Scenario, counts: Counts, contextual: int, chains: int, *, is_ordered: bool) -> int:
    """Return the score of a training. private.training_bonuses and private.turn_points compute the same."""
    bonuses = scenario.bonuses
    points = sum(one.weight * min(counts.get(one.id, 0), one.cap) for one in scenario.types)
    points += bonuses.contextual * contextual
    if all(counts.get(one.id) for one in scenario.types):
        points += bonuses.coverage
    if bonuses.order and is_ordered and all(counts.get(name) for name in bonuses.order.types):
        points += bonuses.order.points
    if bonuses.depth:
        points += bonuses.depth.points * min(chains, bonuses.depth.most)
    if bonuses.excess:
        points -= bonuses.excess.points * max(counts.get(bonuses.excess.type, 0) - bonuses.excess.beyond, 0)
    return max(points, 0)


def outcomes(scenario: Scenario, cases: Sequence[Case]) -> Iterator[Outcome]:
    """Yield the ways a training with enough questions can end, with the figures of the hardest case."""
    rules = scenario.rules
    for counts in _vectors([one.id for one in scenario.types], rules.max_questions):
        total = sum(counts.values())
        if total < rules.min_questions:
            continue
        opened = [_opened(scenario, case, counts) for case in cases] or [[0]]
        clarity = min((_clarity(scenario, case, counts) for case in cases), default=0)
        most_chains = min(one[-1] for one in opened)
        for contextual in range(total + 1):
            for chains in range(most_chains + 1):
                for is_ordered in (False, True):
                    points = score(scenario, counts, contextual, chains, is_ordered=is_ordered)
                    yield Outcome(tuple(counts.items()), contextual, chains, points, clarity)


def unreachable(scenario: Scenario, cases: Sequence[Case]) -> list[str]:
    """Return the ranks and badges that no training reaches, and the pass mark of the exam if none does."""
    ranks = sorted(scenario.ranks, key=lambda rank: rank.score)
    missing = {f"rank {rank.id}" for rank in ranks} | {f"badge {badge.id}" for badge in scenario.badges}
    missing.add("pass mark of the exam")
    for outcome in outcomes(scenario, cases):
        missing.discard(f"rank {scenario.rank(outcome.score).id}")
        if outcome.score >= scenario.exam.score:
            missing.discard("pass mark of the exam")
        for badge in scenario.badges:
            if f"badge {badge.id}" in missing and _is_earned(scenario, badge.when, outcome):
                missing.discard(f"badge {badge.id}")
        if not missing:
            break
    return sorted(missing)


def _is_earned(scenario: Scenario, when: Sequence[tuple[str, str, int]], outcome: Outcome) -> bool:
    facts = {
        "score": outcome.score,
        "best_score": outcome.score,
        "clarity": outcome.clarity,
        "chains": outcome.chains,
        "contextual_questions": outcome.contextual,
    }
    for name, sign, limit in when:
        if name in _UNLIMITED:
            continue
        if name == "maestro_streak":
            if outcome.score < scenario.rules.maestro_score:
                return False
        elif name not in facts or not _OPERATORS[sign](facts[name], limit):
            return False
    return True


def _vectors(types: Sequence[str], left: int) -> Iterator[dict[str, int]]:
    if not types:
        yield {}
        return
    for count in range(left + 1):
        for rest in _vectors(types[1:], left - count):
            yield {types[0]: count, **rest}


def _opened(scenario: Scenario, case: Case, counts: Counts) -> list[int]:
    """Return how many items are opened at each stage, if every question opens one item at one stage.

    A type that opens several stages is counted for the first of them, so that nothing is counted twice.
    """
    found, used = [], set[str]()
    for stage in scenario.stages:
        if not stage.unlocked_by:
            found.append(len(case.hidden))
            continue
        own = [name for name in stage.unlocked_by if name not in used]
        used.update(own)
        found.append(min(sum(counts.get(name, 0) for name in own), found[-1] if found else len(case.hidden)))
    return found


def _clarity(scenario: Scenario, case: Case, counts: Counts) -> int:
    weights = [item.weight for item in case.hidden]  # in the order of the file, in which they can be opened
    opened = _opened(scenario, case, counts)
    shares = [
        stage.share * sum(weights[:count]) for stage, count in zip(scenario.stages, opened, strict=True)
    ]
    return sum(shares) // 100
