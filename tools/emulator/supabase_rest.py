"""A fake of Supabase's REST API (PostgREST) as far as `rpc(…)` needs it: POST /rest/v1/rpc/<function>.

The API key is a JWT whose claim `role` is the database role of the call, as with Supabase's legacy keys.
Statuses and error bodies follow PostgREST 13 (docs.postgrest.org/en/v13/references/errors.html).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import orjson
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

ROLES = ("anon", "authenticated", "service_role")
PATH = "/rest/v1/rpc/"
_FUNCTION = """
select proretset or prorettype::regtype::text = 'record', prorettype = 'void'::regtype
from pg_proc where pronamespace = 'public'::regnamespace and proname = %s
"""


def make_key(role: str, secret: str) -> str:
    """Return an API key: a JWT, signed with HS256, that names a role."""
    parts = [orjson.dumps({"alg": "HS256", "typ": "JWT"}), orjson.dumps({"iss": "supabase", "role": role})]
    signed = ".".join(_encoded(part) for part in parts)
    return f"{signed}.{_encoded(_signature(signed, secret))}"


def read_role(key: str, secret: str) -> str | None:
    """Return the role that a key names; None for a key that this server did not sign."""
    signed, _, signature = key.rpartition(".")
    if not hmac.compare_digest(_encoded(_signature(signed, secret)), signature):
        return None
    payload = signed.partition(".")[2]
    role = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))).get("role")
    return role if role in ROLES else None


class RestServer:
    """Serves one database on 127.0.0.1. `url` is its superuser's; each call runs as the role of its key."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Return the address that a Supabase client is given."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def call(self, key: str, function: str, arguments: dict[str, Any]) -> tuple[int, Any]:
        """Call a function as the role of a key; return status and body, None for an empty one."""
        role = read_role(key, self._secret)
        if role is None:
            return 401, {"code": "PGRST301", "message": "JWSError JWSInvalidSignature"}
        with psycopg.connect(self._url) as connection:
            found = connection.execute(_FUNCTION, [function]).fetchone()
            if found is None:
                return 404, {"code": "PGRST202", "message": f"Could not find the function public.{function}"}
            try:
                rows = _rows(connection, role, function, arguments)
            except psycopg.Error as error:
                return _status(error, role), {
                    "code": error.sqlstate,
                    "details": error.diag.message_detail,
                    "hint": error.diag.message_hint,
                    "message": error.diag.message_primary,
                }
        is_table, is_void = found
        if is_void:
            return 204, None
        return 200, rows if is_table else rows[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        rest = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = 404, None
                if self.path.startswith(PATH):
                    key = self.headers.get("apikey") or ""
                    status, answer = rest.call(key, self.path.removeprefix(PATH), orjson.loads(body or b"{}"))
                content = b"" if status == 204 else orjson.dumps(answer)
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: object) -> None:
                """Write no access log."""

        return Handler


def _rows(connection: psycopg.Connection, role: str, function: str, arguments: dict[str, Any]) -> list[Any]:
    """Run the call in one transaction as the role; Postgres reads each argument as the parameter's type."""
    given = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder()) for name in arguments
    )
    values = [_parameter(value) for value in arguments.values()]
    with connection.transaction():
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
        query = sql.SQL("select to_jsonb(t) from public.{}({}) as t").format(sql.Identifier(function), given)
        return [row[0] for row in connection.execute(query, values)]


def _parameter(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    return Jsonb(value) if isinstance(value, dict | list) else str(value)


def _status(error: psycopg.Error, role: str) -> int:
    if error.sqlstate == "42501":
        return 401 if role == "anon" else 403
    if error.sqlstate == "42883":
        return 404
    return 400


def _signature(signed: str, secret: str) -> bytes:
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
