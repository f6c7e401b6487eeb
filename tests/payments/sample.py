"""What the contract suite asks of each provider's sample, and where it finds them."""

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
    """A provider's callbacks, made as the provider makes them."""

    KEY: ClassVar[str]
    ENV: ClassVar[dict[str, str]]  # settings under which its callbacks are authentic
    SECRET: ClassVar[str]  # the variable that makes them so
    HEADERS: ClassVar[tuple[str, ...]]  # that prove it, in lower case; none: nothing is signed
    ROTATED: ClassVar[dict[str, str] | None] = None  # settings with an older secret beside the new one
    SCHEME: ClassVar[str] = ""  # in vectors.json

    @abstractmethod
    def sign(
        self, body: bytes, secret: str | None = None, case: dict[str, Any] | None = None
    ) -> WebhookRequest:
        """The callback with this body; `case` is the recorded one it comes from, if it does."""

    @abstractmethod
    def paid(self) -> bytes:
        """A body that says that something is paid."""

    @abstractmethod
    def unknown(self) -> bytes:
        """A body that is well formed and says what nobody has heard of."""

    def vector(self, vector: dict[str, Any]) -> tuple[dict[str, str], WebhookRequest]:
        """A published signature: the settings and the callback it belongs to."""
        raise NotImplementedError

    def answers(self) -> dict[str, Any]:
        """What the provider's API has to answer for `paid`."""
        return {}

    def recorded(self) -> list[tuple[str, dict[str, Any]]]:
        """Its recorded callbacks: name, and {body | raw, key, type, notices, answers}."""
        folder = HERE / "recorded" / self.KEY
        return [(path.stem, json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]

    def vectors(self) -> list[dict[str, Any]]:
        return [one for one in VECTORS["vectors"] if one["scheme"] == self.SCHEME]


def samples() -> dict[str, Sample]:
    """Every sample there is."""
    found = sorted(path.parent.name for path in (HERE / "recorded").glob("*/sample.py"))
    return {key: import_module(f"tests.payments.recorded.{key}.sample").Sample() for key in found}


def with_headers(call: WebhookRequest, **headers: str) -> WebhookRequest:
    """The callback with other headers (`_` for `-`)."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebhookRequest(
        call.kind, call.method, dict(call.headers) | changed, call.body, call.query, call.client_address
    )
