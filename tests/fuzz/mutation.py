"""Mutations of JSON values, form fields and bytes, drawn from a seeded `random.Random`."""

from __future__ import annotations

import json
from random import Random
from typing import Any
from urllib.parse import urlencode

ODD_TEXTS = [
    *(
        "",
        " ",
        "\0",
        "\u202e",
        "\u200b",
        "a" * 5000,
        "😀" * 200,
        "\n\r\t",
        "%s%n",
        "{0.__class__}",
        "{name}",
    ),
    *(
        "' or 1=1 --",
        "<b>x</b>",
        "[a](tg://user?id=1)",
        "\\u0000",
        "AIza-" * 60,
        "sk-" * 100,
        "://a:b@",
        "http://127.0.0.1/",
    ),
    *(
        "1e999",
        "-1",
        "0",
        "9" * 400,
        "NaN",
        "null",
        "true",
        "149.00",
        "1.005",
        "RUB",
        "XTR",
        "paid",
        "success",
    ),
]
ODD_NUMBERS = [
    *(0, 1, -1, 5, 1.5, -0.0, 1e308, 10**30, 777000, 2**31, 2**52, 2**53, 2**63 - 1, 2**63, -(2**63), 2**64),
]
KEYS = [
    *("update_id", "message", "edited_message", "callback_query", "from"),
    *("chat", "text", "id", "type", "is_bot"),
    *("first_name", "username", "entities", "offset", "length"),
    *("date", "data", "reply_to_message", "message_id", "successful_payment"),
    *("refunded_payment", "subscription", "status", "user", "total_amount"),
    *("currency", "invoice_payload", "language_code", "caption", "photo"),
    *("document", "forward_origin", "quote", "object", "message_thread_id"),
    *("event", "payment_intent", "metadata", "order_id", "amount_total"),
    *("amount", "value", "events", "kind", "payment_id"),
    *("payload", "invoice_id", "update_type", "fiat", "asset"),
    *("sum", "order_num", "payment_status", "InvoiceId", "Amount"),
    *("TransactionId", "created"),
]
MAX_DEPTH = 4


class Mutator:
    """Changes values at random; `rate` is the probability for each value."""

    def __init__(self, random: Random, rate: float = 0.05) -> None:
        self.random = random
        self.rate = rate

    def value(self, depth: int = 0) -> Any:
        """Return any JSON value, an odd one most of the time."""
        match self.random.randrange(8 if depth < MAX_DEPTH else 6):
            case 0 | 1:
                return self.random.choice(ODD_NUMBERS)
            case 2:
                return self.random.choice([True, False, None, {}, []])
            case 3:
                return "".join(map(chr, self.random.choices([*range(32, 127), 0x416, 0x1F600, 0x300], k=12)))
            case 6:
                return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
            case 7:
                return {
                    self.random.choice(KEYS): self.value(depth + 1) for _ in range(self.random.randrange(5))
                }
            case _:
                return self.random.choice(ODD_TEXTS)

    def mutated(self, value: Any, depth: int = 0) -> Any:
        """Return `value` with some of its parts replaced, left out or added."""
        if depth and self.random.random() < self.rate:
            return self.value(depth)
        if isinstance(value, dict):
            kept = {
                key: self.mutated(inner, depth + 1)
                for key, inner in value.items()
                if self.random.random() > self.rate / 3
            }
            if self.random.random() < self.rate / 2:
                kept[self.random.choice(KEYS)] = self.value(depth)
            return kept
        if isinstance(value, list):
            return [self.mutated(inner, depth + 1) for inner in value]
        return value

    def json(self, value: Any) -> bytes:
        """Return a value as JSON, seldom damaged."""
        text = json.dumps(value, ensure_ascii=self.random.random() < 0.5)
        return self.damaged(text.encode("utf-8", "surrogatepass"))

    def form(self, fields: list[tuple[str, str]]) -> bytes:
        """Return form fields, some of them replaced, doubled or left out."""
        pairs: list[tuple[str, str]] = []
        for field in fields:
            name, value = field
            if self.random.random() < self.rate:
                value = self.random.choice([*ODD_TEXTS, *map(str, ODD_NUMBERS)])
            if self.random.random() < self.rate / 3:
                name += self.random.choice(["[]", "[a]", "[a][b]", "[", "]", "[99999]", "\0", " x"])
            pairs += [(name, value)] * self.random.choices([1, 0, 2], [20, 1, 1])[0]
        return self.damaged(urlencode(pairs, errors="replace").encode())

    def damaged(self, body: bytes) -> bytes:
        """Return a body with a byte changed, cut, doubled or replaced as a whole, in one of twenty cases."""
        place = self.random.randrange(len(body) + 1)
        match self.random.randrange(100):
            case 0 | 1:
                return body[:place] + self.random.randbytes(1) + body[place + 1 :]
            case 2:
                return body[:place]
            case 3:
                return body * 2
            case 4:
                return self.random.choice(
                    [
                        b"[" * 3000,
                        self.random.randbytes(200),
                        b"",
                        b"&" * 300,
                        b"\xff\xfe",
                        b'{"a":"\\ud800"}',
                    ]
                )
            case _:
                return body
