"""The sales trainer: a conversation with a client whom the AI plays, scored by what the user asks.

library.py     loads scenarios and cases        scenario_models.py  their format
classifier.py  what was said, by patterns       roleplay.py         the same and the client, by the AI
unlocking.py   what the client discloses        rules.py            what SQL keeps of a scenario
setup.py       choosing a case and a mode       briefing.py         what the user reads first
play.py        a turn of the training           results.py          the result, line by line
history.py     earlier trainings                progress_picture.py the same as a picture
"""

from shared.telegram.feature import Command, Feature

feature = Feature(
    __name__,
    commands=(
        Command("new", "chat"),
        Command("tip", "chat"),
        Command("finish", "chat"),
        Command("resume", "chat"),
        Command("history", "chat"),
    ),
    buttons=("new", "play", "train", "result", "dispute", "past"),
    takes_texts=True,
)
