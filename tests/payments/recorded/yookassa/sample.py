from __future__ import annotations

import json
from typing import Any, ClassVar

from shared.payments.provider import WebhookRequest
from tests.payments import sample


class Sample(sample.Sample):
    """Unsigned: a webhook is authentic if YooKassa's API confirms it."""

    KEY = "yookassa"
    ENV: ClassVar = {"YOOKASSA_SHOP_ID": "100500", "YOOKASSA_SECRET_KEY": "test_contract"}
    SECRET = "YOOKASSA_SECRET_KEY"
    HEADERS = ()

    def sign(
        self, body: bytes, secret: str | None = None, case: dict[str, Any] | None = None
    ) -> WebhookRequest:
        return WebhookRequest("", "POST", {}, body, client_address="185.71.76.5")

    def paid(self) -> bytes:
        return json.dumps(self._case()["body"]).encode()

    def answers(self) -> dict[str, Any]:
        return self._case()["answers"]

    def unknown(self) -> bytes:
        body = {"type": "notification", "event": "moon.landed", "object": {"id": "m-1", "status": "landed"}}
        return json.dumps(body).encode()

    def _case(self) -> dict[str, Any]:
        return dict(self.recorded())["payment_succeeded"]
