"""Payments: checkouts at providers, what providers report, and refunds and renewals.

    webhook.py         HTTP edge: limits ─▶ verify ─▶ parse ─▶ record ─▶ the provider's response
    recording.py       stores and applies an event with one database call
    events.py          what a provider reports, in our terms
    provider.py        the interface of a provider; declarations.py: its settings and its test mode
    payloads.py        base of the pydantic models of what providers send
    providers/         one module or package per provider; path, settings and buttons follow from its name

Python only translates. The SQL function `record_payment_event` applies events while it holds the lock on the
payment's row: it keeps the sums paid, refunded and disputed, and derives from them what the user has. So
neither repetition nor order of arrival changes the result.
"""
