"""The sides of the wire that tests of the emulator speak from."""

from __future__ import annotations

from typing import Any

import urllib3

Json = dict[str, Any]


class Client:
    """A bot's side of the wire, on one kept-alive connection."""

    def __init__(self, url: str, token: str, chat_id: int) -> None:
        self.url = url
        self.token = token
        self.chat_id = chat_id
        self.pool = urllib3.PoolManager(retries=False, maxsize=1)

    def raw(self, path: str, **more: Any) -> urllib3.BaseHTTPResponse:
        return self.pool.request("POST", f"{self.url}{path}", **{"timeout": 5, **more})

    def call(self, method: str, **parameters: Any) -> Json:
        answer: Json = self.raw(f"/bot{self.token}/{method}", json=parameters).json()
        return answer

    def send(self, text: str = "hi", **parameters: Any) -> Json:
        return self.call("sendMessage", chat_id=self.chat_id, text=text, **parameters)


def refusal(answer: Json) -> tuple[int, str]:
    assert answer["ok"] is False
    return answer["error_code"], answer["description"]


class HttpApi:
    """The emulator's HTTP API, as any program uses it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pool = urllib3.PoolManager(retries=False)

    def get(self, path: str, **query: Any) -> Json:
        answer: Json = self.pool.request("GET", f"{self.url}/api/{path}", fields=query, timeout=30).json()
        return answer

    def post(self, path: str, **body: Any) -> Json:
        answer: Json = self.pool.request("POST", f"{self.url}/api/{path}", json=body, timeout=30).json()
        return answer

    def refusal(self, path: str, **body: Any) -> str:
        """The sentence with which a request is refused."""
        answer = self.pool.request("POST", f"{self.url}/api/{path}", json=body, timeout=30)
        assert answer.status == 400, answer.data
        return str(answer.json()["error"])
