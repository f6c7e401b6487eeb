"""/review: a real conversation of the user, collected message by message, and scored as a training.

The text is kept in a draft until it is scored. Scoring leases the draft to one update and stores the review
once, so a tap may be delivered twice and a process may end anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.config import settings
from shared.core.texts import Text, concat
from shared.features.common.menu import back
from shared.features.trainer import access, library, results, review_labels, roleplay, setup, transcripts
from shared.features.trainer.briefing import shortened
from shared.features.trainer.rules import training_rules
from shared.telegram import current_context, reply, waits
from shared.telegram.chat_action import typing
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.pipeline import LEASE_MARGIN
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import (
        AddReviewText,
        CancelReview,
        ClaimReview,
        GetReviewDraft,
        RecordReview,
        ReviewDraft,
        TrainingResult,
    )
    from shared.features.trainer.scenario_models import Scenario
    from shared.features.trainer.transcripts import Transcript

router = Router()

MAX_LENGTH = 20_000  # characters of a conversation
_AWAITING = "review"
_COLLECTING = 12 * 3_600  # seconds from one message to the next
_BUTTON = 40  # characters of a speaker's first words


@router.message_handler(commands=["review"], private_only=True)
def review(_message: Message) -> None:
    """Begin to collect a conversation, or go on with one."""
    context = current_context()
    found = setup.overview(context)
    if not found["access"]["has_access"]:
        return reply(*setup.no_access(context, found))
    added = _add(context, None)
    waits.begin(context, _AWAITING, _COLLECTING)
    if added["draft"]["parts"]:
        return reply(*_status(context, added["draft"]))
    return reply(*_invitation(context, added["draft"]))


@router.message_handler(state=_AWAITING, unknown_commands=True)
def collect(_message: Message) -> None:
    """Add a message to the conversation."""
    context = current_context()
    if context.update.has_secret:
        return reply(context.rich("trainer_secret"))
    text = transcripts.clean(context.update.text)
    waits.begin(context, _AWAITING, _COLLECTING)
    added = _add(context, text)
    if added["outcome"] == "too_long":
        length = sum(map(len, added["draft"]["parts"]))
        return reply(
            context.rich("trainer_review_too_long", limit=MAX_LENGTH, length=length),
            _buttons(context, added["draft"]),
        )
    return reply(*_status(context, added["draft"]))


@router.cancel_handler
def cancel(context: UpdateContext) -> Text | None:
    """Delete the conversation that was collected."""
    if not context.update.is_private:
        return None
    done: CancelReview = db.call("cancel_review", p_user_id=context.user.id, p_bot=context.bot.name)
    return context.rich("trainer_review_canceled") if done["was_deleted"] else None


@router.callback_query_handler(
    data=r"review:cancel:[0-9]{1,18}", private_only=True, page="review", keeps_wait=True
)
def cancel_by_button(call: CallbackQuery) -> None:
    """The same under a button; one of an earlier conversation deletes nothing."""
    context = current_context()
    if _draft(context, int((call.data or "").split(":")[2])) is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    waits.end(context)
    return context.show(cancel(context) or context.rich("cancel_done"), back(context))


@router.callback_query_handler(
    data=r"review:again:[0-9]{1,18}", private_only=True, page="review", keeps_wait=True
)
def start_again(call: CallbackQuery) -> None:
    """Delete the conversation that was collected, and begin to collect another."""
    context = current_context()
    current = _current_draft(context)
    if current is not None and current["id"] == int((call.data or "").split(":")[2]):
        db.call("cancel_review", p_user_id=context.user.id, p_bot=context.bot.name)
    elif current is None or current["parts"]:
        return context.answer_callback(context.text("button_old"), alert=True)
    waits.begin(context, _AWAITING, _COLLECTING)
    return context.show(*_invitation(context, _add(context, None)["draft"]))


@router.callback_query_handler(
    data=r"review:done:[0-9]{1,18}", private_only=True, page="review", keeps_wait=True
)
def done(call: CallbackQuery) -> None:
    """Find the seller, and score the conversation where there is no doubt."""
    context = current_context()
    draft_id = int((call.data or "").split(":")[2])
    draft = _draft(context, draft_id)
    if draft is None:
        return _score(context, draft_id, None, "")
    transcript = _transcript(draft)
    if not transcript.speakers:
        return context.show(context.rich("trainer_review_no_speakers"), [_ways_out(context, draft)])
    seller = transcripts.certain_seller(transcript)
    if seller is None:
        return context.show(*_ask_seller(context, draft, transcript, "trainer_review_ask_seller"))
    return _score(context, draft_id, transcript, seller)


@router.callback_query_handler(
    data=r"review:by:[0-9]{1,18}:[0-9]{1,4}:[0-9]{1,2}", private_only=True, page="review", keeps_wait=True
)
def choose_seller(call: CallbackQuery) -> None:
    """Score the conversation with the seller that the user has chosen."""
    context = current_context()
    _, _, draft_id, parts, place = (call.data or "").split(":")
    draft = _draft(context, int(draft_id))
    if draft is None:
        return _score(context, int(draft_id), None, "")
    transcript = _transcript(draft)
    if len(draft["parts"]) != int(parts) or int(place) >= len(transcript.speakers):
        return context.answer_callback(context.text("button_old"), alert=True)
    return _score(context, int(draft_id), transcript, transcript.speakers[int(place)])


def _score(context: UpdateContext, draft_id: int, transcript: Transcript | None, seller: str) -> None:
    """Score a conversation once, and send the result; a draft that was scored has its result already."""
    scenario = _scenario()
    draft = _draft(context, draft_id) if transcript else None
    if draft and transcript and not review_labels.questions(scenario, transcript, seller):
        return context.show(*_ask_seller(context, draft, transcript, "trainer_review_no_questions"))
    claimed: ClaimReview = db.call(
        "claim_review",
        p_bot=context.bot.name,
        p_update_id=context.update.update_id,
        p_attempt=context.attempt,
        p_reference=context.reference,
        p_draft_id=draft_id,
        p_cost=str(review_labels.cost()),
        p_lease_seconds=int(settings().response_timeout) + LEASE_MARGIN,
    )
    match claimed["outcome"]:
        case "known":
            _show(context, claimed["result"])
        case "busy":
            context.answer_callback(context.text("trainer_review_busy"), alert=True)
        case "no_access":
            reply(*access.offer(context))
        case "none":
            context.answer_callback(context.text("button_old"), alert=True)
        case "work" if transcript is not None and draft is not None:
            _work(context, scenario, draft, transcript, seller, may_use_ai=claimed["may_use_ai"])
        # superseded: finish_update refuses the answer, too, and Telegram delivers again.
    return None


def _work(
    context: UpdateContext,
    scenario: Scenario,
    draft: ReviewDraft,
    transcript: Transcript,
    seller: str,
    *,
    may_use_ai: bool,
) -> None:
    with typing(context):
        found = review_labels.label(context, scenario, transcript, seller, may_use_ai=may_use_ai)
    text = " ".join(line.text for line in transcript.lines)
    recorded: RecordReview = db.call(
        "record_review",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_reference=context.reference,
        p_draft_id=draft["id"],
        p_review={
            "scenario": scenario.info.id,
            "version": scenario.info.version,
            "language": "ru" if roleplay.is_in_language(text, "ru") else "en",
            "rules": training_rules(scenario, None, None),
            "source": found.source,
            "left_out": found.left_out,
            "lines": [*found.lines],
        },
        p_parts=len(draft["parts"]),
    )
    match recorded["outcome"]:
        case "no_access":
            reply(*access.offer(context))
        case "empty":
            context.show(*_ask_seller(context, draft, transcript, "trainer_review_no_questions"))
        case "changed":
            # Scored again, it may be changed again: the user knows when all has arrived.
            status, buttons = _status(context, recorded["draft"])
            reply(concat(context.rich("trainer_review_changed"), status, separator="\n\n"), buttons)
        case "recorded" | "known":
            _show(context, recorded["result"])


def _show(context: UpdateContext, result: TrainingResult) -> None:
    # An old button may show a result again while the next conversation is collected.
    if waits.current(context) == _AWAITING and _current_draft(context) is None:
        waits.end(context)
    if context.edited_message_id is not None:
        context.show(context.rich("trainer_review_scored"))  # its buttons have no use any more
    # It was paid for, so it is stored until it has arrived.
    context.reply(*results.screen(context, result), needs_delivery_result=True)


def _invitation(context: UpdateContext, draft: ReviewDraft) -> tuple[Text, Keyboard]:
    """Return what to send, and what becomes of it."""
    periods: dict[str, int] = db.call("retention_periods")
    text = context.rich(
        "trainer_review_start", limit=MAX_LENGTH, questions=_limit(), days=periods["reviews_days"]
    )
    return text, _buttons(context, draft)


def _ask_seller(
    context: UpdateContext, draft: ReviewDraft, transcript: Transcript, key: str
) -> tuple[Text, Keyboard]:
    """Return the question who the seller is, with a button for each speaker."""
    path = f"review:by:{draft['id']}:{len(draft['parts'])}"
    rows: Keyboard = [
        [
            (
                speaker
                if transcript.has_name(speaker)
                else shortened(f"— {transcript.first_words(speaker)}", _BUTTON),
                f"{path}:{place}",
            )
        ]
        for place, speaker in enumerate(transcript.speakers)
    ]
    return context.rich(key), [*rows, _ways_out(context, draft)]


def _status(context: UpdateContext, draft: ReviewDraft) -> tuple[Text, Keyboard]:
    """Return how much was collected, with the buttons to score or to cancel it."""
    length = sum(map(len, draft["parts"]))
    return context.rich("trainer_review_added", length=length, limit=MAX_LENGTH), _buttons(context, draft)


def _buttons(context: UpdateContext, draft: ReviewDraft) -> Keyboard:
    done_button = (context.text("trainer_review_done_button"), f"review:done:{draft['id']}")
    cancel_button = _cancel_button(context, draft)
    return [[done_button, cancel_button] if draft["parts"] else [cancel_button]]


def _ways_out(context: UpdateContext, draft: ReviewDraft) -> list[tuple[str, str]]:
    """Return the buttons for a conversation that can't be scored as it is."""
    again = (context.text("trainer_review_again_button"), f"review:again:{draft['id']}")
    return [again, _cancel_button(context, draft)]


def _cancel_button(context: UpdateContext, draft: ReviewDraft) -> tuple[str, str]:
    return context.text("trainer_review_cancel_button"), f"review:cancel:{draft['id']}"


def _add(context: UpdateContext, text: str | None) -> AddReviewText:
    added: AddReviewText = db.call(
        "add_review_text",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_reference=context.reference,
        p_text=text,
        p_max_length=MAX_LENGTH,
    )
    return added


def _draft(context: UpdateContext, draft_id: int) -> ReviewDraft | None:
    """Return the draft of a button, while it is the user's current one."""
    current = _current_draft(context)
    return current if current is not None and current["id"] == draft_id else None


def _current_draft(context: UpdateContext) -> ReviewDraft | None:
    found: GetReviewDraft | None = db.call(
        "get_review_draft", p_user_id=context.user.id, p_bot=context.bot.name
    )
    return None if found is None else found["draft"]


def _transcript(draft: ReviewDraft) -> Transcript:
    return transcripts.read(transcripts.join(draft["parts"]))


def _scenario() -> Scenario:
    """Return the scenario whose types and points a review uses: the first one that has reviews."""
    return next(found for name in library.names() if (found := library.load(name)).review is not None)


def _limit() -> int:
    found = _scenario().review
    return found.questions if found else 0
