"""Secrets in Google's Secret Manager, each under the name of the variable it becomes.

    ./switchboard secret new NAME    make a random secret of the right form and store it, once
    ./switchboard secret set NAME    store a value: asked for without showing it, or read from a pipe

An empty value is never stored, and a trailing line break is removed. `new` refuses a secret that exists: what
depends on it would stop working, and docs/deployment.md says how each is changed. --project names the Google
Cloud project; without it gcloud's own setting counts. `./switchboard secret set x` lists the names.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence

from tools.cloud.gcloud import CloudError, Gcloud
from tools.secret import names
from tools.secret.generate import GENERATORS
from tools.secret.store import SecretStore


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status is 0, or 1 with one line that says why nothing was stored."""
    parsed = _parser().parse_args(arguments)
    store = SecretStore(Gcloud(parsed.project, _show))
    try:
        if parsed.if_missing and store.has_value(parsed.name):
            print(f"{parsed.name} exists.")
            return 0
        if parsed.command == "new":
            _new(store, parsed.name)
        else:
            _set(store, parsed.name)
    except CloudError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{parsed.name} is stored.")
    return 0


def _show(command: str) -> None:
    if command.startswith("+"):
        print(command, file=sys.stderr, flush=True)


def _new(store: SecretStore, name: str) -> None:
    make = GENERATORS.get(name)
    if make is None:
        raise CloudError(f"{name} is not random: store yours with ./switchboard secret set {name}")
    if store.has_value(name):
        raise CloudError(
            f"{name} exists and stays as it is; docs/deployment.md (Changing a secret) says how to change it."
        )
    store.make(name, make())


def _set(store: SecretStore, name: str) -> None:
    store.put(name, _read(name))


def _read(name: str) -> str:
    """Return the value: typed without an echo on a terminal, else all that the pipe brings.

    A file saved on Windows begins with a mark that is no part of it. Raises CloudError where it is no text.
    """
    try:
        text = getpass.getpass(f"{name} (not shown): ") if sys.stdin.isatty() else sys.stdin.read()
    except UnicodeDecodeError:
        raise CloudError(f"{name}: that is no text in UTF-8. Save it as UTF-8 and try again.") from None
    return text.removeprefix("\ufeff").rstrip("\r\n")


def _secret_name(text: str) -> str:
    if text not in names.KNOWN:
        raise argparse.ArgumentTypeError(names.unknown(text))
    return text


def _parser() -> argparse.ArgumentParser:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="./switchboard secret",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--project", default="", help="the Google Cloud project")
    parser.add_argument("--if-missing", action="store_true", help="leave a secret that has a value alone")
    parser.add_argument("command", choices=["new", "set"])
    parser.add_argument("name", type=_secret_name, help="the variable that it becomes, such as BOT_TOKENS")
    return parser


if __name__ == "__main__":
    sys.exit(main())
