"""Callbacks are accepted by their signature alone: vectors, forgeries, rotation, time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from shared.ai.media import providers
from shared.ai.media.contract import Finished, InvalidCallback, MediaProvider, Submitted
from shared.core.errors import ConfigError
from tests.ai.media.requests import deadline, media_request
from tools.emulator.ai.media import Media, MediaBehaviour
from tools.emulator.web import HttpServer, Request, Response

NOW = 1_790_000_000
# Secret, headers, body and job, computed with another implementation.
VECTORS: dict[str, tuple[str, dict[str, str], bytes, str]] = {
    "kie_ai": (
        "kie-hmac-test",
        {
            "x-webhook-timestamp": "1790000000",
            "x-webhook-signature": "NZjDqVpPKTS6Gucz5V5aBOCWU0Rtij3pLe1smlcEiiQ=",
        },
        b'{"code":200,"data":{"taskId":"task_0001","state":"success"}}',
        "task_0001",
    ),
}
VECTORS["openrouter"] = (
    "or-secret-test",
    {
        "x-openrouter-signature": "t=1790000000,"
        "v1=6bc0f3523259a198af824ce876b913f1f4505a47740e8d1ca506fbc02a8475ff"
    },
    b'{"type":"video.generation.completed","data":{"id":"gen-vid-1","status":"completed"}}',
    "gen-vid-1",
)
VECTORS["gemini"] = (
    "whsec_c3RhbmRhcmQtd2ViaG9vay10ZXN0LXNlY3JldC0zMmI=",
    {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1790000000",
        "webhook-signature": "v1,1aqJzTRPd/ifHIg2jcYHv4NjHGpnd1w5yo5Lm/uCXJU=",
    },
    b'{"type":"video.generated","data":{"id":"op_1"}}',
    "op_1",
)
UNSIGNED = sorted(set(providers.names()) - set(VECTORS))


@pytest.fixture(params=VECTORS)
def key(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each provider that signs callbacks, with the secret of its vector, at the time of its vector."""
    monkeypatch.setenv(f"{request.param.upper()}_WEBHOOK_SECRET", VECTORS[request.param][0])
    monkeypatch.setattr("shared.core.clock.timestamp", lambda: float(NOW))
    return str(request.param)


class TestVerify:
    def test_the_vector(self, key: str, provider: MediaProvider) -> None:
        _, headers, body, job = VECTORS[key]
        assert provider.verify_callback(headers, body) == job

    @pytest.mark.parametrize("age", [-299, 299])
    def test_within_the_window(
        self, key: str, provider: MediaProvider, age: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.core.clock.timestamp", lambda: float(NOW + age))
        _, headers, body, job = VECTORS[key]
        assert provider.verify_callback(headers, body) == job

    @pytest.mark.parametrize("age", [-301, 301, 86_400])
    def test_outside_the_window(
        self, key: str, provider: MediaProvider, age: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.core.clock.timestamp", lambda: float(NOW + age))
        _, headers, body, _ = VECTORS[key]
        with pytest.raises(InvalidCallback, match="too old"):
            provider.verify_callback(headers, body)

    def test_a_rotated_secret(
        self, key: str, provider: MediaProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secret, headers, body, job = VECTORS[key]
        monkeypatch.setenv(f"{key.upper()}_WEBHOOK_SECRET", f"whsec_bmV3LXNlY3JldA==, {secret}")
        assert provider.verify_callback(headers, body) == job

    def test_another_secret(self, key: str, provider: MediaProvider, monkeypatch: pytest.MonkeyPatch) -> None:
        _, headers, body, _ = VECTORS[key]
        for secret in ("another-secret-0001", "whsec_YW5vdGhlcg==", "whsec_***"):
            monkeypatch.setenv(f"{key.upper()}_WEBHOOK_SECRET", secret)
            with pytest.raises(InvalidCallback):
                provider.verify_callback(headers, body)

    def test_without_a_secret_nothing_is_accepted(
        self, key: str, provider: MediaProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, headers, body, _ = VECTORS[key]
        for secret in ("", " , "):
            monkeypatch.setenv(f"{key.upper()}_WEBHOOK_SECRET", secret)
            with pytest.raises(ConfigError, match=f"{key.upper()}_WEBHOOK_SECRET is missing"):
                provider.verify_callback(headers, body)

    def test_a_changed_or_missing_header(self, key: str, provider: MediaProvider) -> None:
        _, headers, body, _ = VECTORS[key]
        for name in headers:
            for value in ("", "0", headers[name] + "0", "é", "\ud800", headers[name].replace("1", "2")):
                if value == headers[name]:
                    continue
                with pytest.raises(InvalidCallback):
                    provider.verify_callback({**headers, name: value}, body)
            with pytest.raises(InvalidCallback):
                provider.verify_callback({k: v for k, v in headers.items() if k != name}, body)

    def test_a_callback_for_another_job(self, key: str, provider: MediaProvider) -> None:
        _, headers, body, job = VECTORS[key]
        with pytest.raises(InvalidCallback):
            provider.verify_callback(headers, body.replace(job.encode(), b"task_other"))

    def test_bodies_that_are_no_callback(self, key: str, provider: MediaProvider) -> None:
        _, headers, _, _ = VECTORS[key]
        for body in (b"", b"null", b"[]", b"{", b'{"data":{}}', b'{"data":{"taskId":7,"id":7}}', b"\xff"):
            with pytest.raises(InvalidCallback):
                provider.verify_callback(headers, body)


@pytest.mark.parametrize("name", UNSIGNED)
def test_a_provider_without_callbacks_accepts_none(name: str) -> None:
    with pytest.raises(InvalidCallback):
        providers.load(name).verify_callback({}, b"{}")


class Receiver:
    """A function that verifies the callbacks of a provider."""

    def __init__(self) -> None:
        self.jobs: list[str] = []
        self.server = HttpServer(self._handle)
        self.server.start()
        self._has_come = threading.Event()

    def wait(self) -> str:
        """Return the job of the first callback once it has come."""
        assert self._has_come.wait(20)
        return self.jobs[0]

    def _handle(self, request: Request) -> Response:
        provider = providers.load(request.path.strip("/"))
        try:
            self.jobs.append(provider.verify_callback(request.headers, request.body))
        except InvalidCallback:
            return Response(401)
        self._has_come.set()
        return Response(200)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.stop()


JOBS = [("kie_ai", "image"), ("kie_ai", "video"), ("openrouter", "video")]


@pytest.mark.parametrize("pair", JOBS)
class TestFromTheFakeServer:
    def submit(self, pair: tuple[str, str], receiver: Receiver) -> str:
        url = f"{receiver.server.url}/{pair[0]}?token=unguessable"
        request = media_request(*pair, callback_url=url)  # type: ignore[arg-type]
        outcome = providers.load(pair[0]).submit(request, deadline())
        assert isinstance(outcome, Submitted)
        return outcome.provider_job_id

    def test_signed_once(self, media: Media, receiver: Receiver, pair: tuple[str, str]) -> None:
        job = self.submit(pair, receiver)
        assert media.finish() == [200]
        assert receiver.jobs == [job]

    def test_lost_and_repeated(self, media: Media, receiver: Receiver, pair: tuple[str, str]) -> None:
        media.next(MediaBehaviour(callbacks=0), MediaBehaviour(callbacks=2))
        self.submit(pair, receiver)
        assert media.finish() == []
        job = self.submit(pair, receiver)
        assert media.finish() == [200, 200]
        assert receiver.jobs == [job, job]

    def test_at_the_end_of_a_job_that_ends_by_itself(
        self, media: Media, receiver: Receiver, pair: tuple[str, str]
    ) -> None:
        media.next(MediaBehaviour(seconds=0.05))
        job = self.submit(pair, receiver)
        assert receiver.wait() == job
        outcome = providers.load(pair[0]).read(job, deadline())
        assert isinstance(outcome, Finished)

    def test_no_address_is_sent_where_callbacks_could_not_be_verified(
        self, media: Media, receiver: Receiver, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv(f"{pair[0].upper()}_WEBHOOK_SECRET")
        self.submit(pair, receiver)
        assert media.finish() == []
        assert "token=" not in str(media.requests)


def test_a_webhook_of_googles_project(media: Media, receiver: Receiver) -> None:
    provider = providers.load("gemini")
    outcome = provider.submit(media_request("gemini", "video"), deadline())
    assert isinstance(outcome, Submitted)
    media.jobs.all()[-1].callback_url = f"{receiver.server.url}/gemini"  # set up in the project
    assert media.finish() == [200]
    assert receiver.jobs == [outcome.provider_job_id]


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        ("gemini", ("webhook-signature", "v1,", "v1,b2xk v1,")),
        ("openrouter", ("x-openrouter-signature", ",v1=", ",v1=00ff,v1=")),
    ],
)
def test_several_signatures_while_a_secret_is_rotated(
    key: str, changed: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.core.clock.timestamp", lambda: float(NOW))
    secret, headers, body, job = VECTORS[key]
    monkeypatch.setenv(f"{key.upper()}_WEBHOOK_SECRET", secret)
    name, old, new = changed
    several = {**headers, name: headers[name].replace(old, new)}
    assert providers.load(key).verify_callback(several, body) == job
