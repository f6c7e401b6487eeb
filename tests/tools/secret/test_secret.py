"""./switchboard secret: an empty secret is never stored, and no value is in an argument."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.ai import providers as ai
from shared.ai import transcription
from shared.ai.media import providers as media
from shared.payments import providers as payments
from tools import variables
from tools.cloud.gcloud import CloudError, Gcloud
from tools.secret import names
from tools.secret.generate import GENERATORS
from tools.setup import layout

ROOT = Path(__file__).parents[3]
# Keeps secrets in a file, as far as the tool asks for it, and refuses every other call.
GCLOUD = """#!{python}
import json, os, sys
from pathlib import Path
here = Path({folder!r})
words = [word for word in sys.argv[1:] if word != "--quiet"]
with (here / "calls").open("a") as notes: notes.write(json.dumps(sys.argv[1:]) + "\\n")
state = here / "secrets.json"
secrets = json.loads(state.read_text()) if state.exists() else {{}}
if words[0] == os.environ.get("FAILS_AT") or " ".join(words[:3]) == os.environ.get("FAILS_AT"):
    sys.exit("ERROR: (gcloud) PERMISSION_DENIED: no right")
match words:
    case ["secrets", "list", "--format=value(name)"]:
        print(*secrets, sep="\\n")
    case ["secrets", "versions", "list", name, "--sort-by=~createTime", "--limit=1", "--format=value(state)"]:
        print(os.environ.get("NEWEST", "ENABLED") if secrets[name] else "")
    case ["secrets", "create", name, "--replication-policy=automatic"] if name not in secrets:
        secrets[name] = []
    case ["secrets", "versions", "add", name, "--data-file=-"]:
        secrets[name].append(sys.stdin.read())
    case _:
        sys.exit(f"ERROR: unknown call {{words}}")
state.write_text(json.dumps(secrets))
"""


class Tool:
    """The tool with a fake gcloud."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "gcloud"
        program.write_text(GCLOUD.format(python=sys.executable, folder=str(folder)))
        program.chmod(0o755)

    def run(self, *arguments: str, stdin: str = "", **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tools.secret", *arguments], cwd=ROOT, input=stdin, text=True,
            env={"PATH": f"{self.folder}:{os.environ['PATH']}"} | extra,
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip

    @property
    def secrets(self) -> dict[str, list[str]]:
        state = self.folder / "secrets.json"
        stored: dict[str, list[str]] = json.loads(state.read_text()) if state.exists() else {}
        return stored

    @property
    def calls(self) -> str:
        return (self.folder / "calls").read_text() if (self.folder / "calls").exists() else ""


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    return Tool(tmp_path)


@pytest.mark.parametrize("value", ["", "\n", "  \n"])
def test_an_empty_value_is_never_stored(tool: Tool, value: str) -> None:
    done = tool.run("set", "BOT_TOKENS", stdin=value)
    assert (done.returncode, done.stderr) == (1, "BOT_TOKENS: an empty value is not stored.\n")
    assert tool.calls == ""


def test_a_value_is_stored_without_its_line_break_and_shown_nowhere(tool: Tool) -> None:
    done = tool.run("set", "BOT_TOKENS", stdin='{"assistant": "1:word"}\n')
    assert done.returncode == 0
    assert tool.secrets == {"BOT_TOKENS": ['{"assistant": "1:word"}']}
    assert "1:word" not in tool.calls + done.stdout + done.stderr
    assert "+ gcloud secrets versions add BOT_TOKENS --data-file=-" in done.stderr
    tool.run("set", "BOT_TOKENS", stdin="second")
    assert tool.secrets["BOT_TOKENS"][1] == "second"


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("TELEGRAM_WEBHOOK_SECRET", r"[0-9a-f]{64}"),
        ("USER_HASH_KEY", r"[0-9a-f]{64}"),
        ("TOKEN_ENCRYPTION_KEYS", r"[0-9a-f-]+:[A-Za-z0-9+/]{43}="),
    ],
)
def test_a_random_secret_is_made_once(tool: Tool, name: str, shape: str) -> None:
    assert tool.run("new", name).returncode == 0
    [value] = tool.secrets[name]
    assert re.fullmatch(shape, value)
    again = tool.run("new", name)
    assert again.returncode == 1
    assert f"{name} exists and stays as it is" in again.stderr
    assert tool.secrets[name] == [value]


@pytest.mark.parametrize("words", [["new"], ["--if-missing", "new"]])
@pytest.mark.parametrize("state", ["DISABLED", "DESTROYED"])
def test_a_random_secret_that_cannot_be_read_is_not_replaced(
    tool: Tool, words: list[str], state: str
) -> None:
    tool.run("new", "USER_HASH_KEY")
    before = tool.secrets
    done = tool.run(*words, "USER_HASH_KEY", NEWEST=state)
    assert (done.returncode, tool.secrets) == (1, before)
    assert f"the newest version is {state.lower()}" in done.stderr
    assert "gcloud secrets versions enable" in done.stderr.splitlines()[-1]


def test_a_byte_order_mark_and_line_breaks_are_removed(tool: Tool) -> None:
    assert tool.run("set", "OPENAI_API_KEY", stdin="\ufeffsk-1\r\n").returncode == 0
    assert tool.secrets == {"OPENAI_API_KEY": ["sk-1"]}


def test_a_secret_that_was_left_without_a_value_gets_one(tool: Tool) -> None:
    failed = tool.run("new", "USER_HASH_KEY", FAILS_AT="secrets versions add")
    assert (failed.returncode, tool.secrets) == (1, {"USER_HASH_KEY": []})
    assert (
        failed.stderr.splitlines()[-1] == "gcloud secrets versions add: (gcloud) PERMISSION_DENIED: no right"
    )
    assert tool.run("new", "USER_HASH_KEY").returncode == 0
    assert len(tool.secrets["USER_HASH_KEY"]) == 1


def test_a_name_that_is_not_random_is_not_made(tool: Tool) -> None:
    assert "store yours with ./switchboard secret set BOT_TOKENS" in tool.run("new", "BOT_TOKENS").stderr
    assert tool.run("set", "bot tokens").returncode == 2


def test_only_known_names_are_stored(tool: Tool) -> None:
    done = tool.run("set", "OPENAI_KEY", stdin="sk-1")
    assert (done.returncode, tool.calls) == (2, "")
    assert "No function reads a secret OPENAI_KEY. Did you mean OPENAI_API_KEY?" in done.stderr
    assert "The names are DATABASE_ADMIN_URL, DATABASE_URL, BOT_TOKENS," in done.stderr


def test_the_known_names_are_those_that_are_read() -> None:
    services = [one for one in map(payments.load, payments.names()) if not one.ENVIRONMENTS]
    declared = {one.name for service in services for one in (*service.REQUIRED, *service.OPTIONAL)}
    assert set(names.PAYMENTS) == declared, 'write the names of settings as literals: Setting("NAME", …)'
    providers = {*ai.names(), *transcription.names()}
    assert set(names.AI) == {layout.ai_secret(provider) for provider in providers}
    assert set(names.DEPLOYMENT) == {
        *layout.READERS,
        layout.USER_API_KEYS,
        "SCHEDULER_SECRET",
        "SUPABASE_SECRET_KEY",
        "TELEGRAM_LOGIN_SECRET",
    }
    of_media = {name for name in media.variables() if not name.endswith("_BASE_URL")}
    assert set(names.MEDIA) == of_media - set(names.AI)
    assert set(GENERATORS) <= set(names.KNOWN) <= variables.known()


def test_an_unreadable_folder_of_the_path_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "gcloud")

    monkeypatch.setattr("tools.cloud.gcloud.subprocess.run", refuse)
    with pytest.raises(CloudError, match="gcloud is not installed"):
        Gcloud().read("auth", "list")


def test_without_gcloud_its_installation_is_explained(tool: Tool) -> None:
    (tool.folder / "gcloud").unlink()
    done = tool.run("new", "USER_HASH_KEY", PATH="/nowhere")
    assert (done.returncode, done.stderr) == (
        1, "gcloud is not installed: https://cloud.google.com/sdk/docs/install\n",
    )  # fmt: skip
