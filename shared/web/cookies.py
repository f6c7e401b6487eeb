"""Cookies of the site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core.config import settings

if TYPE_CHECKING:
    from flask import Request, Response

_SECONDS = 90 * 86_400  # the longest that a session lasts (private.open_user_session)


def read(request: Request, name: str) -> str:
    """Return the value of a cookie; empty where there is none."""
    return request.cookies.get(_full_name(name), "")


def write(response: Response, name: str, value: str, seconds: int = _SECONDS) -> None:
    """Set a cookie that scripts cannot read and other sites' forms do not send."""
    response.set_cookie(
        _full_name(name), value, max_age=seconds, path="/", secure=_is_https(), httponly=True, samesite="Lax"
    )


def delete(response: Response, name: str) -> None:
    """Delete a cookie."""
    response.delete_cookie(_full_name(name), path="/", secure=_is_https(), httponly=True, samesite="Lax")


def _full_name(name: str) -> str:
    """Return the name as it is sent. With __Host- a browser takes it from this host alone, over HTTPS."""
    return f"__Host-{name}" if _is_https() else name


def _is_https() -> bool:
    return settings().console_url.startswith("https://")
