"""Protects forms against other sites: the origin of a request, and a token that only our pages know."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from typing import TYPE_CHECKING

from werkzeug.exceptions import Forbidden

from shared.core.signatures import hmac_sha256
from shared.web import addresses

if TYPE_CHECKING:
    from flask import Request

    from shared.web.sessions import Session

FIELD = "csrf"
HEADER = "X-CSRF-Token"
_LENGTH = 32  # bytes


def check(request: Request, session: Session | None) -> None:
    """Check a request that may change something.

    Raises:
        Forbidden: it comes from another site, or without the token of the session. The description is the
            key of a text.
    """
    if not _is_own_origin(request):
        raise Forbidden("web_error_origin")
    # No other site can send the header of a bearer token.
    if session is None or session.is_bearer:
        return
    sent = request.headers.get(HEADER) or request.form.get(FIELD, "")
    if not hmac.compare_digest(_unmasked(sent), _secret(session)):
        raise Forbidden("web_error_form")


def token(session: Session) -> str:
    """Return the token for the forms of a page.

    It differs in each response, so that the sizes of compressed pages do not reveal it (BREACH).
    """
    mask = secrets.token_bytes(_LENGTH)
    return base64.urlsafe_b64encode(mask + _xor(mask, _secret(session))).decode().rstrip("=")


def _unmasked(sent: str) -> bytes:
    try:
        content = base64.b64decode(sent.encode() + b"=" * (-len(sent) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
    return _xor(content[:_LENGTH], content[_LENGTH:]) if len(content) == 2 * _LENGTH else b""


def _secret(session: Session) -> bytes:
    return hmac_sha256(session.token, b"csrf")


def _xor(mask: bytes, content: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(mask, content, strict=True))


def _is_own_origin(request: Request) -> bool:
    """Return whether a page of ours sent the request. Browsers send Origin with every POST.

    A page with the Referrer-Policy no-referrer sends `Origin: null`, as sandboxed frames do; Sec-Fetch-Site,
    which no page can set, tells them apart.
    """
    origin = request.headers.get("Origin")
    if origin in (None, "null"):
        site = request.headers.get("Sec-Fetch-Site")
        return site == "same-origin" or (site == "none" and origin is None)
    return origin == addresses.origin(addresses.own(request))
