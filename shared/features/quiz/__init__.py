"""The quiz: questions in private, the day's challenge, quiz polls in groups, repetition at the right time.

library.py      loads and chooses questions       bank_models.py  the format of a bank
menu.py         topics and levels                 runs.py         a quiz from its first question to its result
screens.py      questions, answers, results       repetition.py   when a question comes again
challenge.py, challenge_screens.py              the day's challenge, its board and its reminder
polls.py        rounds of polls in groups         jobs.py         reminders, results of rounds
progress.py     a user's figures as a picture
"""

from shared.telegram.feature import Command, Feature

feature = Feature(
    __name__,
    commands=(
        Command("quiz", "play"),
        Command("daily", "play"),
        Command("review", "play"),
        Command("resume", "play"),
        Command("progress", "play"),
        Command("stats", in_menus=False),  # the same; an admin's /stats is the admin's
    ),
    buttons=("quiz", "daily", "review", "progress"),
    kinds=("poll_answer",),
    takes_texts=True,
)
