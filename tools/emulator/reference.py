"""Writes the generated parts of docs/emulator.md: fake servers, faults, HTTP API, Bot API and its refusals.

python -m tools.emulator.reference
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from itertools import groupby
from typing import Any

from tools.emulator.control.routes import Route
from tools.emulator.fake_servers import fake_servers
from tools.emulator.functions import ROOT
from tools.emulator.stack import Stack
from tools.emulator.telegram.coverage import NOT_EMULATED, REFUSED_FIELDS, MethodCoverage, coverage
from tools.emulator.telegram.faults import KINDS
from tools.emulator.telegram.refusals import SOURCES, refusals
from tools.emulator.trace import Trace

FILE = ROOT / "docs" / "emulator.md"
NOWHERE = "postgresql://127.0.0.1:1/none"


def main() -> int:
    """Write the file."""
    FILE.write_text(with_generated(FILE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def with_generated(text: str) -> str:
    """Return the page with every generated part written anew; ValueError when one has no place."""
    for name, part in generated().items():
        begin, end = (
            f"<!-- begin {name} -->",
            f"<!-- end {name} -->",
        )
        head, begins, rest = text.partition(begin)
        _, ends, tail = rest.partition(end)
        if not begins or not ends:
            raise ValueError(f"docs/emulator.md has no place for {name}")
        text = f"{head}{begin}\n\n{part.strip()}\n\n{end}{tail}"
    return text


def generated() -> dict[str, str]:
    """Return the generated parts by their names."""
    return {
        "fake-servers": _fake_servers(),
        "faults": _faults(),
        "http-api": _http_api(),
        "bot-api": _bot_api(),
        "refusals": _refusals(),
    }


def _fake_servers() -> str:
    addresses = {
        service: path
        for server in fake_servers(lambda: "", Trace())
        for service, path in server.addresses().items()
    }
    rows = [f"| {service} | `{path}` |" for service, path in addresses.items()]
    return "\n".join(["| Service | Path |", "| --- | --- |", "| Telegram | `/bot<TOKEN>` |", *rows])


def _faults() -> str:
    rows = [f"| `{name}` | {kind.about} |" for name, kind in KINDS.items()]
    return "\n".join(["| Kind | What happens |", "| --- | --- |", *rows])


def _http_api() -> str:
    stack = Stack(NOWHERE, {})
    try:
        return "\n\n".join(_route(*route) for route in stack.api.routes())
    finally:
        stack.stop()


def _route(method: str, path: str, answers: Route[Any] | Callable[..., Any]) -> str:
    """Return one route: its docstring, then its fields; ValueError without a docstring."""
    handler, rows = (answers.handle, _fields(answers)) if isinstance(answers, Route) else (answers, [])
    text = inspect.getdoc(handler)
    if not text:
        raise ValueError(f"{method} {path} has no docstring")
    return "\n".join([f"#### `{method} {path}`", "", " ".join(text.split()), *([""] if rows else []), *rows])


def _fields(route: Route[Any]) -> list[str]:
    """Return a line for each description; neighbours with the same one share it."""
    described = ((name, field.description) for name, field in route.fields.model_fields.items())
    groups = groupby(((name, what) for name, what in described if what), key=lambda one: one[1])
    return [f"- {', '.join(f'`{name}`' for name, _ in names)}: {what}" for what, names in groups]


def _bot_api() -> str:
    found = coverage()
    there = [one for one in found.methods if one.support != "none"]
    fields = "; ".join(f"`{name}` ({thing})" for name, thing in REFUSED_FIELDS.items())
    lacking = ", ".join(f"`{one.name}`" for one in found.methods if one.support == "none")
    return "\n".join(
        [
            f"Bot API {found.version} ({found.source}): {found.summary}.",
            "",
            "| Method | Supported | Fields | Not supported | Simpler than the real one |",
            "| --- | --- | --- | --- | --- |",
            *map(_method_row, there),
            "",
            "Not emulated, neither as a bot nor as a user:",
            "",
            "| | Methods, answered with 501 | Updates and fields that never come |",
            "| --- | --- | --- |",
            *(
                f"| {thing} | {_names(methods)} | {_names(others)} |"
                for thing, (methods, others) in NOT_EMULATED.items()
            ),
            "",
            f"These fields are refused with 501 wherever they are set: {fields}. Other fields that are not "
            "supported are ignored, and the trace lists them.",
            "",
            f"All methods that are not supported (501 `Not Implemented`): {lacking}.",
            "",
            f"Kinds of updates that come: {_split(found.updates)}",
            "",
            f"Fields of a message that occur: {_split(found.message)}",
        ]
    )


def _method_row(one: MethodCoverage) -> str:
    word = {"full": "yes", "part": "partly"}[one.support]
    return f"| `{one.name}` | {word} | {_names(one.fields)} | {_names(one.missing)} | {one.note} |"


def _split(found: dict[str, bool]) -> str:
    there, missing = (
        _names(name for name, is_there in found.items() if is_there is one) for one in (True, False)
    )
    return f"{there}. Not: {missing}."


def _names(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _refusals() -> str:
    rows = [f"| {status} | `{words}` | {source} |" for status, words, source in refusals()]
    sources = [f"- **{name}**: {about}" for name, about in SOURCES.items()]
    return "\n".join(["| Code | Description | Source |", "| --- | --- | --- |", *rows, "", *sources])


if __name__ == "__main__":
    sys.exit(main())
