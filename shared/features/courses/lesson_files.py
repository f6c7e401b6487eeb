"""The files of a lesson. One for a language has its code in the name, such as `plan.en.pdf`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from shared.core import texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    File = TypeVar("File", bound=Mapping[str, object])


def of_language(language: str, files: Sequence[File]) -> list[tuple[int, File]]:
    """Return number and file of each that is not for another language."""
    return [(number, file) for number, file in enumerate(files) if _language(file) in ("", language)]


def _language(file: Mapping[str, object]) -> str:
    parts = str(file["reference"]).rsplit("/", 1)[-1].split(".")
    return parts[1] if len(parts) == 3 and parts[1] in texts.codes() else ""
