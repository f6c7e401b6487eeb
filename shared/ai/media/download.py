"""Download results: only over https and from public addresses, a bounded size, a few redirects.

The address comes from a provider's answer, so it must not lead into our own network. The provider's own
address (`<KEY>_BASE_URL`) is the owner's choice and may be anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import SplitResult, urljoin, urlsplit

from shared.ai.media import wire
from shared.ai.media.addresses import is_public
from shared.ai.media.contract import DownloadError, TooLarge
from shared.core import http

SCHEMES = ("https",)  # of addresses that are not the provider's own
_MAX_REDIRECTS = 3
_GONE = (404, 410)


class Download:
    """A file that is being read; see `shared.ai.media.contract.OpenFile`."""

    def __init__(self, response: http.Stream) -> None:
        self._response = response
        self.size = wire.content_length(response)

    def read(self) -> bytes:
        """Return the next bytes, nothing at the end."""
        try:
            return self._response.read()
        except http.RequestError as error:
            raise DownloadError(f"the file did not arrive: {error}", is_gone=False) from None

    def close(self) -> None:
        """End the transfer."""
        self._response.close()


def download(url: str, base_url: str, own_headers: Mapping[str, str], deadline: float) -> bytes:
    """Return the body behind a URL.

    Args:
        base_url: of the provider's API.
        own_headers: sent only to the provider's own address, as they hold the API key.

    Raises:
        DownloadError: it cannot be fetched, or may not be. TooLarge: it is longer than `wire.MAX_BYTES`.
    """
    file = open_url(url, base_url, own_headers, deadline)
    if file.size is not None and file.size > wire.MAX_BYTES:
        file.close()
        raise TooLarge
    parts, size = [], 0
    while data := file.read():
        parts.append(data)
        size += len(data)
        if size > wire.MAX_BYTES:
            file.close()
            raise TooLarge
    return b"".join(parts)


def open_url(url: str, base_url: str, own_headers: Mapping[str, str], deadline: float) -> Download:
    """Request a URL and follow its redirects; see `download` for arguments and errors."""
    own = _origin(urlsplit(base_url))
    for _ in range(1 + _MAX_REDIRECTS):
        response = _get(url, own, own_headers, deadline)
        location = response.headers.get("location", "")
        if response.status not in (301, 302, 303, 307, 308) or not location:
            return _opened(response)
        response.close()
        url = urljoin(url, location)
    raise DownloadError("the file is redirected too often", is_gone=False)


def _get(url: str, own: object, own_headers: Mapping[str, str], deadline: float) -> http.Stream:
    try:
        parts = urlsplit(url)
        is_own = _origin(parts) == own
        if not is_own and parts.scheme not in SCHEMES:
            raise DownloadError("the file's address is not https", is_gone=False)
        headers = own_headers if is_own else {}
        return http.stream("GET", url, b"", headers, deadline, is_allowed=None if is_own else is_public)
    except http.RequestError as error:
        raise DownloadError(f"the file did not arrive: {error}", is_gone=False) from None
    except ValueError:
        raise DownloadError("the file's address is malformed", is_gone=False) from None


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _opened(response: http.Stream) -> Download:
    if response.status != 200:
        response.close()
        message = f"the file cannot be fetched: HTTP {response.status}"
        raise DownloadError(message, is_gone=response.status in _GONE)
    return Download(response)
