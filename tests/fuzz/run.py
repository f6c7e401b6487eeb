"""Send the requests and collect problems of responses and logs."""

from __future__ import annotations

import http.client
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests.fuzz.requests import GENERATORS, Request, World
from tests.payments import provider_lists
from tools.emulator.functions import Function
from tools.emulator.stack import Stack

USERS, ORDERS = 40, 60
PRODUCTS = [("credits_100", "RUB"), ("credits_100", "XTR")]
CHUNK = 200  # requests, after which the log is read: a function keeps its last 5,000 lines
TIMEOUT = 60.0  # seconds for one answer
# ALERTs that an operator needs to see, by action. "chat not found": a mutated chat does not exist.
NEEDED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "update_invalid": lambda _line: True,  # Telegram sends what we cannot read
    "update_dead_lettered": lambda line: line["error"].startswith(
        "InvalidPayload: "
    ),  # or what the library cannot
    "webhook_payload_invalid": lambda _line: True,  # a provider sends what we cannot read
    "payment_event_not_applied": lambda _line: True,  # or what we cannot book
    "call_refused": lambda line: "chat not found" in line["reason"],
}


@dataclass
class Result:
    """The result of a run."""

    name: str
    seed: int
    statuses: Counter[str] = field(default_factory=Counter)  # by path and status
    alerts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return the result in some lines."""
        lines = [f"{self.name}, seed {self.seed}: {sum(self.statuses.values())} sent"]
        lines += [f"  {status}: {count}" for status, count in sorted(self.statuses.items())]
        lines += [f"  ALERT {action}: {count}" for action, count in sorted(self.alerts.items())]
        return "\n".join([*lines, *(f"  PROBLEM {problem}" for problem in self.problems[:40])])


def prepare(stack: Stack, database_url: str) -> World:
    """Create the users and orders that requests use."""
    users = [stack.telegram.user(f"Fuzz {number}") for number in range(USERS)]
    for user in users:
        user.chat("assistant").send("/start").wait()
    telegram_ids = [user.id for user in users]
    orders = list(_orders(database_url, telegram_ids))
    return World(telegram_ids, orders, stack.env, stack.webhook_secret, stack.scheduler.secret)


def _orders(database_url: str, telegram_ids: Sequence[int]) -> Iterator[int]:
    providers = provider_lists.CALLING
    with psycopg.connect(database_url, autocommit=True, prepare_threshold=None) as connection:
        for number in range(ORDERS):
            product, currency = PRODUCTS[number % len(PRODUCTS)]
            provider = "telegram_stars" if currency == "XTR" else providers[number // 2 % len(providers)]
            made = connection.execute(
                "select create_order(p_user_id => (select id from users where telegram_id = %s),"
                " p_product_key => %s, p_provider => %s, p_currency => %s, p_bot => 'assistant')",
                (telegram_ids[number % len(telegram_ids)], product, provider, currency),
            ).fetchone()
            assert made is not None, "create_order returns one row"
            yield int(made[0]["id"])


def run(stack: Stack, world: World, name: str, *, seed: int, count: int, threads: int = 4) -> Result:
    """Send `count` requests to a function and return what is wrong with its answers and its log."""
    function, result = stack.function(name), Result(name, seed)
    requests = islice(GENERATORS[name](world, seed), count)
    seen = take_log(Result(name, seed), function, None)  # what the function said before is not judged
    with ThreadPoolExecutor(threads) as pool:
        while chunk := list(islice(requests, CHUNK)):
            statuses = pool.map(lambda one: _status(function, one), chunk)
            for request, status in zip(chunk, statuses, strict=True):
                take_answer(result, request, status)
            seen = take_log(result, function, seen)
    return result


def _status(function: Function, request: Request) -> str:
    address = urlsplit(function.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT)
    try:
        headers = {name: value.encode("utf-8") for name, value in request.headers.items()}
        connection.request(request.method, request.path, request.body, headers)
        response = connection.getresponse()
        response.read()
        return str(response.status)
    except (http.client.HTTPException, OSError) as error:
        return type(error).__name__
    finally:
        connection.close()


def take_answer(result: Result, request: Request, status: str) -> None:
    """Count an answer, and remember it when it is wrong."""
    result.statuses[f"{request.path[:40]} {status}"] += 1
    if not status.isdigit() or (int(status) >= 500 and status != "503"):
        result.problems.append(f"{status} for {request.method} {request.path} {request.body[:300]!r}")


def take_log(result: Result, function: Function, seen: dict[str, Any] | None) -> dict[str, Any] | None:
    """Take the ALERTs since the line `seen`; return the last line."""
    lines = function.logs
    for line in reversed(lines):
        if line is seen:
            break
        action = str(line.get("action"))
        if line.get("severity") == "ALERT":
            why = str(line.get("reason") or line.get("error"))
            result.alerts[f"{action}: {why[:30]}"] += 1
            if not (action in NEEDED and NEEDED[action](line)):
                result.problems.append(f"ALERT {line}")
        elif _is_failure(line):
            result.problems.append(
                f"{action}: {line.get('error') or line.get('reason')}\n{line.get('stack_trace', '')[-600:]}"
            )
    return lines[-1] if lines else seen


def _is_failure(line: dict[str, Any]) -> bool:
    """Whether our own code failed, or the database refused a statement although it is up."""
    if line.get("action") == "database_unavailable":
        # On a busy machine a call may wait for a connection in vain, which is the documented 503.
        return not str(line.get("reason")).startswith("couldn't get a connection")
    if line.get("action") == "webhook_failed":
        return True
    return bool(line.get("counts")) and not str(line.get("error")).startswith("InvalidPayload")
