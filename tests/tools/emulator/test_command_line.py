"""The command line of the emulator and its Python client, against a running emulator."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support import eventually
from tests.tools.emulator.receiving import Receiver
from tests.tools.emulator.wire import Client
from tools.emulator.client import Chat, Emulator, EmulatorError, NoAnswer, Unreachable
from tools.emulator.command_line import main
from tools.emulator.payments import Invoice
from tools.emulator.stack import Stack
from tools.emulator.web import Response, json_response

Json = dict[str, Any]
ROOT = Path(__file__).parents[3]
MENU = {"inline_keyboard": [[{"text": "Buy", "callback_data": "buy"}]]}
PRICE = {"currency": "XTR", "prices": [{"label": "A month", "amount": 250}]}
INVOICE = {"title": "A month", "description": "Premium for 30 days", "payload": "42", **PRICE}


class Shop:
    """A bot with a menu, as a webhook: it calls the Bot API itself, and answers taps with a note."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.agrees: Json = {"ok": True}

    def offer(self, message: Json) -> Response:
        """Sell for Stars: by a button with an address, or by an invoice."""
        chat = message["chat"]["id"]
        if message["text"] == "/buy_here":
            return json_response({"method": "sendInvoice", "chat_id": chat, **INVOICE})
        more = {"subscription_period": 2_592_000} if message["text"] == "/buy_monthly" else {}
        url = self.client.call("createInvoiceLink", **INVOICE, **more)["result"]
        rows = [
            [{"text": "250\N{NO-BREAK SPACE}⭐ Pay", "url": url}],
            [{"text": "Site", "url": "https://x.test/"}],
        ]
        said = {"method": "sendMessage", "chat_id": chat, "text": "Premium"}
        return json_response({**said, "reply_markup": {"inline_keyboard": rows}})

    def answer(self, update: Json) -> Response:
        if tap := update.get("callback_query"):
            self.client.call("answerCallbackQuery", callback_query_id=tap["id"], text="Thanks!")
            return Response(200)
        if query := update.get("pre_checkout_query"):
            return json_response(
                {"method": "answerPreCheckoutQuery", "pre_checkout_query_id": query["id"], **self.agrees}
            )
        message = update.get("message") or update.get("edited_message")
        if message and "text" in message and message["text"].startswith("/buy"):
            return self.offer(message)
        if message and "successful_payment" in message:
            return json_response({"method": "sendMessage", "chat_id": message["chat"]["id"], "text": "Paid!"})
        said = {"text", "document", "voice"} & (message or {}).keys()
        if message is None or not said or message.get("text") == "silence":
            return Response(200)
        what = message.get("text") or said.pop()
        chat = {"chat_id": message["chat"]["id"], "message_thread_id": message.get("message_thread_id") or 0}
        return json_response({"method": "sendMessage", "text": f"you: {what}", "reply_markup": MENU, **chat})


@pytest.fixture(scope="module")
def selling(bare: Stack) -> Iterator[Shop]:
    receiver = Receiver()
    receiver.server.start()
    shop = Shop(Client(bare.url, bare.telegram.bot("assistant").token, 0))
    receiver.answer = shop.answer
    bare.telegram.request("assistant", "setWebhook", {"url": receiver.server.url})
    yield shop
    shop.client.pool.clear()
    receiver.server.stop()


@pytest.fixture(scope="module")
def stack(bare: Stack, selling: Shop) -> Stack:
    """The emulator with the shop as its bot."""
    return bare


@pytest.fixture
def shop(selling: Shop) -> Iterator[Shop]:
    yield selling
    selling.agrees = {"ok": True}


@pytest.fixture
def emulator(stack: Stack) -> Emulator:
    stack.telegram.faults.clear()
    return Emulator(stack.url)


@pytest.fixture
def chat(emulator: Emulator) -> Chat:
    return emulator.add_user("Anna").chat("assistant")


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(emulator: Emulator, chat: Chat, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> Run:
    """Run a command as Anna and return its exit code, its output and its errors."""
    monkeypatch.setenv("EMULATOR_URL", emulator.url)
    monkeypatch.setenv("EMULATOR_USER", str(chat.address["user"]))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def lines(text: str) -> list[str]:
    """The lines of a transcript without their times."""
    return [line[10:] for line in text.splitlines()]


def test_send_prints_the_answer_with_its_buttons(run: Run, stack: Stack) -> None:
    name = stack.telegram.bot("assistant").first_name
    code, out, err = run("send", "hello", "--expect", "YOU: hello")
    assert (code, lines(out), err) == (0, [f"{name}: you: hello", "[Buy]"], "")


def test_an_answer_that_is_not_as_expected_fails(run: Run) -> None:
    code, out, err = run("send", "hello", "--expect", "goodbye")
    assert (code, out) == (1, "")
    assert err.startswith("The answer has no 'goodbye'. It is:\n") and "you: hello" in err


def test_no_answer_in_time_has_its_own_code(run: Run) -> None:
    code, out, err = run("send", "silence", "--timeout", "0.1")
    assert (code, out, err) == (4, "", "The bot did not answer within 0.1 seconds.\n")
    assert run("send", "silence", "--no-wait") == (0, "", "")


def test_a_part_of_a_label_is_enough(run: Run) -> None:
    run("send", "hello")
    assert run("tap", "bu", "--expect", "Thanks!")[0] == 0


def test_a_sale_in_stars_from_the_shell(run: Run) -> None:
    run("send", "/buy")
    code, out, _ = run("tap", "250 ⭐ pay")  # as it is typed: with a space of the keyboard
    assert (code, out.splitlines()) == (0, [
        "An invoice opens: A month, 250 Stars",
        "Premium for 30 days",
        "Pay it with: ./switchboard emulator pay",
    ])  # fmt: skip
    assert run("pay", "--expect", "paid!")[0] == 0
    assert "Anna: <successful payment>" in run("chat")[1]


def test_an_invoice_in_the_chat_and_a_subscription(run: Run) -> None:
    run("send", "/buy_here", "--no-wait")
    assert eventually(lambda: "An invoice opens: A month, 250 Stars\n" in run("tap", "Pay 250 ⭐")[1])
    run("send", "/buy_monthly")
    code, out, _ = run("tap", "Pay", "--json")
    assert (code, json.loads(out)) == (0, {"invoice": {
        "bot": "assistant", "title": "A month", "description": "Premium for 30 days", "currency": "XTR",
        "total_amount": 250, "subscription_period": 2_592_000,
    }})  # fmt: skip
    assert "every 30 days" in run("tap", "Pay")[1]
    assert run("tap", "site") == (0, "A page opens: https://x.test/\n", "")


@pytest.mark.parametrize(("outcome", "words"), [
    ("close", "The sheet was closed."), ("no_stars", "There are too few Stars"),
    ("fail_after_check", "the Stars could not be taken"), ("pay", "Sold out"),
])  # fmt: skip
def test_a_failed_payment_says_why(run: Run, shop: Shop, outcome: str, words: str) -> None:
    if outcome == "pay":
        shop.agrees = {"ok": False, "error_message": "Sold out"}
    run("send", "/buy")
    code, out, _ = run("pay", "--outcome", outcome, "--expect", words)
    assert (code, lines(out)[0].startswith("The payment is not made: ")) == (0, True)


def test_paying_without_an_invoice_is_refused(run: Run) -> None:
    assert run("pay") == (1, "", "There is no invoice in this chat.\n")
    assert run("pay", "--link", "https://t.me/$none")[2] == "There is no such invoice any more.\n"
    run("send", "/buy")
    assert run("pay", "--outcome", "steal")[2].startswith("An outcome is one of pay, close")


def test_checkouts_are_listed_and_acted_on(run: Run, stack: Stack) -> None:
    assert run("checkout") == (0, "There is no checkout yet: tap a button to pay first.\n", "")
    assert run("checkout", "pay")[2] == "There is no checkout: tap a button to pay first.\n"
    made = {"order_id": 1, "telegram_id": 1, "events": [], "left": {}}
    stack.payments["fake"].keep(Invoice("b1", Decimal(5), "USD", "Premium", object=made))
    assert "possible now: pay, decline," in run("checkout")[1]
    assert run("checkout", "pay", "--no-wait", "--provider", "fake")[0] == 0
    for names in (["--id", "b1"], ["--id", "b1", "--provider", "fake"]):
        assert run("checkout", "pay", *names)[2] == "It is paid already.\n"
    for names in (["--id", "b2"], ["--id", "b1", "--provider", "stripe"], ["--provider", "stripe"]):
        assert run("checkout", "pay", *names)[2] == "There is no such checkout.\n"
    assert "paid" in run("checkout")[1]


def test_a_refusal_and_an_emulator_that_does_not_run(run: Run) -> None:
    assert run("tap", "Buy") == (1, "", "There is no message with buttons.\n")
    run("send", "hello")
    assert run("tap", "Sell") == (1, "", "No button has “Sell”: “Buy”.\n")
    assert run("send", "x", "--as", "Missing") == (1, "", "There is no such user.\n")
    assert run("send", "x", "--file", "/no/such/file")[0] == 1
    code, out, err = run("users", "--url", "http://127.0.0.1:9")
    assert (code, out) == (3, "")
    assert err == "No emulator answers at http://127.0.0.1:9. Start it with: ./switchboard up\n"


def test_an_address_that_is_none_says_how_one_looks(run: Run) -> None:
    code, out, err = run("users", "--url", "nonsense")
    assert (code, out) == (3, "")
    assert err == "The emulator's address looks like http://127.0.0.1:8080, not nonsense.\n"


@pytest.mark.parametrize("arguments", [[], ["sing"], ["send", "x", "--timeout", "soon"], ["tap"]])
def test_wrong_arguments_are_code_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("clock", "backwards"), '"3 weeks", "90" (seconds), "next"'),
        (("clock", "-1", "day"), "The clock only moves forward"),
        (("switch", "hold", "maybe"), "hold is true or false."),
        (("switch", "ai", "grumpy"), "The AI can be ok, slow,"),
    ],
)
def test_an_unknown_value_is_refused_with_the_valid_ones(
    run: Run, command: tuple[str, ...], words: str
) -> None:
    code, out, err = run(*command)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert words in err


def test_an_unknown_switch_is_answered_with_all_names(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["switch", "weather", "true"])
    assert "ai, database_down, hold" in capsys.readouterr().err.replace("'", "")


def test_a_job_that_is_none_or_fails(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [{"name": "sweep"}, {"name": "payments"}]
    monkeypatch.setattr(Emulator, "get", lambda self, path: {"jobs": jobs})
    status = iter([503, 200])
    monkeypatch.setattr(Emulator, "run_job", lambda self, name: {"status": next(status), "body": None})
    assert run("job", "nonsense") == (1, "", "There is no job nonsense. The jobs are sweep, payments.\n")
    assert run("job", "sweep") == (1, "", "sweep answered 503: see ./switchboard emulator trace.\n")
    assert run("job", "sweep") == (0, "200\n", "")


def test_tap_waits_for_the_note(run: Run) -> None:
    run("send", "menu")
    code, out, _ = run("tap", "Buy", "--json")
    assert (code, [one["text"] for one in json.loads(out)]) == (0, ["Thanks!"])


def test_files_topics_edits_and_standard_input(run: Run, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    assert "you: document" in run("send", "--file", str(tmp_path / "notes.txt"))[1]
    assert "you: voice" in run("send", "--kind", "voice")[1]
    topic = run("topic", "Cats")[1].strip()
    assert f"(topic {topic}) you: in it" in run("send", "in it", "--topic", topic)[1]
    monkeypatch.setattr(sys, "stdin", io.StringIO("from a pipe"))
    run("send", "-")
    number = json.loads(run("chat", "--json")[1])["entries"][-2]["message_id"]
    assert "you: corrected" in run("edit", str(number), "corrected")[1]
    assert run("react", str(number), "👍")[0] == 0
    assert run("delete", str(number))[0] == 0
    text = run("chat")[1]
    assert "Anna: <document notes.txt>" in text and "Anna: (deleted)" in text


def test_faults_are_set_listed_and_cleared(run: Run, chat: Chat) -> None:
    code, out, _ = run(
        "fault", "rate_limit", "--method", "sendMessage", "--retry-after", "3", "--text", "you"
    )
    number = int(out.split()[0].removeprefix("#"))
    assert (code, out) == (0, f"#{number}  rate_limit, sendMessage, text you: 1 more, used 0\n")
    run(
        "fault",
        "403",
        "--description",
        "Forbidden: user is deactivated",
        "--count",
        "always",
        "--method",
        "getMe",
    )
    listed = run("fault", "list")[1].splitlines()
    assert listed[:2] == [
        out.strip(),
        f"#{number + 1}  403 Forbidden: user is deactivated, getMe: every call, used 0",
    ]
    assert any(line.startswith("  blocked ") for line in listed)
    assert run("send", "hi", "--timeout", "0.3")[0] == 4
    assert run("fault", "clear", str(number + 1)) == (0, "1 removed\n", "")
    assert run("fault", "list")[1].startswith("No fault is set.")
    assert run("fault", "flood")[2].startswith("There is no fault named flood; there are rate_limit,")
    errors = run("trace", "--errors", "--limit", "20")[1]
    assert "sendMessage in the response" in errors


def test_blocking(run: Run) -> None:
    run("send", "hi")
    assert run("block") == (0, "", "")
    assert run("send", "hi") == (1, "", "The bot is blocked: unblock it first.\n")
    assert run("unblock") == (0, "", "")
    assert run("send", "hi")[0] == 0


def test_users_and_bots(run: Run) -> None:
    code, out, _ = run("users", "Zoë", "--username", "zoe_shell")
    assert code == 0 and re.search(r"^\d+  Zoë  @zoe_shell$", out, re.MULTILINE)
    assert re.fullmatch(r"\d+:[\w-]{35}\n", run("bot", "mine")[1])


@pytest.mark.parametrize(("words", "move"), [
    (["1", "day"], {"period": "day", "times": 1}), (["3 weeks"], {"period": "week", "times": 3}),
    (["90"], {"seconds": 90}), (["30s"], {"seconds": 30}),
    (["2", "d"], {"period": "day", "times": 2}), (["45", "seconds"], {"seconds": 45}),
    (["next"], {"to": "next"}), (["2027-01-01T00:00"], {"to": "2027-01-01T00:00"}),
])  # fmt: skip
def test_the_clock_is_moved_in_words(monkeypatch: Any, capsys: Any, words: list[str], move: Json) -> None:
    asked: list[tuple[str, Json]] = []
    states = iter(["advancing", "ready"])

    def request(self: Emulator, method: str, path: str, body: bytes | None, patience: float) -> Json:
        asked.append((path, json.loads(body or b"{}")))
        return {"status": next(states), "now": "2026-12-01T00:00:00Z", "offset": 60.0, "next": []}

    monkeypatch.setattr(Emulator, "_request", request)
    assert main(["clock", *words]) == 0
    assert asked == [("clock/advance", move), ("clock?", {})]
    assert capsys.readouterr().out == "2026-12-01T00:00:00Z (60 seconds ahead)\n"


def test_the_client_drives_a_chat(chat: Chat, emulator: Emulator) -> None:
    answer = chat.send("/start")
    assert (answer.text, answer.buttons) == ("you: /start", ["Buy"])
    assert chat.tap("Buy").text == "Thanks!"
    emulator.fault("blocked", method="sendMessage", user=chat.address["user"])
    with pytest.raises(NoAnswer, match=r"did not answer within 0\.2 seconds") as late:
        chat.send("hi", timeout=0.2)
    assert late.value.answer.entries == []
    assert emulator.faults() == []
    with pytest.raises(EmulatorError, match="There is nothing to send"):
        chat.send(" ")
    with pytest.raises(Unreachable):
        Emulator("http://127.0.0.1:9").users()


def test_the_client_needs_no_package(emulator: Emulator, tmp_path: Path) -> None:
    """The file works alone, without this project and what it installs, and asks no proxy."""
    (tmp_path / "client.py").write_text((ROOT / "tools/emulator/client.py").read_text())
    script = "import client; print(len(client.Emulator().users()))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "EMULATOR_URL": emulator.url, "http_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == len(emulator.users())
