"""Conversations as articles: the AI drafts one, which an operator checks, or none is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException, UnprocessableEntity

from shared.core import db
from shared.features.knowledge import assistance
from shared.features.knowledge.pages.assisting import STATUS
from shared.features.knowledge.pages.choices import PATH, slug_of
from shared.web.access import Access
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import SaveArticle
    from shared.web.visit import Visit

_LONGEST_TITLE = 200


class _NotWritten(HTTPException):
    """The AI wrote nothing; the description is the key of the text that says why."""

    def __init__(self, outcome: str) -> None:
        super().__init__(f"knowledge_ai_{outcome}")
        self.code = STATUS[outcome]


def draft(visit: Visit, number: int) -> Response:
    """Let the AI draft an article from a conversation, and open it in the editor.

    Raises:
        HTTPException: the AI wrote nothing.
    """
    found = assistance.article(visit.user.user_id, number)
    title, _, body = found.text.partition("\n")
    title = title.strip("#* ")[:_LONGEST_TITLE].strip()
    if found.outcome == "ready" and not (title and body.strip()):
        raise UnprocessableEntity("knowledge_ai_failed")
    if found.outcome != "ready":
        raise _NotWritten(found.outcome)
    saved: SaveArticle | None = db.call(
        "save_article",
        p_actor_id=visit.user.user_id,
        p_article_id=None,
        p_values={
            "bot": found.bot,
            "language": found.language,
            "slug": slug_of(title),
            "title": title,
            "body": body.strip(),
            "is_from_ai": True,
        },
    )
    if saved is None or saved["outcome"] != "saved":  # another article took the random address
        raise UnprocessableEntity("knowledge_ai_failed")
    db.call(
        "decide_candidate",
        p_actor_id=visit.user.user_id,
        p_conversation_id=number,
        p_article_id=saved["id"],
    )
    return visit.redirect(f"{PATH}/{saved['id']}", "knowledge_drafted_notice")


def dismiss(visit: Visit, number: int) -> Response:
    """Note that no article is wanted from a conversation."""
    db.call("decide_candidate", p_actor_id=visit.user.user_id, p_conversation_id=number)
    return visit.redirect(PATH, "knowledge_dismissed_notice", "candidates")


_CANDIDATE = f"{PATH}/conversations/{row_id('number')}"

pages = (
    Page(f"{_CANDIDATE}/draft", draft, methods=("POST",), max_body=4_000, access=Access.OPERATOR),
    Page(f"{_CANDIDATE}/dismiss", dismiss, methods=("POST",), max_body=4_000, access=Access.OPERATOR),
)
