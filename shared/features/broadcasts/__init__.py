"""Broadcasts and sequences: messages to many users, and what users do with them.

sending.py    sends the messages that a claim gave     jobs.py     the job: freezes, queues, claims, records
rendering.py  a message for one user                   links.py    links that count clicks
handlers.py   /unsubscribe and the buttons             pages/      the console
"""

from shared.telegram.feature import Command, Feature

feature = Feature(
    __name__,
    commands=(Command("unsubscribe", "data"),),
    buttons=("broadcast", "unsubscribe"),
)
