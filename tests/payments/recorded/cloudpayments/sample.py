from __future__ import annotations

import hmac
import json
from base64 import b64encode
from typing import Any, ClassVar
from urllib.parse import unquote_to_bytes

from shared.payments.provider import WebhookRequest
from tests.payments import sample

API_SECRET = "api-secret-of-the-shop"


def mac(secret: str, text: bytes) -> str:
    return b64encode(hmac.digest(secret.encode(), text, "sha256")).decode()


class Sample(sample.Sample):
    KEY = "cloudpayments"
    ENV: ClassVar = {"CLOUDPAYMENTS_PUBLIC_ID": "pk_contract", "CLOUDPAYMENTS_API_SECRET": API_SECRET}
    SECRET = "CLOUDPAYMENTS_API_SECRET"
    HEADERS = ("content-hmac", "x-content-hmac")
    ROTATED: ClassVar = {"CLOUDPAYMENTS_API_SECRET": f"new-secret, {API_SECRET}"}
    SCHEME = "cloudpayments"

    def sign(
        self, body: bytes, secret: str | None = None, case: dict[str, Any] | None = None
    ) -> WebhookRequest:
        key = API_SECRET if secret is None else secret
        is_json = body[:1] in (b"{", b"[") or "body" in (case or {})
        plain = body if is_json else unquote_to_bytes(body.replace(b"+", b" "))
        headers = {
            "content-type": "application/json" if is_json else "application/x-www-form-urlencoded",
            "content-hmac": mac(key, body),
            "x-content-hmac": mac(key, plain),
        }
        return WebhookRequest((case or {}).get("kind", "pay"), "POST", headers, body)

    def paid(self) -> bytes:
        return dict(self.recorded())["pay"]["raw"].encode()

    def unknown(self) -> bytes:
        body = {"TransactionId": 1, "Amount": 1.0, "Currency": "RUB", "Status": "Levitated"}
        return json.dumps(body).encode()

    def vector(self, vector: dict[str, Any]) -> tuple[dict[str, str], WebhookRequest]:
        headers = {name.lower(): vector[name] for name in ("Content-HMAC", "X-Content-HMAC")}
        headers["content-type"] = vector["content_type"]
        return {self.SECRET: vector["key"]}, WebhookRequest("pay", "POST", headers, vector["body"].encode())
