"""The figures of the bench: what is compared with what."""

from __future__ import annotations

import json
import socket
import time
from statistics import median

from tools.bench import fake_servers
from tools.bench.against import compared
from tools.bench.distance import Distance
from tools.bench.known_peers import KNOWN_PEERS, note
from tools.bench.report import Aim, Row


def test_a_comparison_is_the_median_of_neighbouring_rounds_because_the_machine_changes_between_rounds():
    slow_then_quick = compared("CPU", ours=[8.0, 2.0, 2.2], theirs=[10.0, 2.5, 2.0])

    assert slow_then_quick.ratio == 0.8
    assert slow_then_quick.ratio != slow_then_quick.value / slow_then_quick.baseline
    assert (slow_then_quick.value, slow_then_quick.baseline) == (median([8.0, 2.0, 2.2]), 2.5)


def test_an_aim_of_a_ratio_is_judged_by_the_paired_ratio():
    row = Row("CPU", 4.2, 2.0, Aim(2, of_ratio=True), paired=1.99)

    assert row.mark == "ok"
    assert "1.99x" in row.cells()


def test_the_fake_ai_streams_the_same_answer_in_any_number_of_pieces():
    def streamed(pieces: int) -> list[str]:
        events = [event[len(b"data: ") :] for event in fake_servers.events(pieces)][:-1]
        choices = [choice for event in events for choice in json.loads(event)["choices"]]
        return [text for choice in choices if (text := choice["delta"].get("content"))]

    assert len(streamed(200)) == 200
    assert "".join(streamed(200)) == "".join(streamed(20)) == "".join(streamed(1))


def test_the_peers_are_listed_below_the_table():
    assert all(peer.name in note() for peer in KNOWN_PEERS)


def test_a_distance_delays_each_direction_by_half_of_the_round_trip():
    with socket.create_server(("127.0.0.1", 0)) as database:
        port = database.getsockname()[1]
        with (
            Distance(port, 400).running() as distance,
            socket.create_connection(("127.0.0.1", distance.port)) as client,
        ):
            started = time.monotonic()
            client.sendall(b"ping")
            server, _ = database.accept()
            with server:
                assert server.recv(9) == b"ping"
                assert 0.2 <= time.monotonic() - started < 0.4
                server.sendall(b"pong")
                assert client.recv(9) == b"pong"
                assert time.monotonic() - started >= 0.4
