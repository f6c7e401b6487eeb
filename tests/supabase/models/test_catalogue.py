"""The rows that a new database begins with: models that can be called, and prices that can be explained."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from shared.ai.media import providers as media_providers
from shared.ai.media.contract import Cause, Failed, MediaOptions, MediaRequest
from shared.ai.media.providers.kie_ai.inputs import input_of

Sql = Callable[..., list[dict[str, Any]]]

# Lists of `ai_models.parameters`, by the option of a call and of the conditions of a price.
CHOICES = {
    "aspect_ratio": "aspect_ratios",
    "size": "sizes",
    "resolution": "resolutions",
    "quality": "qualities",
    "duration": "durations",
}
FREE = {("openai", "omni-moderation-latest")}
REPORT_THEIR_COST = {"openrouter"}  # with each call, so the catalogue needs no price
TOKENS_PER_MILLION = 200  # dollars: above it a price is a slip
PER_PIECE = 5


def models(sql: Sql, kind: str = "") -> list[dict[str, Any]]:
    found = sql("select * from ai_models order by provider, model")
    return [one for one in found if one["kind"] == kind or not kind]


def prices(sql: Sql) -> list[dict[str, Any]]:
    found = sql(
        "select provider, model, component, conditions, price_usd, valid_until, source,"
        " nullif(valid_from, '-infinity') as valid_from from ai_model_prices order by 1, 2, 3, 4::text"
    )
    assert len(found) > 80
    return found


def values_of(model: Mapping[str, Any], option: str) -> Sequence[Any]:
    if option == "sound":
        return [True, False] if model["parameters"].get("sound") else []
    found: Sequence[Any] = model["parameters"].get(CHOICES[option], [])
    return found


def test_every_price_is_above_nothing_or_of_a_free_model(sql: Sql) -> None:
    for one in prices(sql):
        key = (one["provider"], one["model"])
        assert (one["price_usd"] == 0) == (key in FREE), one
        most = TOKENS_PER_MILLION if one["component"].endswith("_tokens") else PER_PIECE
        assert one["price_usd"] <= most, one


def test_every_row_has_a_source_and_days_in_order(sql: Sql) -> None:
    for one in [*models(sql), *prices(sql), *sql("select * from ai_model_prices where source !~ '[a-z]{3}'")]:
        assert len(one["source"].strip()) > 5, one
    for one in prices(sql):
        begins, ends = one["valid_from"], one["valid_until"]
        assert begins is None or date(2025, 1, 1) <= begins <= date(2027, 12, 31), one
        assert ends is None or begins is None or begins < ends, one
    for one in models(sql):
        assert one["shutdown_on"] is None or one["shutdown_on"] > date(2026, 11, 30), one
        assert not one["shutdown_on"] or not one["enabled"] or one["kind"] == "chat", one


def test_every_enabled_model_has_a_price_or_reports_its_cost(sql: Sql) -> None:
    priced = {(one["provider"], one["model"]) for one in prices(sql)}
    for one in models(sql):
        if one["enabled"] and one["provider"] not in REPORT_THEIR_COST:
            assert (one["provider"], one["model"]) in priced, one


def test_input_and_output_of_chat_models_are_priced_and_output_is_dearer(sql: Sql) -> None:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in prices(sql):
        found.setdefault((one["provider"], one["model"]), {})[one["component"]] = one["price_usd"]
    for one in models(sql, "chat"):
        of_model = found[one["provider"], one["model"]]
        assert of_model["input_tokens"] < of_model["output_tokens"], one
        assert of_model.get("cached_tokens", 0) < of_model["input_tokens"], one


def test_a_price_holds_for_what_the_model_offers(sql: Sql) -> None:
    """A condition that no call can meet is a price that is never found."""
    offered = {(one["provider"], one["model"]): one for one in models(sql)}
    for one in prices(sql):
        model = offered[one["provider"], one["model"]]
        for option, value in one["conditions"].items():
            assert value in values_of(model, option), one


def _choices(model: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    options = [name for name in (*CHOICES, "sound") if values_of(model, name)]
    for chosen in itertools.product(*(values_of(model, name) for name in options)):
        yield dict(zip(options, chosen, strict=True))


def _conditions_of(found: Sequence[Mapping[str, Any]]) -> set[str]:
    return {option for one in found for option in one["conditions"]}


@pytest.mark.parametrize("kind", ["image", "video"])
def test_what_kie_ai_offers_is_priced_whatever_is_chosen(sql: Sql, kind: str) -> None:
    """The price is shown before the call, and kie.ai reports it only after."""
    for model in models(sql, kind):
        if model["provider"] != "kie_ai" or not model["enabled"]:
            continue
        own = [one for one in prices(sql) if one["model"] == model["model"] and one["provider"] == "kie_ai"]
        for chosen in _choices(model):
            assert any(one["conditions"].items() <= chosen.items() for one in own), (model["model"], chosen)
        if {one["component"] for one in own} == {"second"}:
            assert values_of(model, "duration") or model["limits"].get("output_seconds"), model["model"]


@pytest.mark.parametrize("kind", ["image", "video"])
def test_providers_take_every_word_that_the_catalogue_offers(sql: Sql, kind: Any) -> None:
    checked = 0
    for model in models(sql, kind):
        if not model["enabled"] or model["provider"] not in media_providers.names():
            continue
        accepted = media_providers.load(model["provider"]).OPTIONS[kind]
        for chosen in _choices(model):
            assert set(chosen) <= accepted, (model["model"], chosen)
            request = MediaRequest(
                kind=kind, model=model["model"], prompt="a cat", options=MediaOptions(**chosen),
                user_hash="u", job="1",
            )  # fmt: skip
            if model["provider"] == "kie_ai":
                _check_fields(model["model"], input_of(request))
            checked += 1
    assert checked > 20


def _check_fields(model: str, fields: Any) -> None:
    from tools.emulator.ai.media import kie_ai_models

    if isinstance(fields, Failed):
        assert fields.cause is Cause.INVALID_REFERENCE, (model, fields)  # a model that edits needs a picture
        return
    assert kie_ai_models.find_problem(model, fields) is None, (model, fields)


def test_modes_begin_with_choices_of_their_models(sql: Sql) -> None:
    offered = {(one["provider"], one["model"]): one for one in models(sql)}
    for mode in sql("select * from ai_modes where kind in ('image', 'video')"):
        model = offered[mode["provider"], mode["model"]]
        for option, value in mode["parameters"].items():
            if option in CHOICES and (option != "aspect_ratio" or values_of(model, option)):
                assert value in values_of(model, option), (mode["key"], option)
