"""Check question banks, and convert those of other programs (docs/quiz.md).

./switchboard questions check [FILE …]    the banks of the quiz, and files to add to them
./switchboard questions convert FILE      GIFT, Aiken or CSV; writes a bank to standard output
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from shared.features.quiz import library
from shared.features.quiz.bank_models import LANGUAGES
from tools.quiz import checks, toml_writer
from tools.quiz.convert import NO_EXPLANATION, Defaults, UnreadableFile, convert, slug
from tools.quiz.draft import UnreadableLine


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status is 0, or 1 with a line for each fault."""
    parser = argparse.ArgumentParser(
        prog="./switchboard questions",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True)
    checking = commands.add_parser("check", help=_check.__doc__)
    checking.add_argument("files", nargs="*", type=Path, metavar="FILE")
    checking.set_defaults(command=_check)
    converting = commands.add_parser("convert", help=_convert.__doc__)
    converting.add_argument("file", type=Path, metavar="FILE")
    converting.add_argument("--language", choices=LANGUAGES, default="en", help="of the questions")
    converting.add_argument("--topic", default="general", help="of questions whose file names none")
    converting.add_argument("--level", type=int, choices=range(1, 6), default=2, help="where none is given")
    converting.set_defaults(command=_convert)
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.command(parsed))
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1


def _check(arguments: argparse.Namespace) -> int:
    """Check the banks of the quiz together with further files."""
    known = {path.resolve() for path in library.FOLDER.glob("*.toml")}
    further = {path.resolve() for path in arguments.files} - known
    banks, faults = [], list[str]()
    for path in (*sorted(known), *sorted(further)):
        try:
            banks.append(library.read(path))
        except library.InvalidBank as error:
            faults.append(str(error))
    faults += checks.faults(banks)
    for bank in banks:
        print(f"{bank.id}: {len(bank.questions)} questions")
    for fault in faults:
        print(fault, file=sys.stderr)
    return int(bool(faults))


def _convert(arguments: argparse.Namespace) -> int:
    """Write the bank that a file of another program holds."""
    path: Path = arguments.file
    topic = slug(arguments.topic)
    if not topic:
        print(f"--topic {arguments.topic}: use letters a to z", file=sys.stderr)
        return 1
    defaults = Defaults(slug(path.stem) or "imported", arguments.language, topic, arguments.level)
    try:
        bank = convert(path, defaults)
    except (UnreadableLine, UnreadableFile) as error:
        print(f"{path.name}: {error}", file=sys.stderr)
        return 1
    sys.stdout.write(toml_writer.write(bank))
    missing = sum(
        one.explanation == NO_EXPLANATION for question in bank.questions for one in question.wordings
    )
    if missing:
        print(f"{missing} explanations are {NO_EXPLANATION}: write them, then run check", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
