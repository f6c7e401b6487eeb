"""A client of the emulator's HTTP API, for tests of bots: be a user, wait for the answer, make Telegram fail.

It needs the standard library alone, so the file can be copied into another project.

    emulator = Emulator()
    chat = emulator.add_user("Anna").chat("assistant")
    assert "Hello" in chat.send("/start").text
    emulator.fault("rate_limit", method="sendMessage", retry_after=1)
    chat.tap("Help")
"""

from __future__ import annotations

import base64
import http.client
import json
import mimetypes
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]

DEFAULT_URL = "http://127.0.0.1:8080"
ANSWER_SECONDS = 10.0
PATIENCE = 30.0  # seconds beyond the time that the emulator itself waits
POLL_SECONDS = 0.2
# The emulator answers only on this machine, so a proxy of HTTP_PROXY could not reach it.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class EmulatorError(Exception):
    """The emulator refused a request; the message is its sentence."""


class Unreachable(EmulatorError):
    """No emulator runs at this address."""


class NoAnswer(EmulatorError):
    """The bot did not answer before the deadline; `answer` is what it did until then."""

    def __init__(self, message: str, answer: Answer) -> None:
        super().__init__(message)
        self.answer = answer


@dataclass(frozen=True)
class Answer:
    """What the bot did after a message or a tap, as entries of the transcript."""

    entries: list[Json]
    transcript: str = ""
    opens: Json | None = None  # {"url"} or {"invoice"} of a tapped button that sends no update

    @property
    def messages(self) -> list[Json]:
        """Return the messages it sent and the ones it edited, oldest first."""
        return [entry for entry in self.entries if entry["kind"] in ("message", "edit")]

    @property
    def text(self) -> str:
        """Return the words of all messages, edits, notes and alerts, one below the other."""
        return "\n".join(entry["text"] for entry in self.entries if entry.get("text"))

    @property
    def buttons(self) -> list[str]:
        """Return the labels of the buttons under its newest message that has any."""
        rows: list[list[str]] = next(
            (one["buttons"] for one in reversed(self.messages) if one.get("buttons")), []
        )
        return [label for row in rows for label in row]

    @property
    def message_id(self) -> int | None:
        """Return the number of its newest message."""
        return self.messages[-1]["message_id"] if self.messages else None


class Emulator:
    """An emulator that runs: `./switchboard up`. The address is `EMULATOR_URL` unless given."""

    def __init__(self, url: str | None = None) -> None:
        self.url = (url or os.environ.get("EMULATOR_URL") or DEFAULT_URL).rstrip("/")

    def get(self, path: str, *, patience: float = PATIENCE, **query: Any) -> Json:
        """Ask: GET /api/<path>. Raises EmulatorError or Unreachable."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._request("GET", f"{path}?{urllib.parse.urlencode(given)}", None, patience)

    def post(self, path: str, *, patience: float = PATIENCE, **body: Any) -> Json:
        """Do: POST /api/<path>; fields that are None are left out. Raises EmulatorError or Unreachable."""
        given = {name: value for name, value in body.items() if value is not None}
        return self._request("POST", path, json.dumps(given).encode(), patience)

    def users(self) -> list[Json]:
        """Return the users."""
        found: list[Json] = self.get("state")["users"]
        return found

    def add_user(self, first_name: str, language_code: str = "en", username: str | None = None) -> User:
        """Add a user."""
        made = self.post("users", first_name=first_name, language_code=language_code, username=username)
        return User(self, made["id"])

    def user(self, name: str | int) -> User:
        """Return the user with this id, @username or first name; every request checks that there is one."""
        return User(self, name)

    def add_bot(self, name: str) -> Json:
        """Add a bot of your own and return its {"name", "token", "username", "id"}."""
        return self.post("bots", name=name)

    def fault(self, kind: str, **more: Any) -> Json:
        """Make the next calls of the Bot API fail; for the fields see POST /api/faults."""
        made: Json = self.post("faults", kind=kind, **more)["fault"]
        return made

    def faults(self) -> list[Json]:
        """Return the faults that are not used up."""
        found: list[Json] = self.get("faults")["faults"]
        return found

    def clear_faults(self, fault_id: int | None = None) -> int:
        """Take one fault back, or all of them; returns how many there were."""
        return int(self.post("faults/clear", id=fault_id)["removed"])

    def advance(self, deadline: float = 300.0, **move: Any) -> Json:
        """Move the clock forward ({"period", "times"}, {"seconds"} or {"to"}) and wait until it stands."""
        state = self.post("clock/advance", **move)
        end = time.monotonic() + deadline
        while state["status"] != "ready":
            if time.monotonic() > end:
                raise EmulatorError(f"The clock still moves after {deadline:g} seconds.")
            time.sleep(POLL_SECONDS)
            state = self.get("clock")
        return state

    def run_job(self, name: str) -> Json:
        """Run a job of the scheduled function."""
        return self.post(f"jobs/{urllib.parse.quote(name, safe='')}", patience=120.0)

    def trace(self, limit: int | None = None) -> list[Json]:
        """Return what happened, oldest first."""
        found: list[Json] = self.get("trace", limit=limit)["events"]
        return found

    def _request(self, method: str, path: str, body: bytes | None, patience: float) -> Json:
        if not self.url.startswith(("http://", "https://")):
            raise Unreachable(f"The emulator's address looks like {DEFAULT_URL}, not {self.url}.")
        request = urllib.request.Request(
            f"{self.url}/api/{path}", body, {"Content-Type": "application/json"}, method=method
        )
        try:
            with _DIRECT.open(request, timeout=patience) as response:
                answer: Json = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            raise EmulatorError(_sentence(error)) from None
        except (OSError, http.client.HTTPException, ValueError):
            raise Unreachable(f"No emulator answers at {self.url}. Start it with: ./switchboard up") from None


@dataclass(frozen=True)
class User:
    """A user of Telegram, by id, @username or first name."""

    emulator: Emulator
    name: str | int

    def chat(self, bot: str | None = None) -> Chat:
        """Return the private chat with a bot; without a name, with the emulator's first."""
        return Chat(self.emulator, {"user": self.name, "bot": bot})

    def group(self, group_id: int) -> Chat:
        """Return a group as this user sees it."""
        return Chat(self.emulator, {"user": self.name, "group": group_id})


@dataclass(frozen=True)
class Chat:
    """A chat as one user sees it. Sending and tapping wait for the bot's answer unless `timeout` is 0."""

    emulator: Emulator
    address: Json
    timeout: float = field(default=ANSWER_SECONDS)

    def send(
        self, text: str = "", *, timeout: float | None = None, first: bool = False, **more: Any
    ) -> Answer:
        """Send a message; for the fields see POST /api/send. Raises NoAnswer at the deadline (seconds)."""
        return self._act("send", timeout, first, text=text, **more)

    def attach(self, path: str | Path, kind: str = "document", text: str = "", **more: Any) -> Answer:
        """Send a file of this machine as a photo, document, voice, video …"""
        return self.send(text, kind=kind, file=file_of(path), **more)

    def tap(self, label: str, *, timeout: float | None = None, first: bool = False, **more: Any) -> Answer:
        """Tap the button with this text, of the newest message with it. Raises NoAnswer at the deadline.

        A button with an address, or to pay, only returns what it `opens`.
        """
        return self._act("tap", timeout, first, label=label, **more)

    def vote(
        self, message_id: int, *options: int, timeout: float | None = None, first: bool = False
    ) -> Answer:
        """Vote in a poll by the positions of options; without any, take the vote back. Raises NoAnswer."""
        return self._act("vote", timeout, first, message_id=message_id, options=list(options))

    def pay(self, *, timeout: float | None = None, outcome: str = "pay", **more: Any) -> Answer:
        """Pay the newest invoice in Stars, or that of `message_id` or `link`. Raises NoAnswer."""
        return self._act("pay", timeout, False, outcome=outcome, **more)

    def checkouts(self, limit: int = 50) -> list[Json]:
        """Return the providers' checkouts, the newest first: {"provider", "id", "state", "actions", …}."""
        found: list[Json] = self.emulator.get("checkouts", limit=limit)["checkouts"]
        return found

    def checkout(
        self,
        action: str,
        *,
        timeout: float | None = None,
        provider: str | None = None,
        checkout_id: str | None = None,
    ) -> Answer:
        """Press a button of a checkout page, the newest one unless named: pay, decline, refund …"""
        named = (
            one
            for one in self.checkouts(limit=500)
            if provider in (None, one["provider"]) and checkout_id in (None, one["id"])
        )
        chosen = next(named, None)
        if chosen is None:
            which = "such checkout" if provider or checkout_id else "checkout: tap a button to pay first"
            raise EmulatorError(f"There is no {which}.")
        after = self.emulator.get("transcript", **self.address, format="text")["cursor"]
        self.emulator.post("checkouts/act", provider=chosen["provider"], checkout=chosen["id"], action=action)
        seconds = self.timeout if timeout is None else timeout
        return self.wait(after, seconds, first=True) if seconds > 0 else Answer([])

    def edit(
        self, message_id: int, text: str, *, timeout: float | None = None, first: bool = False
    ) -> Answer:
        """Edit an own message. Raises NoAnswer at the deadline."""
        return self._act("edit", timeout, first, message_id=message_id, text=text)

    def delete(self, message_id: int) -> None:
        """Delete a message."""
        self.emulator.post("delete", **self.address, message_id=message_id)

    def react(self, message_id: int, emoji: str) -> None:
        """React to a message; an empty emoji takes the reaction back."""
        self.emulator.post("react", **self.address, message_id=message_id, emoji=emoji)

    def block(self) -> None:
        """Block the bot."""
        self.emulator.post("block", **self.address, blocked=True)

    def unblock(self) -> None:
        """Let the bot write again."""
        self.emulator.post("block", **self.address, blocked=False)

    def add_topic(self, name: str) -> int:
        """Make a topic and return its number, which `send(thread=…)` takes."""
        return int(self.emulator.post("topics", **self.address, name=name)["thread"])

    def messages(self) -> list[Json]:
        """Return the messages as they are now."""
        found: list[Json] = self.emulator.get("chat", **self.address)["messages"]
        return found

    def transcript(self, after: int | None = None) -> str:
        """Return what happened in the chat, as text to read."""
        return str(self.emulator.get("transcript", **self.address, after=after, format="text")["text"])

    def wait(self, after: int, timeout: float | None = None, *, first: bool = False) -> Answer:
        """Wait for what the bot does after a cursor of the transcript. Raises NoAnswer at the deadline."""
        seconds = self.timeout if timeout is None else timeout
        found = self.emulator.get(
            "answer",
            **self.address,
            after=after,
            timeout=seconds,
            first="true" if first else None,
            patience=seconds + PATIENCE,
        )
        answer = Answer(found["entries"], found["text"])
        if found["timed_out"]:
            raise NoAnswer(_reason(found, seconds), answer)
        return answer

    def _act(self, path: str, timeout: float | None, first: bool, **body: Any) -> Answer:
        done = self.emulator.post(path, **self.address, **body)
        if opened := done.get("opens"):
            return Answer([], opens=opened)
        seconds = self.timeout if timeout is None else timeout
        return self.wait(done["cursor"], seconds, first=first) if seconds > 0 else Answer([])


def file_of(path: str | Path) -> Json:
    """Return a file of this machine as the HTTP API takes it; raises OSError."""
    file = Path(path)
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return {"name": file.name, "type": kind, "content": base64.b64encode(file.read_bytes()).decode()}


def _reason(found: Json, seconds: float) -> str:
    if found["pending_updates"]:
        return f"The bot has not taken the update after {seconds:g} seconds: see the trace."
    return f"The bot did not answer within {seconds:g} seconds."


def _sentence(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError):
        return f"The emulator answered {error.code}."
