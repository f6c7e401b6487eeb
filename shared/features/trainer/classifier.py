"""Labels what the user said without an AI: ordered patterns of the scenario, first match wins.

It also checks what an AI answered: whether a quotation is the client's, whether a question is a repetition.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from shared.features.trainer import library, relevance, words

if TYPE_CHECKING:
    from shared.features.trainer.scenario_models import Case, Scenario

Kind = Literal["question", "statement", "greeting", "instructions"]
NONE = "none"
_MOST = 2_000  # characters of a text that are looked at
_REPEATED = 0.8  # trigram similarity from which a question is a repetition
_SHORT = 4  # words: a question of at most as many takes the type of the one before it
_STEM = 5  # letters that stand for a word


@dataclass(frozen=True)
class Labels:
    """What a text is.

    Attributes:
        type: a type of the scenario, or `none`.
        used_fragment: the client's words that it takes up.
        touches: ids of the case's facts and hidden items that it asks about.
        is_compound: it asks several things; the last one decides.
        source: who decided: `ai` or `patterns`.
    """

    kind: Kind
    type: str = NONE
    is_contextual: bool = False
    used_fragment: str = ""
    touches: tuple[str, ...] = ()
    is_compound: bool = False
    source: Literal["ai", "patterns"] = "patterns"

    @property
    def counts(self) -> bool:
        """Whether it is a move of the training: it has a type."""
        return self.type != NONE


def normalize(text: str) -> str:
    """Return a text for comparisons: lower case, е for ё, plain quotes, single spaces."""
    plain = text[:_MOST].lower().replace("ё", "е").replace("’", "'").replace("`", "'")
    return " ".join(plain.split())


def label(scenario: Scenario, case: Case | None, text: str, last_answer: str) -> Labels:
    """Label a text by the scenario's patterns. A real conversation has no case."""
    plain = normalize(text)
    if speaks_to_examiner(plain):
        return Labels("instructions")
    if words.GREETING.fullmatch(plain):
        return Labels("greeting")
    parts = _sentences(plain)
    types = [found for part in parts if (found := _type_of(scenario, case, part, plain, last_answer))]
    if not types:
        return Labels("statement")
    last = types[-1]
    if len(types) > 1 and last == scenario.opening_type and len(_tokens(parts[-1])) <= _SHORT:
        last = types[-2]  # "Do parts arrive late? How often?"
    fragment = shared_fragment(case, plain, last_answer)
    return Labels(
        "question" if scenario.type(last).form == "question" else "statement",
        last,
        bool(fragment),
        fragment,
        touched(case, plain),
        is_compound=len(set(types)) > 1,
    )


def speaks_to_examiner(plain: str) -> bool:
    """Return whether a normalized text gives instructions to the software instead of asking the client."""
    return any(pattern.search(plain) for pattern in words.INSTRUCTIONS)


def touched(case: Case | None, plain: str) -> tuple[str, ...]:
    """Return the ids of facts and hidden items whose stems begin a word of a normalized text."""
    padded = " " + " ".join(re.findall(r"[\w%-]+", plain))
    subjects = case.subjects if case else []
    return tuple(one.id for one in subjects if any(f" {stem}" in padded for stem in one.touched_by.all))


def quoted(fragment: str, last_answer: str) -> bool:
    """Return whether a fragment stands in the client's last answer and takes something up.

    A number or a word of content must be in it: nearly every answer has "we" and "not".
    """
    plain = _spoken(fragment)
    takes_up = any(word[0].isdigit() or _is_content(word) for word in _tokens(plain))
    return takes_up and f" {plain}" in f" {_spoken(last_answer)}"


def shared_fragment(case: Case | None, plain: str, last_answer: str) -> str:
    """Return the words of the client's last answer that a question takes up, or nothing.

    A number, two words that the case's public text lacks, or one such word beside "you said".
    """
    answer = _tokens(normalize(last_answer))
    asked = _tokens(plain)
    numbers = [word for word in asked if word[0].isdigit() and word in answer]
    if numbers:
        return numbers[0]
    public = " ".join((case.situation.public.en, case.situation.public.ru)) if case else ""
    known = _stems(_tokens(normalize(public)))
    stems = _stems(asked) - known
    shared = [word for word in answer if _stem(word) in stems and _is_content(word)]
    enough = 1 if words.REFERENCES.search(plain) else 2
    return " ".join(dict.fromkeys(shared)) if len({_stem(word) for word in shared}) >= enough else ""


def is_repeated(text: str, earlier: Collection[str]) -> bool:
    """Return whether a question says nearly the same as an earlier one."""
    grams = _trigrams(text)
    return any(_similarity(grams, _trigrams(one)) > _REPEATED for one in earlier)


def with_case(labels: Labels, case: Case, text: str, last_answer: str) -> Labels:
    """Return labels of an AI without what the case and the client's last answer do not confirm."""
    ids = {one.id for one in case.subjects}
    touches = tuple(dict.fromkeys(one for one in labels.touches if one in ids))
    is_contextual = labels.is_contextual and quoted(labels.used_fragment, last_answer)
    return replace(
        labels,
        touches=touches or touched(case, normalize(text)),
        is_contextual=is_contextual,
        used_fragment=labels.used_fragment if is_contextual else "",
    )


def _sentences(plain: str) -> list[str]:
    parts = re.findall(r"[^.?!;\n]+[.?!;]*", plain)
    return [part.strip() for part in parts if re.search(r"\w", part)]


def _type_of(scenario: Scenario, case: Case | None, sentence: str, plain: str, last_answer: str) -> str:
    """Return the type of a sentence of a text, empty for one that is no move."""
    tokens = _tokens(sentence)
    has_subject = bool(touched(case, sentence))
    is_question = "?" in sentence or _asks(sentence)
    if relevance.is_stuffed(tokens) or (
        is_question and relevance.is_off_topic(sentence, has_subject=has_subject)
    ):
        return ""
    ignored, types = _compiled(scenario.info.id)
    if any(pattern.search(sentence) for pattern in ignored):
        return ""
    has_subject = has_subject or _takes_up(sentence, case, last_answer)
    for name, form, patterns in types:
        if (is_question or form == "any") and any(pattern.search(sentence) for pattern in patterns):
            is_sound = form == "any" or has_subject or _is_sound(scenario, name, sentence, plain)
            return name if is_sound else ""
    is_asked = is_question and (has_subject or relevance.asks_something(plain, _tokens(plain)))
    if is_asked and relevance.is_about_client(sentence, tokens, has_subject=has_subject):
        return _default_type(scenario)
    return ""


def _is_sound(scenario: Scenario, type_: str, sentence: str, plain: str) -> bool:
    """Return whether a question that fits a pattern says more than the words that patterns look for.

    The opening type has patterns such as a mere "why", which fit a question about anything.
    """
    tokens = _tokens(plain)
    if relevance.addresses_client(plain, tokens):
        return True
    _, types = _compiled(scenario.info.id)
    if relevance.is_only(tokens, _triggers(plain, [one for _, _, patterns in types for one in patterns])):
        return False
    found = _triggers(sentence, next(patterns for name, _, patterns in types if name == type_))
    is_weak = type_ == scenario.opening_type and relevance.are_empty(found)
    return not is_weak or relevance.is_about_client(sentence, _tokens(sentence), has_subject=False)


def _takes_up(sentence: str, case: Case | None, last_answer: str) -> bool:
    """Return whether a sentence has a number of the last answer, or a word of it or of the public case."""
    known = [last_answer]
    if case:
        public = (case.situation.public, case.product.name, case.product.offer, case.client.company)
        known += [text for part in public for text in (part.en, part.ru)]
    asked, answer = _tokens(sentence), _tokens(normalize(last_answer))
    stems = _stems(asked) & _stems(_tokens(normalize(" ".join(known))))
    return bool(stems) or any(word[0].isdigit() and word in answer for word in asked)


def _triggers(sentence: str, patterns: Sequence[re.Pattern[str]]) -> frozenset[str]:
    """Return the words at both ends of what patterns match: those that they look for."""
    places = {
        place
        for pattern in patterns
        for match in pattern.finditer(sentence)
        for place in (match.start(), match.end() - 1)
    }
    words_ = re.finditer(r"\w+", sentence)
    return frozenset(word[0] for word in words_ if any(word.start() <= one < word.end() for one in places))


def _default_type(scenario: Scenario) -> str:
    """Return the type of a question that no pattern decides: the one without patterns."""
    return next((one.id for one in scenario.types if not one.patterns.all), scenario.opening_type)


def _asks(sentence: str) -> bool:
    """Return whether a sentence without a question mark is a question, as in transcribed speech.

    A question word stands at the beginning, behind fillers; a strong one also behind a few other words.
    """
    tokens = _tokens(sentence)
    if "ли" in tokens:
        return True
    while tokens and tokens[0] in words.FILLERS:
        tokens = tokens[1:]
    if not tokens or tokens[0] in words.FIRST_PERSON:
        return False
    is_strong = any(word in words.STRONG_QUESTION_WORDS for word in tokens[:6])
    return is_strong or tokens[0] in words.QUESTION_WORDS


@lru_cache(maxsize=16)
def _compiled(
    scenario: str,
) -> tuple[tuple[re.Pattern[str], ...], tuple[tuple[str, str, tuple[re.Pattern[str], ...]], ...]]:
    """Return the compiled patterns of a scenario: of what is ignored, and of each type with its form."""
    found = library.load(scenario)
    types = (
        (one.id, one.form, tuple(re.compile(pattern) for pattern in one.patterns.all)) for one in found.types
    )
    return tuple(re.compile(pattern) for pattern in found.ignored.all), tuple(types)


def _spoken(text: str) -> str:
    return " ".join(re.findall(r"\w+", normalize(text)))


def _tokens(plain: str) -> list[str]:
    return re.findall(r"\w+", plain)


def _is_content(word: str) -> bool:
    return len(word) >= 4 and word not in words.STOP_WORDS


def _stem(word: str) -> str:
    return word[:_STEM]


def _stems(tokens: Sequence[str]) -> set[str]:
    return {_stem(word) for word in tokens if _is_content(word)}


def _trigrams(text: str) -> set[str]:
    padded = f"  {_spoken(text)} "
    return {padded[place : place + 3] for place in range(len(padded) - 2)}


def _similarity(one: set[str], other: set[str]) -> float:
    union = len(one | other)
    return len(one & other) / union if union else 0.0
