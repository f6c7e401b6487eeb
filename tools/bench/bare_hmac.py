"""The baseline of callbacks: a function that does nothing but check an HMAC of the body."""

import hashlib
import hmac

import functions_framework
from flask import Request

SECRET = b"the-secret-of-the-bench"
HEADER = "X-Signature"


@functions_framework.http
def bare_hmac(request: Request) -> tuple[str, int]:
    """Answer 200 to what is signed with the secret, else 401."""
    expected = hmac.new(SECRET, request.get_data(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), request.headers.get(HEADER, "").encode()):
        return "not authentic", 401
    return "ok", 200
