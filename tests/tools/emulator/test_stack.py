"""The whole stack around a small function: processes, gateway, scheduler, trace, and the page's API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import urllib3

from shared.core.config import settings
from shared.payments import providers
from shared.scheduled.jobs import JOBS
from tools.emulator import development, storage
from tools.emulator.ai import AiBehaviour
from tools.emulator.clock import Clock
from tools.emulator.functions import ROOT, FunctionFailed
from tools.emulator.stack import FUNCTIONS, Stack
from tools.emulator.telegram.state import TelegramState
from tools.emulator.trace import Trace
from tools.emulator.watcher import Watcher

ECHO = "tests/tools/emulator/echo/main.py"
# Nothing listens there: these tests need no database.
NOWHERE = "postgresql://unused:nothing@127.0.0.1:9/none"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    os.environ["SECRET_OF_DEVELOPER"] = "1"
    stack = Stack(
        NOWHERE,
        {"telegram": ECHO, "scheduled": ECHO},
        env={"EXTRA": "x"},
        bots=["assistant"],
        retry_scale=0.02,
    )
    del os.environ["SECRET_OF_DEVELOPER"]
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture
def page(stack: Stack) -> Iterator[Page]:
    page = Page(stack)
    yield page
    page.pool.clear()
    stack.ai.clear()
    stack.telegram.hold(False)
    stack.database.up()
    stack.telegram.faults.clear()


class Page:
    """What the page does: requests to the JSON API."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.pool = urllib3.PoolManager(retries=False)

    def get(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        return self.pool.request("GET", self.stack.url + path, headers=headers, timeout=30)

    def post(self, path: str, body: Any = None, **headers: str) -> urllib3.BaseHTTPResponse:
        sent = {"Content-Type": "application/json"} | headers
        return self.pool.request(
            "POST", self.stack.url + path, body=json.dumps(body or {}), headers=sent, timeout=30
        )

    def user(self, **more: Any) -> Any:
        return self.post("/api/users", {"first_name": "Anna", "language_code": "ru", **more}).json()

    def messages(self, user: Any) -> list[Any]:
        chat = self.get(f"/api/chat?user={user['id']}&bot=assistant").json()
        messages: list[Any] = chat["messages"]
        return messages


def test_a_message_goes_through_the_gateway_and_comes_back(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    chat.send("hello")
    # The gateway strips the function's name, and the developer's own environment stays outside.
    assert chat.answer().text == "/assistant hello x False"


def test_the_trace_joins_what_belongs_to_one_update(stack: Stack) -> None:
    stack.ai.next(AiBehaviour(text="from the AI"))
    chat = stack.telegram.user("Anna").chat("assistant")
    sent = chat.send("ask")
    assert "from the AI" in chat.answer().text
    _until(
        lambda: (
            {"sql", "ai_call", "webhook", "reply"}
            <= {one["kind"] for one in stack.trace.of(sent.update.trace_id)}
        )
    )

    events = {one["kind"]: one for one in stack.trace.of(sent.update.trace_id)}
    assert (events["sql"]["title"], events["sql"]["ms"]) == ("echo", 1.5)
    assert events["ai_call"]["detail"]["request"]["messages"] == [{"role": "user", "content": "hi"}]
    assert events["webhook"]["update_id"] == sent.update_id


def test_logs_are_read_line_by_line(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    chat.send("hello")
    chat.answer()
    function = stack.function("telegram")
    _until(lambda: any(line["action"] == "sql" for line in function.logs if "action" in line))
    assert "a line that is no JSON" in function.raw_log


def test_a_killed_function_gets_the_update_when_it_is_back(stack: Stack) -> None:
    function = stack.function("telegram")
    chat = stack.telegram.user("Anna").chat("assistant")
    sent = chat.send("slow")
    sent.wait("delivering")
    time.sleep(0.1)
    old = function.pid
    function.kill()
    sent.wait("retrying")
    assert (function.pid, function.state) == (0, "stopped")
    stack.telegram.hold()
    function.start()
    assert function.pid not in (0, old)
    stack.telegram.hold(False)
    stack.telegram.retry_now()
    assert chat.answer(timeout=60).text.startswith("/assistant slow")


def test_a_job_is_called_with_the_secret(stack: Stack) -> None:
    answer = stack.run_job("sweep")
    assert (answer.status, answer.json()) == (200, {"job": "/sweep"})
    stack.scheduler.secret, genuine = "wrong", stack.scheduler.secret
    assert stack.run_job("sweep").status == 401
    stack.scheduler.secret = genuine


def test_a_bot_added_later_gets_a_token_and_a_webhook(backend_url: str) -> None:
    stack = Stack(backend_url, functions={"telegram": FUNCTIONS["telegram"]}, bots=("second",))
    try:
        stack.server.start()
        assert stack.add_bots(["second", "assistant"]) == ["assistant"]
        assert stack.add_bots(["second", "assistant"]) == []
        tokens = json.loads(stack.function("telegram").env["BOT_TOKENS"])
        assert tokens["assistant"] == stack.telegram.bot("assistant").token
        assert tokens == json.loads(stack.env["BOT_TOKENS"])
        development.register(stack)
        assistant = stack.telegram.bot("assistant")
        assert assistant.webhook.url == f"{stack.url}/telegram/assistant"
        assert "help" in {one["command"] for one in assistant.commands["en"]}
    finally:
        stack.stop()


def test_functions_run_with_other_settings_for_a_while(stack: Stack) -> None:
    before = {name: function.pid for name, function in stack.functions.items()}
    with stack.settings(STRIPE_SECRET_KEY="", SUPPORT_CONTACT="@help"):
        for name, function in stack.functions.items():
            assert (function.state, function.env["STRIPE_SECRET_KEY"]) == ("running", "")
            assert function.env["SUPPORT_CONTACT"] == "@help"
            assert function.pid not in (0, before[name])
    for function in stack.functions.values():
        assert function.state == "running"
        assert function.env["STRIPE_SECRET_KEY"]
        assert function.env["SUPPORT_CONTACT"] == "@switchboard_help"


def test_the_products_functions_are_the_folders_that_are_deployed() -> None:
    assert list(FUNCTIONS) == sorted(path.parent.name for path in ROOT.glob("functions/*/main.py"))
    assert all((ROOT / source).is_file() for source in FUNCTIONS.values())


def test_every_payment_provider_is_pointed_at_its_fake_server(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.env.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    try:
        assert providers.configured() == providers.names()
        for name in set(providers.names()) - {"telegram_stars"}:
            assert providers.load(name).address().startswith(f"{stack.url}/pay/{name}")
    finally:
        settings.cache_clear()


def test_a_function_that_cannot_start_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "main.py"
    broken.write_text("raise ValueError('nothing works')\n")
    stack = Stack(NOWHERE, {"telegram": str(broken)}, bots=["assistant"])
    with pytest.raises(FunctionFailed, match="nothing works"):
        stack.start()
    assert stack.function("telegram").pid == 0


def test_functions_die_with_a_starter_that_is_killed() -> None:
    program = (
        "from tools.emulator.functions import Function\n"
        f"function = Function('scheduled', {ECHO!r}, {{}})\n"
        "function.start()\n"
        "print(function.pid, flush=True)\n"
        "input()\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert psutil.pid_exists(pid)
        starter.kill()
    _until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_a_joined_call_ends_when_the_function_says_so() -> None:
    trace = Trace()
    trace.seen_outside("ai_call", "openai gpt", ms=1.0, detail={"request": 1})
    time.sleep(0.05)
    before = time.time()
    event = trace.join("ai_call", "openai gpt", ms=50.0, detail={"line": 1})
    assert event["at"] >= before
    assert (event["ms"], event["detail"]) == (50.0, {"request": 1})


def test_the_page_lists_users_bots_and_switches(stack: Stack, page: Page) -> None:
    stack.telegram.request(
        "assistant", "setMyCommands", {"commands": [{"command": "help", "description": "Help"}]}
    )
    anna = page.user(username="@anna_page")
    state = page.get("/api/state").json()
    assert anna in state["users"]
    assert anna["username"] == "anna_page"
    assert state["bots"][0]["commands"][""] == [{"command": "help", "description": "Help"}]
    assert state["functions"] == [
        {"name": "telegram", "state": "running"},
        {"name": "scheduled", "state": "running"},
    ]
    assert state["switches"] == {
        "database_down": False, "ai": "ok", "hold": False, "lose_response": 0, "deliver_twice": 0, "forge": 0,
        "payments": {},
    }  # fmt: skip


def test_a_conversation_on_the_page(page: Page) -> None:
    anna = page.user()
    who = {"user": anna["id"], "bot": "assistant"}
    sent = page.post("/api/send", who | {"kind": "text", "text": "hello"}).json()["message"]
    _until(lambda: len(page.messages(anna)) == 2)
    mine, answer = page.messages(anna)
    assert (mine["message_id"], mine["delivery"]["status"]) == (sent["message_id"], "delivered")
    assert (answer["from"]["is_bot"], answer["text"]) == (True, "/assistant hello x False")

    edited = page.post("/api/edit", who | {"message_id": sent["message_id"], "text": "hi"}).json()["message"]
    assert edited["text"] == "hi"
    photo = page.post("/api/send", who | {"kind": "photo", "text": "look"}).json()["message"]
    assert page.get(photo["photo"][-1]["url"]).headers["Content-Type"] == "image/png"
    _until(lambda: len(page.messages(anna)) == 4)
    assert page.post("/api/reset-chat", who).json()["messages"] == []
    assert page.messages(anna) == []


@pytest.mark.parametrize("by", ["Last-Event-ID", "after"])
def test_events_arrive_and_can_be_replayed(stack: Stack, page: Page, by: str) -> None:
    before = stack.events.last_id
    anna = page.user(first_name="Replayed")
    page.post("/api/send", {"user": anna["id"], "bot": "assistant", "kind": "text", "text": "hello"})
    _until(lambda: len(page.messages(anna)) == 2)
    stream = page.pool.request(
        "GET",
        f"{stack.url}/api/events" + (f"?after={before}" if by == "after" else ""),
        headers={by: str(before)} if by == "Last-Event-ID" else {},
        preload_content=False,
        timeout=5,
    )
    seen = ""
    while "/assistant hello" not in seen:
        seen += stream.read1().decode()  # type: ignore[no-untyped-call]
    stream.close()
    names = [line.removeprefix("event: ") for line in seen.splitlines() if line.startswith("event: ")]
    assert {"user", "message", "delivery"} <= set(names)
    assert f"id: {before + 1}\n" in seen


@pytest.mark.parametrize(("name", "value"), [
    ("ai", "slow"), ("database_down", True), ("hold", True), ("lose_response", 2),
    ("deliver_twice", 1), ("forge", 1),
])  # fmt: skip
def test_every_switch_can_be_set(page: Page, name: str, value: Any) -> None:
    assert page.post("/api/switches", {"name": name, "value": value}).json()["switches"][name] == value
    assert page.get("/api/state").json()["switches"][name] == value


def test_a_fault_is_used_up_by_one_delivery(stack: Stack, page: Page) -> None:
    page.post("/api/switches", {"name": "lose_response", "value": 1})
    chat = stack.telegram.user("Anna").chat("assistant")
    assert chat.send("hello").wait().attempts == 2
    assert page.get("/api/state").json()["switches"]["lose_response"] == 0


def test_the_page_knows_the_jobs(page: Page) -> None:
    expected = [{"name": name, "about": job.about, "schedule": job.schedule} for name, job in JOBS.items()]
    assert page.get("/api/state").json()["jobs"] == expected


def test_functions_can_be_killed_and_restarted_from_the_page(stack: Stack, page: Page) -> None:
    assert page.post("/api/kill", {"function": "scheduled"}).json() == {
        "name": "scheduled",
        "state": "stopped",
    }
    # The system may take a moment to end the last of its processes.
    _until(lambda: page.post("/api/jobs/sweep").json().get("status") == 503, 20)
    page.post("/api/restart", {"function": "scheduled"})
    _until(lambda: stack.function("scheduled").state == "running", 10)
    assert page.post("/api/jobs/sweep").json() == {"status": 200, "body": {"job": "/sweep"}}


@pytest.mark.parametrize(("path", "body", "words"), [
    ("/api/users", {}, "first name"),
    ("/api/users", {"first_name": "A", "username": "a b"}, "username"),
    ("/api/send", {"user": 1, "bot": "assistant", "text": "x"}, "no such user"),
    ("/api/switches", {"name": "weather"}, "no switch named weather"),
    ("/api/kill", {"function": "nothing"}, "no function named nothing"),
    ("/api/groups", {"title": "x"}, "users"),
])  # fmt: skip
def test_a_senseless_request_gets_one_clear_sentence(page: Page, path: str, body: Any, words: str) -> None:
    answer = page.post(path, body)
    assert answer.status == 400
    assert words in answer.json()["error"]


def test_only_the_own_page_may_use_the_api(stack: Stack, page: Page) -> None:
    assert page.get("/api/state", Host="evil.example").status == 421
    assert page.get("/", Host=f"evil.example:{stack.server.port}").status == 421
    assert page.post("/api/users", {"first_name": "A"}, Origin="https://evil.example").status == 403
    assert page.post("/api/users", {"first_name": "A"}, **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert page.post("/api/users", {"first_name": "A"}, **{"Content-Type": "text/plain"}).status == 415
    assert page.post("/api/users", {"first_name": "A"}, Origin=stack.url).status == 200


def test_files_of_the_page_and_nothing_else_are_served(page: Page) -> None:
    assert page.get("/").headers["Content-Type"].startswith("text/html")
    assert "script-src" not in page.get("/").headers["Content-Security-Policy"]
    for path in ("/../stack.py", "/%2e%2e/stack.py", "/nothing.html"):
        assert page.get(path).status == 404


def test_the_state_survives_a_restart(stack: Stack, page: Page, tmp_path: Path) -> None:
    anna = page.user(first_name="Kept")
    who = {"user": anna["id"], "bot": "assistant"}
    page.post("/api/send", who | {"kind": "photo", "text": "look"})
    stack.telegram.idle(5)
    storage.save(stack.telegram.state, tmp_path / "state.json")

    state = TelegramState(Clock())
    state.add_bot("assistant")
    assert storage.load(state, tmp_path / "state.json")
    room = state.private_room(anna["id"], "assistant")
    assert state.users[anna["id"]].first_name == "Kept"
    assert room.messages[1].data["caption"] == "look"
    assert state.files.by_id(room.messages[1].data["photo"][0]["file_id"]) is not None
    assert state.bots["assistant"].next_update_id == stack.telegram.bot("assistant").next_update_id

    (tmp_path / "state.json").write_text("{")
    assert not storage.load(state, tmp_path / "state.json")
    assert (tmp_path / "state.unusable").exists()


def test_a_changed_source_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    noticed: list[set[Path]] = []
    changed = threading.Event()
    watcher = Watcher([tmp_path], lambda paths: (noticed.append(paths), changed.set())[0])
    watcher.start()
    time.sleep(0.1)
    (tmp_path / "b.py").write_text("2")
    assert changed.wait(30)
    watcher.stop()
    assert noticed == [{tmp_path / "b.py"}]


def _until(ready: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
