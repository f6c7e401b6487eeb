"""The page of the user's API keys: add, use and remove one. A key is in no answer and no line of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from shared.ai import providers
from shared.ai.user_keys import encryption, patterns
from shared.core import db, user_input
from shared.features.user_keys import own_keys
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import ListUserTokens, RemoveUserToken, UseUserToken
    from shared.web.visit import Visit

PATH = "/account/keys"


class _New(BaseModel):
    provider: str = Field(max_length=40)
    secret: str = Field(max_length=1_000)


class _Chosen(BaseModel):
    """A key by its provider; empty: none, so that requests use the plan."""

    provider: str = Field(default="", max_length=40)


def show(visit: Visit, failure: str = "", status: int = 200, *, chosen: str = "") -> Response:
    """List the keys."""
    tokens: list[ListUserTokens] = db.call("list_user_tokens", p_user_id=visit.user.user_id)
    active = next((one for one in tokens if one["is_active"]), None)
    offered = own_keys.offered() if encryption.is_available() else ()
    return visit.render(
        "user_keys/keys.html",
        status,
        failure=failure,
        keys=[
            {
                "provider": one["provider"],
                "name": own_keys.name(one),
                "line": own_keys.line(visit, one),
                "is_active": one["is_active"],
            }
            for one in tokens
        ],
        now=visit.text("keys_page_own", name=own_keys.name(active)) if active else "",
        providers=[(key, providers.load(key).NAME) for key in offered],
        chosen=chosen,
    )


def add(visit: Visit) -> Response:
    """Check a key with its provider and store it."""
    new = visit.form(_New)
    if new.provider not in own_keys.offered() or not encryption.is_available():
        return show(visit, visit.text("web_field_wrong"), 422)
    name, text = providers.load(new.provider).NAME, user_input.normalize(new.secret)
    found = providers.recognize(text)
    words = [found[1]] if found else patterns.candidates(text)
    if len(words) != 1:
        return show(visit, visit.text("keys_page_no_key", name=name), 422, chosen=new.provider)
    if found and found[0] != new.provider:  # it is sent to no other provider
        other = providers.load(found[0]).NAME
        return show(visit, visit.text("keys_page_other", name=name, other=other), 422, chosen=found[0])
    stored = own_keys.checked(new.provider, words[0], visit.user.telegram_id)
    if stored is None:
        return show(visit, visit.text("keys_page_wrong", name=name), 422, chosen=new.provider)
    db.call(
        "store_user_token",
        p_user_id=visit.user.user_id,
        p_provider=stored["provider"],
        p_ciphertext=stored["ciphertext"],
        p_key_id=stored["key_id"],
        p_last_four=stored["last_four"],
        p_is_checked=stored["is_checked"],
    )
    return visit.redirect(PATH, "keys_added_notice" if stored["is_checked"] else "keys_unchecked_notice")


def use(visit: Visit) -> Response:
    """Use a key from now on, or the plan again."""
    provider = visit.form(_Chosen).provider
    done: UseUserToken = db.call("use_user_token", p_user_id=visit.user.user_id, p_provider=provider or None)
    if done["outcome"] == "unknown":
        return visit.redirect(PATH, "keys_gone_notice")
    return visit.redirect(PATH, "keys_used_notice" if provider else "keys_planned_notice")


def remove(visit: Visit) -> Response:
    """Delete a key."""
    done: RemoveUserToken = db.call(
        "remove_user_token", p_user_id=visit.user.user_id, p_provider=visit.form(_Chosen).provider
    )
    return visit.redirect(PATH, "keys_removed_notice" if done["outcome"] == "removed" else "keys_gone_notice")


pages = (
    Page(PATH, show, access=Access.USER),
    *(
        Page(f"{PATH}/{name}", take, methods=("POST",), max_body=8_000, access=Access.USER)
        for name, take in {"add": add, "use": use, "remove": remove}.items()
    ),
)
