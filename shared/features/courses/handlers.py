"""The handlers of courses."""

from __future__ import annotations

from shared.features.courses import certificate, lesson, overview, questions, quiz, reminding
from shared.telegram.router import Router

router = Router(
    overview.router,
    lesson.router,
    quiz.router,
    questions.router,
    reminding.router,
    certificate.router,
)
