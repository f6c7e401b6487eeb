from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, ClassVar

from shared.payments.provider import WebhookRequest
from tests.payments import sample

TOKEN = "12345:AAcontract"


class Sample(sample.Sample):
    KEY = "crypto_pay"
    ENV: ClassVar = {"CRYPTO_PAY_TOKEN": TOKEN}
    SECRET = "CRYPTO_PAY_TOKEN"
    HEADERS = ("crypto-pay-api-signature",)
    SCHEME = "cryptopay"

    def sign(
        self, body: bytes, secret: str | None = None, case: dict[str, Any] | None = None
    ) -> WebhookRequest:
        key = hashlib.sha256((TOKEN if secret is None else secret).encode()).digest()
        digest = hmac.new(key, body, hashlib.sha256).hexdigest()
        return WebhookRequest("", "POST", {"crypto-pay-api-signature": digest}, body)

    def paid(self) -> bytes:
        return json.dumps(dict(self.recorded())["invoice_paid"]["body"]).encode()

    def unknown(self) -> bytes:
        return json.dumps({"update_type": "invoice_burnt", "payload": {"invoice_id": 7}}).encode()

    def vector(self, vector: dict[str, Any]) -> tuple[dict[str, str], WebhookRequest]:
        headers = {"crypto-pay-api-signature": vector["header"]}
        return {"CRYPTO_PAY_TOKEN": vector["key"]}, WebhookRequest(
            "", "POST", headers, vector["body"].encode()
        )
