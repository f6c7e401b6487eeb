"""Tips: a question that leads on, and whether the user has copied one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from shared.core import db
from shared.core.texts import Text
from shared.features.trainer import classifier
from shared.features.trainer.unlocking import next_type
from shared.telegram.context import UpdateContext

if TYPE_CHECKING:
    from shared.core.sql_types import TrainingState
    from shared.features.trainer.scenario_models import Case, Scenario


def suggest(context: UpdateContext, scenario: Scenario, case: Case, training: TrainingState) -> Text:
    """Return the type of question that leads on, with an example; the training remembers the example."""
    asked = training["per_type_counts"].get(scenario.opening_type, 0)
    name = training["drill_type"] or next_type(scenario, case, training["revealed"], asked)
    suggestions = scenario.tips[name]
    question = suggestions[len(training["tips"]) % len(suggestions)].of(training["language"])
    db.call(
        "add_training_tip", p_user_id=context.user.id, p_training_id=training["id"], p_hash=_hash(question)
    )
    one = scenario.type(name)
    return context.rich(
        "trainer_tip",
        emoji=one.emoji,
        type=one.name.of(context.language),
        rule=one.rule.of(context.language),
        question=question,
    )


def is_copied(scenario: Scenario, training: TrainingState, text: str) -> bool:
    """Return whether a text repeats a question that was suggested in this training."""
    given = set(training["tips"])
    suggested = [
        words.of(language)
        for tips in scenario.tips.values()
        for words in tips
        for language in scenario.info.languages
        if _hash(words.of(language)) in given
    ]
    return classifier.is_repeated(text, suggested)


def _hash(question: str) -> str:
    return hashlib.sha256(classifier.normalize(question).encode()).hexdigest()[:16]
