"""What pages of the messenger ask the AI for, as JSON: nothing is sent to the user.

Each answers {outcome: "ready", text, …}, or {outcome, message} with the reason in the operator’s
language: 429 where the budget of the day is spent or the provider is busy, 422 where nothing can be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, model_validator

from shared.core import texts
from shared.features.knowledge import assistance
from shared.web.access import Access
from shared.web.forms import FormError
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from flask import Response

    from shared.features.knowledge.assistance import Assistance
    from shared.web.visit import Visit

STATUS = {"empty": 422, "limited": 429, "overloaded": 429, "timeout": 504, "refused": 422, "failed": 502}
_LONGEST = 4_096  # characters of a message


class _Translation(BaseModel):
    seq: int | None = Field(default=None, ge=1, lt=2**63)
    text: str = Field(default="", max_length=_LONGEST)
    language: str = Field(default="", max_length=8)

    @model_validator(mode="after")
    def _has_one(self) -> _Translation:
        if (self.seq is None) == (not self.text.strip()):
            raise ValueError("web_field_wrong")
        return self


def draft_reply(visit: Visit, number: int) -> Response:
    """Draft the next reply of a conversation."""
    found = assistance.draft_reply(visit.user.user_id, number)
    return _answer(visit, found)


def summary(visit: Visit, number: int) -> Response:
    """Summarize a conversation in the operator's language."""
    found = assistance.summary(visit.user.user_id, number, visit.language)
    return _answer(visit, found)


def translation(visit: Visit, number: int) -> Response:
    """Translate a message (`seq`) into the operator's language, or what they typed (`text`) into the user's.

    Raises:
        FormError: a field is wrong.
    """
    sent = visit.form(_Translation)
    if sent.language and sent.language not in texts.codes():
        raise FormError({"language": "web_field_wrong"})
    language = sent.language or (visit.language if sent.seq is not None else "")
    found = assistance.translation(
        visit.user.user_id, number, seq=sent.seq, text=sent.text.strip(), language=language
    )
    return _answer(visit, found)


def _answer(visit: Visit, found: Assistance) -> Response:
    if found.outcome == "ready":
        return visit.json(
            {
                "outcome": "ready",
                "text": found.text,
                "language": found.language,
                "seq": found.seq,
                "articles": list(found.articles),
            }
        )
    words = visit.text(f"knowledge_ai_{found.outcome}")
    return visit.json({"outcome": found.outcome, "message": words}, STATUS[found.outcome])


_CONVERSATION = f"/messenger/{row_id('number')}"
_FORM = 60_000  # bytes; a letter may take twelve characters in a form

pages = tuple(
    Page(f"{_CONVERSATION}/{name}", show, methods=("POST",), max_body=_FORM, access=Access.OPERATOR)
    for name, show in (("draft_reply", draft_reply), ("summary", summary), ("translation", translation))
)
