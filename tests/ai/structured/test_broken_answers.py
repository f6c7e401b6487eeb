"""Answers that models gave instead of the object, as reported in public, and what becomes of each."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ai.answer_reader import MAX_ANSWER, InvalidAnswer, read_answer
from shared.core.errors import AIError
from tests.ai.asking import Lines
from tests.ai.labels import GOOD, JSON, Labels
from tests.ai.raw_server import RawServer, plain
from tests.ai.structured.conftest import AskLabels

PRETTY = json.dumps(json.loads(JSON), indent=2)


@pytest.mark.parametrize(
    ("report", "text"),
    [
        ("OpenRouter typescript-sdk 204: a fence although the schema is strict", f"```json\n{PRETTY}\n```"),
        ("codex-plugin-cc 583: a fence without a language", f"```\n{JSON}```"),
        ("jasPreMar/this 125: words before it", f"No worries — I'll build the card now!\n\n{JSON}"),
        ("FastFlowLM 554: words after it", f"{JSON}\nThis JSON object contains a list of {{labels}}."),
        ("langchain-nvidia 181: reasoning before it", f'<think>Maybe {{"kind": 1}}?</think>\n{JSON}'),
        ("python-genai 1238: blanks to the limit", JSON + "\n\t" * 500),
        ("a byte order mark", f"\ufeff{JSON}"),
    ],
)
def test_a_wrapped_object_is_read(raw: RawServer, ask_labels: AskLabels, report: str, text: str) -> None:
    raw.next(plain({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}))
    assert ask_labels() == GOOD, report


@pytest.mark.parametrize(
    ("report", "choice", "kind"),
    [
        (
            "chunkhound 415: the answer only in the reasoning",
            {"message": {"content": None, "reasoning": JSON}, "finish_reason": "stop"},
            "empty",
        ),
        (
            "lmstudio-bug-tracker 1698: the same in its own field",
            {"message": {"content": "", "reasoning_content": JSON}, "finish_reason": "stop"},
            "empty",
        ),
        (
            "python-genai 1039: the limit is reached in a string",
            {"message": {"content": JSON[:50]}, "finish_reason": "length"},
            "incomplete",
        ),
        (
            "instructor 2232: a list that repeats to the limit",
            {
                "message": {"content": JSON[:-2] + ',{"id":"x","weight":1}' * 50},
                "finish_reason": "max_tokens",
            },
            "incomplete",
        ),
        (
            "pflow 600: the name of an internal tool around it",
            {"message": {"content": f'{{"json_tool_call": {JSON}}}'}, "finish_reason": "stop"},
            "incomplete",
        ),
        (
            "n8n 12911: keys of its own",
            {"message": {"content": JSON[:-1] + ',"confidence":0.9}'}, "finish_reason": "stop"},
            "incomplete",
        ),
        (
            "guardrails 596: a list of objects",
            {"message": {"content": f"[{JSON}]"}, "finish_reason": "stop"},
            "incomplete",
        ),
        (
            "modlens 22: a line break within a string",
            {"message": {"content": JSON.replace("with ", "with\n")}, "finish_reason": "stop"},
            "incomplete",
        ),
        (
            "llm4s 393: a comma too many",
            {"message": {"content": JSON[:-1] + ",}"}, "finish_reason": "stop"},
            "incomplete",
        ),
        (
            "territoires-en-transitions 4950: a value that is not in the enumeration",
            {"message": {"content": JSON.replace("statement", "Statement")}, "finish_reason": "stop"},
            "incomplete",
        ),
        (
            "harness-engineering 289: a summary instead",
            {"message": {"content": "Analyzed the question and returned structured output."}},
            "incomplete",
        ),
    ],
)
def test_a_broken_answer_is_an_error_of_its_kind(
    raw: RawServer, ask_labels: AskLabels, lines: Lines, report: str, choice: dict[str, object], kind: str
) -> None:
    raw.next(plain({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 30}}))
    with pytest.raises(AIError) as caught:
        ask_labels()
    assert type(caught.value) is AIError
    assert [line["kind"] for line in lines("ai_error")] == [kind], report
    assert len(raw.requests) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (JSON + JSON, "more than one"),
        (f"First {JSON} or rather {JSON}", "more than one"),
        (JSON.replace('"compound":true', '"compound":true,"compound":false'), "twice"),
        (JSON.replace('"weight":40', '"weight":4,"weight":40'), "twice"),
        (JSON.replace('"weight":40', '"weight":NaN'), "NaN"),
        (JSON.replace('"weight":40', '"weight":-Infinity'), "NaN"),
        (JSON.replace('"weight":40', '"weight":1e999'), "too large"),
        (JSON.replace('"weight":40', '"weight":' + "9" * 5000), "too many digits"),
        (JSON.replace('"weight":40', '"weight":400'), r"facts\.0\.weight"),
        (JSON.replace('"weight":40', '"weight":"40"'), r"facts\.0\.weight"),
        (JSON.replace('"weight":40', '"weight":40,"note":1'), "key that the schema does not have"),
        (JSON.replace('"compound":true', '"compound":"true"'), "compound"),
        (JSON.replace('"alternative":null,', ""), ""),
        ('{"kind":' * 20_000, "more than"),
        ('{"kind":' * 10_000, "unreadable"),
        (json.dumps(JSON), "no JSON object"),
        ("[" * 10_000, "no JSON object"),
        ("x" * MAX_ANSWER + JSON, "more than"),
        ('{"outer": {"kind": "question"}, "more": "tru', "unreadable"),
    ],
)
def test_what_is_ambiguous_or_does_not_fit_is_refused(text: str, reason: str) -> None:
    if reason:
        with pytest.raises(InvalidAnswer, match=reason):
            read_answer(text, Labels)
    else:  # a field with a default may be missing where no provider enforces the schema
        assert read_answer(text, Labels) == GOOD


def test_text_that_postgres_does_not_accept_is_repaired() -> None:
    text = JSON.replace("with ", "\\u0000with \\ud83d\\ude00 \\ud83d")
    assert read_answer(text, Labels).fragment.startswith("with 😀 �")


@given(st.text(alphabet='{}[]":,\\ntrue019.e- \n`a', max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_an_answer_or_invalid(text: str) -> None:
    with pytest.raises(InvalidAnswer):
        read_answer(text, Labels)


@given(st.text(max_size=60), st.booleans())
@settings(max_examples=100, deadline=None)
def test_any_fragment_survives(fragment: str, is_fenced: bool) -> None:
    wanted = GOOD.model_copy(update={"fragment": fragment.replace("\0", "")})
    text = json.dumps(wanted.model_dump(mode="json"), ensure_ascii=is_fenced)
    assert read_answer(f"```json\n{text}\n```" if is_fenced else text, Labels) == wanted


def test_a_chat_imports_nothing_of_it() -> None:
    script = (
        "import sys; from shared.ai import chat, messages, providers\n"
        "[providers.load(key) for key in providers.names()]\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'pydantic' or name in "
        "('shared.ai.structured', 'shared.ai.answer_schema', 'shared.ai.answer_reader', 'shared.ai.native')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
