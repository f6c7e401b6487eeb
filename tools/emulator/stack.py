"""Runs fake servers, the proxy to Postgres and the functions together at one address."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from shared.core.errors import TelegramError
from tools.emulator import chat_links, guard, pages
from tools.emulator.control.api import Api
from tools.emulator.database import Database
from tools.emulator.environment import CHANNEL, bot_tokens, settings
from tools.emulator.events import Events
from tools.emulator.fake_servers import fake_servers
from tools.emulator.functions import ROOT, Function, Launch
from tools.emulator.gateway import Gateway
from tools.emulator.log_lines import follow
from tools.emulator.parts import Parts
from tools.emulator.scheduler import Scheduler
from tools.emulator.switches import Switches
from tools.emulator.telegram import RawResponse, Telegram
from tools.emulator.telegram.errors import ApiError
from tools.emulator.trace import Trace
from tools.emulator.web import HttpServer, Request, Response, json_response
from tools.telegram import set_webhooks

# One folder is one function.
FUNCTIONS = {
    path.parent.name: str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("functions/*/main.py"))
}
Route = Callable[[Request], Response | None]


class Stack:
    """What `./switchboard up` and the tests run. Takes free ports unless given; listens only on 127.0.0.1."""

    def __init__(
        self,
        database_url: str,
        functions: Mapping[str, str] | None = None,
        *,
        env: Mapping[str, str] | None = None,
        bots: Iterable[str] | None = None,
        port: int = 0,
        retry_scale: float = 1.0,
        telegram: Telegram | None = None,
        owner_url: str | None = None,
        cannot_move: str = "",
        launch: Launch | None = None,
    ) -> None:
        """Build everything.

        owner_url:   enables clock and tables.
        cannot_move: disables the clock.
        launch:      starts the process of a function in another way.
        """
        self.trace = telegram.trace if telegram is not None else Trace()
        self.events = Events()
        self.telegram = telegram or Telegram(bots or bot_names(), retry_scale=retry_scale, trace=self.trace)
        if self.telegram.state.channel_named(CHANNEL) is None:
            self.telegram.channel("Switchboard News", CHANNEL, self.telegram.state.bots)
        self.clock = self.telegram.clock
        self.database = Database(database_url)
        self.functions: dict[str, Function] = {}
        self._launch = launch
        self._sources = dict(FUNCTIONS if functions is None else functions)
        self._gateway = Gateway(self.functions)
        self.server = HttpServer(self.handle, port)
        self.url = self.server.url
        self.fake_servers = fake_servers(
            lambda: self.url,
            self.trace,
            telegram=self.telegram.state,
            retry_scale=retry_scale,
            clock=self.clock,
        )
        self.ai, self.payments = self.fake_servers.ai, self.fake_servers.payments
        self.media = self.fake_servers.media
        if "generations" in self._sources:
            self.media.webhooks["gemini"] = f"{self.url}/generations/gemini"
        self.storage = self.fake_servers.storage
        self.cloud_tasks = self.fake_servers.cloud_tasks
        self.login = self.fake_servers.login
        self.switches = Switches(self.database, self.ai, self.telegram, self.payments, self.events)
        self.webhook_secret = secrets.token_urlsafe(32)
        self.scheduler = Scheduler(self.url, secrets.token_urlsafe(32), self.trace, self.clock)
        self.trace.subscribe(lambda event: self.events.publish("trace", event))
        self.telegram.state.subscribe(self.events.publish)
        self.env = self._environment() | dict(env or {})
        self.api = Api(self._parts(), owner_url, cannot_move)
        servers = [server.handle for server in self.fake_servers]
        own = [self.api.handle, chat_links.handle, pages.handle, self._gateway.handle]
        self._routes: list[Route] = [*servers, *own]
        self._add_functions()

    def start(self) -> None:
        """Start everything and register the webhooks; what was started is stopped again when a part fails."""
        self.server.start()
        try:
            self.api.time_travel.restore()
            for function in self.functions.values():
                function.start(wait=False)
            for function in self.functions.values():
                function.wait()
            self.register()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything; calling it again does no harm."""
        self.scheduler.stop()
        self.telegram.stop()
        self.fake_servers.stop()
        for function in self.functions.values():
            function.stop()
        self.events.close()
        self.database.down()
        self.server.stop()
        self.clock.close()

    def function(self, name: str) -> Function:
        """Return a function by its name; KeyError when the stack has none of that name."""
        return self.functions[name]

    @contextmanager
    def settings(self, *names: str, **env: str) -> Iterator[None]:
        """Run all functions, or those named, with other settings for a while; empty is as good as none."""
        before = {name: dict(self.functions[name].env) for name in names or self.functions}
        try:
            self._restart({name: old | env for name, old in before.items()})
            yield
        finally:
            self._restart(before)

    def run_job(self, job: str, *, is_recorded: bool = True) -> RawResponse:
        """Call a job of the `scheduled` function, as Cloud Scheduler does."""
        return self.scheduler.run(job, is_recorded=is_recorded)

    def register(self) -> None:
        """Point every bot's webhook at the `telegram` function and set its menu, as a deployment does.

        A bot that only a test's function knows gets the address alone: its handlers are not in this process.
        """
        if "telegram" not in self.functions:
            return
        names = set(self.telegram.state.bots)
        set_webhooks(
            sorted(names.intersection(bot_names())),
            public_url=self.url,
            secret=self.webhook_secret,
            default_language=self.env.get("DEFAULT_LANGUAGE", "ru"),
            has_database=self.env.get("DB_ENABLED") != "false",
            has_inline_mode=self.env.get("INLINE_MODE") == "true",
            mini_app_url=self.env.get("CONSOLE_URL", "") if self.env.get("MINI_APP") == "true" else "",
            admins=[int(word) for word in self.env.get("ADMIN_TELEGRAM_IDS", "").split(",") if word],
            call=self._call_telegram,
        )
        guests = {name for name, bot in self.telegram.state.bots.items() if bot.is_guest}
        for name in names.difference(bot_names(), guests):
            parameters = {"url": f"{self.url}/telegram/{name}", "secret_token": self.webhook_secret}
            self.telegram.request(name, "setWebhook", parameters)

    def add_bots(self, names: Iterable[str]) -> list[str]:
        """Add bots that were written meanwhile and return those that are new.

        The functions know their tokens once they are restarted. Webhooks are the caller's to set.
        """
        new = [name for name in names if name not in self.telegram.state.bots]
        for name in new:
            self.telegram.add_bot(name)
        if new:
            for environment in (self.env, *(function.env for function in self.functions.values())):
                environment["BOT_TOKENS"] = bot_tokens(self.telegram)
        return new

    def handle(self, request: Request) -> Response:
        """Answer one request to the common address."""
        refusal = guard.check_host(request, self.server.port)
        if refusal is not None:
            return refusal
        if request.path.startswith(("/bot", "/file/bot")) and ":" in request.path:
            return self.telegram.handle(request)
        for route in self._routes:
            response = route(request)
            if response is not None:
                return response
        return json_response({"error": f"There is nothing at {request.path}."}, 404)

    def _parts(self) -> Parts:
        return Parts(
            self.clock,
            self.trace,
            self.events,
            self.telegram,
            self.payments,
            self.scheduler,
            self.functions,
            self.switches,
            self.env,
        )

    def _call_telegram(self, bot: str, method: str, parameters: dict[str, Any]) -> Any:
        try:
            return self.telegram.request(bot, method, parameters)
        except ApiError as refusal:
            raise TelegramError(method, refusal.status, refusal.description) from None

    def _environment(self) -> dict[str, str]:
        """Return the functions' settings, with every payment provider configured."""
        return self.fake_servers.environment() | settings(
            self.url, self.database.url, self.telegram, self.webhook_secret, self.scheduler.secret
        )

    def _restart(self, environments: Mapping[str, Mapping[str, str]]) -> None:
        def restart(name: str) -> None:
            function = self.functions[name]
            function.stop()
            function.env = dict(environments[name])
            function.start()

        with ThreadPoolExecutor(len(environments)) as threads:
            for _ in threads.map(restart, environments):
                pass  # raises the first function that does not start

    def _add_functions(self) -> None:
        for name, source in self._sources.items():
            self.functions[name] = Function(
                name,
                source,
                self.env,
                clock=self.clock,
                on_log=self._log,
                on_state=self._state,
                launch=self._launch,
            )

    def _log(self, function: str, line: dict[str, Any]) -> None:
        self.api.logs.add(function, line)
        follow(self.trace, function, line)

    def _state(self, function: str, state: str) -> None:
        self.events.publish("function", {"name": function, "state": state})


def bot_names() -> tuple[str, ...]:
    """Return the names of the product's bots."""
    from shared.bots import names

    names.cache_clear()  # a bot may have been added since
    return tuple(names())
