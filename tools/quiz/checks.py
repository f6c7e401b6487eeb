"""What a bank's format cannot say: questions differ and are explained, right answers stand anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from shared.features.quiz.bank_models import Bank, Question, normalized
from tools.quiz.convert import NO_EXPLANATION

ENOUGH = 20  # questions with the same number of options, from which their right positions are compared
LEAST, MOST = 0.5, 1.6  # of the share that a position would have if all were equal


def faults(banks: Sequence[Bank]) -> list[str]:
    """Return what is wrong with banks that are used together, one line each."""
    return [f"{bank.id}: {fault}" for bank in banks for fault in _spread(bank)] + [*_repeated(banks)]


def _repeated(banks: Sequence[Bank]) -> Iterator[str]:
    ids: dict[str, str] = {}
    words: dict[str, str] = {}
    for bank in banks:
        for question in bank.questions:
            if question.id in ids:
                yield f"{bank.id}: {question.id} is a question of {ids[question.id]}, too"
            ids[question.id] = bank.id
            for wording in question.wordings:
                other = words.setdefault(normalized(wording.text), question.id)
                if other != question.id:
                    yield f"{bank.id}: {question.id} asks the same as {other}"
                if wording.explanation == NO_EXPLANATION:
                    yield f"{bank.id}: {question.id} has no explanation"


def _spread(bank: Bank) -> Iterator[str]:
    by_size: dict[int, list[Question]] = {}
    for question in bank.questions:
        if not question.multiple:
            by_size.setdefault(question.size, []).append(question)
    for size, questions in by_size.items():
        counts = Counter(question.right[0] for question in questions)
        equal = len(questions) / size
        for position in range(size) if len(questions) >= ENOUGH else ():
            if not LEAST * equal <= counts[position] <= MOST * equal:
                yield (
                    f"{counts[position]} of {len(questions)} right answers stand at position {position}:"
                    f" about {equal:.0f} should"
                )
