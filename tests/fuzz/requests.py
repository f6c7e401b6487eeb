"""Generators of requests: Telegram's updates, providers' callbacks, the scheduler's calls."""

from __future__ import annotations

import hmac
import itertools
import json
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from shared.payments.provider import WebhookRequest
from tests.fuzz.mutation import ODD_TEXTS, Mutator
from tests.payments.sample import samples

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
COMMANDS = [
    *(
        "/start",
        "/start ref_x",
        "/start promo_X",
        "/start open_usage",
        "/Help",
        "/buy",
        "/keys",
        "/mydata",
        "/promo A",
    ),
    *(
        "/profile",
        "/mode",
        "/language",
        "/clear",
        "/cancel",
        "/usage",
        "/referral",
        "/payments",
        "/subscription",
    ),
    *("/trial", "/trainings", "/terms", "/privacy", "/paysupport", "/user 1", "/grant 1 5 x", "/stats", "/x"),
    *("hello", "сколько будет 5*4*3?", "/deleteme", "/refund 1", "/check", "/help@unknown_bot"),
]
BUTTONS = [
    *(
        "menu",
        "mode:code",
        "mode:x",
        "language:ru",
        "language:xx",
        "keys:add:openai",
        "keys:",
        "buy:credits_100",
    ),
    *("pay:credits_100:fake", "pay::", "admin:user:1", "admin:grant:1:100", "usage", "profile", "x" * 64, ""),
]
WEBHOOK_KINDS = [
    *["message"] * 10,
    *["callback_query"] * 6,
    *(
        "edited_message",
        "pre_checkout_query",
        "my_chat_member",
        "subscription",
        "inline_query",
        "channel_post",
    ),
    *("shipping_query", "poll", "chat_join_request", "message_reaction", "chat_member", "business_message"),
]
EXTRAS: list[dict[str, Any]] = [
    {"photo": [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}], "caption": "x"},
    {"sticker": {"file_id": "a", "file_unique_id": "b", "type": "regular", "width": 1, "height": 1}},
    {"forward_origin": {"type": "hidden_user", "sender_user_name": "x", "date": 1}},
    {"quote": {"text": "x", "position": 0, "is_manual": True}},
    {"reply_to_message": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}, "text": "y"}},
    {"external_reply": {"origin": {"type": "channel", "chat": {"id": -100, "type": "channel"}}}},
    {"via_bot": {"id": 5, "is_bot": True, "first_name": "b"}},
    {"sender_chat": {"id": -100, "type": "channel", "title": "c"}},
    {"message_thread_id": 7, "is_topic_message": True},
    {"media_group_id": "7"},
    {"migrate_to_chat_id": -1001},
    {"new_chat_members": [{"id": 5, "is_bot": False, "first_name": "x"}]},
    {"location": {"latitude": 1.0, "longitude": 1.0, "live_period": 60}},
    {"contact": {"phone_number": "+1", "first_name": "x"}},
    {"checklist": {"title": "x", "tasks": []}},
]


@dataclass(frozen=True)
class Request:
    """One request to a function."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True)
class World:
    """Existing users and orders that requests may use, and the secrets of the stack."""

    users: Sequence[int]
    orders: Sequence[int]
    env: Mapping[str, str]
    webhook_secret: str
    scheduler_secret: str


def telegram(world: World, seed: int) -> Iterator[Request]:
    """Yield updates; an `update_id` occurs twice only by mutation."""
    random = Random(seed)
    mutator = Mutator(random, rate=0.015)
    for number in itertools.count(seed * 1_000_000):
        update = mutator.mutated({"update_id": number, **_update(world, random, number)})
        secret = world.webhook_secret
        if random.random() < 0.03:
            secret = random.choice(["", "x", secret[:-1], secret + "x"])
        path = random.choice([*["/assistant"] * 30, "/telegram/assistant", "/nosuch", "/", "/assistant/x"])
        yield Request(path, mutator.json(update), {SECRET_HEADER: secret, "Content-Type": "application/json"})


def _update(world: World, random: Random, number: int) -> dict[str, Any]:
    kind = random.choice(WEBHOOK_KINDS)
    user = {
        "id": random.choice(world.users),
        "is_bot": False,
        "first_name": random.choice(["Eve", *ODD_TEXTS]),
    }
    user["language_code"] = random.choice(["en", "ru", "xx", None])
    message = _message(random, user, number)
    match kind:
        case "message" | "edited_message" | "channel_post" | "business_message":
            return {kind: message | ({"edit_date": message["date"]} if kind == "edited_message" else {})}
        case "callback_query":
            query = {"id": str(number), "from": user, "chat_instance": "1", "data": random.choice(BUTTONS)}
            return {kind: query | {"message": message}}
        case "pre_checkout_query" | "shipping_query":
            payload = str(random.choice(world.orders))
            price = {"currency": "XTR", "total_amount": 100, "invoice_payload": payload}
            return {kind: {"id": str(number), "from": user, **price}}
        case "subscription":
            state = random.choice(["active", "canceled", "failed", "x"])
            return {kind: {"user": user, "invoice_payload": str(random.choice(world.orders)), "state": state}}
        case _:
            old, new = random.sample(["member", "kicked", "left"], 2)
            change = {
                "chat": message["chat"],
                "from": user,
                "date": message["date"],
                "id": str(number),
                "query": "x",
            }
            member = {
                name: {"user": user, "status": s}
                for name, s in [("old_chat_member", old), ("new_chat_member", new)]
            }
            return {kind: change | member}


def _message(random: Random, user: dict[str, Any], number: int) -> dict[str, Any]:
    text = random.choice([*COMMANDS, *COMMANDS, *ODD_TEXTS])
    chat = {"id": user["id"], "type": random.choice([*["private"] * 6, "group", "supergroup", "channel"])}
    message = {
        "message_id": number % 10**6,
        "date": int(time.time()),
        "chat": chat,
        "from": user,
        "text": text,
    }
    if text.startswith("/"):
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split(" ")[0])}]
    if random.random() < 0.2:
        message |= random.choice(EXTRAS)
    if random.random() < 0.05:
        paid = {"currency": "XTR", "total_amount": 100, "invoice_payload": str(random.randrange(1, 60))}
        paid |= {"telegram_payment_charge_id": f"c{random.randrange(200)}", "provider_payment_charge_id": "p"}
        message[random.choice(["successful_payment", "refunded_payment"])] = paid
    return message


def payments(world: World, seed: int) -> Iterator[Request]:
    """Yield callbacks of every provider, most of them signed as the provider does."""
    random = Random(seed)
    mutator = Mutator(random, rate=0.05)
    known = samples()
    cases = [(key, case) for key, sample in known.items() for _, case in sample.recorded()]
    while True:
        if random.random() < 0.15:
            yield _fake(world, mutator)
            continue
        key, case = random.choice(cases)
        sample = known[key]
        call = sample.sign(_callback(world, mutator, case), world.env.get(sample.SECRET), case)
        kind = (
            f"/{call.kind}" if call.kind and random.random() > 0.01 else random.choice(["", "", "/x", "/pay"])
        )
        yield _request(random, f"/{key}{kind if call.kind else ''}", call)


def _callback(world: World, mutator: Mutator, case: dict[str, Any]) -> bytes:
    """Return a recorded body about an order that exists, mutated."""
    text = case["raw"] if "raw" in case else json.dumps(case["body"])
    for recorded in ("4242", "4245"):
        text = text.replace(recorded, str(mutator.random.choice(world.orders)))
    if "raw" in case and text[:1] not in "{[":
        return mutator.form(parse_qsl(text, keep_blank_values=True))
    return mutator.json(mutator.mutated(json.loads(text)))


def _request(random: Random, path: str, call: WebhookRequest) -> Request:
    headers = {"content-type": "application/json", **call.headers}
    if random.random() < 0.1:
        name = random.choice(list(headers))
        odd = ["", "x", "t=,v1=", "t=1,v1=" + "a" * 5000, ",,,==", "0" * 64, headers[name][:-1]]
        odd += ["multipart/form-data; boundary=x", "multipart/form-data; boundary=", "text/plain"]
        headers[name] = random.choice(odd)
    if random.random() < 0.5:
        headers["X-Forwarded-For"] = random.choice(["185.71.76.5", "1.2.3.4", "x", "185.71.76.5, 10.0.0.1"])
    return Request(path, call.body, headers)


def _fake(world: World, mutator: Mutator) -> Request:
    random = mutator.random
    payment_event = {
        "kind": random.choice(
            [
                "paid",
                "refunded",
                "refund_failed",
                "disputed",
                "dispute_won",
                "dispute_lost",
                "failed",
                "pending",
            ]
        ),
        "payment_id": f"p{random.randrange(300)}",
        "order_id": random.choice(world.orders),
        "operation_id": f"op{random.randrange(300)}",
        "amount": random.choice(["149.00", "0", "1", "9" * 18, "1." + "1" * 18]),
        "currency": "RUB",
        "period_ends_at": random.choice(["2030-01-01T00:00:00Z", 1, 10**18, "9999-12-31T23:59:59+00:00"]),
        "happened_at": random.choice([1, "2026-01-01T00:00:00+00:00", "0001-01-01T00:00:00+14:00"]),
    }
    event = {
        "id": f"f{random.randrange(10**6)}",
        "type": "x",
        "events": [payment_event] * random.randrange(1, 3),
    }
    body = mutator.json(mutator.mutated(event))
    signature = hmac.digest(world.env["FAKE_SECRET_KEY"].encode(), body, "sha256").hex()
    return _request(random, "/fake", WebhookRequest("", "POST", {"x-fake-signature": signature}, body))


def scheduled(world: World, seed: int) -> Iterator[Request]:
    """Yield calls to jobs, few of them authorized: those really run."""
    random = Random(seed)
    mutator = Mutator(random)
    secret = world.scheduler_secret
    while True:
        path = random.choice(
            ["/sweep", "/payments", "/x", "/", "//sweep", "/scheduled/sweep", "/%00", "/..", "/" + "a" * 500]
        )
        bearer = random.choice(
            ["", "x", "a.b.c", "a" * 4000, secret[:-1], "eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImEifQ."]
        )
        scheme = random.choice(["Bearer ", "bearer\t", "Basic ", "", "BEARER  "])
        if random.random() < 0.01:
            scheme, bearer = "Bearer ", secret
        headers = {
            "Authorization": scheme + bearer,
            "Content-Type": random.choice(["application/json", "x", ""]),
        }
        yield Request(
            path,
            mutator.json(mutator.value()),
            headers,
            random.choice([*["POST"] * 20, "GET", "PUT", "HEAD"]),
        )


def generations(world: World, seed: int) -> Iterator[Request]:
    """Yield callbacks of AI providers, mutated. Some of kie.ai's are signed, about jobs that do not exist."""
    random = Random(seed)
    mutator = Mutator(random)
    secret = world.env["KIE_AI_WEBHOOK_SECRET"].encode()
    while True:
        task, timestamp = f"task{random.randrange(300)}", int(time.time()) - random.choice([0, 0, 10, 400])
        signature = b64encode(hmac.digest(secret, f"{task}.{timestamp}".encode(), "sha256")).decode()
        headers = {"X-Webhook-Timestamp": str(timestamp), "X-Webhook-Signature": signature}
        if random.random() < 0.3:
            headers[random.choice(list(headers))] = random.choice(["", "x", "t=,v1=", "v1,", "0" * 5000])
        data = {"code": 200, "data": {"taskId": task, "state": "success", "resultJson": "{}"}}
        name = random.choice(["kie_ai", "kie_ai", "kie_ai", "openrouter", "gemini", "openai", "x", ""])
        token = random.choice(["", "x", str(UUID(int=random.getrandbits(128))), "%00", "a" * 5000])
        body = mutator.json(mutator.mutated(data) if random.random() < 0.7 else data)
        method = random.choice([*["POST"] * 20, "GET", "PUT"])
        yield Request(f"/{name}?token={token}", body, headers, method)


def console(world: World, seed: int) -> Iterator[Request]:
    """Yield requests of browsers: pages that exist or not, odd addresses, bodies that no page takes."""
    random = Random(seed)
    mutator = Mutator(random)
    while True:
        name = random.choice(["", "assets/style.css", "s/" + "a" * 22, "console/", "..%2f..%2fetc%2fpasswd",
                              "%00", "%ff%fe", "x" * 3000, "%E2%80%AE", "a//b", "{{7*7}}"])  # fmt: skip
        query = random.choice(
            ["", "?lang=ru", "?lang=%00", "?lang=" + "x" * 50, "?lang=ru&lang=en", "?%ff=%fe"]
        )
        headers = {
            "Accept-Language": random.choice(
                ["ru", "en-US,en;q=0.5", "*", "", ";;q=,", "x" * 3000, "ru;q=9"]
            ),
            "Accept-Encoding": random.choice(["gzip", "br;q=1, gzip;q=0", "", "*", "gzip;q=x"]),
            "If-None-Match": random.choice(["", "*", 'W/"x"', '"', "x" * 3000]),
        }
        body = mutator.json(mutator.value()) if random.random() < 0.1 else b""
        method = random.choice([*["GET"] * 10, "HEAD", "POST", "PUT", "OPTIONS", "DELETE"])
        yield Request(f"/{name}{query}", body, headers, method)


GENERATORS = {
    "telegram": telegram, "payments": payments, "generations": generations, "scheduled": scheduled,
    "console": console,
}  # fmt: skip
