"""Measures what the product costs, beside a bare function of the same run: `./switchboard bench`.

    __main__.py     the order of a run, and its arguments
    pictures.py     memory while many users ask for /usage at the same time
    start.py        from the start of the process to the first answer, and memory
    saturation.py   CPU, round trips and calls of one update; updates per second
    streamed.py     a chat whose answer is streamed slowly, beside an instant one
    slow_ai.py      many users waiting for a slow AI
    latency.py      how long one user waits beside a distant database
    distance.py     the proxy that makes it distant
    callbacks.py    CPU, round trips and calls of a payment provider's callback; callbacks per second
    pgbench.py      Postgres alone, by pgbench
    ranks.py        boards, ranks and awards with few and with many users, beside a one-row UPDATE
    scale.py        the two SQL functions with few and with many users, beside a one-row UPDATE
    against.py      two checkouts side by side
    one_row.py      the unit of Postgres CPU     known_peers.py  what comparable bots cost
    peer.py         a function as a pinned process     load.py       posts updates and times the answers
    fake_servers.py    Telegram, the AI, and a counter before Postgres, in a process of their own
    database.py     a Postgres of our own, filled      updates.py    the updates that are posted
    bare.py, bare_hmac.py  the baselines              callback_requests.py       the callbacks that are posted
    disturbance.py  who else used these CPUs           report.py     figures, their aims, the table

One vCPU is given to the function, another to everything else. Such a machine is noisy and rarely the same, so
only figures of one run are compared; docs/performance.md has the last ones and what they mean.
"""
