"""The admins' handlers are imported when an admin writes, and stand where they stood in the order."""

from __future__ import annotations

import json
import subprocess
import sys

from tools.emulator.functions import ROOT

LOAD = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from shared import bots

def order(bot):
    return [(h["filters"].get("commands") or ["?"])[0] for h in bot.message_handlers]

bot = bots.load("assistant")
start = {"loaded": "shared.bots.assistant.admin" in sys.modules, "order": order(bot)}
with ThreadPoolExecutor(8) as pool:
    commands = list(pool.map(lambda _: bot.admin_commands(), range(8)))
print(json.dumps({"start": start, "commands": commands, "order": order(bot), "public": bot.commands()}))
"""


def test_a_start_does_not_wait_for_them_and_eight_admins_at_once_load_them_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    found = json.loads(done.stdout)
    assert found["start"]["loaded"] is False
    commands = found["commands"][0]
    assert len(set(commands)) == len(commands) > 5
    assert all(one == commands for one in found["commands"])
    assert not set(commands) & set(found["public"])
    before, after = found["start"]["order"], found["order"]
    place = after.index(commands[0])
    new = len(after) - len(before)
    assert before == after[:place] + after[place + new :], "the others stand as they stood"
    assert before[place] == "payments", "an admin's /payments comes before everybody's"
    assert after[-1] == "?", "what takes any words is the last"
