"""A browser for tests: keeps cookies, sends forms as the pages do, and logs in through the bot."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlencode, urlsplit

from tests.web.conftest import Answer, request
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

_FIELD = re.compile(r'<input type="hidden" name="csrf" value="([^"]+)">')


class Visitor:
    """One browser. `csrf`: the token of the last page."""

    def __init__(self, stack: Stack, language: str = "en") -> None:
        self.stack = stack
        self.language = language
        self.cookies: dict[str, str] = {}
        self.csrf = ""
        address = urlsplit(stack.url)
        self.origin = f"{address.scheme}://{address.netloc}"

    def get(self, path: str, **headers: str) -> Answer:
        """Open a page."""
        return self._send("GET", path, None, headers)

    def post(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> Answer:
        """Send a form of the last page; `csrf=` among the fields replaces its token."""
        body = urlencode({"csrf": self.csrf, **(fields or {})}).encode()
        sent = {"Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded", **headers}
        return self._send("POST", path, body, {name: value for name, value in sent.items() if value})

    def send(self, path: str, body: bytes, content_type: str) -> Answer:
        """Send a form in another encoding, its token included."""
        return self._send("POST", path, body, {"Origin": self.origin, "Content-Type": content_type})

    def download(self, path: str, **headers: str) -> Answer:
        """Open a file, whose content is no text."""
        port = self.stack.function("console").port
        return request(port, path, Cookie=self._cookie(), is_text=False, **headers)

    def send_json(self, path: str, body: bytes) -> Answer:
        """Send JSON, as scripts of our pages do."""
        sent = {"Origin": self.origin, "Content-Type": "application/json", "X-CSRF-Token": self.csrf}
        return self._send("POST", path, body, {**sent, "Accept": "application/json"})

    def log_in(self, chat: Chat, path: str = "/account") -> Answer:
        """Log in through the bot and open a page."""
        self.post("/login/begin", {"to": path})
        page = self.get("/login/bot")
        ask(chat, page.body).tap(code_of(page.body)).wait()
        done = self.post("/login/status")
        assert done.status == 303, done.body
        return self.get(path)

    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        sent = {"Accept": "text/html", "Accept-Language": self.language, **headers}
        if self.cookies:
            sent["Cookie"] = self._cookie()
        path = path.removeprefix("/console") or "/"
        answer = request(self.stack.function("console").port, path, method, body, **sent)
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            if value and "Max-Age=0" not in line:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        if found := _FIELD.search(answer.body):
            self.csrf = found[1]
        return answer


def ask(chat: Chat, page: str) -> object:
    """Open the bot by the link of a login page; return the bot's question."""
    found = re.search(r"start=(login_[A-Za-z0-9_-]{22})", unescape(page))
    assert found, page
    chat.send(f"/start {found[1]}")
    return chat.answer()


def code_of(page: str) -> str:
    """Return the number that a login page shows."""
    found = re.search(r'class="number-shown">(\d\d)<', page)
    assert found, page
    return found[1]
