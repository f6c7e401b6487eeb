"""The security headers of every response. A page's policy decides what they leave to it (page.py)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.web.page import Policy

_TWO_YEARS = 63_072_000
_FEATURES = ("accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope",
             "microphone", "payment", "usb")  # fmt: skip


@lru_cache(maxsize=64)
def headers(policy: Policy, allowed: tuple[tuple[str, str], ...] = ()) -> Mapping[str, str]:
    """Return the security headers of a page with this policy.

    Args:
        policy: of the page.
        allowed: directives of the Content-Security-Policy, each with an origin that it allows besides.
    """
    found = {
        "Content-Security-Policy": _content_policy(policy, allowed),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": policy.referrer,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": ", ".join(f"{name}=()" for name in _FEATURES),
        "Strict-Transport-Security": f"max-age={_TWO_YEARS}",
    }
    if not policy.framed_by:
        found["X-Frame-Options"] = "DENY"  # browsers without frame-ancestors
    if not policy.is_indexed:
        found["X-Robots-Tag"] = "noindex, nofollow"
    return found


def _content_policy(policy: Policy, allowed: tuple[tuple[str, str], ...]) -> str:
    """Return the Content-Security-Policy: this host and what is allowed, nothing inline."""
    directives = {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": " ".join(policy.framed_by) or "'none'",
    }
    if policy.has_scripts:
        directives |= {"script-src": "'self'", "connect-src": "'self'"}
    for name, origin in allowed:
        directives[name] = f"{directives.get(name, '')} {origin}".strip()
    return "; ".join(f"{name} {value}" for name, value in directives.items())
