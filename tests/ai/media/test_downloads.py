"""Results are fetched only over https, from public addresses, bounded; the key stays with its provider."""

from __future__ import annotations

import pytest

from shared.ai.media import download, providers, wire
from shared.ai.media.addresses import is_public
from shared.ai.media.contract import DownloadError, MediaFile, TooLarge
from shared.core import http
from tests.ai.media.requests import deadline, picture
from tests.ai.raw_server import RawServer, head, plain
from tools.emulator.web import HttpServer, Request, Response

PRIVATE = (
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "::1", "::", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
    "2002:7f00:1::", "64:ff9b:1::a00:1", "no address", "",
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example.com/1.png",
        "https://127.0.0.1/1.png",
        "https://[::1]/1.png",
        "https://localhost/1.png",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/1.png",
        "file:///etc/passwd",
        "ftp://files.example.com/1.png",
        "https://",
        "https://files.example.com/a b",
        "//files.example.com/1.png",
        "",
    ],
)
def test_addresses_that_are_not_fetched(key: str, url: str) -> None:
    with pytest.raises(DownloadError):
        providers.load(key).download(MediaFile(url=url), deadline(3))


class TestFromTheProvider:
    def fetch(self, raw: RawServer, path: str = "/1.png") -> MediaFile:
        return providers.load("openrouter").download(MediaFile(url=raw.url + path), deadline())

    def test_facts_come_from_the_bytes(self, raw_media: RawServer) -> None:
        raw_media.next(plain(picture("WEBP", (40, 20))))
        file = self.fetch(raw_media)
        assert (file.mime, file.width, file.height) == ("image/webp", 40, 20)
        assert file.url == f"{raw_media.url}/1.png"

    def test_what_is_no_picture_is_refused(self, raw_media: RawServer) -> None:
        for body in (b"<html>", b"", b"%PDF-1.7", b"\x00\x00\x00\x18ftypheic"):
            raw_media.next(plain(body))
            with pytest.raises(DownloadError, match="no picture or video") as caught:
                self.fetch(raw_media)
            assert not caught.value.is_gone

    def test_a_file_that_is_too_long(self, raw_media: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wire, "MAX_BYTES", 1_000)
        raw_media.next(plain(b"x" * 2_000))
        with pytest.raises(TooLarge):
            self.fetch(raw_media)

    def test_redirects_are_followed_and_counted(self, raw_media: RawServer) -> None:
        raw_media.next(redirect("/2.png"), plain(picture()))
        assert self.fetch(raw_media).mime == "image/png"
        raw_media.next(*[redirect("/again")] * 5)
        with pytest.raises(DownloadError, match="too often"):
            self.fetch(raw_media)
        raw_media.forget()

    def test_a_redirect_into_our_network_is_not_followed(self, raw_media: RawServer) -> None:
        for url in ("http://169.254.169.254/latest", "https://127.0.0.1/1.png"):
            raw_media.next(redirect(url))
            with pytest.raises(DownloadError):
                self.fetch(raw_media)

    def test_the_key_goes_to_the_provider_alone(
        self, raw_media: RawServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[Request] = []

        def elsewhere(request: Request) -> Response:
            seen.append(request)
            return Response(200, picture())

        server = HttpServer(elsewhere)
        server.start()
        monkeypatch.setattr(download, "is_public", lambda _address: True)
        monkeypatch.setattr(download, "SCHEMES", ("http",))
        raw_media.next(redirect(f"{server.url}/1.png"))
        assert self.fetch(raw_media).mime == "image/png"
        server.stop()
        assert "authorization" in raw_media.requests[0].headers
        assert "authorization" not in seen[0].headers


def test_a_private_address_gets_no_connection_even_if_one_is_kept(
    raw_media: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def is_allowed(address: str) -> bool:
        asked.append(address)
        return len(asked) > 1

    http.request("GET", f"{raw_media.url}/kept", timeout=5)
    with pytest.raises(http.ConnectFailed):
        wire.fetch("GET", f"{raw_media.url}/1.png", {}, deadline(), is_allowed=is_allowed)
    assert [request.path for request in raw_media.requests] == ["/kept"]
    wire.fetch("GET", f"{raw_media.url}/2.png", {}, deadline(), is_allowed=is_allowed)
    assert asked == ["127.0.0.1", "127.0.0.1"]
    assert raw_media.requests[-1].connection > raw_media.requests[0].connection


def redirect(url: str) -> object:
    answer = head("302 Found", Location=url, Content_Length="0")
    return lambda connection: connection.sendall(answer)
