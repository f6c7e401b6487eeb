from __future__ import annotations

import hmac
import json
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from shared.payments.provider import WebhookRequest
from tests.payments import php_reference, sample

PAGE_SECRET = "secret-key-of-the-page"
FORM = "application/x-www-form-urlencoded"


def signed_text(body: bytes, is_json: bool) -> bytes:
    """The text that Prodamus signs, by the second implementation of PHP."""
    if is_json:
        return php_reference.encode(php_reference.decoded(json.loads(body))).encode()
    return php_reference.encode(php_reference.post(parse_qsl(body.decode(), keep_blank_values=True))).encode()


class Sample(sample.Sample):
    KEY = "prodamus"
    ENV: ClassVar = {
        "PRODAMUS_URL": "https://shop.payform.example",
        "PRODAMUS_SECRET_KEY": PAGE_SECRET,
        "ENVIRONMENT": "test",
    }
    SECRET = "PRODAMUS_SECRET_KEY"
    HEADERS = ("sign",)
    ROTATED: ClassVar = {"PRODAMUS_SECRET_KEY": f"another-key, {PAGE_SECRET}"}
    SCHEME = "prodamus-sign"

    def sign(
        self, body: bytes, secret: str | None = None, case: dict[str, Any] | None = None
    ) -> WebhookRequest:
        is_json = body[:1] in (b"{", b"[") or "body" in (case or {})
        text = b""
        with suppress(ValueError, RecursionError, AttributeError):
            text = signed_text(body, is_json)
        key = PAGE_SECRET if secret is None else secret
        headers = {"content-type": "application/json" if is_json else FORM}
        headers["sign"] = hmac.digest(key.encode(), text, "sha256").hex()
        return WebhookRequest("", "POST", headers, body)

    def paid(self) -> bytes:
        return dict(self.recorded())["success"]["raw"].encode()

    def unknown(self) -> bytes:
        return urlencode({"order_id": "1", "payment_status": "levitated", "sum": "1.00"}).encode()

    def vector(self, vector: dict[str, Any]) -> tuple[dict[str, str], WebhookRequest]:
        headers = {"content-type": vector["content_type"], "sign": vector["header"]}
        return {self.SECRET: vector["key"]}, WebhookRequest("", "POST", headers, vector["body"].encode())
