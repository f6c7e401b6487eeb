from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from tools.emulator.web import HttpServer, Request, Response, json_response


class Receiver:
    """A function's part: keeps what Telegram delivers and answers as the test says."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answer: Callable[[dict[str, Any]], Response] = lambda update: Response(200)
        self.gate = threading.Event()
        self.gate.set()
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()
        self.server = HttpServer(self.handle)

    @property
    def updates(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in list(self.requests)]

    @property
    def texts(self) -> list[str]:
        return [update["message"]["text"] for update in self.updates if "message" in update]

    def handle(self, request: Request) -> Response:
        with self._lock:
            self.requests.append(request)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.gate.wait(10)
        try:
            return self.answer(json.loads(request.body))
        finally:
            with self._lock:
                self.at_once -= 1


def reply(update: dict[str, Any], **parameters: Any) -> Response:
    """A method in the webhook's answer."""
    chat_id = update["message"]["chat"]["id"]
    return json_response({"method": "sendMessage", "chat_id": chat_id, **parameters})
