"""A turn of a training: each message of the user is a move, and the client answers it.

A turn is named by its update. SQL leases the training to one update, records the turn once and computes the
points, so a message may be delivered twice and a process may end anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.config import settings
from shared.core.texts import Text, concat
from shared.features.trainer import (
    access,
    briefing,
    classifier,
    library,
    results,
    reversed_role,
    reversed_screens,
    roleplay,
    setup,
    tips,
)
from shared.features.trainer.unlocking import revealed_texts, unlock
from shared.telegram import current_context, reply
from shared.telegram.chat_action import typing
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.pipeline import LEASE_MARGIN
from shared.telegram.router import Router
from shared.telegram.selection import OPEN_PAGE
from shared.telegram.update import VOICE

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import BeginTrainingTurn, RecordTrainingTurn, TrainingState, TrainingTurn
    from shared.features.trainer.classifier import Labels
    from shared.features.trainer.scenario_models import Case, Scenario
    from shared.features.trainer.unlocking import Unlocked

router = Router()

MAX_QUESTION = 1_000  # characters


def _is_own_text(message: Message) -> bool:
    return not current_context().update.is_forwarded and not (message.text or "").startswith("/")


@router.message_handler(commands=["resume"], private_only=True)
def resume(_message: Message) -> None:
    """Repeat the briefing and the last exchanges of the open training."""
    context = current_context()
    reply(*_resumed(context))


@router.callback_query_handler(data="train:resume", private_only=True, page="resume")
def show_resumed(_call: CallbackQuery) -> None:
    """The same under a button."""
    context = current_context()
    context.show(*_resumed(context))


@router.message_handler(commands=["tip"], private_only=True)
@router.callback_query_handler(data="train:tip", private_only=True, page="tip")
def tip(_event: Message | CallbackQuery) -> None:
    """Suggest the type of question that leads on, with an example."""
    context = current_context()
    training = setup.overview(context)["open"]
    if training is None:
        return reply(*_none_open(context))
    try:
        scenario, case = _loaded(training)
    except KeyError:
        return reply(*_gone(context, training))
    if training["mode"] == "reversed":
        return reversed_role.tip(context, scenario, training)
    if not briefing.has_tips(training):
        return reply(context.rich("trainer_tip_exam" if training["mode"] == "exam" else "trainer_tip_hard"))
    return reply(tips.suggest(context, scenario, case, training))


@router.message_handler(commands=["finish"], private_only=True)
@router.callback_query_handler(data="train:finish", private_only=True, page="finish")
def finish(_event: Message | CallbackQuery) -> None:
    """Finish the open training and show its result."""
    context = current_context()
    training = setup.overview(context)["open"]
    if training is None:
        return None if results.show_finished(context) else reply(*_none_open(context))
    if training["mode"] != "reversed":
        return results.finish(context, training, "button")
    try:
        return reversed_role.finish(context, _loaded(training)[0], training)
    except KeyError:
        return reply(*_gone(context, training))


@router.cancel_handler
def cancel(context: UpdateContext) -> Text | None:
    """Say how to end the open training: it has points, so /cancel does not drop it."""
    if context.ended_wait or not context.update.is_private or setup.overview(context)["open"] is None:
        return None
    return context.rich("trainer_cancel")


@router.message_handler(func=_is_own_text)
def answer(_message: Message) -> None:
    """Take a message as a move of the open training."""
    context = current_context()
    if not context.update.is_private:
        return reply(context.rich("private_only"), [[(context.text("private_open"), _link(context))]])
    if context.update.has_secret:
        return reply(context.rich("trainer_secret"))
    text = context.update.text.strip()
    if not text:  # spaces that Telegram's own check lets through
        return reply(context.rich("trainer_line_none"))
    if len(text) > MAX_QUESTION:
        return reply(context.rich("trainer_too_long", length=len(text), limit=MAX_QUESTION))
    return _move(context, text)


@router.message_handler(func=_is_own_text, content_types=VOICE)
def spoken_answer(_message: Message) -> None:
    """Take a voice message as a move of the open training."""
    context = current_context()
    if not context.update.is_private:
        return reply(context.rich("private_only"), [[(context.text("private_open"), _link(context))]])
    return _move(context, None)


def _link(context: UpdateContext) -> str:
    return f"https://t.me/{context.bot.user.username}?start={OPEN_PAGE}new"


def _move(context: UpdateContext, text: str | None) -> None:
    """Make a move with a text, or with the words of a voice message: it is transcribed when a turn begins."""
    begun: BeginTrainingTurn = db.call(
        "begin_training_turn",
        p_bot=context.bot.name,
        p_update_id=context.update.update_id,
        p_attempt=context.attempt,
        p_reference=context.reference,
        p_cost=str(roleplay.turn_cost(is_spoken=text is None)),
        p_lease_seconds=int(settings().response_timeout) + LEASE_MARGIN,
    )
    match begun["outcome"]:
        case "work":
            words = _heard(context, begun) if text is None else text
            if words is not None:
                _play(context, begun["training"], words, may_use_ai=begun["may_use_ai"])
        case "known":
            _show_again(context, begun["training"], begun["turn"])
        case "busy":
            is_reversed = begun["training"]["mode"] == "reversed"
            reply(context.rich("trainer_reversed_busy" if is_reversed else "trainer_busy"))
        case "none":
            if not results.show_finished(context, is_late=True):
                reply(*setup.home(context))
        case "over":
            results.finish(context, begun["training"], begun["reason"], is_late=True)
        case "no_access":
            reply(*access.offer(context))
        # superseded: finish_update refuses the answer, too, and Telegram delivers again.


def _heard(context: UpdateContext, begun: BeginTrainingTurn) -> str | None:
    """Return the words of the voice message; None where there is no move, and the turn is free again."""
    from shared.features.common import voice  # typed moves do not need it

    words = None
    if begun["may_use_ai"]:
        words = voice.listen(context)
    else:
        reply(context.rich("voice_unavailable"))
    if words is not None and len(words) > MAX_QUESTION:
        reply(context.rich("trainer_too_long", length=len(words), limit=MAX_QUESTION))
        words = None
    if words is None:
        _release(context, begun["training"])
    return words


def _release(context: UpdateContext, training: TrainingState) -> None:
    """End the turn that this update began, without a move."""
    db.call(
        "release_training_turn",
        p_user_id=context.user.id,
        p_training_id=training["id"],
        p_reference=context.reference,
    )


def _play(context: UpdateContext, training: TrainingState, text: str, *, may_use_ai: bool) -> None:
    try:
        scenario, case = _loaded(training)
    except KeyError:
        _release(context, training)
        return reply(*_gone(context, training))
    if training["mode"] == "reversed":
        with typing(context):
            return reversed_role.answer(context, scenario, case, training, text, may_use_ai=may_use_ai)
    turns, language = training["turns"], training["language"]
    last_answer = turns[-1]["reply"] if turns else ""
    with typing(context):
        labels = roleplay.label(context, scenario, case, text, last_answer, may_use_ai=may_use_ai)
        is_repeated = labels.counts and classifier.is_repeated(
            text, [turn["question"] for turn in turns if turn["type"] == labels.type]
        )
        unlocked = unlock(
            scenario,
            case,
            labels,
            revealed=training["revealed"],
            difficulty=training["difficulty"],
            language=language,
        )
        if is_repeated:
            unlocked = type(unlocked)()
        is_ai_up = may_use_ai and labels.source == "ai"
        said = _client_answer(context, scenario, case, training, text, labels, unlocked, is_ai_up=is_ai_up)
    recorded: RecordTrainingTurn = db.call(
        "record_training_turn",
        p_user_id=context.user.id,
        p_training_id=training["id"],
        p_reference=context.reference,
        p_turn=_turn(labels, unlocked, text, said, is_repeated, tips.is_copied(scenario, training, text)),
    )
    if recorded["outcome"] == "no_access":
        return reply(*access.offer(context))
    if "turn" in recorded:
        _show(context, training, recorded["turn"], text)
    return None


def _client_answer(
    context: UpdateContext,
    scenario: Scenario,
    case: Case,
    training: TrainingState,
    text: str,
    labels: Labels,
    unlocked: Unlocked,
    *,
    is_ai_up: bool,
) -> str:
    """Return what the client answers: the AI's words, else the texts of the case themselves."""
    language, number = training["language"], training["turn_count"]
    lines = scenario.deflections[labels.type] if labels.counts else scenario.pitch
    evade = lines[number % len(lines)].of(language)
    if is_ai_up and labels.kind != "instructions":
        known = revealed_texts(scenario, case, training["revealed"], language)
        known += [one.text.of(language) for one in case.facts if one.id in training["facts_given"]]
        said = roleplay.client_answer(
            context,
            scenario,
            case,
            text,
            dialog=[(turn["question"], turn["reply"]) for turn in training["turns"]],
            known=known,
            say_now=unlocked.texts,
            evade=evade,
            language=language,
        )
        if said:
            return said
    return " ".join(unlocked.texts) or evade


def _turn(
    labels: Labels, unlocked: Unlocked, text: str, said: str, is_repeated: bool, is_copied: bool
) -> JsonObject:
    return {
        "question": text,
        "reply": said,
        "kind": labels.kind,
        "type": labels.type,
        "is_contextual": labels.is_contextual,
        "used_fragment": labels.used_fragment,
        "touches": [*labels.touches],
        "reveals": [*unlocked.stages],
        "facts": [*unlocked.facts],
        "source": labels.source,
        "is_repeated": is_repeated,
        "is_copied": is_copied,
    }


def _show_again(context: UpdateContext, training: TrainingState, turn: TrainingTurn) -> None:
    """Answer a redelivered message with what its turn has led to."""
    if training["mode"] != "reversed":
        return _show(context, training, turn)
    try:
        return reversed_role.show(context, _loaded(training)[0], training)
    except KeyError:
        return reply(*_gone(context, training))


def _show(context: UpdateContext, training: TrainingState, turn: TrainingTurn, said: str = "") -> None:
    """Send the client's answer with one line about the move, and the result after the last one.

    Args:
        said: the move; a spoken one stands above the answer.
    """
    try:
        scenario, case = _loaded(training)
    except KeyError:
        return (
            results.finish(context, training, "limit")
            if turn["is_over"]
            else reply(*_gone(context, training))
        )
    name = case.client.name.of(training["language"])
    head = context.rich("trainer_reply", client=name, reply=turn["reply"])
    parts = [head, _line(context, scenario, training, turn)]
    if context.update.has_media and said:
        from shared.features.common import voice

        parts.insert(0, voice.shown(said))
    keyboard: Keyboard = briefing.buttons(context, training)
    if turn["is_over"]:
        keyboard = []
    elif turn["may_finish"]:
        parts.append(context.rich("trainer_may_finish", clarity=turn["clarity_level"]))
    # The answer is a paid one: it is stored until it has arrived.
    context.reply(concat(*parts, separator="\n\n"), keyboard, needs_delivery_result=True)
    if turn["is_over"]:
        results.finish(context, training, "limit")
    return None


def _line(context: UpdateContext, scenario: Scenario, training: TrainingState, turn: TrainingTurn) -> Text:
    """Return the line about a move: its type, its points, the clarity and the number of questions.

    In an exam only the number of questions and the end of the time: the rest is for the result.
    """
    if training["ends_at"] is not None:
        return context.rich(
            "trainer_line_exam",
            number=turn["question_count"],
            limit=scenario.rules.max_questions,
            until=briefing.exam_end(context, training["ends_at"]),
        )
    if turn["why"] == "none":
        is_instructions = turn["kind"] == "instructions"
        if turn["silent_count"] >= scenario.rules.hint_after:
            opening = scenario.type(training["drill_type"] or scenario.opening_type)
            example = scenario.tips[opening.id][0].of(training["language"])
            return context.rich(scenario.wording("trainer_line_hint"), question=example)
        return context.rich(
            "trainer_line_instructions" if is_instructions else scenario.wording("trainer_line_none")
        )
    one = scenario.type(turn["type"])
    return context.rich(
        f"trainer_line_{turn['why']}",
        emoji=one.emoji,
        type=one.name.of(context.language),
        points=f"{turn['points']:+d}",
        context=context.text("trainer_line_context") if turn["is_contextual"] else "",
        clarity=turn["clarity_level"],
        number=turn["question_count"],
        limit=scenario.rules.max_questions,
    )


def _resumed(context: UpdateContext) -> tuple[Text, Keyboard]:
    training = setup.overview(context)["open"]
    if training is None:
        return _none_open(context)
    try:
        scenario, case = _loaded(training)
    except KeyError:
        return _gone(context, training)
    if training["mode"] == "reversed":
        return reversed_screens.resumed(context, scenario, case, training)
    return briefing.resume(context, scenario, case, training), briefing.buttons(context, training)


def _none_open(context: UpdateContext) -> tuple[Text, Keyboard]:
    """Return what a user without an open training reads who wants to go on with one."""
    return context.rich("trainer_none_open"), [[(context.text("trainer_start_button"), setup.PLAY)]]


def _gone(context: UpdateContext, training: TrainingState) -> tuple[Text, Keyboard]:
    """Return what a user reads whose scenario or case this deployment does not have."""
    new = (context.text("trainer_new_button"), f"{setup.PLAY}:new")
    if training["mode"] == "reversed":  # it cannot be judged without its scenario
        return context.rich("trainer_gone"), [[new]]
    return context.rich("trainer_gone_open"), [[(context.text("trainer_finish_button"), "train:finish"), new]]


def _loaded(training: TrainingState) -> tuple[Scenario, Case]:
    """Return the scenario and the case of a training.

    Raises:
        KeyError: this deployment has no such scenario or case.
    """
    return library.load(training["scenario"]), library.load_case(training["scenario"], training["case_id"])
