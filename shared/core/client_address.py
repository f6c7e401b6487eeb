"""The network address of a client behind our proxies."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from shared.core.config import settings
from shared.core.signatures import hmac_sha256

if TYPE_CHECKING:
    from flask import Request


def of(request: Request) -> str:
    """Return the client's address as our outermost proxy saw it: the entries before can be forged."""
    hops = settings().trusted_proxy_hops
    if not hops:
        return request.remote_addr or ""
    seen = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    return seen[-hops] if len(seen) >= hops else ""


def hashed(request: Request) -> bytes:
    """Return what identifies the client's network without naming it: a keyed hash, 32 bytes.

    One customer of a provider has a whole /64 of IPv6 addresses, so they count as one. IPv4 addresses that
    come mapped into IPv6 share a /64 and do not.
    """
    address = of(request)
    try:
        parsed = ip_address(address)
    except ValueError:
        network = address
    else:
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
        network = str(int(parsed) >> 64) if isinstance(parsed, IPv6Address) else str(parsed)
    return hmac_sha256(settings().user_hash_key, b"address:" + network.encode())
