"""What `./switchboard up` runs: the stack with its own database, kept data, reload and a scheduler."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

from shared.scheduled.jobs import JOBS
from tools.emulator import storage
from tools.emulator.ai.media import MediaBehaviour
from tools.emulator.environment import bot_token, read_dotenv, real_ones
from tools.emulator.functions import ROOT, FunctionFailed
from tools.emulator.local_database import LocalDatabase
from tools.emulator.lockfile import LockFile
from tools.emulator.real_payments import hints, real_payments
from tools.emulator.real_telegram import RealTelegram
from tools.emulator.stack import Stack, bot_names
from tools.emulator.telegram import TelegramUser
from tools.emulator.watcher import Watcher
from tools.keys.new import kept_key

DIRECTORY = ROOT / ".switchboard"
SAVE_SECONDS = 15.0
REGISTER_SECONDS = 60.0
MEDIA_SECONDS = 5.0  # of a picture or video that is a job at its provider
USERS = (("Anna", "en", "anna_tries"), ("Иван", "ru", "ivan_tries"))
ADMIN = ("Olga", "en", "olga_admin")
REAL_TIME = "A real provider is used, whose time cannot be moved: start without --real."
ADMIN_EMAIL = "olga@example.com"


class Development:
    """Starts and stops everything, with the data of .switchboard/, which one at a time may use.

    Raises AlreadyRunning, and SettingMissing where a key of .env is needed.
    """

    def __init__(self, port: int, database_port: int, real: Iterable[str] = (), empty: bool = False) -> None:
        self._port = port
        self._empty = empty
        self._state_file = DIRECTORY / "state.json"
        self._stopping = threading.Event()
        self._real = tuple(real)
        # .env is read only for real providers, so that an error in it cannot stop a start without them.
        self._dotenv = read_dotenv(ROOT / ".env") if self._real else {}
        self._real_environment = real_ones(self._real, self._dotenv) | real_payments(self._real, self._dotenv)
        DIRECTORY.mkdir(exist_ok=True)
        self._lock_file = LockFile(DIRECTORY)
        self._lock_file.take(f"http://127.0.0.1:{port} (Postgres on port {database_port})")
        self.database = LocalDatabase(DIRECTORY, database_port)
        self.stack: Stack | None = None
        self._watcher: Watcher | None = None
        self._bridge: RealTelegram | None = None

    def start(self) -> str:
        """Start everything, printing progress; returns the page's address."""
        print(f"Postgres on 127.0.0.1:{self.database.port} ...", flush=True)
        applied = self.database.start(self._empty)
        print(f"  {self._database_state(applied)}", flush=True)
        stack = self._make_stack()
        print(f"Functions {', '.join(stack.functions)} ...", flush=True)
        stack.start()
        self._greet(stack)
        if self._bridge is not None:
            self._bridge.start(f"{stack.url}/telegram/assistant", stack.webhook_secret)
            print("  the bot of .env is answered by this machine while this runs", flush=True)
        for line in hints(self._real, stack.url):
            print(line, flush=True)
        if "scheduled" in stack.functions:
            stack.cloud_tasks.start()
            stack.scheduler.start({name: job.schedule for name, job in JOBS.items()})
        self._watcher = Watcher(
            [ROOT / "functions", ROOT / "shared", ROOT / "supabase" / "migrations"], self._reload
        )
        self._watcher.start()
        threading.Thread(target=self._save_now_and_then, daemon=True).start()
        return stack.url

    def stop(self) -> None:
        """Stop everything that was started; what is worth keeping is saved first."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.stop()
        if self._bridge is not None:
            self._bridge.stop()
        if self.stack is not None:
            self.stack.stop()
            storage.save(self.stack.telegram.state, self._state_file)
        self.database.stop()
        self._lock_file.release()

    def _make_stack(self) -> Stack:
        extra = self._real_environment | {"USER_HASH_KEY": self._user_hash_key()}
        # Kept beside the data, because keys stored by earlier runs must stay readable.
        extra["TOKEN_ENCRYPTION_KEYS"] = kept_key(DIRECTORY / "token_encryption_keys")
        if "telegram" in self._real:
            self._bridge = RealTelegram(bot_token(self._dotenv))
            extra |= self._bridge.environment()
        stack = self.stack = Stack(
            self.database.functions_url,
            env=extra,
            port=self._port,
            owner_url=self.database.owner_url,
            cannot_move=REAL_TIME if self._real_environment or "telegram" in self._real else "",
        )
        if self._bridge is not None:
            self._bridge.follow(stack.trace)
        if self._empty:
            self._state_file.unlink(missing_ok=True)
        storage.load(stack.telegram.state, self._state_file)
        if not stack.telegram.state.users:
            for name, language, username in (*USERS, ADMIN):
                stack.telegram.user(name, language, username)
        stack.media.usual = MediaBehaviour(seconds=MEDIA_SECONDS)
        queue = stack.cloud_tasks.create_queue("generations")
        for function in stack.functions.values():
            function.env["GENERATIONS_QUEUE"] = queue.name
        self._appoint(stack)
        return stack

    def _database_state(self, applied: list[str]) -> str:
        if changed := self.database.changed():
            return (
                f"{changed[0]} was changed after it was applied here, so the database differs from"
                " supabase/schemas. ./switchboard reset makes a new one and deletes this one’s data."
            )
        if self._empty:
            return "emptied"
        return _said(applied) if applied else "up to date"

    def _user_hash_key(self) -> str:
        """Return the key of the kept database, which must live as long as the database."""
        file = DIRECTORY / "user_hash_key"
        if self._empty or not file.exists():
            file.write_text(secrets.token_urlsafe(32), encoding="ascii")
        return file.read_text(encoding="ascii")

    def _appoint(self, stack: Stack) -> None:
        """Make Olga an admin who has started every bot: Telegram shows her their admin menus."""
        users = stack.telegram.state.users.values()
        admin = next((user for user in users if user.username == ADMIN[2]), None)
        if admin is not None:
            for environment in (stack.env, *(function.env for function in stack.functions.values())):
                environment["ADMIN_TELEGRAM_IDS"] = str(admin.id)
            for bot in stack.telegram.state.bots:
                stack.telegram.state.private_room(admin.id, bot).started = True
            self.database.appoint(ADMIN_EMAIL, admin.id)

    def _greet(self, stack: Stack) -> None:
        """Let Olga start every bot, because an admin who never wrote gets no alarms."""
        for name in stack.telegram.state.bots:
            for admin in (one for one in stack.telegram.state.users.values() if one.username == ADMIN[2]):
                chat = TelegramUser(stack.telegram.services, admin).chat(name)
                if not chat.room.messages:
                    chat.send("/start")

    def _save_now_and_then(self) -> None:
        seen = -1
        while not self._stopping.wait(SAVE_SECONDS):
            assert self.stack is not None
            if (now := self.stack.events.last_id) != seen:
                seen = now
                storage.save(self.stack.telegram.state, self._state_file)

    def _add_bots(self, stack: Stack) -> list[str]:
        return [] if self._bridge is not None else stack.add_bots(bot_names())

    def _reload(self, paths: set[Path]) -> None:
        assert self.stack is not None
        names = ", ".join(sorted(str(path.relative_to(ROOT)) for path in paths)[:3])
        print(f"Changed: {names}{' ...' if len(paths) > 3 else ''}", flush=True)
        try:
            if any(path.suffix == ".sql" for path in paths):
                applied = self.database.migrate()
                print(f"  {self._database_state(applied)}", flush=True)
                self.stack.api.time_travel.reapply()
            new = self._add_bots(self.stack)
            for function in self.stack.functions.values():
                function.restart()
            if self._bridge is None:
                register(self.stack)
            if new:
                self._appoint(self.stack)
                self._greet(self.stack)
                print(f"  new: {', '.join(new)}", flush=True)
        except FunctionFailed as failure:
            print(failure, flush=True)
        except Exception as error:
            # A migration may be half-written: print the error and wait for the next save.
            print(f"  {type(error).__name__}: {error}", flush=True)
        else:
            print("  the functions run the new source", flush=True)


def register(stack: Stack) -> None:
    """Set webhooks and menus as a deployment does, in a process that imports the bots as they are now."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.telegram", "set-webhooks"],
        cwd=ROOT,
        env={**os.environ, **stack.env},
        capture_output=True,
        text=True,
        timeout=REGISTER_SECONDS,
        check=False,
    )
    if done.returncode:
        print(f"  the menus stay as they were: {_last_line(done.stderr)}", flush=True)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it printed nothing"])[-1]


def _said(migrations: list[str]) -> str:
    return f"{len(migrations)} migration{'' if len(migrations) == 1 else 's'} applied"
