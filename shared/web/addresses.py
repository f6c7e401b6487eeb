"""The address of the site and of others."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.core.config import settings

if TYPE_CHECKING:
    from flask import Request


def origin(address: str) -> str:
    """Return scheme and host of an address, as in the Content-Security-Policy and the header Origin."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def own(request: Request) -> str:
    """Return the address of the first page: CONSOLE_URL, else the host of the request; no slash at the end.

    Raises:
        ConfigError: a setting is wrong.
    """
    return (settings().console_url or request.host_url).rstrip("/")
