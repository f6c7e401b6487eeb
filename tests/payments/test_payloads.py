"""Models of webhooks: an error names the field and no value, and only webhooks import pydantic."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest

from shared.payments import payloads
from shared.payments.provider import InvalidPayload
from shared.payments.providers import load
from tests.payments.sample import samples
from tests.support import for_each

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "shared").rglob("*.py"))
SECRET = "personal-data-of-a-buyer"


class Part(payloads.Payload):
    amount: payloads.Amount


class Whole(payloads.Payload):
    parts: Annotated[list[Part], payloads.ObjectList]
    note: payloads.Text = ""
    reference: payloads.Identifier = None


def test_an_invalid_payload_names_the_path_and_no_value() -> None:
    content = {"parts": [{"amount": "1.00"}, {"amount": SECRET}], "note": SECRET}
    with pytest.raises(InvalidPayload, match=r"^parts\.1\.amount: ") as error:
        payloads.parse(Whole, content)
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None
    for body in (b"[]", b"{", SECRET.encode()):
        with pytest.raises(InvalidPayload, match=r"^the body: "):
            payloads.parse_json(Whole, body)


def test_descriptive_fields_of_another_form_are_empty_and_unknown_ones_ignored() -> None:
    whole = payloads.parse(Whole, {"parts": "none", "note": 5, "reference": "a b", "new": {"x": 1}})
    assert (whole.parts, whole.note, whole.reference) == ([], "", None)


@pytest.mark.parametrize("value", [1.5, 1, True, None, "1e3", "-1", "NaN", " 1", [], {}])
def test_money_is_never_a_float(value: Any) -> None:
    with pytest.raises(InvalidPayload, match="amount"):
        payloads.parse(Part, {"amount": value})


@for_each("path", MODULES)
def test_only_payloads_import_pydantic_and_only_functions_import_payloads(path: Path) -> None:
    if path.name == "payloads.py":
        return
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            line = ast.unparse(node)
            assert "payloads" not in line, f"{path}: import payloads inside the function that parses"


def test_offering_and_creating_checkouts_does_not_import_pydantic() -> None:
    """The function telegram does both when a user opens the shop."""
    code = (
        "import sys; from shared.payments.providers import load, names\n"
        "for key in names(): load(key)\n"
        "assert 'pydantic' not in sys.modules, 'import payloads inside the function that parses'"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize("key", [key for key, sample in samples().items() if sample.HEADERS])
def test_the_signature_is_of_the_raw_bytes(
    key: str, environment: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verification comes first, and no model is used for it."""
    sample = samples()[key]
    environment(**sample.ENV)
    monkeypatch.setattr(payloads, "parse", None)
    monkeypatch.setattr(payloads.BaseModel, "model_validate", None)
    case = next((case for _, case in sample.recorded() if "body" in case), None)
    load(key).verify(sample.sign(sample.paid()))
    if case is not None:
        spaced = json.dumps(case["body"], indent=3, ensure_ascii=False).encode()
        load(key).verify(sample.sign(spaced, case=case))
