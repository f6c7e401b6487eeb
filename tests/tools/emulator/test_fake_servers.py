"""The registry of fake servers, and the lists that derive from it or must agree with it."""

from __future__ import annotations

import re

import pytest
import urllib3

from shared.ai import model_lists
from shared.ai import providers as ai_providers
from tools.emulator.ai.behaviour import FAULTS
from tools.emulator.ai.dialects import DIALECTS
from tools.emulator.ai.model_lists import MODELS
from tools.emulator.command_line import FAULT_SWITCHES
from tools.emulator.fake_servers import FakeServers, fake_servers
from tools.emulator.functions import ROOT
from tools.emulator.stack import Stack
from tools.emulator.supabase_storage.server import BASE as STORAGE
from tools.emulator.trace import Trace

BASE = "http://127.0.0.1:1"


@pytest.fixture
def servers() -> FakeServers:
    return fake_servers(lambda: BASE, Trace())


def test_addresses_do_not_overlap(servers: FakeServers) -> None:
    paths = [path for server in servers for path in server.addresses().values()]
    assert len(paths) >= 10
    for path in paths:
        assert [one for one in paths if f"{one}/".startswith(f"{path}/")] == [path]


def test_the_settings_point_at_every_address(servers: FakeServers) -> None:
    for server in servers:
        # Supabase's library adds the path of the service to the address of the project.
        settings = {f"{value}{path}" for value in server.environment().values() for path in ("", STORAGE)}
        for service, path in server.addresses().items():
            assert any(value.startswith(BASE + path) for value in settings), service


def test_no_two_servers_set_one_setting(servers: FakeServers) -> None:
    assert len(servers.environment()) == sum(len(server.environment()) for server in servers)


def test_every_address_is_answered_by_its_server(bare: Stack) -> None:
    for server in bare.fake_servers:
        for service, path in server.addresses().items():
            answer = urllib3.request("GET", f"{bare.url}{path}/no-such-path", retries=False)
            assert b"There is nothing at" not in answer.data, service


def test_every_ai_provider_has_a_fake_server() -> None:
    assert {dialect.name for dialect in DIALECTS} == set(ai_providers.names())


def test_the_fake_ai_lists_the_model_of_every_provider() -> None:
    for name in MODELS.keys() & set(ai_providers.names()):
        assert model_lists.find(ai_providers.load(name).MODEL, dict.fromkeys(MODELS[name]))[0], name


def test_the_command_line_knows_every_switch(bare: Stack) -> None:
    assert set(FAULT_SWITCHES) == bare.switches.values().keys() - {"payments"}


def test_the_page_shows_every_switch_and_every_fault_of_the_ai(bare: Stack) -> None:
    page = (ROOT / "tools" / "emulator" / "page" / "faults.js").read_text(encoding="utf-8")
    shown = set(re.findall(r'"(\w+)"', page)) | set(re.findall(r"\b(\w+): ", page))
    assert bare.switches.values().keys() | FAULTS.keys() <= shown
