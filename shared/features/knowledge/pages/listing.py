"""The list of articles, and the conversations from which one could be drafted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.features import xp
from shared.features.knowledge.pages.choices import PATH, bots
from shared.web import markdown
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import ArticleRow, ListArticles, ListCandidates
    from shared.web.visit import Visit

_STATES = ("", "draft", "published")


def show(visit: Visit) -> Response:
    """List articles by bot, state and words."""
    asked = visit.request.args
    names = bots(visit)
    bot = asked.get("bot", "") if asked.get("bot", "") in dict(names) else ""
    state = asked.get("state", "") if asked.get("state", "") in _STATES else ""
    words = asked.get("q", "").replace("\0", "").strip()[:200]
    page = min(visit.number("page") or 0, 10_000)
    found: ListArticles = db.call(
        "list_articles",
        p_actor_id=visit.user.user_id,
        p_bot=bot or None,
        p_status=state or None,
        p_search=words or None,
        p_page=page,
    )
    candidates: list[ListCandidates] = db.call(
        "list_candidates", p_actor_id=visit.user.user_id, p_bot=bot or None
    )
    here: JsonObject = {"bot": bot, "state": state, "q": words}
    return visit.render(
        "knowledge/list.html",
        bots=names,
        states=[(one, visit.text(f"knowledge_state_{one or 'all'}")) for one in _STATES],
        articles=[_article(visit, one) for one in found["articles"]],
        candidates=[_candidate(visit, one) for one in candidates],
        newer=visit.url(PATH, **here, page=page - 1) if page else "",
        older=visit.url(PATH, **here, page=page + 1) if found["has_more"] else "",
        is_filtered=bool(bot or state or words),
        **here,
    )


def _article(visit: Visit, row: ArticleRow) -> JsonObject:
    return {
        "address": visit.url(f"{PATH}/{row['id']}"),
        "title": markdown.clean(row["title"]),
        "language": row["language"],
        "about": " · ".join(
            filter(
                None,
                (
                    xp.bot_title(visit, row["bot"]),
                    row["language"].upper(),
                    visit.date(row["updated_at"]),
                ),
            )
        ),
        "is_published": row["status"] == "published",
        "is_from_ai": row["is_from_ai"],
    }


def _candidate(visit: Visit, row: ListCandidates) -> JsonObject:
    return {
        "id": row["conversation_id"],
        "question": markdown.clean(row["question"]),
        "about": f"{xp.bot_title(visit, row['bot'])} · {visit.date(row['last_message_at'])}",
        "reason": visit.text(f"knowledge_reason_{row['reason']}"),
        "conversation": visit.url(f"/messenger/{row['conversation_id']}"),
    }


pages = (Page(PATH, show, access=Access.OPERATOR, menu="knowledge_menu"),)
