"""What comparable bots cost, measured once beside an earlier release: for reference, not part of a run.

They ran with the same fake servers, CPUs and 50 messages of history, in turns (November 2026). Their ratios
transfer to other machines to about 10 %; chats a second are of that machine.
"""

from __future__ import annotations

from typing import NamedTuple


class KnownPeer(NamedTuple):
    """One chat of a bot. `chats`: a second, of 100 users at once with an AI that answers after 500 ms."""

    name: str
    function: float  # CPU, x of the bare function
    rows: float  # CPU of Postgres, in one-row UPDATEs
    chats: int | None


KNOWN_PEERS = (
    KnownPeer("AsyncTeleBot + asyncpg, a prototype", 2.3, 4.7, 170),
    KnownPeer("TBXark/ChatGPT-Telegram-Workers, KV in Postgres", 7.8, 6.3, 136),
    KnownPeer("grammY + pg", 5.1, 11.4, None),
    KnownPeer("aiogram + asyncpg, light AI client", 7.7, 14.2, 122),
    KnownPeer("aiogram + SQLAlchemy + openai package", 51.0, 18.8, None),
    KnownPeer("this product, the release beside them", 4.9, 20.0, 123),
)


def note() -> str:
    """Return the peers as lines below a table."""
    lines = ["(For reference, a chat of comparable bots: function, Postgres, chats a second with a slow AI)"]
    for peer in KNOWN_PEERS:
        chats = "" if peer.chats is None else f"{peer.chats:>8}/s"
        lines.append(f"  {peer.name:<50}{peer.function:>7.1f}x{peer.rows:>8.1f} rows{chats}")
    return "\n".join(lines)
