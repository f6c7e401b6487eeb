"""Courses: on the web (pages), in the bots, and as folders of content (library.py).

overview.py     /courses, a course, its lessons     lesson.py    /continue, a lesson, what completes it
quiz.py         the quiz of a lesson                awards.py    what a step in a lesson brought
finding.py      finds courses and lessons           questions.py questions about a lesson
reminding.py    reminders off and on                certificate.py  the name on a certificate
jobs.py         reminders and notices
"""

from shared.telegram.feature import Command, Feature

feature = Feature(
    __name__,
    commands=(
        Command("courses", "progress", needs="courses"),
        Command("continue", "progress", needs="courses"),
    ),
    buttons=("courses", "course", "lesson", "lessonquiz"),
    states=("lesson_question", "course_name"),
)
