"""Writes telegram/bot_api.json: the names of the Bot API's methods and fields, nothing else.

    pip download --no-deps aiogram && python -m tools.emulator.specification aiogram-*.whl

aiogram (MIT) is generated from https://core.telegram.org/bots/api, so its classes name what the page names.
"""

from __future__ import annotations

import ast
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "telegram" / "bot_api.json"


def main() -> int:
    """Write the file from the wheel that is named; 2 without one."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    wheel = Path(sys.argv[1])
    FILE.write_text(_lines(read(wheel)), encoding="utf-8")
    return 0


def _lines(found: dict[str, Any]) -> str:
    """Return the JSON with a line for each method, so that a new version reads well as a difference."""
    methods = ",\n".join(f"  {json.dumps(name)}: {json.dumps(one)}" for name, one in found["methods"].items())
    head = ",\n".join(
        f" {json.dumps(key)}: {json.dumps(value)}" for key, value in found.items() if key != "methods"
    )
    return f'{{\n{head},\n "methods": {{\n{methods}\n }}\n}}\n'


def read(wheel: Path) -> dict[str, Any]:
    """Return the names in a wheel of aiogram."""
    with zipfile.ZipFile(wheel) as archive:
        sources = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".py")}
    about = _constants(ast.parse(sources["aiogram/__meta__.py"]))
    methods: dict[str, dict[str, list[str]]] = {}
    for path, source in sorted(sources.items()):
        if path.startswith("aiogram/methods/"):
            methods |= _methods(ast.parse(source))
    return {
        "version": about["__api_version__"],
        "source": f"https://core.telegram.org/bots/api, as read by aiogram {about['__version__']}",
        "updates": _fields_of(sources["aiogram/types/update.py"], "Update")["fields"][1:],
        "message": _fields_of(sources["aiogram/types/message.py"], "Message")["fields"],
        "methods": dict(sorted(methods.items())),
    }


def _methods(module: ast.Module) -> dict[str, dict[str, list[str]]]:
    classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
    named = ((_constants(one).get("__api_method__"), one) for one in classes)
    return {name: _fields(one) for name, one in named if name}


def _fields_of(source: str, name: str) -> dict[str, list[str]]:
    classes = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    return _fields(next(one for one in classes if one.name == name))


def _fields(found: ast.ClassDef) -> dict[str, list[str]]:
    """Return the fields of a class in their order, the deprecated ones apart."""
    fields: dict[str, list[str]] = {"fields": [], "deprecated": []}
    for node in found.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            words = {one.arg: one.value for one in _keywords(node.value)}
            alias = words.get("alias")
            name = str(ast.literal_eval(alias)) if alias is not None else node.target.id
            fields["deprecated" if "json_schema_extra" in words else "fields"].append(name)
    return fields


def _keywords(value: ast.expr | None) -> list[ast.keyword]:
    return value.keywords if isinstance(value, ast.Call) else []


def _constants(node: ast.Module | ast.ClassDef) -> dict[str, str]:
    return {
        one.targets[0].id: one.value.value
        for one in node.body
        if isinstance(one, ast.Assign)
        and isinstance(one.targets[0], ast.Name)
        and isinstance(one.value, ast.Constant)
        and isinstance(one.value.value, str)
    }


if __name__ == "__main__":
    sys.exit(main())
