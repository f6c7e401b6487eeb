"""Foreign data: what does not fit a model is one sentence that names the field and holds no value."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from tests.support import examples
from tools.cloud import payloads as cloud
from tools.cloud.gcloud import CloudError, Gcloud
from tools.emulator.environment import SettingMissing, bot_token
from tools.images.payloads import Token
from tools.setup import answers
from tools.setup.context import Context, Stop
from tools.telegram import payloads as telegram
from tools.validation import Foreign, InvalidData, Sentence, parse, parse_json

ROOT = Path(__file__).resolve().parents[2]
SECRET = "123456:AAE-a-secret"
MODELS = (
    cloud.Policy, list[cloud.BillingAccount], cloud.Function, list[cloud.Job], list[cloud.Build],
    list[cloud.LogEntry], telegram.WebhookInfo, telegram.User, list[telegram.Update], answers.Answers,
)  # fmt: skip
# The names that the models read, so that garbage reaches every field.
NAMES = (
    "role", "members", "bindings", "condition", "name", "displayName", "serviceConfig", "steps", "id",
    "status", "environmentVariables", "jsonPayload", "textPayload", "logUrl", "state", "url", "chat", "from",
    "allowed_updates", "message", "last_error_date", "pending_update_count", "type", "is_bot", "welcomed",
    "deployed", "project",
)  # fmt: skip
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.text(max_size=5),
    st.just(SECRET),
)
GARBAGE = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=20,
)


class Part(Foreign):
    """A part of a model."""

    size: int


class Whole(Foreign):
    """A model with every kind of rule."""

    name: Annotated[str, Field(max_length=5)]
    parts: list[Part] = []  # noqa: RUF012
    kind: Literal["a", "b", "c"] = "a"
    share: Annotated[float, Field(ge=0, le=1)] = 0.0
    is_on: bool = False
    owner: Annotated[int, Sentence("There is no such owner.")] = 0


@pytest.mark.parametrize("kind", MODELS)
@settings(max_examples=examples(60))
@given(value=GARBAGE)
def test_garbage_is_one_sentence_without_a_value(kind: Any, value: Any) -> None:
    try:
        parse(kind, value)
    except InvalidData as error:
        assert len(str(error).splitlines()) == 1
        assert SECRET not in str(error)
        assert error.__cause__ is None


@pytest.mark.parametrize(("value", "sentence"), [
    ({}, "name is required"),
    ({"name": None}, "name must be text"),
    ({"name": 5}, "name must be text"),
    ({"name": "\ud800"}, "name must be text"),
    ({"name": SECRET}, "name has at most 5 characters"),
    ({"name": "x", "parts": {}}, "parts must be a list"),
    ({"name": "x", "parts": [{"size": 1}, SECRET]}, "parts[1] must be an object"),
    ({"name": "x", "parts": [{"size": SECRET}]}, "parts[0].size must be a number"),
    ({"name": "x", "parts": [{"size": 1.5}]}, "parts[0].size must be a number"),
    ({"name": "x", "parts": [{}]}, "parts[0].size is required"),
    ({"name": "x", "kind": SECRET}, "kind must be one of a, b, c"),
    ({"name": "x", "share": float("nan")}, "share must be a number"),
    ({"name": "x", "share": 10**400}, "share must be a number"),
    ({"name": "x", "share": 2}, "share is at most 1"),
    ({"name": "x", "share": -1}, "share is at least 0"),
    ({"name": "x", "is_on": SECRET}, "is_on must be true or false"),
    ({"name": "x", "owner": SECRET}, "There is no such owner."),
    ([], "it must be an object"),
    (None, "it must be an object"),
])  # fmt: skip
def test_an_error_names_the_field_and_what_it_must_be(value: Any, sentence: str) -> None:
    with pytest.raises(InvalidData) as error:
        parse(Whole, value)
    assert str(error.value) == sentence


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5000])
def test_a_text_that_is_no_json_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(InvalidData, match=r"^it is no JSON$"):
        parse_json(Whole, text)


def test_unknown_fields_are_ignored() -> None:
    assert parse(Whole, {"name": "x", "new": {"x": 1}}) == Whole(name="x")


def gcloud_that_prints(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Gcloud:
    program = folder / "gcloud"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return Gcloud("p")


@pytest.mark.parametrize(("printed", "sentence"), [
    ("Listed 0 items.", "it is no JSON"),
    ('[{"state": "ENABLED"}]', "[0].name is required"),
    ('[{"name": 5}]', "[0].name must be text"),
    ("{}", "it must be a list"),
])  # fmt: skip
def test_an_answer_of_gcloud_that_does_not_fit_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, sentence: str
) -> None:
    cloud_program = gcloud_that_prints(tmp_path, printed, monkeypatch)
    with pytest.raises(CloudError) as error:
        cloud_program.read_list(cloud.Job, "scheduler", "jobs", "list")
    assert str(error.value) == f"scheduler jobs list: gcloud printed something unexpected: {sentence}"


def test_nothing_printed_is_an_empty_list_or_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = gcloud_that_prints(tmp_path, "", monkeypatch)
    assert silent.read_list(cloud.Job, "scheduler", "jobs", "list") == []
    assert silent.read_one(cloud.Policy, "secrets", "get-iam-policy", "X").bindings == ()


def test_a_role_with_a_condition_is_not_given() -> None:
    policy = parse(cloud.Policy, {"bindings": [
        {"role": "r", "members": ["anna"]}, {"role": "s", "members": ["anna"], "condition": {"title": "x"}},
    ]})  # fmt: skip
    assert policy.gives("r", "anna")
    assert not policy.gives("r", "ivan")
    assert not policy.gives("s", "anna")


@pytest.mark.parametrize(("kept", "words"), [
    ("{", "it is no JSON"),
    ("[]", "it must be an object"),
    ('{"region": 5}', "region must be text"),
    ('{"welcomed": ["x"]}', "welcomed[0] must be a number"),
    ('{"deployed": {"_REGION": null}}', "deployed._REGION must be text"),
])  # fmt: skip
def test_a_file_of_answers_that_does_not_fit_names_the_answer(tmp_path: Path, kept: str, words: str) -> None:
    file = tmp_path / "answers.json"
    file.write_text(kept)
    with pytest.raises(answers.AnswersError) as error:
        answers.load(file, "production")
    expected = f"{file} is not readable ({words}): remove it, and the questions are asked again."
    assert str(error.value) == expected


def test_kept_answers_of_another_version_are_read(tmp_path: Path) -> None:
    file = tmp_path / "answers.json"
    file.write_text('{"region": "europe-west3", "welcomed": [7], "a_later_question": "x"}')
    assert answers.load(file, "staging") == answers.Answers(region="europe-west3", welcomed=[7])


@pytest.mark.parametrize("kept", ["{", "[]", "{}", "5", '{"assistant": 5}', '{"123:AAE-a-secret": null}'])
def test_tokens_that_do_not_fit_are_one_sentence_without_a_token(kept: str) -> None:
    context = Context(answers.Answers(), None, None, SimpleNamespace(get=lambda _: kept), None, None)  # type: ignore[arg-type]
    with pytest.raises(Stop) as stopped:
        context.tokens()
    with pytest.raises(SettingMissing) as missing:
        bot_token({"BOT_TOKENS": kept})
    for error in (stopped.value, missing.value):
        assert "BOT_TOKENS" in str(error)
        assert "AAE" not in str(error)


@pytest.mark.parametrize("answer", [{"token": "x"}, {"access_token": "x"}, {"token": "x", "expires_in": 300}])
def test_either_name_of_a_registrys_token_is_read(answer: Any) -> None:
    assert parse(Token, answer).token == "x"


@pytest.mark.parametrize("answer", [{}, [], {"token": None}, {"token": ["x"]}])
def test_a_registrys_answer_without_a_token_does_not_fit(answer: Any) -> None:
    with pytest.raises(InvalidData):
        parse(Token, answer)


def modules() -> list[Path]:
    """Modules that may not import pydantic when they are imported."""
    found = (ROOT / "tools").rglob("*.py")
    may = {ROOT / "tools/validation.py"}
    return [
        one for one in found if one not in may and one.name != "payloads.py" and "control" not in one.parts
    ]


def test_tools_import_pydantic_where_they_read() -> None:
    for path in modules():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                line = ast.unparse(node)
                is_lazy = not any(word in line for word in ("pydantic", "validation", "payloads"))
                assert is_lazy, f"{path}: import it inside the function that reads"


@pytest.mark.parametrize(
    "module", ["tools.launcher.main", "tools.doctor.main", "tools.setup.main", "tools.secret.store"]
)
def test_a_command_starts_without_pydantic(module: str) -> None:
    code = f"import sys, {module}; assert 'pydantic' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
