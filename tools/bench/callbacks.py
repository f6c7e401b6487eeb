"""What a callback of each payment provider costs: verified, recorded, applied, its buyer notified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import median

import psycopg

from shared.payments import providers
from tools.bench import callback_requests, load, updates
from tools.bench.errors import BenchError
from tools.bench.fake_servers import FakeServers
from tools.bench.peer import Peer, cpu_of
from tools.bench.report import Row, Section
from tools.bench.saturation import CONCURRENCY, Rounds

COUNTED = 50  # callbacks whose round trips and calls are counted
_WARM_SECONDS = 0.5
_ORDERS = """
    insert into public.orders
      (id, user_id, product_key, provider, currency, amount, kind, quantity, bot, expires_at)
    overriding system value
    select n, u.id, 'credits_100', %(provider)s, %(currency)s, %(amount)s, 'credits', 100, 'assistant',
           now() + interval '1 day'
      from generate_series(%(first)s, %(first)s + %(count)s - 1) as n
      join public.users as u on u.telegram_id = %(user)s + n %% %(users)s
"""
_NOTE = "(Each is a new payment: applied, credits given, the buyer notified. Stars come to `telegram`.)"
_GIVEN = """
    select p.provider, count(*)
      from public.payments as p
      join public.payment_effects as e on e.payment_id = p.id and e.effect = 'credits'
     group by p.provider
"""


def prepare(owner_url: str) -> None:
    """Make the orders that are paid."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for provider, (currency, amount) in callback_requests.PRICES.items():
            values = {
                "provider": provider,
                "currency": currency,
                "amount": amount,
                "count": callback_requests.ORDERS,
            }
            first = callback_requests.first_order(provider)
            users = {"user": updates.FIRST_USER, "users": updates.USERS}
            connection.execute(_ORDERS, values | users | {"first": first})
        connection.execute("analyze public.orders")


class Callbacks:
    """All providers, each posted to its function, beside the baseline."""

    def __init__(self, bare: Peer, payments: Peer, telegram: Peer, owner_url: str) -> None:
        self._requests = {
            provider: callback_requests.requests(provider) for provider in callback_requests.PRICES
        }
        self._signed = callback_requests.signed_requests()
        self._bare = bare
        self._peers = dict.fromkeys(callback_requests.PRICES, payments) | {"telegram_stars": telegram}
        self._owner_url = owner_url
        self._posted: Counter[str] = Counter()

    def first(self) -> bytes:
        """Return a callback that `payments` must take."""
        self._posted["crypto_pay"] += 1
        return next(self._requests["crypto_pay"])

    def measure(self, postmaster: int, rounds: int, seconds: float) -> Section:
        """Load all in turn.

        Raises:
            BenchError: a callback was refused, or a payment was not fulfilled.
        """
        results = {provider: Rounds() for provider in ("", *self._requests)}
        for number in range(rounds + 1):
            for provider, result in results.items():
                # The first round opens connections and fills caches.
                one = Rounds() if number == 0 else result
                peer, requests = self._of(provider)
                cpu, postgres = peer.cpu(), cpu_of(postmaster)
                done = load.during(peer.port, requests, seconds if number else _WARM_SECONDS, CONCURRENCY)
                self._posted[provider] += done.count
                one.add(done, peer.cpu() - cpu, cpu_of(postmaster) - postgres)
            if number == 0:
                self._analyze()
        self._check()
        bare = results.pop("")
        rows = [row for provider, result in results.items() for row in _rows(provider, result, bare)]
        return Section(
            f"Callbacks, {CONCURRENCY} at once, median of {rounds}",
            rows,
            baseline="bare HMAC",
            note=_NOTE + _not_measured(),
        )

    def count(self, fake_servers: FakeServers, counted: Peer, counted_telegram: Peer) -> Section:
        """Count what callbacks ask of others; both peers must reach Postgres through the counter."""
        rows = []
        for provider, requests in self._requests.items():
            peer = counted_telegram if provider == "telegram_stars" else counted
            self._posted[provider] += load.some(peer.port, requests, 3).count
            fake_servers.take_counts()
            self._posted[provider] += load.some(peer.port, requests, COUNTED).count
            counts = fake_servers.take_counts()
            round_trips = counts.pop("sql", 0)
            calls = ", ".join(sorted(counts))
            rows.append(Row(f"{provider}: round trips to Postgres", round_trips / COUNTED, digits=2))
            rows.append(Row(f"  calls to others ({calls})", sum(counts.values()) / COUNTED, digits=2))
        self._check()
        return Section(f"What a callback asks of others, counted over {COUNTED}", rows)

    def _of(self, provider: str) -> tuple[Peer, Iterator[bytes]]:
        if not provider:
            return self._bare, self._signed
        return self._peers[provider], self._requests[provider]

    def _analyze(self) -> None:
        """Let plans be made anew that were made for empty tables, as autovacuum does after a minute."""
        with psycopg.connect(self._owner_url, autocommit=True) as connection:
            connection.execute("vacuum analyze")

    def _check(self) -> None:
        with psycopg.connect(self._owner_url, autocommit=True) as connection:
            given: Counter[str] = Counter(dict(connection.execute(_GIVEN).fetchall()))
            wrong = connection.execute("select wrong from public.check_payments() limit 1").fetchone()
        if wrong:
            raise BenchError(f"payments do not agree: {wrong[0]}")
        for provider in self._requests:
            if given[provider] != self._posted[provider]:
                raise BenchError(
                    f"{provider}: {self._posted[provider]} were posted, {given[provider]} fulfilled"
                )


def _not_measured() -> str:
    """Return a sentence about the providers whose webhooks tools/bench/callback_requests.py can't write."""
    real = (key for key in providers.names() if not providers.load(key).ENVIRONMENTS)
    left = [key for key in real if key not in callback_requests.PRICES]
    return f" Not measured: {', '.join(left)}." if left else ""


def _rows(provider: str, result: Rounds, bare: Rounds) -> list[Row]:
    return [
        Row(f"{provider}: CPU of a callback, ms", median(result.cpu), median(bare.cpu), digits=3),
        Row("  callbacks a second", median(result.per_second), median(bare.per_second), digits=0),
        Row("  CPU of Postgres, ms", median(result.postgres), digits=3),
    ]
