"""Asks a container registry for the digest of a tag (the OCI distribution API).

digest("python:3.13-slim")  ->  "sha256:…"
"""

from __future__ import annotations

import hashlib
import re
import urllib.error
import urllib.parse
import urllib.request

DOCKER_HUB = "https://registry-1.docker.io"
TIMEOUT = 30  # seconds of one request
# An index of all platforms first: its digest is right on every machine.
_ACCEPT = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)


class RegistryError(Exception):
    """The registry did not name the digest; the message says why."""


def digest(image: str) -> str:
    """Return the digest of `name:tag`, computed from the manifest itself.

    Raises:
        RegistryError: no such image, or no connection.
    """
    base, repository, tag = split(image)
    url = f"{base}/v2/{repository}/manifests/{tag}"
    try:
        manifest = _get(url, {"Accept": _ACCEPT})
    except urllib.error.HTTPError as error:
        with error:
            raise RegistryError(f"{image}: {_refusal(error.code)}") from None
    except OSError:
        raise RegistryError(
            f"{base} cannot be reached: check the network or the proxy, and run the command again."
        ) from None
    except (ValueError, KeyError):
        raise RegistryError(f"{image}: {base} sent an answer that is no image manifest.") from None
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def _refusal(status: int) -> str:
    if status == 429:
        return "the registry allows no more requests for now. Run the command again in an hour."
    if status in (401, 403, 404):
        return f"there is no such public image (HTTP {status}). Compare the name in deploy.yaml."
    return f"the registry answered with HTTP {status}. Run the command again later."


def split(image: str) -> tuple[str, str, str]:
    """Return the registry's address, the repository and the tag of an image's name."""
    name, _, tag = image.partition(":")
    host, slash, rest = name.partition("/")
    if slash and "." in host:
        return f"https://{host}", rest, tag
    return DOCKER_HUB, name if slash else f"library/{name}", tag


def _get(url: str, headers: dict[str, str]) -> bytes:
    """GET, with the anonymous token that the registry asks for."""
    try:
        return _read(url, headers)
    except urllib.error.HTTPError as error:
        if error.code != 401:
            raise
        token = _token(error.headers.get("WWW-Authenticate", ""))
    return _read(url, headers | {"Authorization": f"Bearer {token}"})


def _token(challenge: str) -> str:
    from tools import validation
    from tools.images.payloads import Token

    asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    query = urllib.parse.urlencode({name: asked[name] for name in ("service", "scope") if name in asked})
    return validation.parse_json(Token, _read(f"{asked['realm']}?{query}", {})).token


def _read(url: str, headers: dict[str, str]) -> bytes:
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        content: bytes = answer.read()
    return content
