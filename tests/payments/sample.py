"""The interface of a provider's sample, which the contract suite uses, and the loader of samples."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from shared.payments.provider import WebhookRequest

HERE = Path(__file__).parent
VECTORS: dict[str, Any] = json.loads((HERE / "recorded" / "vectors.json").read_text())


class Sample(ABC):
    """Makes a provider's webhooks as the provider does."""

    KEY: ClassVar[str]
    ENV: ClassVar[dict[str, str]]  # settings with which its webhooks are authentic
    SECRET: ClassVar[str]  # the variable that signs them
    HEADERS: ClassVar[tuple[str, ...]]  # with the signature, in lower case; none: unsigned
    ROTATED: ClassVar[dict[str, str] | None] = None  # settings during a rotation
    SCHEME: ClassVar[str] = ""  # in vectors.json

    @abstractmethod
    def sign(
        self, body: bytes, secret: str | None = None, case: dict[str, Any] | None = None
    ) -> WebhookRequest:
        """The webhook with this body; `case` is the recorded one that it comes from, if any."""

    @abstractmethod
    def paid(self) -> bytes:
        """The body of a payment."""

    @abstractmethod
    def unknown(self) -> bytes:
        """A well-formed body with an unknown event."""

    def vector(self, vector: dict[str, Any]) -> tuple[dict[str, str], WebhookRequest]:
        """The settings and the webhook of a published signature."""
        raise NotImplementedError

    def answers(self) -> dict[str, Any]:
        """The responses of the provider's API that `paid` needs."""
        return {}

    def recorded(self) -> list[tuple[str, dict[str, Any]]]:
        """Its recorded webhooks: name, and {body | raw, key, type, events, answers}."""
        folder = HERE / "recorded" / self.KEY
        return [(path.stem, json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]

    def vectors(self) -> list[dict[str, Any]]:
        return [one for one in VECTORS["vectors"] if one["scheme"] == self.SCHEME]


def samples() -> dict[str, Sample]:
    """Every provider's sample."""
    found = sorted(path.parent.name for path in (HERE / "recorded").glob("*/sample.py"))
    return {key: import_module(f"tests.payments.recorded.{key}.sample").Sample() for key in found}


def with_headers(call: WebhookRequest, **headers: str) -> WebhookRequest:
    """The webhook with other headers (`_` for `-`)."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebhookRequest(
        call.kind, call.method, dict(call.headers) | changed, call.body, call.query, call.client_address
    )
