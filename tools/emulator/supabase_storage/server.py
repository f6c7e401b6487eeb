"""Supabase Storage: uploads, downloads, signed URLs and deletions under /storage/v1.

The gateway wants `apikey` and `Authorization`: with both, every combination of key and server works
(docs/storage.md). The bucket's limits are those of supabase/config.toml.
"""

from __future__ import annotations

import fnmatch
import json
import re
import secrets
import threading
import time
import tomllib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from tools.emulator.clock import Clock
from tools.emulator.functions import ROOT
from tools.emulator.supabase_storage import signing
from tools.emulator.supabase_storage.faults import StorageFault, StorageFaults
from tools.emulator.supabase_storage.refusals import REFUSALS, Refused, gateway_refusal
from tools.emulator.supabase_storage.resumable import ResumableUploads, Upload
from tools.emulator.telegram.parameters import parse_parameters
from tools.emulator.trace import Trace
from tools.emulator.web import Request, Response, json_response

BASE = "/storage/v1"
MAX_PREFIXES = 1000  # keys in one deletion
_KEY = re.compile(r"[A-Za-z0-9_/!.*'() &$=@;:+,?-]+")
_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


@dataclass(frozen=True)
class Bucket:
    """A bucket and its limits."""

    name: str
    is_public: bool
    size_limit: int
    mime_types: tuple[str, ...]


@dataclass(frozen=True)
class StoredObject:
    """An object of a bucket."""

    content: bytes
    mime_type: str
    created_at: float


class StorageServer:
    """Objects are kept in memory. `objects` is what a test looks at, `fail` and `down` what it breaks."""

    def __init__(
        self, base: Callable[[], str] = lambda: "", trace: Trace | None = None, clock: Clock | None = None
    ) -> None:
        self._base = base
        self._trace = trace or Trace()
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._secret = secrets.token_bytes(32)
        self._objects: dict[tuple[str, str], StoredObject] = {}
        self._faults = StorageFaults()
        self._resumable = ResumableUploads(
            lambda: self._base() + BASE, self._check_upload, self._store_upload
        )
        self.key = "sb_secret_" + secrets.token_urlsafe(24)
        self.buckets = {bucket.name: bucket for bucket in configured_buckets()}

    @property
    def objects(self) -> dict[str, StoredObject]:
        """Return the objects by `<bucket>/<key>`."""
        with self._lock:
            return {f"{bucket}/{key}": one for (bucket, key), one in self._objects.items()}

    def fail(
        self,
        operation: str = "",
        code: str = "InternalError",
        *,
        executed: bool = False,
        times: int | None = 1,
    ) -> None:
        """Let the next calls of an operation fail; "" is every operation.

        Args:
            operation: upload, download, sign, delete; of resumable uploads begin, offset, part.
            code: a code of Storage, or "timeout", "reset", or "page" for a gateway's 502.
            executed: the work is done first.
            times: None for every call until `clear`.
        """
        assert code in REFUSALS or code in ("timeout", "reset", "page"), f"no fault named {code}"
        self._faults.add(StorageFault(operation, code, executed, times))

    def down(self) -> None:
        """Reset every connection until `clear`."""
        self.fail(code="reset", times=None)

    def clear(self) -> None:
        """Remove faults; the objects stay."""
        self._faults.clear()

    def forget(self) -> None:
        """Clear, and remove the objects."""
        self.clear()
        with self._lock:
            self._objects.clear()

    def stop(self) -> None:
        """Release the calls that are kept waiting."""
        self._faults.stop()

    def environment(self) -> dict[str, str]:
        """Return the settings that point the functions at this server."""
        return {"SUPABASE_URL": self._base(), "SUPABASE_SECRET_KEY": self.key}

    def addresses(self) -> dict[str, str]:
        """Return the service with its path."""
        return {"Supabase Storage": BASE}

    def handle(self, request: Request) -> Response | None:
        """Answer a request; None when its path belongs to another server."""
        if not request.path.startswith(BASE + "/"):
            return None
        begin = time.perf_counter()
        operation, work = self._route(request, request.path.removeprefix(BASE + "/"))
        try:
            response = self._refused_by_gateway(request) if operation != "open" else None
            if response is None:
                response = self._faults.answer(operation, work)
        except Refused as refusal:
            response = refusal.response()
        ms = round((time.perf_counter() - begin) * 1000, 2)
        detail = {"method": request.method, "path": request.path, "bytes": len(request.body)}
        self._trace.add("storage_call", f"storage {operation}", detail=detail, ms=ms, status=response.status)
        return response

    def _refused_by_gateway(self, request: Request) -> Response | None:
        """Return the 401 or 400 of a request without the right keys; None for one that may pass."""
        key, authorization = request.headers.get("apikey"), request.headers.get("authorization", "")
        if not key:
            return gateway_refusal("No API key found in request")
        if key != self.key:
            return gateway_refusal("Invalid API key")
        if request.headers.get("user-agent", "").startswith("Mozilla/"):
            return gateway_refusal("Forbidden use of secret API key in browser")
        if not authorization:
            raise Refused("InvalidRequest", "headers must have required property 'authorization'")
        if authorization != f"Bearer {key}":
            raise Refused("AccessDenied", "Invalid Compact JWS")
        return None

    def _route(self, request: Request, path: str) -> tuple[str, Callable[[], Response]]:
        """Return the operation that a request asks for, by name, and the function that does it."""
        match request.method, *path.split("/", 2):
            case "POST", "object", "sign", target if "/" in target:
                bucket, _, key = target.partition("/")
                return "sign", lambda: self._sign(bucket, key, request)
            case "GET", "object", "sign", target if "/" in target:
                bucket, _, key = target.partition("/")
                return "open", lambda: self._open(bucket, key, request)
            case "GET", "object", bucket, key:
                return "download", lambda: self._download(bucket, key)
            case "POST" | "PUT", "object", bucket, key:
                return "upload", lambda: self._upload(bucket, key, request)
            case "DELETE", "object", bucket:
                return "delete", lambda: self._delete(bucket, request)
        unknown = {"message": f"Route {request.method}:/{path} not found"}
        return self._resumable.route(request, path) or ("unknown", lambda: json_response(unknown, 404))

    def _upload(self, name: str, key: str, request: Request) -> Response:
        bucket = self._bucket(name)
        if _KEY.fullmatch(key) is None:
            raise Refused("InvalidKey", key)
        content, mime_type = _file(request)
        if not any(fnmatch.fnmatchcase(mime_type, allowed) for allowed in bucket.mime_types):
            raise Refused("InvalidMimeType", mime_type)
        if len(content) > bucket.size_limit:
            raise Refused("EntityTooLarge")
        replaces = request.method == "PUT" or request.headers.get("x-upsert") == "true"
        with self._lock:
            if (name, key) in self._objects and not replaces:
                raise Refused("KeyAlreadyExists")
            self._objects[name, key] = StoredObject(content, mime_type, self._clock.now())
        return json_response({"Id": str(uuid.uuid4()), "Key": f"{name}/{key}"})

    def _check_upload(self, upload: Upload) -> str:
        """Return status and text of a refusal, "" for an upload that may begin."""
        bucket = self.buckets.get(upload.bucket)
        if bucket is None:
            return "404 Bucket not found"
        if not any(fnmatch.fnmatchcase(upload.mime_type, allowed) for allowed in bucket.mime_types):
            return f"415 mime type {upload.mime_type} is not supported"
        if upload.length > bucket.size_limit:
            return "413 Maximum size exceeded\n"
        with self._lock:
            return "409 The resource already exists" if (upload.bucket, upload.key) in self._objects else ""

    def _store_upload(self, upload: Upload) -> None:
        made = StoredObject(bytes(upload.content), upload.mime_type, self._clock.now())
        with self._lock:
            self._objects[upload.bucket, upload.key] = made

    def _download(self, name: str, key: str) -> Response:
        found = self._object(name, key)
        return Response(200, found.content, found.mime_type)

    def _sign(self, name: str, key: str, request: Request) -> Response:
        self._object(name, key)
        seconds = int(_json_body(request).get("expiresIn") or 0)
        if seconds < 1:
            raise Refused("InvalidRequest", "body/expiresIn must be >= 1")
        token = signing.sign(f"{name}/{key}", self._clock.now() + seconds, self._secret)
        return json_response({"signedURL": f"/object/sign/{name}/{key}?token={token}"})

    def _open(self, name: str, key: str, request: Request) -> Response:
        """Answer a signed URL, which needs no key."""
        token = (parse_qs(request.query).get("token") or [""])[0]
        signing.check(token, f"{name}/{key}", self._clock.now(), self._secret)
        return self._download(name, key)

    def _delete(self, name: str, request: Request) -> Response:
        self._bucket(name)
        keys = _json_body(request).get("prefixes")
        if not isinstance(keys, list) or not 1 <= len(keys) <= MAX_PREFIXES:
            raise Refused("InvalidRequest", "body/prefixes must NOT have more than 1000 items")
        with self._lock:
            gone = [key for key in keys if self._objects.pop((name, key), None) is not None]
        return json_response([{"bucket_id": name, "name": key} for key in gone])

    def _bucket(self, name: str) -> Bucket:
        if name not in self.buckets:
            raise Refused("NoSuchBucket")
        return self.buckets[name]

    def _object(self, name: str, key: str) -> StoredObject:
        self._bucket(name)
        with self._lock:
            found = self._objects.get((name, key))
        if found is None:
            raise Refused("NoSuchKey")
        return found


def configured_buckets() -> list[Bucket]:
    """Return the buckets of supabase/config.toml."""
    config = tomllib.loads((ROOT / "supabase/config.toml").read_text(encoding="utf-8"))
    return [
        Bucket(name, one["public"], _bytes(one["file_size_limit"]), tuple(one["allowed_mime_types"]))
        for name, one in config["storage"]["buckets"].items()
    ]


def _bytes(size: str) -> int:
    return int(size[:-3]) * _UNITS[size[-3:]]


def _file(request: Request) -> tuple[bytes, str]:
    """Return the uploaded file and its type: the only file of a form, or the body."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return request.body, kind
    _, files = parse_parameters(kind, request.body) or ({}, {})
    if not files:
        raise Refused("InvalidRequest", "No content provided")
    upload = next(iter(files.values()))
    return upload.content, upload.mime_type


def _json_body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused("InvalidRequest", "Body is not valid JSON")
    return body
