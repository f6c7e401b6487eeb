"""What users see of a quiz: a question, its answer, the result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared.core import texts
from shared.core.texts import Text, concat, figures
from shared.features import xp
from shared.features.quiz import library
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard

if TYPE_CHECKING:
    from shared.core.sql_types import FinishQuizRun, QuizRunState
    from shared.core.texts.reader import Reader
    from shared.features.quiz.bank_models import Question

_MEDALS = {1: "🥇", 2: "🥈", 3: "🥉"}
_IN_ROW = 6  # buttons of options in a row
Row = list[tuple[str, str]]


def letter(position: int) -> str:
    """Return the letter of an option by its position on the screen."""
    return chr(ord("A") + position)


def place_mark(place: int) -> str:
    """Return how a list shows a place: a medal, or its number."""
    return _MEDALS.get(place, f"{place}.")


def topic_name(context: Reader, topic: str) -> str:
    """Return a topic's name; its id in words where the owner added the topic and no text."""
    key = f"quiz_topic_{topic or 'all'}"
    return context.text(key) if texts.has(context.language, key) else topic.replace("_", " ").capitalize()


def order(run: QuizRunState, n: int, question: Question) -> list[int]:
    """Return the options of a question in the order of the screen, by their positions in the bank."""
    return library.shuffled(f"{run['id']}:{n}", question.size)


def question_screen(
    context: UpdateContext, run: QuizRunState, n: int, question: Question, chosen: int = 0
) -> tuple[Text, Keyboard]:
    """Return a question with a button for each option; a button never says whether its option is right.

    Args:
        chosen: of a question with several right answers, those chosen so far, a bit for each.
    """
    positions = range(question.size)
    head = _head(context, run, n, question)
    parts = [
        head,
        _options(context, run, n, question, ["🔹" if chosen >> one & 1 else "" for one in positions]),
    ]
    tail = f"{question.version[:4]}"
    if question.multiple:
        parts.append(context.rich("quiz_choose_all"))
        buttons = [
            (
                f"✓ {letter(one)}" if chosen >> one & 1 else letter(one),
                _data("s", run, n, chosen ^ 1 << one, tail),
            )
            for one in positions
        ]
    else:
        buttons = [(letter(one), _data("a", run, n, 1 << one, tail)) for one in positions]
    rows: list[Row] = [buttons[start : start + _IN_ROW] for start in range(0, len(buttons), _IN_ROW)]
    if chosen:
        rows.append([(context.text("quiz_done"), _data("a", run, n, chosen, tail))])
    return concat(*parts, separator="\n\n"), rows


def answer_screen(
    context: UpdateContext, run: QuizRunState, n: int, question: Question, choice: Sequence[int]
) -> tuple[Text, Keyboard]:
    """Return a question with the user's answer, the right one, and the explanation."""
    positions = order(run, n, question)
    marks = ["✅" if one in question.right else "❌" if one in choice else "" for one in positions]
    right = ", ".join(letter(place) for place, one in enumerate(positions) if one in question.right)
    verdict = "quiz_right" if [*choice] == question.right else "quiz_wrong"
    text = concat(
        _head(context, run, n, question),
        _options(context, run, n, question, marks),
        concat(
            context.rich(verdict, answer=right),
            Text(question.wording(context.language).explanation, []),
            separator=" ",
        ),
        separator="\n\n",
    )
    return text, next_button(context, run)


def next_button(context: UpdateContext, run: QuizRunState) -> Keyboard:
    """Return the button to the next question; nothing after the last."""
    if run["status"] != "open":
        return []
    return [[(context.text("quiz_next"), f"quiz:r:{run['id']}:{run['answered'] + 1}")]]


def result_screen(context: UpdateContext, run: QuizRunState) -> tuple[Text, Keyboard]:
    """Return the result of a finished quiz."""
    result = run["result"]
    assert result is not None  # of a finished quiz
    share = result["right"] / result["questions"] if result["questions"] else 0.0
    key = "quiz_result_high" if share >= 0.8 else "quiz_result_middle" if share >= 0.5 else "quiz_result_low"
    lines = [
        context.rich("quiz_result", right=result["right"], of=result["questions"]),
        context.rich(key),
        *awards(context, result),
    ]
    rows: list[Row] = [[(context.text("quiz_again"), "quiz")]]
    if result["right"] < result["questions"]:
        lines.append(context.rich("quiz_repeats"))
    rows.append([(context.text("quiz_progress_button"), "progress")])
    return concat(*lines, separator="\n\n"), rows


def awards(context: UpdateContext, result: FinishQuizRun) -> list[Text]:
    """Return what finishing a quiz gave, in one paragraph; nothing where it gave nothing."""
    if result["is_fast"]:
        return [context.rich("quiz_fast")]
    lines = []
    if result["xp"]:
        lines.append(context.rich("quiz_xp", xp=result["xp"]))
    lines += [text for text in (xp.level_up_text(context, result),) if text is not None]
    lines += [text for text in (xp.new_badges_text(context, result["badges"]),) if text is not None]
    if (result["streak"] or 0) > 1:
        lines.append(context.rich("quiz_streak", days=result["streak"]))
    return [concat(*lines, separator="\n")] if lines else []


def _head(context: UpdateContext, run: QuizRunState, n: int, question: Question) -> Text:
    where = context.rich(
        "quiz_question",
        n=n,
        of=len(run["questions"]),
        topic=topic_name(context, question.topic),
        level=question.level,
    )
    words = question.wording(context.language).text
    return concat(where, _bold(words), separator="\n\n")


def _options(
    context: UpdateContext, run: QuizRunState, n: int, question: Question, marks: Sequence[str]
) -> Text:
    options = question.wording(context.language).options
    lines = [
        f"{marks[place]} {letter(place)}. {options[position]}".strip()
        for place, position in enumerate(order(run, n, question))
    ]
    return Text("\n".join(lines), [])


def _bold(words: str) -> Text:
    return Text(words, [{"type": "bold", "offset": 0, "length": texts.utf16_length(words)}])


def _data(kind: str, run: QuizRunState, n: int, mask: int, version: str) -> str:
    return f"quiz:{kind}:{run['id']}:{n}:{mask:x}:{version}"


def duration(context: UpdateContext, seconds: float) -> str:
    """Return a time as minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{figures.number(context.language, minutes)}:{rest:02}"
