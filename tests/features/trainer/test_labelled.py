"""The fallback on questions that were labelled by someone who had not seen its patterns."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from shared.features.trainer import classifier, library

FOLDER = Path(__file__).parent / "labelled"
ENOUGH = 0.75  # exact labels, per language


def rows(path: Path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.tsv")), ids=lambda path: path.stem)
def test_enough_labels_are_exact(path: Path) -> None:
    scenario = library.load("spin")
    case = library.load_case("spin", library.case_names("spin")[0])
    types = [one.id for one in scenario.types] + ["none"]
    found: Counter[tuple[str, str]] = Counter()
    for row in rows(path):
        wanted = next(field for field in row if field in types)
        text = max((field for field in row if field not in types), key=len)
        found[wanted, classifier.label(scenario, case, text, "").type] += 1
    total = found.total()
    right = sum(count for (wanted, given), count in found.items() if wanted == given)
    lines = [f"\n{path.stem}: {right}/{total} = {right / total:.0%}; rows: labelled, columns: found"]
    lines.append(" " * 13 + " ".join(f"{given:>12}" for given in types))
    for wanted in types:
        lines.append(f"{wanted:>12} " + " ".join(f"{found[wanted, given]:12}" for given in types))
    sys.stdout.write("\n".join(lines) + "\n")
    assert total >= 200
    assert right / total >= ENOUGH
