"""Reminders: /remind tomorrow at 9 call mom. The bot writes then, and can answer the words as a question.

when.py     reads the moment        grammar.py  the forms of moments
handlers.py /remind and its buttons  jobs.py    sends what is due
"""

from shared.telegram.feature import Command, Feature

feature = Feature(__name__, commands=(Command("remind", "chat"),), buttons=("remind",))
