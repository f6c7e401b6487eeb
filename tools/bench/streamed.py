"""A chat whose answer is streamed slowly beside the same chat whose answer is there at once."""

from __future__ import annotations

from statistics import median

from tools.bench.fake_servers import Control, FakeServers
from tools.bench.peer import Peer
from tools.bench.report import Aim, Row, Section
from tools.bench.saturation import CHAT, Rounds, run

SLOW = Control(delay=2.0, drip=True, pieces=200)
_AT_ONCE = 40  # so that some hundred chats end in a round, far from saturation
_INSTANT = Control(pieces=SLOW.pieces)


def measure(
    product: Peer, fake_servers: FakeServers, postmaster: int, rounds: int, seconds: float
) -> Section:
    """Load the product in turn with chats whose answers stream slowly, and with instant ones."""
    slow, instant = Rounds(), Rounds()
    for _ in range(rounds):
        streamed_round(product, fake_servers, postmaster, seconds, slow)
        fake_servers.control(_INSTANT)
        run(product, CHAT, postmaster, seconds, instant)
    fake_servers.control(Control())
    ratio = median(a / b for a, b in zip(slow.cpu, instant.cpu, strict=True))
    title = f"{SLOW.pieces} pieces over {SLOW.delay:.0f} s, {_AT_ONCE} at once, median of {rounds}"
    aim = Aim(2, of_ratio=True)
    row = Row("CPU of a chat, ms", median(slow.cpu), median(instant.cpu), aim, digits=3, paired=ratio)
    return Section(title, [row], baseline="instant")


def streamed_round(
    product: Peer, fake_servers: FakeServers, postmaster: int, seconds: float, result: Rounds
) -> None:
    """Load a function for one round with chats whose answers stream slowly."""
    fake_servers.control(SLOW)
    try:
        run(product, CHAT, postmaster, seconds, result, _AT_ONCE)
    finally:
        fake_servers.control(Control())
