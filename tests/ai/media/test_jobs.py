"""Jobs that end later: reading them never loses one, whatever the provider answers meanwhile."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from shared.ai.media import providers
from shared.ai.media.contract import DownloadError, Failed, Finished, MediaProvider, Submitted
from tests.ai.asking import Lines
from tests.ai.media.requests import deadline, media_request, recorded
from tests.ai.media.test_contract import answer, compare
from tests.ai.raw_server import RawServer, plain
from tools.emulator.ai.media import Media, MediaBehaviour


@pytest.mark.parametrize(
    ("key", "case", "job"),
    [
        *recorded("read", "task_0001"),
        *recorded("read_video", "models/veo/operations/1"),
        *recorded("read_omni", "int_1"),
    ],
)
def test_recorded_states(
    raw_media: RawServer, key: str, case: dict[str, Any], job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = (case["body"] or {}).get("data") or {}
    now = record.get("createTime", 1_790_000_000_000) / 1000 + case.get("age_s", 30)
    monkeypatch.setattr("shared.core.clock.timestamp", lambda: now)
    raw_media.next(answer(case))
    outcome = providers.load(key).read(job, deadline())
    compare(outcome, case)
    if isinstance(outcome, Submitted):
        assert outcome.provider_job_id == job


class TestReading:
    @pytest.fixture
    def service(self) -> MediaProvider:
        return providers.load("kie_ai")

    @pytest.fixture
    def job(self, media: Media, service: MediaProvider) -> str:
        media.next(MediaBehaviour(reads=1))
        outcome = service.submit(media_request("kie_ai"), deadline())
        assert isinstance(outcome, Submitted)
        return outcome.provider_job_id

    @pytest.mark.parametrize(
        "behaviour",
        [
            MediaBehaviour(status=503, body={"code": 503}),
            MediaBehaviour(drop=True),
            MediaBehaviour(body=b""),
            MediaBehaviour(body=b"<html>Just a moment...</html>", status=403),
            MediaBehaviour(body={"code": 401, "msg": "You do not have access permissions"}),
        ],
    )
    def test_an_outage_keeps_the_job(
        self, media: Media, service: MediaProvider, job: str, behaviour: MediaBehaviour, lines: Lines
    ) -> None:
        media.next_read(behaviour)
        assert isinstance(service.read(job, deadline()), Submitted)
        assert lines("media_error")[0]["job"] == job
        assert isinstance(service.read(job, deadline()), Submitted)
        assert isinstance(service.read(job, deadline()), Finished)

    def test_a_timeout_keeps_the_job(self, media: Media, service: MediaProvider, job: str) -> None:
        media.next_read(MediaBehaviour(hang=True))
        assert isinstance(service.read(job, deadline(0.3)), Submitted)

    def test_reading_a_finished_job_again_gives_the_same(
        self, media: Media, service: MediaProvider, job: str
    ) -> None:
        media.finish()
        assert service.read(job, deadline()) == service.read(job, deadline())

    def test_the_pause_and_the_longest_wait_are_settings(
        self, raw_media: RawServer, service: MediaProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from tests.ai.conftest import forget_settings

        monkeypatch.setenv("KIE_AI_POLL_INTERVAL", "13")
        monkeypatch.setenv("KIE_AI_MAX_WAIT_TIME", "60")
        forget_settings()
        created = int((time.time() - 30) * 1000)
        record = {"taskId": "t", "state": "waiting", "createTime": created}
        raw_media.next(plain({"code": 200, "data": record}))
        assert service.read("t", deadline()) == Submitted("t", 13)
        raw_media.next(plain({"code": 200, "data": record | {"createTime": created - 60_000}}))
        assert isinstance(service.read("t", deadline()), Failed)

    @pytest.mark.parametrize(("status", "is_gone"), [(404, True), (410, True), (403, False), (500, False)])
    def test_a_link_that_expired(
        self, media: Media, service: MediaProvider, status: int, is_gone: bool
    ) -> None:
        media.next(MediaBehaviour(link_status=status))
        submitted = service.submit(media_request("kie_ai"), deadline())
        assert isinstance(submitted, Submitted)
        outcome = service.read(submitted.provider_job_id, deadline())
        assert isinstance(outcome, Finished)
        with pytest.raises(DownloadError) as caught:
            service.download(outcome.files[0], deadline())
        assert caught.value.is_gone is is_gone

    def test_content_of_openrouter_needs_the_key(self, media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
        openrouter = providers.load("openrouter")
        media.next(MediaBehaviour(ends={"urls": []}))
        submitted = openrouter.submit(media_request("openrouter", "video"), deadline())
        assert isinstance(submitted, Submitted)
        outcome = openrouter.read(submitted.provider_job_id, deadline())
        assert isinstance(outcome, Finished)
        assert openrouter.download(outcome.files[0], deadline()).mime == "video/mp4"
        monkeypatch.setenv("OPENROUTER_API_KEY", "wrong-key-0123456789")
        with pytest.raises(DownloadError):
            openrouter.download(outcome.files[0], deadline())

    def test_files_of_google_need_the_key(self, media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
        gemini = providers.load("gemini")
        outcome = gemini.submit(media_request("gemini", "omni"), deadline())
        assert isinstance(outcome, Finished)
        assert gemini.download(outcome.files[0], deadline()).mime == "video/mp4"
        monkeypatch.setenv("GEMINI_API_KEY", "another-key-0123456789")
        with pytest.raises(DownloadError):
            gemini.download(outcome.files[0], deadline())

    def test_a_job_is_read_by_an_id_that_cannot_leave_its_place(
        self, raw_media: RawServer, service: MediaProvider
    ) -> None:
        raw_media.next(plain({"code": 200, "data": {"state": "waiting"}}))
        service.read("../a b?x=1&y", deadline())
        assert raw_media.requests[0].path.endswith("recordInfo?taskId=..%2Fa%20b%3Fx%3D1%26y")

    def test_an_id_that_is_no_id_is_not_stored(self, raw_media: RawServer, service: MediaProvider) -> None:
        for job in ("a b", "../x", "x" * 400, "x\n"):
            raw_media.next(plain({"code": 200, "data": {"taskId": job}}))
            outcome = service.submit(media_request("kie_ai"), deadline())
            assert isinstance(outcome, Failed), json.dumps(job)
