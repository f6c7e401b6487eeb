"""`./switchboard images`: digests from a registry, written into deploy.yaml."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.emulator.web import HttpServer, Request, Response
from tools.images import __main__ as images
from tools.images import registry

MANIFEST = b'{"schemaVersion": 2, "manifests": []}'
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
OLD = "sha256:" + "0" * 64
STEPS = """steps:
  - id: check
    name: python:3.13-slim
    script: |
      name: not/an-image:1
  - id: install
    name: python:3.13-slim@{old}
  - id: cli
    name: {host}/sdk/cli:558.0.0-slim
"""


class Registry:
    """A fake registry that requires an anonymous token, as Docker Hub does."""

    def __init__(self) -> None:
        self.server = HttpServer(self.handle)
        self.server.start()
        self.accepts: list[str] = []

    def handle(self, request: Request) -> Response:
        if request.path == "/token":
            assert request.arguments() == {"service": "hub", "scope": "repository:library/python:pull"}
            return Response(body=b'{"token": "t0ken"}')
        if request.path != "/v2/library/python/manifests/3.13-slim":
            return Response(404)
        if request.headers.get("authorization") != "Bearer t0ken":
            challenge = (
                f'Bearer realm="{self.server.url}/token",service="hub",scope="repository:library/python:pull"'
            )
            return Response(401, headers={"WWW-Authenticate": challenge})
        self.accepts.append(request.headers["accept"])
        return Response(body=MANIFEST)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    started = Registry()
    monkeypatch.setattr(registry, "DOCKER_HUB", started.server.url)
    yield started
    started.server.stop()


@pytest.mark.parametrize(("image", "address"), [
    ("python:3.13-slim", (registry.DOCKER_HUB, "library/python", "3.13-slim")),
    ("owner/name:1", (registry.DOCKER_HUB, "owner/name", "1")),
    ("registry.example/a/b/c:558.0.0-slim", ("https://registry.example", "a/b/c", "558.0.0-slim")),
])  # fmt: skip
def test_an_image_has_an_address(image: str, address: tuple[str, str, str]) -> None:
    assert registry.split(image) == address


def test_the_digest_is_that_of_the_manifest_of_all_platforms(hub: Registry) -> None:
    assert registry.digest("python:3.13-slim") == DIGEST
    assert hub.accepts[0].startswith("application/vnd.oci.image.index.v1+json")


@pytest.mark.parametrize("image", ["python:4", "missing/image:1"])
def test_a_missing_image_is_an_error(hub: Registry, image: str) -> None:
    with pytest.raises(registry.RegistryError, match=image):
        registry.digest(image)


def test_every_step_gets_its_digest_and_an_old_one_is_replaced() -> None:
    digests = {"python:3.13-slim": DIGEST, "r.example/sdk/cli:558.0.0-slim": OLD.replace("0", "1")}
    text = STEPS.format(old=OLD, host="r.example")
    pinned = images.pin(text, digests.__getitem__)
    assert pinned.count(f"    name: python:3.13-slim@{DIGEST}\n") == 2
    assert f"    name: r.example/sdk/cli:558.0.0-slim@{digests['r.example/sdk/cli:558.0.0-slim']}\n" in pinned
    assert "      name: not/an-image:1\n" in pinned
    assert images.pin(pinned, digests.__getitem__) == pinned


def test_every_step_of_the_deployment_is_parsed() -> None:
    pinned = images.pin(images.DEPLOYMENT.read_text(), lambda image: DIGEST)
    names = [line for line in pinned.splitlines() if line.startswith("    name: ")]
    assert len(names) > 10
    assert all(line.endswith(f"@{DIGEST}") for line in names)


def test_the_command_writes_and_checks(
    hub: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "deploy.yaml"
    file.write_text("steps:\n  - id: check\n    name: python:3.13-slim\n")
    assert images.main(["--check"], file) == 1
    assert "run ./switchboard images" in capsys.readouterr().err
    assert images.main([], file) == 0
    assert file.read_text() == f"steps:\n  - id: check\n    name: python:3.13-slim@{DIGEST}\n"
    assert images.main(["--check"], file) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"python:3.13-slim@{DIGEST}"


def test_without_a_registry_nothing_is_written(
    hub: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "deploy.yaml"
    file.write_text("steps:\n  - id: check\n    name: python:9\n")
    assert images.main([], file) == 1
    assert "python:9" in capsys.readouterr().err
    assert file.read_text().endswith("name: python:9\n")


def test_without_a_network_one_line_says_what_to_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "DOCKER_HUB", "http://127.0.0.1:9")
    file = tmp_path / "deploy.yaml"
    file.write_text("steps:\n  - id: check\n    name: python:3.13-slim\n")
    assert images.main(["--check"], file) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("http://127.0.0.1:9 cannot be reached: check the network or the proxy")
