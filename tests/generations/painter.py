"""A scripted media provider in the process of the test, and crashes of the worker between any two steps."""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from shared.ai.media.contract import (
    DownloadError,
    Finished,
    InvalidCallback,
    Kind,
    MediaFile,
    MediaRequest,
    Outcome,
    Submitted,
)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


# A picture of 64 × 64 grey pixels.
PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress((b"\0" + b"\x80" * 64) * 64))
    + _chunk(b"IEND", b"")
)


class Killed(BaseException):
    """The worker's process ended here. No handler of errors sees it."""


class Crashes:
    """Counts what a worker does outside its process, and ends it before or after the call of a number.

    At that call a callback comes as well, or instead: `calls_back`, and `dies` is false.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.kill_at: int | None = None
        self.is_after = False
        self.dies = True
        self.calls_back: Callable[[], object] | None = None

    def wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*values: Any, **named: Any) -> Any:
            number = len(self.calls)
            self.calls.append(f"{name} {values[0]}" if name == "db" else name)
            if number == self.kill_at and not self.is_after:
                self._strike()
            result = call(*values, **named)
            if number == self.kill_at and self.is_after:
                self._strike()
            return result

        return counted

    def _strike(self) -> None:
        if self.calls_back is not None:
            self.calls_back()
        if self.dies:
            raise Killed


class Painter:
    """Fulfils MediaProvider. `at_once`: the answer to the request has the result. `outcomes` come first."""

    key = "painter"
    kinds: frozenset[Kind] = frozenset({"image", "video"})
    references_by_address = False
    signs_callbacks = True
    has_project_webhook = False

    def __init__(self) -> None:
        self.at_once = False
        self.submitted: list[MediaRequest] = []
        self.reads: list[str] = []
        self.submit_outcomes: list[Outcome | BaseException] = []
        self.read_outcomes: list[Outcome] = []
        self.cost: Decimal | None = None
        self.data: bytes = PNG
        self._numbers = itertools.count(1)

    def submit(self, request: MediaRequest, deadline: float) -> Outcome:
        self.submitted.append(request)
        if self.submit_outcomes:
            outcome = self.submit_outcomes.pop(0)
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome
        if self.at_once:
            return self.finished(with_bytes=True)
        return Submitted(f"task-{request.job}", 5)

    def read(self, provider_job_id: str, deadline: float) -> Outcome:
        self.reads.append(provider_job_id)
        return self.read_outcomes.pop(0) if self.read_outcomes else self.finished(with_bytes=False)

    def download(self, file: MediaFile, deadline: float) -> MediaFile:
        if file.data is not None:
            return file
        if not self.data:
            raise DownloadError("no longer there", is_gone=True)
        return MediaFile(data=self.data, mime="image/png", width=64, height=64)

    def verify_callback(self, headers: Mapping[str, str], body: bytes) -> str:
        if headers.get("x-signature") != "right":
            raise InvalidCallback("the signature is wrong")
        return body.decode()

    def finished(self, *, with_bytes: bool) -> Finished:
        file = MediaFile(data=self.data, mime="image/png", width=64, height=64)
        return Finished((file if with_bytes else MediaFile(url="https://cdn.example/1"),), self.cost)
