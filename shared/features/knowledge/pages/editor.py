"""The editor of an article: a new one, its text with a preview, publishing, earlier versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field, field_validator
from werkzeug.exceptions import NotFound

from shared.core import db, texts
from shared.core.config import settings
from shared.core.errors import Refusal
from shared.core.redaction import looks_like_secret
from shared.features import xp
from shared.features.knowledge.articles import PAGE
from shared.features.knowledge.pages.choices import PATH, bots, languages, slug_of
from shared.features.messenger import sent_replies
from shared.web import markdown
from shared.web.access import Access
from shared.web.forms import FormError, FormView
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import PublishArticle, ReadArticle, ReadArticleRevisions, SaveArticle
    from shared.web.visit import Visit

_SLUG = r"^[a-z0-9][a-z0-9-]{0,63}$"
_LONGEST = 20_000  # characters of an article
_LONGEST_TITLE = 200
_INVALID = "K0003"


class _Article(BaseModel):
    title: str = Field(min_length=1, max_length=_LONGEST_TITLE, pattern=r"\S")
    body: str = Field(min_length=1, max_length=_LONGEST, pattern=r"\S")
    slug: str = Field(pattern=_SLUG)
    bot: str = Field(default="", max_length=32)
    language: str = Field(default="", max_length=8)
    version: int = Field(default=0, ge=0, lt=2**31)
    action: Literal["save", "preview"] = "save"

    @field_validator("title", "body")
    @classmethod
    def _has_no_secret(cls, words: str) -> str:
        if looks_like_secret(words):
            raise ValueError("knowledge_secret")
        return words


class _Status(BaseModel):
    is_published: bool
    version: int = Field(ge=1, lt=2**31)


def show_new(visit: Visit) -> Response:
    """Show the editor for a new article, which may begin with a reply of the team."""
    sent = sent_replies.from_address(visit)
    if sent is None:
        return _new_page(visit, FormView({"language": visit.language}))
    title = " ".join(sent.question.split())[:_LONGEST_TITLE]
    values = {
        "bot": sent.bot,
        "language": sent.language if sent.language in texts.codes() else visit.language,
        "title": title,
        "slug": slug_of(title),
        "body": sent.text,
    }
    return _new_page(visit, FormView(values))


def _new_page(visit: Visit, form: FormView, status: int = 200, preview: str = "") -> Response:
    return visit.render(
        "knowledge/editor.html",
        status,
        title=visit.text("knowledge_new"),
        address=visit.url(f"{PATH}/create"),
        form=form,
        bots=bots(visit),
        languages=languages(),
        article=None,
        preview=preview,
        revisions=[],
        longest=_LONGEST,
    )


def create(visit: Visit) -> Response:
    """Create an article as a draft."""
    try:
        sent = visit.form(_Article)
        wrong = {
            name: "web_field_wrong"
            for name, value, known in (
                ("bot", sent.bot, settings().bot_tokens), ("language", sent.language, texts.codes())
            )
            if value not in known
        }  # fmt: skip
        if wrong:
            raise FormError(wrong)
    except FormError as error:
        return _new_page(visit, visit.typed(error.fields), 422)
    if sent.action == "preview":
        return _new_page(visit, visit.typed({}), preview=_prose(visit, sent.body))
    saved = _save(visit, None, sent)
    if saved["outcome"] == "taken":
        return _new_page(visit, visit.typed({"slug": "knowledge_taken"}), 409)
    return visit.redirect(f"{PATH}/{saved['id']}", "knowledge_saved_notice")


def show(visit: Visit, number: int) -> Response:
    """Show an article in its editor."""
    return _page(visit, number)


def _page(
    visit: Visit, number: int, status: int = 200, form: FormView | None = None, preview: str = ""
) -> Response:
    found: ReadArticle | None = db.call("read_article", p_actor_id=visit.user.user_id, p_article_id=number)
    if found is None:
        raise NotFound
    row = found["article"]
    values = {**{name: row[name] for name in ("title", "slug", "version")}, "body": found["body"]}
    return visit.render(
        "knowledge/editor.html",
        status,
        title=markdown.clean(row["title"]),
        address=visit.url(f"{PATH}/{number}/save"),
        form=form or FormView(values),
        article={
            "status_address": visit.url(f"{PATH}/{number}/publish"),
            "is_published": row["status"] == "published",
            "is_from_ai": row["is_from_ai"],
            "version": row["version"],
            "bot": xp.bot_title(visit, row["bot"]),
            "language": row["language"],
            "language_name": dict(languages()).get(row["language"], row["language"]),
            "public": visit.url(f"{PAGE}/{row['bot']}/{row['language']}/{row['slug']}"),
        },
        preview=preview,
        revisions=[_revision(visit, one) for one in found["revisions"]],
        longest=_LONGEST,
    )


def _revision(visit: Visit, row: ReadArticleRevisions) -> JsonObject:
    return {
        "version": row["version"],
        "title": markdown.clean(row["title"]),
        "body": row["body"],
        "about": visit.date(row["replaced_at"], with_time=True),
    }


def save(visit: Visit, number: int) -> Response:
    """Save an article, or show how it would look."""
    try:
        sent = visit.form(_Article)
    except FormError as error:
        return _page(visit, number, 422, visit.typed(error.fields))
    if sent.action == "preview":
        return _page(visit, number, form=visit.typed({}), preview=_prose(visit, sent.body))
    saved = _save(visit, number, sent)
    if saved["outcome"] == "taken":
        return _page(visit, number, 409, visit.typed({"slug": "knowledge_taken"}))
    if saved["outcome"] == "changed":
        return _page(visit, number, 409, visit.typed({}, visit.text("knowledge_changed")))
    return visit.redirect(f"{PATH}/{number}", "knowledge_saved_notice")


def _save(visit: Visit, number: int | None, sent: _Article) -> SaveArticle:
    """Save an article.

    Raises:
        FormError: a value is invalid.
        NotFound: there is no such article.
    """
    try:
        saved: SaveArticle | None = db.call(
            "save_article",
            p_actor_id=visit.user.user_id,
            p_article_id=number,
            p_values=sent.model_dump(include={"bot", "language", "slug", "title", "body"}),
            p_version=sent.version,
        )
    except Refusal as refusal:
        if refusal.sqlstate == _INVALID:
            raise FormError({"": "web_error_fields"}) from None
        raise
    if saved is None:
        raise NotFound
    return saved


def publish(visit: Visit, number: int) -> Response:
    """Publish an article, or make it a draft again.

    Raises:
        NotFound: there is no such article.
    """
    sent = visit.form(_Status)
    done: PublishArticle | None = db.call(
        "publish_article",
        p_actor_id=visit.user.user_id,
        p_article_id=number,
        p_is_published=sent.is_published,
        p_version=sent.version,
    )
    if done is None:
        raise NotFound
    if done["outcome"] == "changed":
        return _page(visit, number, 409, FormView(failure=visit.text("knowledge_changed")))
    notice = "knowledge_published_notice" if sent.is_published else "knowledge_hidden_notice"
    return visit.redirect(f"{PATH}/{number}", notice)


def _prose(visit: Visit, body: str) -> str:
    return markdown.to_html(
        body, code=visit.text("knowledge_code"), table=visit.text("knowledge_table"), top=3
    )


_ARTICLE = f"{PATH}/{row_id('number')}"
# A letter may take twelve characters in a form.
_FORM = 260_000  # bytes

pages = (
    Page(f"{PATH}/new", show_new, access=Access.OPERATOR),
    Page(f"{PATH}/create", create, methods=("POST",), max_body=_FORM, access=Access.OPERATOR),
    Page(_ARTICLE, show, access=Access.OPERATOR),
    Page(f"{_ARTICLE}/save", save, methods=("POST",), max_body=_FORM, access=Access.OPERATOR),
    Page(f"{_ARTICLE}/publish", publish, methods=("POST",), max_body=4_000, access=Access.OPERATOR),
)
