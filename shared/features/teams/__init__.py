"""Teams of the sales trainer: managers assign trainings and see how their members do.

team.py       the user's teams and their links     members.py  who belongs to a team
assigning.py  assigning a training, step by step   tasks.py    what is assigned to a member
report.py     the results of a team                certificates.py  of passed exams, with their picture
"""

from shared.telegram.feature import Command, Feature

feature = Feature(
    __name__,
    commands=(Command("team", "chat"), Command("certificate", "chat")),
    buttons=("team", "join", "task", "assign", "certificate"),
    states=("team",),
    links=("team_",),
)
