"""Pins the container images of deploy.yaml: a tag may be moved to another image, a digest cannot.

./switchboard images          ask the registries, write name:tag@sha256:… into deploy.yaml
./switchboard images --check  change nothing; exit status 1 when a digest is missing or outdated
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.images import registry

DEPLOYMENT = Path(__file__).parents[2] / "deploy.yaml"
_IMAGE = re.compile(r"(?m)^(    name: )([^\s@]+)(@sha256:[0-9a-f]{64})?$")


def main(arguments: Sequence[str] | None = None, path: Path = DEPLOYMENT) -> int:
    """Pin or check; the exit status is 0, or 1 with a line that says what is wrong."""
    parser = argparse.ArgumentParser(prog="./switchboard images", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing")
    only_checks = parser.parse_args(arguments).check
    text = path.read_text()
    try:
        pinned = pin(text, registry.digest)
    except registry.RegistryError as error:
        print(error, file=sys.stderr)
        return 1
    if only_checks and pinned != text:
        print("deploy.yaml: run ./switchboard images", file=sys.stderr)
        return 1
    if not only_checks:
        path.write_text(pinned)
    for image in sorted({match[2] + (match[3] or "") for match in _IMAGE.finditer(pinned)}):
        print(image)
    return 0


def pin(text: str, digest: Callable[[str], str]) -> str:
    """Return the text of deploy.yaml with the digest of each step's image."""
    images = {match[2] for match in _IMAGE.finditer(text)}
    digests = {image: digest(image) for image in sorted(images)}
    return _IMAGE.sub(lambda match: f"{match[1]}{match[2]}@{digests[match[2]]}", text)


if __name__ == "__main__":
    sys.exit(main())
