"""Files that are generated from the schema files are up to date, and callers use the generated types."""

import ast
from pathlib import Path

import pytest

from tools.database import result_types, schema_page

SHARED = Path(__file__).parents[2] / "shared"
COMMAND = "run ./switchboard database generate and commit what it writes"


def test_the_types_of_results_are_those_of_the_headers() -> None:
    assert result_types.PATH.read_text(encoding="utf-8") == result_types.text(), COMMAND


def test_the_schema_page_describes_the_schema_files() -> None:
    assert schema_page.PATH.read_text(encoding="utf-8") == schema_page.text(), COMMAND


def test_the_types_are_imported_for_type_checking_alone() -> None:
    for path in SHARED.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.module == "shared.core.sql_types":
                pytest.fail(f"{path}: import it under `if TYPE_CHECKING:`: it costs every start")
