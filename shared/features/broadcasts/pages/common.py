"""What all pages of broadcasts need: addresses, a broadcast, a form with its faults, a preview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import NotFound

from shared.core import db, texts
from shared.core.errors import Refusal
from shared.features.broadcasts.rendering_names import NAME
from shared.web import markdown
from shared.web.page import row_id

if TYPE_CHECKING:
    from markupsafe import Markup

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import GetBroadcast
    from shared.web.forms import FormError, FormView
    from shared.web.visit import Visit

LIST = "/broadcasts"
ONE = f"{LIST}/{row_id('number')}"
SEQUENCES = f"{LIST}/sequences"
SEQUENCE = f"{SEQUENCES}/{row_id('number')}"
SMALL_FORM = 4_000  # bytes
LARGE_FORM = 200_000  # a letter may take twelve characters in a form


def read_broadcast(visit: Visit, number: int) -> GetBroadcast:
    """Return a broadcast.

    Raises:
        NotFound: there is none.
    """
    found: GetBroadcast | None = db.call("get_broadcast", p_actor_id=visit.user.user_id, p_id=number)
    if found is None:
        raise NotFound
    return found


def faulty(visit: Visit, error: FormError | Refusal) -> FormView:
    """Return the form that was sent, with the faults of its fields; a refusal of the database names none."""
    fields = {} if isinstance(error, Refusal) else error.fields
    return visit.typed(fields, visit.text("web_error_fields"))


def languages() -> list[tuple[str, str]]:
    """Return code and name of each language that messages are written in."""
    return [(code, texts.language(code).NAME.partition(" ")[2]) for code in sorted(texts.codes())]


def previews(visit: Visit, content: JsonObject, kind: str) -> list[JsonObject]:
    """Return the message in each language as users will see it, about."""
    written = content.get("texts") or {}
    shown = []
    for code, name in languages():
        if code not in written:
            continue
        labels = [
            texts.pick(code, button["texts"]) for button in content.get("buttons") or [] if button["texts"]
        ]
        if kind == "marketing":
            labels.append(texts.text(code, "broadcast_stop_button"))
        body = written[code].replace(NAME, texts.text(code, "broadcast_sample_name"))
        shown.append({"code": code, "name": name, "body": _prose(visit, body), "labels": labels})
    return shown


def _prose(visit: Visit, body: str) -> Markup:
    return markdown.to_html(body, code=visit.text("web_code"), table=visit.text("web_table"), top=3)


def status_text(visit: Visit, row: JsonObject) -> str:
    """Return the state of a broadcast in a word."""
    if row["is_deleting"]:
        return visit.text("broadcast_status_deleting")
    return visit.text(f"broadcast_status_{row['status']}")
