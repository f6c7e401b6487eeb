"""Broadcasts and sequences: messages to many users, and what users do with them.

sending.py    sends the messages that a claim gave     jobs.py     the job: freezes, queues, claims, records
rendering.py  a message for one user                   links.py    links that count clicks
content.py    what a message consists of               segments.py whom it reaches
pages/        the console                              handlers.py /unsubscribe and the buttons below messages
"""

from shared.telegram.feature import Command, Feature

feature = Feature(
    __name__,
    commands=(Command("unsubscribe", "data"),),
    buttons=("broadcast", "unsubscribe"),
)
