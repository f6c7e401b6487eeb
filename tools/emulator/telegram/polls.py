"""Polls and quizzes: what is asked, who voted for what, and the updates of it.

Rules of Bot API 10.3: sendPoll, Poll, PollAnswer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tools.emulator.telegram.model import Account, BotAccount, Json, Room, Stored, Update
from tools.emulator.telegram.state import TelegramState
from tools.emulator.telegram.transcript import Transcripts
from tools.emulator.telegram.updates import Updates

POLL_CLASS = "poll"
DAY = 86400.0


class VoteRefused(Exception):
    """Telegram's app does not let a user vote like this; the message says why."""


@dataclass
class Poll:
    """A poll in a message. `votes` are the chosen options of each user, by their positions in `content`.

    `content` holds the Bot API's fields that never change; `closes_at` is the time of its end, if it has one.
    """

    id: str
    bot: str
    room: Room
    content: Json
    right: tuple[int, ...] = ()
    closes_at: float | None = None
    is_closed: bool = False
    stored: Stored | None = None
    votes: dict[int, tuple[int, ...]] = field(default_factory=dict)

    @property
    def is_quiz(self) -> bool:
        """Return whether it has right answers."""
        return bool(self.content["type"] == "quiz")

    def json(self) -> Json:
        """Return the Bot API's Poll as the bot that sent it sees it."""
        counts = [sum(number in chosen for chosen in self.votes.values()) for number in range(self.size)]
        options = [
            option | {"voter_count": count}
            for option, count in zip(self.content["options"], counts, strict=True)
        ]
        voters = sum(bool(chosen) for chosen in self.votes.values())
        right = {"correct_option_ids": list(self.right)} if self.is_quiz else {}
        changing = {"options": options, "total_voter_count": voters, "is_closed": self.is_closed}
        return {"id": self.id} | self.content | changing | right

    @property
    def size(self) -> int:
        """Return the number of options."""
        return len(self.content["options"])


class Polls:
    """All polls, by their ids."""

    def __init__(self, state: TelegramState, updates: Updates, transcripts: Transcripts) -> None:
        self._state = state
        self._updates = updates
        self._transcripts = transcripts
        self.by_id: dict[str, Poll] = {}

    def add(
        self, bot: BotAccount, room: Room, content: Json, right: Sequence[int], closes_at: float | None
    ) -> Poll:
        """Make a poll; its message is posted next."""
        with self._state.lock:
            poll = Poll(str(self._state.new_id()), bot.name, room, content, tuple(right), closes_at)
            self.by_id[poll.id] = poll
            return poll

    def of(self, stored: Stored) -> Poll | None:
        """Return the poll of a message, closed if its time is over; None when the message has none."""
        poll = self.by_id.get(stored.data.get("poll", {}).get("id", ""))
        if poll is not None and poll.closes_at is not None and self._state.clock.now() >= poll.closes_at:
            self.close(poll)
        return poll

    def close(self, poll: Poll) -> None:
        """End a poll. The bot gets its last state; repeated, it changes nothing."""
        with self._state.lock:
            if not poll.is_closed:
                poll.is_closed = True
                self._show(poll, "Telegram", [self._enqueue(poll, "poll", poll.json())])

    def vote(self, poll: Poll, user: Account, chosen: Sequence[int]) -> list[Update]:
        """Vote, or take a vote back with an empty choice; returns the updates for the bot.

        Raises:
            VoteRefused: the app would not send this.
        """
        with self._state.lock:
            self._check(poll, user, chosen)
            poll.votes[user.id] = tuple(sorted(chosen))
            updates = [] if poll.content["is_anonymous"] else [self._answer(poll, user)]
            return self._show(poll, user.first_name, [*updates, self._enqueue(poll, "poll", poll.json())])

    def _check(self, poll: Poll, user: Account, chosen: Sequence[int]) -> None:
        if poll.is_closed:
            raise VoteRefused("The poll is closed.")
        if any(not 0 <= number < poll.size for number in chosen) or len(set(chosen)) != len(chosen):
            raise VoteRefused(f"The options are the numbers 0 to {poll.size - 1}, each once.")
        if len(chosen) > 1 and not poll.content["allows_multiple_answers"]:
            raise VoteRefused("Only one option can be chosen.")
        before = poll.votes.get(user.id)
        if before and not poll.content["allows_revoting"]:
            raise VoteRefused("A vote in this poll cannot be changed.")
        if not chosen and not before:
            raise VoteRefused("There is no vote to take back.")

    def _answer(self, poll: Poll, user: Account) -> Update | None:
        chosen = poll.votes[user.id]
        answer = {
            "poll_id": poll.id,
            "user": user.json(),
            "option_ids": list(chosen),
            "option_persistent_ids": [poll.content["options"][number]["persistent_id"] for number in chosen],
        }
        return self._enqueue(poll, "poll_answer", answer)

    def _show(self, poll: Poll, who: str, updates: Sequence[Update | None]) -> list[Update]:
        """Show the poll as it is now, after what a user did, of which the bot gets these updates."""
        sent = [update for update in updates if update is not None]
        if poll.stored is not None:
            poll.stored.data["poll"] = poll.json()
            self._transcripts.voted(poll.room, who, poll.stored, sent)
            self._state.publish("poll", self._state.message_json(poll.room, poll.stored))
        return sent

    def _enqueue(self, poll: Poll, kind: str, body: Json) -> Update | None:
        # One queue for each poll: an answer does not wait for the updates of its chat.
        return self._updates.enqueue(
            self._state.bots[poll.bot],
            kind,
            body,
            (POLL_CLASS, int(poll.id)),
            self._state.clock.now() + DAY,
            chat_id=poll.room.id,
        )
