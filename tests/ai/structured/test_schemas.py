"""A model's schema is one that every provider takes; a model for which there is none is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from pydantic import BaseModel, create_model

from shared.ai import providers
from shared.ai.answer_schema import schema_of
from shared.ai.provider import ChatRequest
from tests.ai.asking import MESSAGES
from tests.ai.labels import Labels
from tools.emulator.ai.schemas import anthropic_problem, google_problem, openai_problem

KEYS = providers.names()
KEYWORDS = {
    "title",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "anyOf",
    "description",
}


class Loop(BaseModel):
    inner: Loop | None


class Deep(BaseModel):
    value: str


def nested(levels: int) -> type[BaseModel]:
    model: type[BaseModel] = Deep
    for number in range(levels):
        model = create_model(f"Level{number}", inner=(model, ...))
    return model


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    yield schema
    for one in [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]:
        yield from nodes(one)
    if "items" in schema:
        yield from nodes(schema["items"])


def test_objects_are_closed_at_every_level_and_all_keys_required() -> None:
    found = list(nodes(schema_of(Labels).schema))
    objects = [node for node in found if node.get("type") == "object"]
    assert len(objects) == 2
    for node in objects:
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])
    assert set().union(*found) <= KEYWORDS


def test_the_keys_come_in_the_order_of_the_fields() -> None:
    assert list(schema_of(Labels).schema["properties"]) == list(Labels.model_fields)


def test_fields_are_enumerations_nullable_or_described() -> None:
    fields = schema_of(Labels).schema["properties"]
    words = {"type": "string", "enum": ["question", "statement"]}
    assert fields["kind"] == words
    assert fields["certainty"] == {"type": "string", "enum": ["high", "low"]}
    assert fields["alternative"] == {"anyOf": [words, {"type": "null"}]}
    fact = fields["facts"]["items"]["properties"]
    assert fact["id"] == {"type": "string", "description": "A fact of the case (maxLength: 40)"}
    assert fact["weight"] == {"type": "integer", "description": "(minimum: 0, maximum: 100)"}


def test_every_provider_takes_it() -> None:
    answer = schema_of(Labels)
    assert answer.name == answer.schema["title"] == "Labels"
    assert openai_problem(answer.name, answer.schema, strict=True) is None
    assert anthropic_problem(answer.schema) is None
    assert google_problem(answer.schema) is None


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (dict[str, int], "no provider can require"),
        (Any, "no provider can require"),
        (tuple[int, str], "no provider can require"),
        (Literal["a", 1], "have one type"),
        (Loop, "contains itself"),
        (nested(5), "objects within one another"),
    ],
)
def test_a_model_that_no_schema_can_require_is_refused(field: Any, reason: str) -> None:
    model = create_model("Answer", field=(field, ...))
    with pytest.raises(TypeError, match=reason):
        schema_of(model)


def test_too_many_properties_and_unions_are_refused() -> None:
    wide: Any = {f"key{number}": (str, ...) for number in range(101)}
    with pytest.raises(TypeError, match="101 properties"):
        schema_of(create_model("Wide", **wide))
    unions: Any = {f"key{number}": (str | None, ...) for number in range(17)}
    with pytest.raises(TypeError, match="17 unions"):
        schema_of(create_model("Unions", **unions))


def test_a_name_that_openai_rejects_is_refused() -> None:
    with pytest.raises(TypeError, match="at most 64"):
        schema_of(create_model("Метки", kind=(str, ...)))


@pytest.mark.parametrize("key", KEYS)
def test_an_ordinary_chat_has_nothing_of_it(key: str) -> None:
    body = providers.load(key).body(ChatRequest(MESSAGES, "some-model", "f00d", 0.5))
    assert body["stream"] is True
    assert not {"response_format", "output_config", "generationConfig", "provider"} & set(body)
