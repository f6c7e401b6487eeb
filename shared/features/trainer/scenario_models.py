"""The files of a scenario: `scenario.toml` and its cases, as strict models.

Unknown keys, missing languages and contradictions between parts of a file are errors. Only `library` imports
this module, when a training needs a scenario.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Sentence = Annotated[str, Field(min_length=1, max_length=1200)]
Stem = Annotated[str, Field(pattern=r"^[a-zа-я0-9][a-zа-я0-9 %-]{1,39}$")]  # lower case, е for ё
Pattern = Annotated[str, Field(min_length=2, max_length=500)]
Points = Annotated[int, Field(ge=0, le=1000)]
Condition = tuple[Name, Literal[">=", ">", "=", "<", "<="], int]
Difficulty = Literal["easy", "medium", "hard"]


class Model(BaseModel):
    """A part of a file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Model):
    """A text in every language."""

    en: Sentence
    ru: Sentence

    def of(self, language: str) -> str:
        """Return the text in a language, English for those without one."""
        return self.ru if language == "ru" else self.en


class Patterns(Model):
    """Regular expressions by language, searched in normalized text (`classifier.normalize`)."""

    en: list[Pattern] = []
    ru: list[Pattern] = []

    @model_validator(mode="after")
    def _compile(self) -> Self:
        for pattern in self.all:
            re.compile(pattern)
        return self

    @property
    def all(self) -> list[str]:
        """The patterns of all languages: people mix them."""
        return [*self.en, *self.ru]


class Stems(Model):
    """Beginnings of words by language."""

    en: Annotated[list[Stem], Field(min_length=1)]
    ru: Annotated[list[Stem], Field(min_length=1)]

    @property
    def all(self) -> list[str]:
        """The stems of all languages."""
        return [*self.en, *self.ru]


class Info(Model):
    """What a scenario is."""

    id: Name
    version: Annotated[int, Field(ge=1)]
    languages: list[Literal["en", "ru"]]
    name: Words
    about: Words
    client_role: Words


class QuestionType(Model):
    """A type of question, with the points it gives.

    Attributes:
        form: `question`: only a question can be of this type; `any`: a statement can, too.
        cap: how many of the type give points.
        rule: what makes a question this type; the result quotes it.
        better: a template of a better question, with {fact} for what the client said.
    """

    id: Name
    weight: Points
    cap: Annotated[int, Field(ge=1, le=20)]
    emoji: Annotated[str, Field(min_length=1, max_length=4)]
    form: Literal["question", "any"] = "question"
    name: Words
    rule: Words
    better: Words
    patterns: Patterns = Patterns()


class Stage(Model):
    """A part of what the client keeps to themselves; stages open in order.

    Attributes:
        unlocked_by: the types of questions that open it; without any it is open from the start.
        facts: the keys of a case's hidden items that are disclosed then.
        share: percent of the item's weight.
    """

    id: Name
    unlocked_by: list[Name] = []
    facts: Annotated[list[Name], Field(min_length=1)]
    share: Annotated[int, Field(ge=0, le=100)]


class Rules(Model):
    """The limits of a training. `facts_by`: the types of questions that a case's facts answer."""

    facts_by: Annotated[list[Name], Field(min_length=1)]

    min_questions: Annotated[int, Field(ge=1)]
    max_questions: Annotated[int, Field(ge=2, le=40)]
    target_clarity: Annotated[int, Field(ge=1, le=100)]
    min_seconds: Annotated[int, Field(ge=0)]
    maestro_score: Points
    hint_after: Annotated[int, Field(ge=1)] = 3


class Exam(Model):
    """An exam: its length from the start, the score that passes, and how often it may be begun.

    `attempts` is for each task of a team, and for each day where none is assigned.
    """

    minutes: Annotated[int, Field(ge=5, le=120)]
    score: Points
    attempts: Annotated[int, Field(ge=1, le=10)]


class ReversedRole(Model):
    """A training in which the AI sells and the user plays the client and judges its questions.

    `minimum`: answered questions from which it gives XP. `gives_badges`: badges that are due are awarded.
    """

    questions: Annotated[int, Field(ge=2, le=20)]
    minimum: Annotated[int, Field(ge=1)]
    gives_badges: bool = False


class Review(Model):
    """The review of a real conversation. `questions`: how many of the seller's are scored."""

    questions: Annotated[int, Field(ge=1, le=30)]


class OrderBonus(Model):
    """Points for asking types for the first time in this order."""

    points: Points
    types: Annotated[list[Name], Field(min_length=2)]


class DepthBonus(Model):
    """Points for each hidden item that was opened up to its last stage, for `most` items at most."""

    points: Points
    most: Annotated[int, Field(ge=1)]


class Excess(Model):
    """Points taken for each question of a type beyond a number."""

    type: Name
    points: Points
    beyond: Annotated[int, Field(ge=0)]


class Bonuses(Model):
    """Points beside those of the questions themselves."""

    contextual: Points
    coverage: Points
    order: OrderBonus | None = None
    depth: DepthBonus | None = None
    excess: Excess | None = None


class Rank(Model):
    """What a score is called from `from` on."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: Name
    score: Annotated[int, Field(alias="from", ge=0)]
    name: Words


class Badge(Model):
    """A badge and its conditions, all of which must hold."""

    id: Name
    when: Annotated[list[Condition], Field(min_length=1)]
    name: Words


class Scenario(Model):
    """`scenario.toml`. `ignored`: patterns of questions that are no move, such as small talk."""

    info: Info
    types: Annotated[list[QuestionType], Field(min_length=1, max_length=8)]
    stages: Annotated[list[Stage], Field(min_length=1)]
    rules: Rules
    exam: Exam
    reversed_role: ReversedRole | None = None
    review: Review | None = None
    bonuses: Bonuses
    ranks: Annotated[list[Rank], Field(min_length=1)]
    badges: list[Badge]
    tips: dict[Name, list[Words]]
    deflections: dict[Name, list[Words]]
    pitch: list[Words]
    ignored: Patterns = Patterns()

    def type(self, name: str) -> QuestionType:
        """Return a type of question.

        Raises:
            KeyError: there is none of this name.
        """
        for one in self.types:
            if one.id == name:
                return one
        raise KeyError(name)

    @property
    def opening_type(self) -> str:
        """The type of question that a conversation begins with: it collects facts."""
        return self.rules.facts_by[0]

    def wording(self, key: str) -> str:
        """Return the key of a text about moves: `<key>_replies` where answers count as questions do."""
        return f"{key}_replies" if any(one.form == "any" for one in self.types) else key

    @property
    def types_in_order(self) -> tuple[QuestionType, ...]:
        """The types in the order of a conversation: the opening one, then those that open the stages."""
        stages = [name for stage in self.stages for name in stage.unlocked_by]
        names = dict.fromkeys((self.opening_type, *stages, *(one.id for one in self.types)))
        return tuple(self.type(name) for name in names)

    @property
    def reversed_plan(self) -> list[tuple[str, Words]]:
        """The types of the AI's questions with reversed roles, in their order, with a question for each."""
        number = self.reversed_role.questions if self.reversed_role else 0
        types = [one.id for one in self.types_in_order]
        planned = [types[place * len(types) // number] for place in range(number)]
        return [
            (name, self.tips[name][planned[:place].count(name) % len(self.tips[name])])
            for place, name in enumerate(planned)
        ]

    @property
    def first_stage(self) -> Stage:
        """The first stage that a question opens."""
        return next(stage for stage in self.stages if stage.unlocked_by)

    def rank(self, score: int) -> Rank:
        """Return the rank of a score."""
        return max((rank for rank in self.ranks if rank.score <= score), key=lambda rank: rank.score)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        types = {one.id for one in self.types}
        for name, items in (("types", self.types), ("stages", self.stages), ("ranks", self.ranks)):
            _unique(name, (one.id for one in items))
        _unique("badges", (one.id for one in self.badges))
        used = {name for stage in self.stages for name in stage.unlocked_by}
        used |= set(self.bonuses.order.types if self.bonuses.order else ())
        used |= {self.bonuses.excess.type} if self.bonuses.excess else set()
        used |= set(self.tips) | set(self.deflections) | set(self.rules.facts_by)
        if used - types:
            raise ValueError(f"unknown types: {sorted(used - types)}")
        if set(self.tips) != types or set(self.deflections) != types:
            raise ValueError("tips and deflections are needed for every type")
        if sum(stage.share for stage in self.stages) != 100:
            raise ValueError("the shares of the stages must add up to 100")
        if [bool(stage.unlocked_by) for stage in self.stages] != sorted(
            bool(one.unlocked_by) for one in self.stages
        ):
            raise ValueError("stages that are open from the start come first")
        if not self.stages[-1].unlocked_by:
            raise ValueError("no question opens a stage")
        if any(bool(stage.unlocked_by) != bool(stage.share) for stage in self.stages):
            raise ValueError("a stage has a share if questions open it")
        if min(rank.score for rank in self.ranks) != 0:
            raise ValueError("a rank must begin at 0")
        if self.rules.min_questions > self.rules.max_questions:
            raise ValueError("min_questions is above max_questions")
        if self.reversed_role and self.reversed_role.minimum > self.reversed_role.questions:
            raise ValueError("reversed_role: minimum is above questions")
        if len({words.en for _, words in self.reversed_plan}) < len(self.reversed_plan):
            raise ValueError("reversed_role: there are too few tips for so many questions")
        return self


class Client(Model):
    """Who the user talks to."""

    name: Words
    position: Words
    company: Words
    size: Words
    region: Words
    character: Words


class Product(Model):
    """What the user sells."""

    name: Words
    offer: Words


class Situation(Model):
    """What the user knows before the first question."""

    public: Words


class Subject(Model):
    """Something in a case that a question can be about."""

    id: Name
    touched_by: Stems


class Fact(Subject):
    """What the client answers when a question touches it."""

    text: Words


class HiddenItem(Subject):
    """What the client discloses stage by stage; the model of a scenario adds its texts."""

    weight: Annotated[int, Field(ge=1, le=100)]
    after: list[Name] = []

    def fact(self, name: str) -> Words:
        """Return the text of a fact.

        Raises:
            AttributeError: the scenario has no such fact.
        """
        words: Words = getattr(self, name)
        return words


class Case(Model):
    """A case, `cases/<id>.toml`. `hidden` holds the model of its scenario, see `case_model`."""

    id: Name
    industry: Name
    difficulty: Difficulty
    client: Client
    product: Product
    situation: Situation
    facts: Annotated[list[Fact], Field(min_length=3, max_length=12)]
    hidden: Sequence[HiddenItem]

    @property
    def subjects(self) -> list[Subject]:
        """All that a question can be about."""
        return [*self.facts, *self.hidden]

    @model_validator(mode="after")
    def _agree(self) -> Self:
        _unique("facts and hidden", [*(one.id for one in self.facts), *(one.id for one in self.hidden)])
        if sum(one.weight for one in self.hidden) != 100:
            raise ValueError("the weights of hidden must add up to 100")
        earlier: set[str] = set()
        for one in self.hidden:
            if set(one.after) - earlier:
                raise ValueError(f"{one.id} comes after {one.after}, which must stand before it")
            earlier.add(one.id)
        return self


def case_model(scenario: Scenario) -> type[Case]:
    """Return the model of a scenario's cases: hidden items have exactly the facts of its stages."""
    facts = {name: (Words, ...) for stage in scenario.stages for name in stage.facts}
    hidden: type[HiddenItem] = create_model("Hidden", __base__=HiddenItem, **facts)  # type: ignore[call-overload]
    items = list[hidden]  # type: ignore[valid-type]
    return create_model("ScenarioCase", __base__=Case, hidden=(items, Field(min_length=1, max_length=6)))


def _unique(what: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise ValueError(f"{what}: {one} is there twice")
        seen.add(one)
