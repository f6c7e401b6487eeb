"""What every delivery got, sending one again, and the waterfall of it: over HTTP, on the real functions."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.payments import provider_lists
from tests.support import eventually
from tests.tools.emulator.control.conftest import Api
from tools.emulator.ai import AiBehaviour
from tools.emulator.control.explained import REASONS
from tools.emulator.functions import ROOT
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat, Sent

Owner = Callable[..., list[dict[str, Any]]]


def delivery(api: Api, sent: Sent) -> Any:
    return api.get(f"deliveries/{sent.update.trace_id}")


def finished(api: Api, trace_id: str, count: int = 1) -> Any:
    """The waterfall, once so many attempts have got their answer."""

    def look() -> Any:
        found = api.get(f"waterfalls/{trace_id}")
        are_done = all(one["status"] is not None for one in found["attempts"])
        is_over = found["state"] not in ("queued", "delivering")
        return found if is_over and are_done and len(found["attempts"]) >= count else None

    return eventually(look, 20)


def test_a_message_is_one_attempt_with_its_spans(api: Api, control: Stack, anna: Chat) -> None:
    control.ai.next(AiBehaviour(text="from the AI"))
    sent = anna.send("what is new?")
    anna.answer()
    shown = eventually(
        lambda: next(
            (
                one
                for one in [finished(api, sent.update.trace_id)]
                if {"ai", "delivery"} <= {span["kind"] for span in one["attempts"][0]["spans"]}
            ),
            None,
        ),
        20,
    )
    assert (shown["title"], shown["state"], shown["is_error"]) == ("Anna: what is new?", "delivered", False)
    (attempt,) = shown["attempts"]
    assert (attempt["label"], attempt["status"], attempt["outcome"]) == ("Attempt 1", 200, "good")
    spans = attempt["spans"]
    kinds = [span["kind"] for span in spans if span["kind"] not in ("log",)]
    assert kinds[:3] == ["queue", "verify", "sql"]
    assert kinds.index("ai") < len(kinds) - 1 - kinds[::-1].index("sql")  # SQL, AI, SQL
    (ai,) = [span for span in spans if span["kind"] == "ai"]
    assert ai["facts"]["model"] == "gpt-5.4-mini"
    assert ai["facts"]["tokens_out"] > 0
    delivered = [span for span in spans if span["facts"].get("method") == "sendMessage"]
    assert delivered[-1]["facts"]["result"].startswith("message ")
    logged = [span for span in spans if span["kind"] in ("sql", "ai")]
    for before, after in itertools.pairwise(logged):
        assert before["from"] + before["ms"] / 1000 <= after["from"] + 0.001


def test_deliver_twice_shows_which_delivery_got_which_answer(api: Api, control: Stack, anna: Chat) -> None:
    control.ai.next(AiBehaviour(text="slowly", delay=0.5))
    api.post("switches", name="deliver_twice", value=1)
    sent = anna.send("a question")
    anna.answer()
    shown = finished(api, sent.update.trace_id, 2)
    by_note = {one["note"]: one for one in shown["attempts"] if one["key"] in ("1", "c1")}
    assert set(by_note) == {"", "copy"}
    assert by_note["copy"]["label"] == "Second copy of attempt 1, its answer ignored"
    worked = [one for one in shown["attempts"] if any(span["kind"] == "ai" for span in one["spans"])]
    refused = [one for one in shown["attempts"] if one["status"] == 503]
    assert len(worked) == 1
    assert refused
    assert worked[0]["status"] == 200
    for one in refused:
        assert one["outcome"] == "expected"
        assert "being worked on" in one["explained"]["why"]
        assert not any(span["kind"] == "ai" for span in one["spans"])
    assert not shown["is_error"]


def test_a_forged_call_is_no_attempt_of_telegrams(api: Api, anna: Chat) -> None:
    api.post("switches", name="forge", value=1)
    sent = anna.send("/help")
    anna.answer()
    shown = finished(api, sent.update.trace_id, 2)
    forged, genuine = sorted(shown["attempts"], key=lambda one: str(one["note"]), reverse=True)
    assert (forged["label"], forged["number"], forged["status"]) == ("InvalidSignature call", None, 401)
    assert (forged["outcome"], genuine["label"], genuine["status"]) == ("expected", "Attempt 1", 200)
    assert not [span for span in forged["spans"] if span["kind"] == "sql"]


def test_a_lost_response_is_followed_by_attempt_two(api: Api, anna: Chat) -> None:
    api.post("switches", name="lose_response", value=1)
    sent = anna.send("/help")
    sent.wait()
    first, second = finished(api, sent.update.trace_id, 2)["attempts"]
    assert (first["label"], first["lost"], first["outcome"]) == ("Attempt 1", True, "expected")
    assert "as attempt 2" in first["explained"]["next"]
    assert (second["label"], second["number"], second["lost"]) == ("Attempt 2", 2, False)
    assert second["spans"][0]["title"] == "Waiting for attempt 2"
    # The events of the second delivery belong only to the second.
    assert [span["title"] for span in second["spans"] if span["kind"] == "sql"][:1] == ["receive_update"]
    assert len([span for span in first["spans"] if span["title"] == "receive_update"]) == 1


def test_an_outage_is_expected(api: Api, control: Stack, anna: Chat, order: Callable[..., str]) -> None:
    invoice = order(anna, "stripe")
    control.database.down()
    control.payments["stripe"].act(invoice, "pay")
    trace_id = control.payments["stripe"].invoices[invoice].callbacks[0].id
    away = eventually(
        lambda: next((one for one in finished(api, trace_id)["attempts"] if one["explained"]), None),
        20,
    )
    assert (away["status"], away["outcome"]) == (503, "expected")
    assert "database is away" in away["explained"]["why"]
    failed = [span for span in away["spans"] if span["error"]]
    assert [span["title"] for span in failed if span["kind"] == "sql"]
    assert trace_id not in [one["id"] for one in api.get("deliveries", errors=1)["deliveries"]]
    control.database.up()
    eventually(lambda: finished(api, trace_id)["state"] == "delivered", 20)


def test_a_function_that_does_not_run_is_no_expected_refusal(api: Api, control: Stack, anna: Chat) -> None:
    control.function("telegram").kill()
    sent = anna.send("/help")
    dead = eventually(
        lambda: [one for one in delivery(api, sent)["attempts"] if "not running" in str(one["explained"])], 20
    )
    assert dead[0]["outcome"] == "bad"
    assert sent.update.trace_id in [one["id"] for one in api.get("deliveries", errors=1)["deliveries"]]
    assert not delivery(api, sent)["recovered"]
    control.function("telegram").start()
    control.telegram.retry_now()
    sent.wait()
    shown = finished(api, sent.update.trace_id, 2)
    assert (shown["is_error"], shown["recovered"]) == (True, True)  # it stays on record, and is labelled


def test_an_answer_in_the_response_is_lost_when_telegram_refuses_it(api: Api, anna: Chat) -> None:
    """Telegram neither repeats a refused method of a response nor reports the refusal to the bot."""
    api.post("faults", kind="rate_limit", method="sendMessage", retry_after=1, user=anna.id)
    sent = anna.send("/help")
    sent.wait()
    (attempt,) = finished(api, sent.update.trace_id)["attempts"]
    assert (attempt["status"], attempt["outcome"]) == (200, "bad")
    assert "refused the method in the response: Too Many Requests" in attempt["explained"]["why"]
    assert "never repeats" in attempt["explained"]["next"]
    shown = delivery(api, sent)
    assert (shown["state"], shown["is_error"], shown["recovered"]) == ("delivered", True, False)
    anna.expect_silence(0.3)
    anna.send("/help")
    assert "/buy" in anna.answer().text  # the next command is answered


def test_an_update_is_sent_again_and_nothing_runs_twice(
    api: Api, control: Stack, owner: Owner, anna: Chat
) -> None:
    sent = anna.send("a question")
    anna.answer()
    sent.wait()
    counted = owner("select total from (select count(*) as total from messages) m")
    asked = len(control.ai.requests)
    made = api.post("deliveries/resend", id=sent.update.trace_id)
    assert (made["id"], made["attempt"]["label"], made["attempt"]["status"]) == (
        sent.update.trace_id, "Sent again", 200,
    )  # fmt: skip
    assert len(control.ai.requests) == asked
    assert owner("select total from (select count(*) as total from messages) m") == counted


def test_an_edited_update_is_another_one_with_a_new_number(api: Api, control: Stack, anna: Chat) -> None:
    sent = anna.send("/help")
    anna.answer()
    sent.wait()
    body = json.loads(delivery(api, sent)["body"])
    body["message"]["text"] = "edited by hand"
    control.ai.next(AiBehaviour(text="to the edited one"))
    made = api.post("deliveries/resend", id=sent.update.trace_id, body=body, number="next")
    assert made["id"] != sent.update.trace_id
    assert (made["attempt"]["label"], made["attempt"]["status"]) == ("Edited and sent again", 200)
    assert "to the edited one" in anna.answer().text
    assert api.get(f"deliveries/{made['id']}")["title"] == "Anna: edited by hand"


@pytest.mark.parametrize("signature", ["wrong", "none"])
def test_an_update_with_another_secret_is_refused(api: Api, owner: Owner, anna: Chat, signature: str) -> None:
    sent = anna.send("/help")
    sent.wait()
    before = owner("select count(*) from telegram_updates")
    made = api.post("deliveries/resend", id=sent.update.trace_id, signature=signature, number="next")[
        "attempt"
    ]
    assert (made["status"], made["outcome"]) == (401, "expected")
    assert owner("select count(*) from telegram_updates") == before


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"update_id": "x"}', "ключ"])
def test_any_body_can_be_sent_and_is_answered(api: Api, anna: Chat, text: str) -> None:
    sent = anna.send("/help")
    sent.wait()
    made = api.post("deliveries/resend", id=sent.update.trace_id, body=text)
    assert made["attempt"]["status"] in (200, 400)


@pytest.mark.parametrize("provider", provider_lists.CALLING)
def test_a_callback_is_edited_and_signed_anew(
    api: Api, control: Stack, owner: Owner, anna: Chat, order: Callable[..., str], provider: str
) -> None:
    invoice = order(anna, provider)
    control.payments[provider].act(invoice, "pay")
    callback = [one for one in control.payments[provider].invoices[invoice].callbacks if not one.is_forged][
        -1
    ]
    finished(api, callback.id)
    shown = api.get(f"deliveries/{callback.id}")
    assert shown["can_sign"]
    assert shown["provider"] == provider
    assert "(made anew" in str(shown["headers"]) or provider == "yookassa"
    again = api.post("deliveries/resend", id=callback.id, body=shown["body"])["attempt"]
    assert (again["status"], again["label"]) == (200, "Edited and sent again")
    wrong = api.post("deliveries/resend", id=callback.id, signature="wrong")["attempt"]
    none = api.post("deliveries/resend", id=callback.id, signature="none")["attempt"]
    if provider == "yookassa":
        # Nothing is signed there: the product asks YooKassa about the payment of each callback.
        assert {wrong["status"], none["status"]} <= {200, 401, 403}
    else:
        assert {wrong["status"], none["status"]} <= {400, 401, 403}
        assert (wrong["outcome"], none["outcome"]) != ("good", "good")
    (row,) = owner(
        "select count(*) as paid from payments p join users u on u.id = p.user_id where u.telegram_id = %s",
        anna.id,
    )
    assert row["paid"] == 1  # regardless of how many callbacks came


def test_a_forged_callback_is_marked(api: Api, control: Stack, anna: Chat, order: Callable[..., str]) -> None:
    invoice = order(anna, "stripe")
    control.payments["stripe"].act(invoice, "forge")
    trace_id = control.payments["stripe"].invoices[invoice].callbacks[0].id
    shown = finished(api, trace_id)
    assert (shown["title"], shown["state"]) == ("Stripe: checkout.session.completed (forged)", "refused")
    assert (shown["attempts"][0]["label"], shown["attempts"][0]["outcome"]) == (
        "InvalidSignature call",
        "expected",
    )


def test_a_button_is_named_by_its_label(api: Api, control: Stack, anna: Chat) -> None:
    anna.send("/start")
    answer = anna.answer()
    button = answer.buttons[0][0]
    tap = answer.tap(button.text)
    assert tap.update is not None
    assert f"tapped “{button.text}”" in api.get(f"deliveries/{tap.update.trace_id}")["title"]


def test_a_deleted_message_is_not_read_here(api: Api, control: Stack, anna: Chat) -> None:
    sent = anna.send("a word that goes away")
    sent.wait()
    control.telegram.request(
        "assistant", "deleteMessage", {"chat_id": anna.id, "message_id": sent.stored.message_id}
    )
    shown = json.dumps(api.get(f"deliveries/{sent.update.trace_id}"), ensure_ascii=False)
    assert "goes away" not in shown


def test_a_job_is_listed_with_its_calls(api: Api, control: Stack) -> None:
    control.run_job("sweep")
    (job,) = api.get("waterfalls", kind="job", limit=1)["waterfalls"]
    assert (job["title"], job["state"]) == ("Scheduler: sweep", "delivered")
    assert eventually(
        lambda: [
            span
            for span in api.get(f"waterfalls/{job['id']}")["attempts"][0]["spans"]
            if span["kind"] == "sql"
        ],
        10,
    )


def test_log_lines_are_filtered_and_linked_to_their_update(api: Api, anna: Chat) -> None:
    last = api.get("logs")["last"]
    sent = anna.send("/help")
    anna.answer()
    mine = eventually(lambda: api.get("logs", trace_id=sent.update.trace_id)["lines"], 10)
    assert {line["attempt"] for line in mine} == {"1"}
    assert {line["function"] for line in mine} == {"telegram"}
    newer = api.get("logs", after=last, function="telegram")["lines"]
    assert all(line["id"] > last for line in newer)
    api.post("deliveries/resend", id=sent.update.trace_id, signature="wrong")
    wanted = {"after": last, "level": "WARNING", "text": "valid secret"}
    (forged,) = eventually(lambda: api.get("logs", **wanted)["lines"], 10)
    assert (forged["severity"], forged["action"]) == ("WARNING", "webhook_unauthorized")
    assert not [one for one in api.get("logs", errors=1, limit=1000)["lines"] if one["severity"] == "WARNING"]


@pytest.mark.parametrize(("path", "body", "words"), [
    ("deliveries/resend", {"id": "nothing"}, "no such delivery"),
    ("deliveries/resend", {}, "no such delivery"),
])  # fmt: skip
def test_a_missing_delivery_is_refused(api: Api, path: str, body: Any, words: str) -> None:
    assert words in api.refused(path, **body)


def test_a_signature_of_another_kind_is_refused(api: Api, anna: Chat) -> None:
    sent = anna.send("/help")
    sent.wait()
    assert "genuine, wrong" in api.refused("deliveries/resend", id=sent.update.trace_id, signature="stolen")
    assert "new update_id" in api.refused(
        "deliveries/resend", id=sent.update.trace_id, body="{", number="next"
    )


def test_every_explained_refusal_is_one_that_a_function_logs() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "shared").rglob("*.py"))
    assert [action for action in REASONS if f'"{action}"' not in sources] == []
