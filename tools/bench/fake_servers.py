"""Telegram, an AI and a counter before Postgres, as cheap as they can be, in a process of their own.

    POST /bot<token>/<method>              the Bot API; every call succeeds
    POST /openai/v1/chat/completions       chat completions, as a stream or (whole) as one object
    GET  /yookassa/v3/payments/<number>    YooKassa's API: the payment of an order
    *    /kie_ai/...                       kie.ai's API: createTask, recordInfo, and the file of every task
    POST /control {"delay": 0.5, ...}      what the AI does from now on, see Control
    POST /counts                           what was asked since the last time: {method, "ai", "sql" …: n}

The counter passes on what a client says to Postgres and counts the times it waits for an answer, which is a
round trip: a Query or a Sync message (https://www.postgresql.org/docs/current/protocol-message-formats.html).
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from tools.bench import callback_requests, cpus
from tools.database.embedded import free_port
from tools.emulator.ai.media.drawings import picture
from tools.emulator.functions import ROOT

_ANSWER = (
    "**Зелень** дольше всего живёт в холоде и во влаге.\n\n"
    "- Промойте её и *хорошо* обсушите на полотенце.\n"
    "- Заверните в бумагу и положите в пакет с отверстиями.\n"
    "- Укроп и петрушку можно поставить в стакан с водой, накрыв пакетом.\n\n"
    "Базилик холода не любит: держите его в `воде` на столе. Так всё простоит неделю, а иногда и две."
)
_USAGE = {"prompt_tokens": 900, "completion_tokens": 110, "total_tokens": 1010}
_OPEN = {"state": "generating", "resultJson": ""}
_NO_ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_UNTYPED = (80877103, 80877104)  # SSLRequest and GSSENCRequest, which come before the first typed message


@dataclass
class Control:
    """How the AI answers.

    Attributes:
        delay: seconds until the end of the answer.
        drip: the pieces are spread evenly over `delay`.
        whole: the answer is one object instead of a stream.
        pieces: how many events carry the text of a stream.
        media_delay: seconds until kie.ai answers.
        media_ready: its tasks have ended well; else they go on.
    """

    delay: float = 0.0
    drip: bool = False
    whole: bool = False
    pieces: int = 20
    media_delay: float = 0.0
    media_ready: bool = True


class _Answers:
    """Every answer, made once."""

    def __init__(self) -> None:
        message = {"message_id": 5, "date": 1_700_000_000, "chat": {"id": 1, "type": "private"}, "text": "."}
        bot = {"id": 1, "is_bot": True, "first_name": "Bench", "username": "bench_bot"}
        self.message = _plain({"ok": True, "result": message})
        self.true = _plain({"ok": True, "result": True})
        self.bot = _plain({"ok": True, "result": bot})
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": _ANSWER}}
        self.whole = _plain(_head("chat.completion") | {"choices": [choice], "usage": _USAGE})
        self.stream_head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        self.stream_end = b"0\r\n\r\n"
        self.file = _whole(picture("a cat", 64, 64, "JPEG"))


def _plain(value: Any) -> bytes:
    return _whole(json.dumps(value, ensure_ascii=False).encode())


def _whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


def _head(kind: str) -> dict[str, Any]:
    identity = {"id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", "object": kind, "created": 1_700_000_000}
    return identity | {
        "model": "gpt-5-mini-2025-08-07",
        "service_tier": "default",
        "system_fingerprint": None,
    }


@lru_cache
def _chunks(pieces: int) -> list[bytes]:
    """Return the chunks of a streamed answer."""
    return [_chunk(event) for event in events(pieces)]


def events(pieces: int) -> Iterator[bytes]:
    """Yield the events of a streamed answer, whose text is split into as many pieces."""
    cuts = [len(_ANSWER) * number // pieces for number in range(pieces + 1)]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
    deltas += [{"content": _ANSWER[start:end]} for start, end in pairwise(cuts)]
    head = _head("chat.completion.chunk")
    for delta, reason in [*((delta, None) for delta in deltas), ({}, "stop")]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        yield _event(head | {"choices": [choice], "usage": None})
    yield _event(head | {"choices": [], "usage": _USAGE})
    yield b"data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _task(data: dict[str, Any]) -> bytes:
    return _plain({"code": 200, "msg": "success", "data": data})


def _record(path: str, file: str) -> dict[str, Any]:
    """Return the record of a task that ended well."""
    result = json.dumps({"resultUrls": [file]})
    return {"taskId": path.rpartition("=")[2], "state": "success", "resultJson": result, "creditsConsumed": 8}


class _World:
    def __init__(self, url: str) -> None:
        self.url = url
        self.tasks = 0
        self.control = Control()
        self.counts: Counter[str] = Counter()
        self.answers = _Answers()

    def take_counts(self) -> dict[str, int]:
        counts, self.counts = dict(self.counts), Counter()
        return counts


class _Http(asyncio.Protocol):
    """One connection; its client sends the next request when it has the answer to the last."""

    def __init__(self, world: _World) -> None:
        self._world = world
        self._received = b""
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return
        self._received = b""
        path = head.split(b" ", 2)[1].decode()
        if path.endswith("/chat/completions"):
            self._ai()
        elif path.startswith("/yookassa/"):
            self._world.counts["yookassa"] += 1
            self._transport.write(_whole(callback_requests.yookassa_payment(path.rpartition("/")[2])))
        elif path.startswith("/kie_ai/"):
            self._media(path)
        elif path.startswith("/bot"):
            self._bot_api(path.rpartition("/")[2])
        else:
            self._own(path, body)

    def _bot_api(self, method: str) -> None:
        self._world.counts[method] += 1
        answers = self._world.answers
        sent = dict.fromkeys(("sendMessage", "editMessageText", "sendPhoto"), answers.message)
        known = sent | {"getMe": answers.bot}
        self._transport.write(known.get(method, answers.true))

    def _ai(self) -> None:
        self._world.counts["ai"] += 1
        control, answers = self._world.control, self._world.answers
        if control.drip:
            self._start(self._drip(control.delay, _chunks(control.pieces)))
            return
        stream = [answers.stream_head, *_chunks(control.pieces), answers.stream_end]
        parts = [answers.whole] if control.whole else stream
        if control.delay:
            asyncio.get_running_loop().call_later(control.delay, self._transport.write, b"".join(parts))
        else:
            self._transport.write(b"".join(parts))

    def _media(self, path: str) -> None:
        name = path.partition("?")[0].rpartition("/")[2]
        self._world.counts[name] += 1
        control = self._world.control
        match name:
            case "createTask":
                self._world.tasks += 1
                answer = _task({"taskId": f"task{self._world.tasks}"})
            case "recordInfo":
                answer = _task(
                    _record(path, f"{self._world.url}/kie_ai/file") if control.media_ready else _OPEN
                )
            case _:
                answer = self._world.answers.file
        asyncio.get_running_loop().call_later(control.media_delay, self._transport.write, answer)

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drip(self, seconds: float, chunks: list[bytes]) -> None:
        answers, clock = self._world.answers, asyncio.get_running_loop().time
        self._transport.write(answers.stream_head)
        started = clock()
        for number, chunk in enumerate(chunks, 1):
            await asyncio.sleep(started + seconds * number / len(chunks) - clock())
            self._transport.write(chunk)
        self._transport.write(answers.stream_end)

    def _own(self, path: str, body: bytes) -> None:
        if path == "/control":
            self._world.control = Control(**json.loads(body))
            self._transport.write(_plain({}))
        elif path == "/counts":
            self._transport.write(_plain(self._world.take_counts()))
        else:
            self._transport.write(_NO_ANSWER)


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


class _Messages:
    """Follows what a client says to Postgres and tells how often it began to wait for an answer."""

    def __init__(self) -> None:
        self._held = b""
        self._is_typed = False

    def waits(self, data: bytes) -> int:
        """Take the next bytes and return how many Query and Sync messages ended in them."""
        self._held += data
        count = 0
        while len(self._held) >= 5 + 3 * (not self._is_typed):
            start = 1 if self._is_typed else 0
            end = start + int.from_bytes(self._held[start : start + 4])
            if len(self._held) < end:
                break
            if self._is_typed:
                count += self._held[:1] in (b"Q", b"S")
            else:
                self._is_typed = int.from_bytes(self._held[4:8]) not in _UNTYPED
            self._held = self._held[end:]
        return count


async def _count_queries(
    world: _World, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
    messages = _Messages()

    async def back() -> None:
        while data := await up_reader.read(65_536):
            writer.write(data)
        writer.close()

    answering = asyncio.create_task(back())
    while data := await reader.read(65_536):
        world.counts["sql"] += messages.waits(data)
        up_writer.write(data)
    up_writer.close()
    await answering
    writer.close()


class FakeServers:
    """The process, seen from ours."""

    def __init__(self, database_port: int) -> None:
        self.port = free_port()
        self.counter_port = free_port()
        self._database_port = database_port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; only while it runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        """The base address of the Bot API; the AI is at /openai/v1 of it."""
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator[FakeServers]:
        """Run the process until the block ends."""
        ports = (self.port, self.counter_port, self._database_port)
        command = [sys.executable, "-m", "tools.bench.fake_servers", *map(str, ports)]
        with cpus.pinned(cpus.OTHERS):
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        try:
            assert self._process.stdout is not None
            self._process.stdout.readline()  # it listens
            yield self
        finally:
            self._process.kill()
            self._process.communicate()

    def control(self, control: Control) -> None:
        """Make the AI answer in another way."""
        self._post("/control", asdict(control))

    def take_counts(self) -> dict[str, int]:
        """Return what was asked since the last time."""
        return {name: int(count) for name, count in self._post("/counts", {}).items()}

    def _post(self, path: str, value: dict[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", path, json.dumps(value))
            return dict(json.loads(connection.getresponse().read()))
        finally:
            connection.close()


async def _serve(port: int, counter_port: int, database_port: int) -> None:
    world, loop = _World(f"http://127.0.0.1:{port}"), asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Http(world), "127.0.0.1", port, backlog=512)
    counter = await asyncio.start_server(
        lambda reader, writer: _count_queries(world, database_port, reader, writer), "127.0.0.1", counter_port
    )
    print("ready", flush=True)
    async with server, counter:
        await server.serve_forever()


def _main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("port", "counter_port", "database_port"):
        parser.add_argument(name, type=int)
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.port, arguments.counter_port, arguments.database_port))


if __name__ == "__main__":
    _main()
