"""Whatever JSON a provider answers, the outcome is one of the contract: recorded answers, changed."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import Any

import pytest

from shared.ai.media import providers, wire
from shared.ai.media.contract import Failed, Finished, InvalidCallback, Refused, Submitted
from shared.core import http
from tests.ai.media.requests import RECORDED, body_of, deadline, media_request
from tests.support import for_each

VALUES: list[Any] = [None, True, 0, -1, 1e308, 1 << 70, "", "x", "\ud800", [], [None], {}, {"a": 1}, [[[]]]]
MUTATIONS = 20  # of each recorded answer
JOBS = {"read": "task_0001", "read_video": "models/veo/operations/1", "read_omni": "int_1"}
VARIANTS: dict[str, Any] = {"submit": "image", "submit_video": "video", "submit_omni": "omni"}


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [place for key in keys for place in [(value, key), *places(value[key])]]


def changed(body: Any, chance: random.Random) -> Any:
    """Return the body with one to three parts replaced or removed."""
    body = json.loads(json.dumps(body))
    for _ in range(chance.randint(1, 3)):
        found = places(body)
        if not found:
            break
        container, key = chance.choice(found)
        if isinstance(container, dict) and chance.random() < 0.2:
            del container[key]
        else:
            container[key] = deepcopy(chance.choice(VALUES))
    return body


@for_each("path", sorted(RECORDED.glob("*/*.json")))
def test_no_answer_raises(path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(path.name + path.parent.name)
    provider, current = providers.load(path.parent.name), http.Response(200, {}, b"")
    monkeypatch.setattr(wire, "fetch", lambda *_arguments, **_more: current)
    for case in json.loads(path.read_text()):
        original = json.loads(body_of(case)) if "page" not in case else {}
        for _ in range(MUTATIONS):
            body = changed(original, chance)
            current = http.Response(chance.choice([case["status"], 200, 400]), {}, json.dumps(body).encode())
            if path.stem in JOBS:
                outcome = provider.read(JOBS[path.stem], deadline())
            else:
                request = media_request(provider.key, VARIANTS[path.stem])
                outcome = provider.submit(request, deadline())
            assert isinstance(outcome, Submitted | Finished | Refused | Failed), body
            assert not isinstance(outcome, Finished) or outcome.files, body


@for_each("key", providers.names())
def test_no_callback_raises(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(key)
    monkeypatch.setenv(f"{key.upper()}_WEBHOOK_SECRET", "whsec_c2VjcmV0")
    provider = providers.load(key)
    names = ("x-webhook-timestamp", "x-webhook-signature", "webhook-id", "webhook-timestamp",
             "webhook-signature", "x-openrouter-signature")  # fmt: skip
    texts = ("", "0", "1790000000", "t=1,v1=2", "t=,v1=", ",,=", "v1,", "v1,AAAA", "é", "\ud800", "9" * 400)
    for _ in range(300):
        headers = {name: chance.choice(texts) for name in names if chance.random() < 0.9}
        body = json.dumps(changed({"data": {"id": "a", "taskId": "b"}}, chance)).encode()
        with pytest.raises(InvalidCallback):
            provider.verify_callback(headers, body)
