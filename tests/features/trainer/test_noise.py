"""Without an AI, what is no question about the client's business gives no points."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from shared.features.trainer import classifier, library

FOLDER = Path(__file__).parent / "noise"
ALPHABETS = ("abcdefghijklmnopqrstuvwxyz", "абвгдежзийклмнопрстуфхцчшщыьэюя")


def _scored(name: str, texts: list[str]) -> list[str]:
    scenario = library.load(name)
    case = library.load_case(name, library.case_names(name)[0])
    return [text for text in texts if classifier.label(scenario, case, text, "").counts]


@pytest.mark.parametrize("name", library.names())
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_noise_small_talk_and_questions_to_the_software_give_nothing(name: str, path: Path) -> None:
    texts = path.read_text(encoding="utf-8").splitlines()
    assert len(texts) >= 100
    assert _scored(name, texts) == []


@pytest.mark.parametrize("name", library.names())
def test_random_keys_give_nothing(name: str) -> None:
    chance = random.Random(7)
    texts = [
        " ".join(
            "".join(chance.choices(letters, k=chance.randint(4, 9))) for _ in range(chance.randint(1, 5))
        )
        + "?"
        for letters in ALPHABETS
        for _ in range(300)
    ]
    assert _scored(name, texts) == []


@pytest.mark.parametrize(
    ("text", "last_answer"),
    [
        ("How often?", "Two machines stop every week."),
        ("А давно?", "Линия встаёт раз в неделю."),
        ("Почему?", "Мы не меняем поставщика."),
        ("And the biscuits?", "We bake biscuits and gingerbread."),
        ("What about those 40?", "We lose 40 pallets."),
        ("How does the weather affect your deliveries?", ""),
        ("Как погода влияет на отгрузки?", ""),
        ("Какая погода срывает вам поставки?", ""),
        ("Who won the last tender with that supplier?", ""),
        ("Do you like the software you work with?", ""),
    ],
)
def test_a_question_about_the_business_counts_however_short_or_odd(text: str, last_answer: str) -> None:
    case = library.load_case("spin", "packaging_line")
    assert classifier.label(library.load("spin"), case, text, last_answer).counts


@pytest.mark.parametrize("name", library.names())
@pytest.mark.parametrize(
    "text",
    [
        "Problem problem problem?",
        "Problem. Problem. Problem?",
        "Problem delay?",
        "What happens when what happens when?",
        "What problem problem?",
        "How many suppliers how many suppliers?",
        "Проблема проблема проблема?",
        "К чему приводит к чему приводит?",
        "Проблема, задержка?",
        "Why is the sky blue?",
        "Почему небо голубое?",
        "Why are bananas yellow?",
    ],
)
def test_words_that_patterns_look_for_make_no_question_alone(name: str, text: str) -> None:
    assert _scored(name, [text]) == []


@pytest.mark.parametrize(
    ("name", "text", "type_"),
    [
        ("spin", "What does it lead to?", "implication"),
        ("spin", "К чему это приводит?", "implication"),
        ("spin", "What problems do you have?", "problem"),
        ("spin", "You plan in Excel, right? Any mistakes?", "problem"),
        ("objections", "Why?", "clarify"),
        ("objections", "Почему?", "clarify"),
        ("objections", "Why is the price the problem?", "clarify"),
        ("objections", "Does that settle it?", "confirm"),
    ],
)
def test_a_short_question_to_the_client_counts(name: str, text: str, type_: str) -> None:
    case = library.load_case(name, library.case_names(name)[0])
    assert classifier.label(library.load(name), case, text, "").type == type_
