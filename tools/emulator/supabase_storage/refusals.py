"""Error responses of Storage and of the gateway before it.

Storage answers with HTTP 400 whatever happened; the body names the real status as a string
(github.com/supabase/storage, src/internal/errors). Only 500 and above, and 429, are HTTP statuses as well.
"""

from __future__ import annotations

from tools.emulator.web import Response, json_response

# Code: status, `error` where it is not the code, message.
REFUSALS = {
    "NoSuchBucket": (404, "Bucket not found", "Bucket not found"),
    "NoSuchKey": (404, "not_found", "Object not found"),
    "KeyAlreadyExists": (409, "Duplicate", "The resource already exists"),
    "EntityTooLarge": (413, "Payload too large", "The object exceeded the maximum allowed size"),
    "InvalidMimeType": (415, "invalid_mime_type", "mime type {} is not supported"),
    "InvalidKey": (400, "", "Invalid key: {}"),
    "InvalidRequest": (400, "", "{}"),
    "InvalidSignature": (400, "", "Invalid signature"),
    "ExpiredToken": (400, "", "The provided token has expired."),
    "AccessDenied": (403, "Unauthorized", "{}"),
    "InternalError": (500, "", "Internal server error"),
    "DatabaseTimeout": (544, "", "The connection to the database timed out"),
    "SlowDown": (429, "", "Too many requests"),
}


class Refused(Exception):
    """A request that Storage refuses with one of REFUSALS."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail

    def response(self) -> Response:
        """Return the response in Storage's style."""
        status, error, message = REFUSALS[self.code]
        body = {
            "statusCode": str(status),
            "error": error or self.code,
            "message": message.format(self.detail),
            "code": self.code,
        }
        return json_response(body, status if status == 429 or status >= 500 else 400)


def gateway_refusal(message: str) -> Response:
    """Return the gateway's 401, which never reaches Storage."""
    return json_response({"message": message}, 401)
