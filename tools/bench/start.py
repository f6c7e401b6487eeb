"""From the start of a process to its first answer, and what the process then occupies."""

from __future__ import annotations

from statistics import median

from tools.bench import updates
from tools.bench.peer import Peer
from tools.bench.report import Aim, Row, Section


def measure(bare: Peer, product: Peer, rounds: int) -> Section:
    """Start both in turn. The first round compiles what was never imported, and is not counted."""
    commands = updates.requests("command")
    taken: dict[Peer, list[tuple[float, float, float]]] = {bare: [], product: []}
    for number in range(rounds + 1):
        for peer, results in taken.items():
            with peer.running(next(commands)) as seconds:
                if number:
                    results.append((seconds * 1000, peer.cpu() * 1000, peer.pss()))
    wall, cpu, pss = (
        (median(values[index] for values in taken[product]), median(values[index] for values in taken[bare]))
        for index in range(3)
    )
    rows = [
        Row("start to first answer, ms", *wall, aim=Aim(1.7, of_ratio=True), digits=0),
        Row("  CPU of it, ms", *cpu, digits=0),
        Row("memory after the first answer (PSS), MB", *pss, aim=Aim(70)),
    ]
    return Section(f"Start, median of {rounds}", rows)
