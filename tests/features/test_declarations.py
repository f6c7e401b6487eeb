"""What features declare is what their handlers take, and a start imports only what an update needs."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from shared import bots
from shared.core import texts
from shared.features.common.offering import ADMIN_SECTIONS, CONDITIONS, SECTIONS
from shared.telegram.feature import ANY, LINK, Feature
from shared.telegram.router import Router
from tools.emulator.functions import ROOT

FEATURES = {feature.name: feature for name in bots.names() for feature in bots.load(name).features}


@pytest.mark.parametrize("feature", FEATURES.values(), ids=FEATURES)
def test_the_declaration_names_what_the_handlers_take(feature: Feature) -> None:
    handlers = feature.router.handlers
    assert {one for handler in handlers for one in handler.commands} == {one.name for one in feature.commands}
    assert {one for handler in handlers for one in handler.buttons} == set(feature.buttons)
    assert {one for handler in handlers for one in handler.states} == set(feature.states)
    assert {handler.link for handler in handlers} - {""} == set(feature.links)
    others = {handler.kind for handler in handlers} - {"message", "callback_query", LINK}
    by_state = {handler.kind for handler in handlers if handler.states}
    assert others - by_state == set(feature.kinds), "declare other kinds of update in `kinds`"
    plain = [one for one in handlers if one.kind == "message" and not one.commands and not one.states]
    texts = [one for one in plain if "text" in one.filters["content_types"]]
    assert bool(texts) <= (feature.takes_texts or feature.takes_content), "declare takes_texts"
    content = [one for one in plain if set(one.filters["content_types"]) - {"text"}]
    assert bool(content) == feature.takes_content, "declare takes_content"
    admin = {command.name for command in feature.commands if command.admin}
    assert admin == {one for handler in handlers if handler.admin for one in handler.commands}
    assert feature.admin_only == all(handler.admin for handler in handlers)
    offline = {one.name for one in feature.commands if one.works_offline}
    assert offline == {one for handler in handlers if handler.works_offline for one in handler.commands}


@pytest.mark.parametrize("feature", FEATURES.values(), ids=FEATURES)
def test_every_command_has_a_section_and_a_known_condition(feature: Feature) -> None:
    for command in feature.commands:
        known = ADMIN_SECTIONS if command.admin else SECTIONS
        assert command.section in known or not command.in_menus or command.name == "start", command.name
        assert command.needs in CONDITIONS


@pytest.mark.parametrize("name", bots.names())
def test_no_two_features_of_a_bot_take_the_same(name: str) -> None:
    bot = bots.load(name)
    buttons = [one for feature in bot.features for one in feature.buttons]
    states = [one for feature in bot.features for one in feature.states]
    commands = [command.name for command in bot.declared_commands()]
    assert len(set(buttons)) == len(buttons)
    assert len(set(states)) == len(states)
    assert len(set(commands)) == len(commands)


def test_an_admins_payments_come_before_everyones() -> None:
    handlers = [one for one in bots.load("assistant").handlers() if "payments" in one.commands]
    assert [handler.admin for handler in handlers] == [True, False]


def test_handlers_of_unknown_commands_and_text_come_last() -> None:
    handlers = [one for one in bots.load("assistant").handlers() if one.kind == "message"]
    orders = [handler.order for handler in handlers]
    assert orders == sorted(orders)
    unknown = next(place for place, one in enumerate(handlers) if ANY in one.commands)
    assert all(one.commands == (ANY,) or not one.commands for one in handlers[unknown:])


def test_a_router_wants_the_page_of_private_buttons() -> None:
    router = Router()
    with pytest.raises(ValueError, match="private_only"):
        router.callback_query_handler(data="x:.+", private_only=True)(lambda call: None)


@pytest.mark.parametrize("feature", FEATURES.values(), ids=FEATURES)
def test_buttons_take_no_number_that_a_column_cannot_hold(feature: Feature) -> None:
    # A modified client sends any callback data. Python's `\d` also takes digits of other scripts.
    patterns = [one.data.pattern for one in feature.router.handlers if one.data]
    assert [one for one in patterns if re.search(r"\\d|\[0-9\](?!\{\d)", one)] == []


@pytest.mark.parametrize(
    ("update", "features"),
    [
        ("start", set()),
        ("/help", {"help"}),
        ("/profile", {"account", "help"}),  # help takes commands and buttons that no handler matches
        ("hello", {"chat"}),
        ("tap language:en", {"language", "help"}),
        ("tap admin:user:1", {"help"}),
    ],
)
def test_an_update_imports_only_the_features_that_may_answer_it(update: str, features: set[str]) -> None:
    program = "import sys; from tests.features.loading import loaded; print(*loaded(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", program, update],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert set(done.stdout.split()) == features


def test_every_feature_has_the_same_file_names() -> None:
    folders = [path for path in (ROOT / "shared/features").iterdir() if (path / "__init__.py").exists()]
    features = [path for path in folders if path.name != "common" and (path / "handlers.py").exists()]
    assert {path.name for path in folders} - {path.name for path in features} == {"common"}
    assert {path.name for path in features} == {feature.name for feature in FEATURES.values()} - {
        "counter",
        "second",
    }
    for folder in folders:
        for code in texts.codes():
            assert (folder / "texts" / f"{code}.py").exists(), f"{folder.name}: add texts/{code}.py"
