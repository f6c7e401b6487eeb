"""The pages of the messenger, for operators.

inbox.py    the list and a conversation     views.py    rows and messages as templates show them
filters.py  what the list shows             card.py     the user beside the conversation
composing.py  a message, a note             message_changes.py  send again, edit, delete
changing.py   assign, label, close, …       live.py     what is new, drafts, who is viewing
files.py      files of users                replies.py  canned replies and labels
user_actions.py  what an admin does to the user
"""

from __future__ import annotations

from shared.features.messenger.pages import (
    card,
    changing,
    composing,
    files,
    inbox,
    live,
    message_changes,
    replies,
    user_actions,
)

pages = (
    *inbox.pages,
    *live.pages,
    *composing.pages,
    *changing.pages,
    *message_changes.pages,
    *files.pages,
    *replies.pages,
    *card.pages,
    *user_actions.pages,
)
