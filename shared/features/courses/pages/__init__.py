"""The pages of courses: for visitors, learners and authors."""

from __future__ import annotations

from shared.features.courses.pages import (
    admin,
    catalogue,
    certificates,
    cohorts,
    course_editor,
    course_files,
    enrollment,
    files,
    homework,
    learner_export,
    learners,
    lesson,
    lesson_editor,
    offers,
    review,
    steps,
    team_questions,
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
    *course_editor.pages,
    *lesson_editor.pages,
    *learners.pages,
    *learner_export.pages,
    *enrollment.pages,
    *cohorts.pages,
    *offers.pages,
    *course_files.pages,
    *review.pages,
    *team_questions.pages,
)
