"""What a payment provider declares about its configuration; other parts derive their lists from it.

Derived: the names a deployment accepts, the secrets that `./switchboard secret` and the setup wizard know,
and the providers that `./switchboard up --real` offers. A test compares `.env.example` and docs with it.
"""

from __future__ import annotations

from dataclasses import dataclass

_POLLED = "it can’t reach this machine: the job payments asks it about orders older than five minutes"


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable of a provider.

    The first argument is a literal: tools/secret reads it without importing the provider.
    """

    name: str
    about: str  # what it is and where to find it, in one line
    is_secret: bool = False
    min_length: int = 0  # characters, for secrets that we generate; others have the provider's form
    default: str = ""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """How a provider's test mode is recognized and reached."""

    key: str  # the variable whose value belongs to one mode only
    key_format: str  # of test keys, in words
    prefixes: tuple[str, ...] = ()  # of test keys; none: live keys look the same, but `api_url` refuses them
    api_url: str = ""  # of the test mode, when it differs from the live one
    webhooks: str = _POLLED  # how payments are reported to a machine without a public address

    def is_test_key(self, key: str) -> bool:
        """Whether a key can't move real money."""
        return key.startswith(self.prefixes) if self.prefixes else bool(key)
