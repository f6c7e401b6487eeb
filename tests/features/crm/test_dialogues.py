"""100 short dialogues in two languages, from the answer of an AI to the fields, signs and band that are kept.

The answers in `dialogues/` (lines with `=`) were written by hand, as good, sloppy and deceived models give
them: names of others, invented quotes, words of the assistant, jokes taken seriously, obeyed injections.
Lines with `>` say what is true. `U` is the user, `A` the assistant, `!` a fact of our own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from shared.features.crm import material, qualification, rubric
from shared.features.crm.answer_models import LeadAnswer

PATHS = sorted((Path(__file__).parent / "dialogues").glob("*.txt"))
FIELDS = {"name": "real_name", "background": "background", "query": "query"}
BANDS = [name for name, _ in reversed(rubric.BANDS)]
EMPTY = {"value": "", "quote": "", "message": 0}


@dataclass
class Dialogue:
    """A dialogue: its lines (is of the user, text), what a model answered, and what is true."""

    name: str
    lines: list[tuple[bool, str]] = field(default_factory=list)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    signals: list[dict[str, Any]] = field(default_factory=list)
    facts: set[str] = field(default_factory=set)
    truth: dict[str, str] = field(default_factory=dict)

    def claim(self) -> Any:
        return {
            "messages": [
                {"id": 100 + number, "source": "user" if is_user else "ai", "body": text}
                for number, (is_user, text) in enumerate(self.lines)
            ],
            "known": dict.fromkeys(FIELDS.values()),
            "signals": [],
            "has_ordered": "ordered" in self.facts,
            "has_paid": "paid" in self.facts,
        }

    def result(self) -> dict[str, Any]:
        """What is kept of the answer."""
        claim = self.claim()
        answer = LeadAnswer.model_validate(
            {
                **{name: self.fields.get(name, EMPTY) for name in FIELDS.values()},
                "signals": self.signals,
                "language": "other",
            }
        )
        return qualification.result_of(answer, claim, material.lines_of(claim))


def read(path: Path) -> list[Dialogue]:
    found: list[Dialogue] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        mark, _, rest = line.partition(" ")
        if mark == "#":
            found.append(Dialogue(f"{path.stem} {rest}"))
            continue
        one = found[-1]
        if mark in ("U", "A"):
            one.lines.append((mark == "U", rest))
        elif mark == "!":
            one.facts.add(rest)
        elif mark == "=":
            key, _, said = rest.partition(" ")
            if key in FIELDS:
                value, _, quote = said.partition(" | ")
                one.fields[FIELDS[key]] = {"value": value, "quote": quote, "message": 1}
            else:
                one.signals.append({"kind": key, "quote": said, "message": 1})
        elif mark == ">":
            one.truth = truth_of(rest)
    return found


def truth_of(text: str) -> dict[str, str]:
    """Read name=Anna Smith query=bot band=ready; a value goes to the next key."""
    found: dict[str, str] = {}
    key = ""
    for word in text.split():
        if "=" in word:
            key, _, value = word.partition("=")
            found[key] = value
        else:
            found[key] += f" {word}"
    return found


DIALOGUES = [one for path in PATHS for one in read(path)]


@dataclass
class Figures:
    """Counts over the dialogues of a language."""

    right: int = 0
    kept: int = 0
    true: int = 0
    bands: list[int] = field(default_factory=list)  # distance from the true band

    @property
    def precision(self) -> float:
        return self.right / self.kept

    @property
    def recall(self) -> float:
        return self.right / self.true


def measure(dialogues: list[Dialogue]) -> Figures:
    figures = Figures()
    for one in dialogues:
        result = one.result()
        for key, name in FIELDS.items():
            kept = result[name]
            is_right = (
                kept is not None
                and key in one.truth
                and one.truth[key].casefold() in kept["value"].casefold()
            )
            figures.kept += kept is not None
            figures.true += key in one.truth
            figures.right += is_right
        figures.bands.append(abs(BANDS.index(rubric.band(result["score"])) - BANDS.index(one.truth["band"])))
    return figures


def test_there_are_fifty_dialogues_of_each_language() -> None:
    assert [len(read(path)) for path in PATHS] == [50, 50]
    assert len({one.name for one in DIALOGUES}) == 100


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_is_kept_is_right(path: Path) -> None:
    figures = measure(read(path))
    assert figures.precision >= 0.95
    assert figures.recall >= 0.95
    near = sum(distance <= 1 for distance in figures.bands) / len(figures.bands)
    exact = sum(distance == 0 for distance in figures.bands) / len(figures.bands)
    assert near == 1.0
    assert exact >= 0.9


@pytest.mark.parametrize(
    "one",
    [one for one in DIALOGUES if "njection" in one.name or "инъекция" in one.name],
    ids=lambda one: cast("Dialogue", one).name,
)
def test_an_obeyed_injection_raises_nothing(one: Dialogue) -> None:
    """An AI that was manipulated changes nothing: the score is at most that of the honest words: a need."""
    kinds = {signal["kind"] for signal in one.result()["signals"]}
    assert kinds <= ({"need"} if "query" in one.truth else set())


@pytest.mark.parametrize("one", DIALOGUES, ids=lambda one: cast("Dialogue", one).name)
def test_everything_kept_is_in_the_users_words(one: Dialogue) -> None:
    result = one.result()
    said = " ".join(text for is_user, text in one.lines if is_user).casefold().replace("ё", "е")
    words = set("".join(letter if letter.isalnum() else " " for letter in said).split())
    for kept in [*filter(None, (result[name] for name in FIELDS.values())), *result["signals"]]:
        quote = "".join(letter if letter.isalnum() else " " for letter in kept["quote"].casefold())
        assert set(quote.replace("ё", "е").split()) <= words


def test_the_score_is_clamped() -> None:
    assert rubric.score(rubric.POINTS, has_ordered=True, has_paid=True) == 90
    assert rubric.score(set(rubric.POINTS) - {"refusal"}, has_ordered=True, has_paid=False) == 100
    assert rubric.score(["refusal"], has_ordered=False, has_paid=False) == 0
    assert [rubric.band(points) for points in (0, 30, 31, 60, 61, 85, 86, 100)] == [
        "exploring",
        "exploring",
        "interested",
        "interested",
        "serious",
        "serious",
        "ready",
        "ready",
    ]
