"""The pages of courses: for visitors, learners and authors."""

from __future__ import annotations

from shared.features.courses.pages import (
    admin,
    catalogue,
    certificates,
    editor,
    files,
    homework,
    lesson,
    steps,
    video,
)

pages = (
    *catalogue.pages,
    *video.pages,
    *steps.pages,
    *lesson.pages,
    *files.pages,
    *homework.pages,
    *certificates.pages,
    *admin.pages,
    *editor.pages,
)
