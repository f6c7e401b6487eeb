from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any, ClassVar

from shared.payments.provider import WebhookRequest
from tests.payments import sample

ENDPOINT_SECRET = "whsec_of-the-endpoint"


class Sample(sample.Sample):
    KEY = "stripe"
    ENV: ClassVar = {"STRIPE_SECRET_KEY": "sk_test_contract", "STRIPE_WEBHOOK_SECRET": ENDPOINT_SECRET}
    SECRET = "STRIPE_WEBHOOK_SECRET"
    HEADERS = ("stripe-signature",)
    ROTATED: ClassVar = {"STRIPE_WEBHOOK_SECRET": f"whsec_new, {ENDPOINT_SECRET}"}
    SCHEME = "stripe-v1"

    def sign(
        self,
        body: bytes,
        secret: str | None = None,
        case: dict[str, Any] | None = None,
        at: float | None = None,
    ) -> WebhookRequest:
        stamp = int(time.time() if at is None else at)
        key = (ENDPOINT_SECRET if secret is None else secret).encode()
        digest = hmac.new(key, b"%d." % stamp + body, hashlib.sha256).hexdigest()
        return WebhookRequest("", "POST", {"stripe-signature": f"t={stamp},v1={digest}"}, body)

    def paid(self) -> bytes:
        return json.dumps(dict(self.recorded())["session_completed"]["body"]).encode()

    def unknown(self) -> bytes:
        event = {
            "id": "evt_1",
            "object": "event",
            "type": "moon.landed",
            "data": {"object": {"id": "moon_1"}},
        }
        return json.dumps(event).encode()

    def vector(self, vector: dict[str, Any]) -> tuple[dict[str, str], WebhookRequest]:
        call = WebhookRequest("", "POST", {"stripe-signature": vector["header"]}, vector["body"].encode())
        return {"STRIPE_WEBHOOK_SECRET": vector["key"]}, call
