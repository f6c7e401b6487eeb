"""What the page needs when it opens, and what happened so far: a part of the emulator's HTTP API."""

from __future__ import annotations

from pydantic import Field

from shared.scheduled.jobs import JOBS
from tools.emulator.control.bodies import Fields, NoFields
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.control.time_travel import TimeTravel
from tools.emulator.parts import Parts
from tools.emulator.telegram.methods.profile import shown_commands
from tools.emulator.telegram.model import BotAccount
from tools.emulator.telegram.state import channel_json, group_json, user_json

VERSION = 1


class TraceQuery(Fields):
    """How much of the trace."""

    limit: int = Field(0, description="only the newest so many")


class OverviewRoutes:
    """`get` and `post` list the routes."""

    def __init__(self, parts: Parts, time_travel: TimeTravel) -> None:
        self._parts = parts
        self._time_travel = time_travel
        self.get: Routes = {"state": Route(NoFields, self._state), "trace": Route(TraceQuery, self._trace)}
        self.post: Routes = {}

    def _state(self, query: NoFields) -> Json:
        """Return users, bots, groups, channels, functions, jobs, and what fails on request."""
        state = self._parts.telegram.state
        with state.lock:
            return {
                "users": [user_json(user) for user in state.users.values()],
                "bots": [bot_json(bot) for bot in state.bots.values()],
                "groups": [group_json(room) for room in state.groups.values()],
                "channels": [channel_json(room) for room in state.channels.values()],
                "functions": [
                    {"name": one.name, "state": one.state} for one in self._parts.functions.values()
                ],
                "admins": self._admins(),
                "jobs": self._jobs(),
                "clock": self._time_travel.state(),
                "switches": self._parts.switches.values(),
                "faults": [fault.json() for fault in self._parts.telegram.faults.all()],
                "version": VERSION,
            }

    def _admins(self) -> list[int]:
        """Return the Telegram ids of the bots' admins."""
        return [int(word) for word in self._parts.env.get("ADMIN_TELEGRAM_IDS", "").split(",") if word]

    def _jobs(self) -> list[Json]:
        if "scheduled" not in self._parts.functions:
            return []
        return [{"name": name, "about": job.about, "schedule": job.schedule} for name, job in JOBS.items()]

    def _trace(self, query: TraceQuery) -> Json:
        """Return what happened: deliveries, SQL, AI and Bot API calls, log lines, oldest first."""
        return {"events": self._parts.trace.events(query.limit or None)}


def bot_json(bot: BotAccount) -> Json:
    """Return a bot as the page shows it."""
    return {
        "name": bot.name,
        "username": bot.username,
        "first_name": bot.texts.get("name:") or bot.first_name,
        "descriptions": _by_language(bot, "description") | _by_language(bot, "short_description"),
        "commands": {"": [], **shown_commands(bot.commands)},
        "menu_url": bot.menu_url,
    }


def _by_language(bot: BotAccount, name: str) -> dict[str, str]:
    """Return the bot's texts of one kind by language code, "" being the default; empty ones are left out."""
    texts = ((key.partition(":"), text) for key, text in bot.texts.items())
    return {language: text for (kind, _, language), text in texts if kind == name and text}
