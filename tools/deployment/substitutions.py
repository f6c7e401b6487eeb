"""What deploy.yaml's substitutions say, checked before the first step that changes something."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from shared.ai.media import providers as media
from shared.core import config
from shared.core.errors import ConfigError
from shared.payments import providers
from tools import variables
from tools.database import admins

# They stand in FUNCTION_SETTINGS of deploy.yaml, where | separates one setting from the next.
_JOINED = ("DEFAULT_LANGUAGE", "ADMIN_TELEGRAM_IDS", "SUPPORT_CONTACT", "TERMS_URL")
_NO_ADMIN = (
    "This deployment has no admin, so no one would get payment alarms: set {missing}. "
    "docs/deployment.md, “Find your ids”, says how to look them up."
)


def check(environment: Mapping[str, str]) -> list[str]:
    """Check the settings, the admins and the payment providers; return the providers that can be paid with.

    `environment` holds the settings of the functions, MORE_SETTINGS (NAME=value|NAME=value), PAYMENT_SECRETS
    and MEDIA_SECRETS (NAME,NAME).

    Raises:
        ConfigError, SettingError: one line that names what is wrong.
    """
    for name in _JOINED:
        if "|" in environment.get(name, ""):
            raise ConfigError(f"_{name} must not contain |, which separates settings")
    given = dict(environment) | _more_settings(environment)
    _check_settings(given)
    _check_admins(given)
    _check_media(given)
    return _providers(given)


def _more_settings(environment: Mapping[str, str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in environment.get("MORE_SETTINGS", "").split("|") if pair]
    settings = {name: value for name, _, value in pairs}
    if unknown := sorted(set(settings) - variables.known()):
        raise ConfigError(f"_MORE_SETTINGS: there is no setting {unknown[0]}; .env.example lists them all")
    if own := sorted(settings.keys() & environment.keys()):
        raise ConfigError(f"_MORE_SETTINGS: {own[0]} has a place of its own, a substitution or a secret")
    return settings


def _check_settings(given: Mapping[str, str]) -> None:
    """Read the settings as a function would, which stops at the same values."""
    config.settings.cache_clear()
    os.environ.update({name: given[name] for name in config.variables() if name in given})
    config.settings()
    for name in ("PUBLIC_URL", "CONSOLE_URL"):
        if (url := given.get(name)) and not re.fullmatch(r"https://[A-Za-z0-9.-]+", url):
            raise ConfigError(f"_{name} must look like https://bots.example.com, without a path: {url!r}")


def _check_admins(given: Mapping[str, str]) -> None:
    missing = [name for name in ("ADMIN_EMAILS", "ADMIN_TELEGRAM_IDS") if not given.get(name, "").strip(" ,")]
    if missing:
        raise ConfigError(_NO_ADMIN.format(missing=" and ".join(f"_{name}" for name in missing)))
    admins.read(given)


def _check_media(given: Mapping[str, str]) -> None:
    secrets = set(given.get("MEDIA_SECRETS", "").split(",")) - {""}
    if unknown := secrets - media.variables():
        raise ConfigError(f"_MEDIA_SECRETS: no provider reads {', '.join(sorted(unknown))}")


def _providers(given: Mapping[str, str]) -> list[str]:
    secrets = set(given.get("PAYMENT_SECRETS", "").split(",")) - {""}
    if unknown := secrets - providers.variables():
        raise ConfigError(f"_PAYMENT_SECRETS: no provider reads {', '.join(sorted(unknown))}")
    present = secrets | {name for name, value in given.items() if value}
    needs = {name: set(providers.load(name).required_variables()) for name in providers.names()}
    for name, needed in needs.items():
        if needed & present and needed - present:
            raise ConfigError(f"{name} also needs {', '.join(sorted(needed - present))}, in _PAYMENT_SECRETS")
    return sorted(name for name, needed in needs.items() if needed <= present)
