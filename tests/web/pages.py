"""The pages of the console for tests: an address of each, and what holds for headers and HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from shared.console.routes import PAGES
from shared.features.broadcasts import links
from shared.features.broadcasts.pages import common as broadcasts
from shared.features.courses.pages import admin, files, review, team_questions
from shared.features.courses.pages.files import LESSON
from shared.features.messenger import pages as messenger

UNKNOWN_TOKEN = "A" * 22
NUMBER = "<int(max=9223372036854775807):%s>"
FILE = f"<string(maxlength=40):bot>/<int(max={2**63 - 1}):number>/<int(max=99):place>"
# One address of every page, by its rule; those of which there is nothing answer 404.
EXAMPLES = {
    **{
        path: path
        for path in (
            "/analytics",
            "/analytics/users",
            "/analytics/revenue",
            "/analytics/subscriptions",
            "/analytics/ai",
            "/analytics/learning",
            "/analytics/report",
            "/database",
        )
    },
    "/analytics/<string(maxlength=20):section>/<string(maxlength=40):figure>.csv": (
        "/analytics/users/funnel.csv"
    ),
    **{page.path: page.path for page in PAGES if "<" not in page.path},
    "/assets/<string(maxlength=100):name>": "/assets/none.css",
    **{
        page.path: page.path.replace(NUMBER % "number", "1").replace(NUMBER % "message", "1")
        for page in messenger.pages
    },
    "/messenger/changes": "/messenger/changes?after=0",
    "/s/<string(length=22):token>": f"/s/{UNKNOWN_TOKEN}",
    "/avatar/<uuid:key>": "/avatar/00000000-0000-4000-8000-000000000000",
    "/app/<string(maxlength=64):bot>": "/app/nope",
    f"/account/trainings/<int(max={2**63 - 1}):number>": "/account/trainings/1",
    **{f"/account/{kind}/{FILE}": f"/account/{kind}/assistant/1/0" for kind in ("pictures", "videos")},
    "/buy/<string(maxlength=64):key>": "/buy/premium_month",
    "/buy/<string(maxlength=64):key>/order": "/buy/premium_month/order",
    f"/account/orders/{NUMBER % 'order_id'}": "/account/orders/1",
    f"/account/orders/{NUMBER % 'order_id'}/state": "/account/orders/1/state",
    f"/account/orders/{NUMBER % 'order_id'}/check": "/account/orders/1/check",
    f"/account/orders/{NUMBER % 'order_id'}/cancel": "/account/orders/1/cancel",
    f"/account/plan/renewals/{NUMBER % 'renewal_id'}": "/account/plan/renewals/1",
    f"/account/plan/renewals/{NUMBER % 'renewal_id'}/cancel": "/account/plan/renewals/1/cancel",
    f"/account/purchases/{NUMBER % 'payment_id'}": "/account/purchases/1",
    "/courses/<string(maxlength=64):course>": "/courses/none",
    "/certificates/<string(maxlength=64):course>/issue": "/certificates/none/issue",
    LESSON: "/courses/none/none",
    f"{LESSON}/done": "/courses/none/none/done",
    f"{LESSON}/quiz": "/courses/none/none/quiz",
    f"{LESSON}/questions": "/courses/none/none/questions",
    f"{LESSON}/homework": "/courses/none/none/homework",
    f"{LESSON}/homework/<int(max=9999):number>": "/courses/none/none/homework/1",
    f"{LESSON}/video": "/courses/none/none/video",
    f"{LESSON}/subtitles/<string(length=2):language>": "/courses/none/none/subtitles/en",
    f"{LESSON}/files/<int(max=99):number>": "/courses/none/none/files/1",
    files.pages[0].path: "/courses/n/pictures/n.png",
    "/courses/lessons/<int(max=9223372036854775807):lesson>/watching": "/courses/lessons/1/watching",
    "/certificates/<string(maxlength=64):code>": "/certificates/none",
    f"/admin/codes/{NUMBER % 'number'}/switch": "/admin/codes/1/switch",
    f"/admin/codes/{NUMBER % 'number'}/codes.csv": "/admin/codes/1/codes.csv",
    f"{admin.COURSE}/learners": "/admin/courses/none/learners",
    f"{admin.COURSE}/learners.csv": "/admin/courses/none/learners.csv",
    f"{admin.COURSE}/enroll": "/admin/courses/none/enroll",
    **{
        f"{admin.COURSE}/enrollments/{NUMBER % 'number'}{step}": f"/admin/courses/none/enrollments/1{step}"
        for step in ("", "/withdraw", "/move")
    },
    **{f"{admin.COURSE}/new_{what}": f"/admin/courses/none/new_{what}" for what in ("cohort", "offer")},
    **{
        f"{admin.COURSE}/{part}{rule}": f"/admin/courses/none/{part}{example}"
        for part, item in (
            ("cohorts", "<string(maxlength=64):cohort>"),
            ("offers", "<string(maxlength=32):product>"),
        )
        for rule, example in (
            ("", ""),
            (f"/{item}", "/none"),
            (f"/{item}/save", "/none/save"),
        )
    },
    **{
        f"{admin.COURSE}/files{rule}": f"/admin/courses/none/files{example}"
        for rule, example in (
            ("", ""),
            ("/new", "/new"),
            (f"/{NUMBER % 'number'}", "/1"),
            (f"/{NUMBER % 'number'}/delete", "/1/delete"),
        )
    },
    **{
        f"{broadcasts.ONE}{step}": f"/broadcasts/1{step}"
        for step in ("", "/save", "/act", "/state", "/media", "/media/remove")
    },
    **{
        f"{broadcasts.SEQUENCE}{step}": f"/broadcasts/sequences/1{step}"
        for step in ("", "/save", "/act", "/step")
    },
    f"/go/<string(length={links.LENGTH}):token>": f"/go/{'A' * links.LENGTH}",
    f"{review.HOMEWORK}/<int(max=9223372036854775807):number>/file": "/admin/homework/1/file",
    f"{team_questions.QUESTIONS}/<int(max=9223372036854775807):number>/answer": "/admin/questions/1/answer",
    "/knowledge/<int(max=9223372036854775807):number>": "/knowledge/1",
    **{
        f"{path}/<int(max=9223372036854775807):number>/{name}": f"{path}/1/{name}"
        for path, names in (
            ("/knowledge", ("save", "publish")),
            ("/knowledge/conversations", ("draft", "dismiss")),
            ("/messenger", ("draft_reply", "summary", "translation")),
        )
        for name in names
    },
    "/help/<string(maxlength=32):bot>/<string(length=2):language>/<string(maxlength=64):slug>": (
        "/help/assistant/en/none"
    ),
    f"{review.HOMEWORK}/<int(max=9223372036854775807):number>/review": "/admin/homework/1/review",
    admin.COURSE: "/admin/courses/none",
    f"{admin.COURSE}/save": "/admin/courses/none/save",
    f"{admin.COURSE}/new_lesson": "/admin/courses/none/new_lesson",
    f"{admin.COURSE}/lessons/<string(maxlength=64):lesson>": "/admin/courses/none/lessons/none",
    f"{admin.COURSE}/lessons/<string(maxlength=64):lesson>/save": "/admin/courses/none/lessons/none/save",
    f"/crm/{NUMBER % 'conversation'}": "/crm/1",
    **{f"/crm/{NUMBER % 'conversation'}/{name}": f"/crm/1/{name}" for name in ("note", "save")},
    "/certificates/<string(maxlength=64):code>/picture.png": "/certificates/none/picture.png",
    "/certificates/<string(maxlength=64):code>/certificate.pdf": "/certificates/none/certificate.pdf",
}


def words(text: str) -> set[str]:
    return set(text.split())


ALLOWED_TAGS = words(
    "html head meta title link body main footer nav header section h1 h2 h3 h4 h5 h6 p a img div span strong"
    " em s code pre ul ol li blockquote hr br table thead tbody tr th td sup form input button label script"
    " select option datalist textarea figure figcaption details summary svg rect line polyline circle text"
    " video"
    " fieldset legend dl dt dd"
    " bdi time dialog kbd audio"
)
ALLOWED_ATTRIBUTES = words(
    "lang charset name content rel type href class id aria-label aria-current hreflang src alt width height"
    " dir start value tabindex role method action target rel"
    " aria-labelledby aria-describedby aria-hidden for id selected checked required maxlength minlength"
    " autocomplete list scope viewbox preserveaspectratio x y x1 x2 y1 y2 rx cx cy r points"
    " loading controls preload min max"
    " aria-pressed aria-live aria-invalid hidden readonly autocapitalize"
    " data-page data-state data-tag data-is data-copy data-done"
    " placeholder enctype datetime rows open"
    " data-changes data-cursor data-version data-at data-number data-me data-unread data-warn data-late"
    " data-lost data-large data-since data-seq data-key data-name data-words data-ai data-works data-original"
    " data-translate"
)


class Tags(HTMLParser):
    """Collects what a browser would see as tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        for name, value in attrs:
            if name in ("href", "src"):
                assert re.match(r"/(?!/)|https?://|#\w+$|$", value or ""), value


def check_headers(
    headers: Any, *, has_scripts: bool = False, framed_by: tuple[str, ...] = (), is_indexed: bool = False
) -> None:
    """Check the security headers of a page, without a frame and scripts unless it has some."""
    directives = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert directives["default-src"] == directives["base-uri"] == "'none'"
    assert directives["frame-ancestors"] == (" ".join(framed_by) or "'none'")
    assert directives.get("script-src") == ("'self'" if has_scripts else None)
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] in (
        "strict-origin-when-cross-origin",
        "same-origin",
        "no-referrer",
    )
    assert headers["X-Frame-Options"] == (None if framed_by else "DENY")
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert ("noindex" in (headers["X-Robots-Tag"] or "")) != is_indexed
    assert all("language=" in one for one in headers.get_all("Set-Cookie") or ())


def check_page(body: str) -> None:
    """Check that a page is whole, has a heading, and nothing inline."""
    assert body.startswith("<!doctype html>")
    assert body.rstrip().endswith("</html>")
    assert len(re.findall(r"<h1", body)) == 1
    parser = Tags()
    parser.feed(body)
    assert parser.tags <= ALLOWED_TAGS
    assert parser.attributes <= ALLOWED_ATTRIBUTES
    assert re.search(r'<html lang="(en|ru)"', body)
    addresses = re.findall(r' (?:action|href)="(/[^"]*)"', body)
    assert [one for one in addresses if re.search(r"\?.*(/|\?)", one.partition("#")[0])] == []
