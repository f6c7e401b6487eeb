"""A job whose provider failed goes on with the next one: once, with its price."""

from __future__ import annotations

from tests.supabase.generations.jobs import Painter
from tests.support import in_parallel

REQUEST = {
    "prompt": "a cat",
    "options": {"size": "1K"},
    "fallbacks": [{"provider": "brush", "model": "brush-2", "options": {"size": "2K"}}],
    "buttons": {"failed": [[{"key": "image_again", "data": "image:again:{id}"}]]},
}


def test_of_failures_at_once_one_switches(anna: Painter) -> None:
    job = anna.job(p_requests=2, p_request=REQUEST)
    job.claim()
    job.begin()
    attempt = job.row["attempt"]
    results = in_parallel(8, lambda _n: job.call("switch_generation", job.id, attempt, "down")["outcome"])
    assert sorted(results) == ["superseded"] * 7 + ["switched"]
    row = job.row
    assert (row["state"], row["provider"], row["model"]) == ("reserved", "brush", "brush-2")
    assert (row["request"]["options"], row["request"]["fallbacks"]) == ({"size": "2K"}, [])
    assert (anna.requests, job.effects()) == (2, ["reserved"])


def test_without_another_provider_or_time_nothing_switches(anna: Painter) -> None:
    job = anna.job(p_requests=2, p_request={**REQUEST, "fallbacks": []})
    job.claim()
    job.begin()
    assert job.call("switch_generation", job.id, job.row["attempt"], "down") == {"outcome": "none"}
    (message,) = job.end()["outgoing"]
    assert message["parameters"]["buttons"] == [[{"key": "image_again", "data": f"image:again:{job.id}"}]]
    assert job.call("switch_generation", job.id, job.row["attempt"], "down") == {"outcome": "superseded"}
    assert anna.requests == 0
