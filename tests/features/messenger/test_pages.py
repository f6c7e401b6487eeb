"""Stories of operators in the console: they find a conversation, read it, answer it, and close it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from orjson import loads

from shared.core.texts import text
from shared.features.messenger.pages.filters import VIEWS
from tests.features.messenger.operators import (
    Sql,
    calls_of,
    compose,
    enter,
    field,
    number_of,
    post_json,
    started,
)
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat


@pytest.fixture(autouse=True)
def _no_earlier_attempts(sql: Sql) -> None:
    """All tests come from one network address, of which ten logins an hour are allowed."""
    sql("delete from login_attempts")


@pytest.fixture
def anna(stack: Stack) -> Chat:
    chat = started(stack, "Anna")
    chat.send("Where is my order?").wait()
    chat.answer()
    return chat


@pytest.fixture
def olga(stack: Stack, sql: Sql) -> Visitor:
    return enter(stack, sql)


def test_an_operator_finds_a_conversation_and_answers(
    stack: Stack, sql: Sql, anna: Chat, olga: Visitor
) -> None:
    listed = olga.get("/messenger")
    check_page(listed.body)
    assert "Anna" in listed.body
    number = number_of(sql, anna)
    page = olga.get(f"/messenger/{number}")
    assert page.status == 200
    check_page(page.body)
    assert "Where is my order?" in page.body
    sent = compose(olga, number, "It is on its way.", page.body)
    assert sent.status == 303, sent.body
    assert anna.answer().text == text("en", "messenger_taken_over")
    assert anna.answer().text == "It is on its way."
    shown = olga.get(f"/messenger/{number}").body
    assert "It is on its way." in shown
    assert text("en", "messenger_status_sent") in shown
    assert text("en", "messenger_handler_human") in shown


def test_a_newer_message_is_shown_before_anything_is_sent(
    stack: Stack, sql: Sql, anna: Chat, olga: Visitor
) -> None:
    number = number_of(sql, anna)
    page = olga.get(f"/messenger/{number}").body
    anna.send("Never mind, it came").wait()
    anna.answer()
    refused = compose(olga, number, "I will look <b>now</b>", page)
    assert refused.status == 409
    check_page(refused.body)
    assert text("en", "messenger_conflict") in refused.body
    assert "is-newer" in refused.body
    assert "I will look &lt;b&gt;now&lt;/b&gt;</textarea>" in refused.body, "the typed text is kept"
    assert compose(olga, number, "Glad to hear it", refused.body).status == 303
    assert anna.answer().text == text("en", "messenger_taken_over")
    assert anna.answer().text == "Glad to hear it"


def test_two_operators_and_a_script_get_the_conflict_as_json(
    stack: Stack, sql: Sql, anna: Chat, olga: Visitor
) -> None:
    number = number_of(sql, anna)
    boris = enter(stack, sql, "Boris")
    page = olga.get(f"/messenger/{number}").body
    assert compose(boris, number, "Boris here").status == 303
    refused = olga.post(
        f"/messenger/{number}/send",
        {
            "seen_seq": field(page, "seen_seq"),
            "reference": field(page, "reference"),
            "mode": "reply",
            "body": "Olga here",
        },
        Accept="application/json",
    )
    assert refused.status == 409
    conflict = loads(refused.body)
    assert conflict["outcome"] == "conflict"
    (newer,) = conflict["newer"]
    assert f'id="m{newer}"' in olga.get(f"/messenger/{number}").body


def test_a_form_sent_twice_sends_one_message(stack: Stack, sql: Sql, anna: Chat, olga: Visitor) -> None:
    number = number_of(sql, anna)
    page = olga.get(f"/messenger/{number}").body
    assert [compose(olga, number, "Once", page).status for _ in range(2)] == [303, 303]
    rows = sql("select id from conversation_messages where conversation_id = %s and body = 'Once'", number)
    assert len(rows) == 1


def test_a_note_never_reaches_the_user(stack: Stack, sql: Sql, anna: Chat, olga: Visitor) -> None:
    number = number_of(sql, anna)
    assert compose(olga, number, "A difficult customer", mode="note").status == 303
    shown = olga.get(f"/messenger/{number}").body
    assert "m-note" in shown
    assert "A difficult customer" in shown
    assert "A difficult customer" not in str(calls_of(stack, "sendMessage"))


def test_a_message_is_edited_shown_with_its_former_text_and_deleted(
    stack: Stack, sql: Sql, anna: Chat, olga: Visitor
) -> None:
    number = number_of(sql, anna)
    compose(olga, number, "It arrives on Monady")
    (row,) = sql("select id from conversation_messages where body = 'It arrives on Monady'")
    message = f"/messenger/{number}/messages/{row['id']}"
    assert "It arrives on Monady</textarea>" in olga.get(f"/messenger/{number}?edit={row['id']}").body
    assert olga.post(f"{message}/edit", {"body": "It arrives on Monday"}).status == 303
    assert "It arrives on Monday" in olga.get(f"/messenger/{number}").body
    assert "It arrives on Monady" in olga.get(f"{message}/revisions").body
    assert olga.post(f"{message}/delete").status == 303
    assert text("en", "messenger_deleted") in olga.get(f"/messenger/{number}").body


def test_a_message_to_a_user_who_blocked_the_bot_fails_and_is_sent_again(
    stack: Stack, sql: Sql, anna: Chat, olga: Visitor
) -> None:
    number = number_of(sql, anna)
    anna.block()
    stack.telegram.idle()
    compose(olga, number, "Are you there?")
    shown = olga.get(f"/messenger/{number}").body
    assert text("en", "messenger_failed", reason=text("en", "messenger_reason_blocked")) in shown
    assert text("en", "messenger_unreachable_blocked") in shown
    anna.unblock()
    stack.telegram.idle()
    (row,) = sql("select id from conversation_messages where body = 'Are you there?'")
    assert olga.post(f"/messenger/{number}/messages/{row['id']}/retry").status == 303
    (row,) = sql("select status from conversation_messages where id = %s", row["id"])
    assert row["status"] == "sent"


def test_a_message_is_sent_later_and_can_be_canceled(sql: Sql, anna: Chat, olga: Visitor) -> None:
    number = number_of(sql, anna)
    assert compose(olga, number, "Tomorrow then", send_at="2000-01-01T10:00").status == 422
    assert compose(olga, number, "Tomorrow then", send_at="2199-01-01T10:00").status == 422
    (now,) = sql("select to_char(now() + interval '1 day', 'YYYY-MM-DD\"T\"HH24:MI') as at")
    assert compose(olga, number, "Tomorrow then", send_at=now["at"]).status == 303
    (row,) = sql("select id, status from conversation_messages where body = 'Tomorrow then'")
    assert row["status"] == "queued"
    olga.post(f"/messenger/{number}/messages/{row['id']}/delete")
    (row,) = sql("select status from conversation_messages where id = %s", row["id"])
    assert row["status"] == "canceled"


def test_buttons_with_links_and_a_reply_to_a_message(sql: Sql, anna: Chat, olga: Visitor) -> None:
    number = number_of(sql, anna)
    assert compose(olga, number, "Look", buttons="Site | javascript:alert(1)").status == 422
    (asked,) = sql("select seq from conversation_messages where body = 'Where is my order?'")
    page = olga.get(f"/messenger/{number}?reply={asked['seq']}").body
    assert field(page, "reply_to") == str(asked["seq"])
    assert compose(olga, number, "Look", page, buttons="Site | https://example.com/a").status == 303
    anna.answer()
    answer = anna.answer()
    assert answer.text == "Look"
    assert answer.data["reply_markup"]["inline_keyboard"] == [
        [{"text": "Site", "url": "https://example.com/a"}]
    ]
    assert answer.data["reply_to_message"]["text"] == "Where is my order?"


def test_assign_label_snooze_close_and_hand_back(sql: Sql, anna: Chat, olga: Visitor) -> None:
    number = number_of(sql, anna)
    (me,) = sql("select user_id from staff order by created_at desc limit 1")
    assert olga.post("/messenger/labels/save", {"name": "VIP", "color": "red", "id": ""}).status == 303
    (label,) = sql("select id from messenger_labels where name = 'VIP'")
    for step, fields in (
        ("assign", {"assignee": str(me["user_id"])}),
        ("label", {"label": str(label["id"]), "is_on": "1"}),
        ("handler", {"handler": "human"}),
        ("snooze", {"how_long": "hour"}),
    ):
        assert olga.post(f"/messenger/{number}/{step}", fields).status == 303, step
    assert "Anna" in olga.get(f"/messenger?view=snoozed&label={label['id']}").body
    assert "Anna" not in olga.get("/messenger?view=mine").body
    olga.post(f"/messenger/{number}/snooze", {"how_long": "", "until": ""})
    mine = olga.get("/messenger?view=mine").body
    assert "Anna" in mine
    assert "VIP" in mine
    assert olga.post(f"/messenger/{number}/handler", {"handler": "bot"}).status == 303
    assert olga.post(f"/messenger/{number}/close").status == 303
    assert "Anna" in olga.get("/messenger?view=closed").body
    assert olga.post(f"/messenger/{number}/reopen").status == 303
    assert "Anna" in olga.get("/messenger").body


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_and_filter_is_a_page(olga: Visitor, anna: Chat, view: str) -> None:
    for more in ("", "&q=anna", "&bot=assistant&ready=serious", "&label=99&cursor=nonsense"):
        check_page(olga.get(f"/messenger?view={view}{more}").body)


def test_a_search_finds_names_and_words(olga: Visitor, anna: Chat) -> None:
    assert "Anna" in olga.get("/messenger?q=ann").body
    assert "Anna" in olga.get("/messenger?q=order").body
    assert "Anna" in olga.get(f"/messenger?q={anna.id}").body
    assert "Anna" not in olga.get("/messenger?q=zebra").body


def test_a_canned_reply_is_inserted_in_the_users_language_and_acts(
    stack: Stack, sql: Sql, olga: Visitor
) -> None:
    ivan = started(stack, "Иван", "ru")
    saved = olga.post(
        "/messenger/replies/save",
        {
            "id": "",
            "shortcut": "/thanks",
            "text_en": "Thanks, {first_name}!",
            "text_ru": "Спасибо, {first_name}! {unknown}",
            "closes": "1",
        },
    )
    assert saved.status == 303, saved.body
    (reply,) = sql("select id from canned_replies")
    number = number_of(sql, ivan)
    page = olga.get(f"/messenger/{number}?canned={reply['id']}").body
    assert "Спасибо, Иван! {unknown}</textarea>" in page
    assert compose(olga, number, "Спасибо, Иван!", page).status == 303
    (row,) = sql("select status from conversations where id = %s", number)
    assert row["status"] == "closed"
    check_page(olga.get("/messenger/replies").body)
    for wrong in ("thanks", "with space"):
        typed = {"id": "", "shortcut": wrong, "text_en": "Kept <text>", "takes_over": "1"}
        refused = olga.post("/messenger/replies/save", typed)
        assert refused.status == 422
        check_page(refused.body)
        new = refused.body.partition('id="new"')[2]
        assert "Kept &lt;text&gt;</textarea>" in new, "what was typed stays"
        assert 'name="takes_over" value="1" checked' in new
        assert text("en", "messenger_taken_or_wrong") in unescape(new)
    olga.post("/messenger/labels/save", {"id": "", "name": "VIP", "color": "red"})
    refused = olga.post("/messenger/labels/save", {"id": "", "name": "  ", "color": "blue"})
    assert (refused.status, 'value="  " maxlength' in refused.body) == (422, True)
    assert '<option value="blue" selected>' in refused.body
    assert len(sql("select from canned_replies")) == len(sql("select from messenger_labels")) == 1


def test_a_draft_is_kept_per_conversation(stack: Stack, sql: Sql, anna: Chat, olga: Visitor) -> None:
    ben = started(stack, "Ben")
    number, other = number_of(sql, anna), number_of(sql, ben)
    olga.get(f"/messenger/{number}")
    assert post_json(olga, f"/messenger/{number}/draft", {"body": "Dear Anna"}).status == 200
    assert "Dear Anna</textarea>" in olga.get(f"/messenger/{number}").body
    assert "Dear Anna" not in olga.get(f"/messenger/{other}").body.partition('id="composer"')[2]


def test_changes_come_by_cursor_and_tag(sql: Sql, anna: Chat, olga: Visitor) -> None:
    number = number_of(sql, anna)
    page = olga.get(f"/messenger/{number}").body
    cursor, version = (re.findall(rf'data-{name}="(\d+)"', page)[0] for name in ("cursor", "version"))
    anna.send("One more thing").wait()
    anna.answer()
    address = f"/messenger/changes?conversation={number}&after={cursor}&version={version}"
    answer = olga.get(address, Accept="application/json")
    news = loads(answer.body)
    assert "One more thing" in news["messages"]
    assert "Anna" in news["list"]
    assert "<bdi>Anna</bdi>" in news["messages"]
    assert 'dir="auto">Where is my order?' not in news["messages"]
    again = olga.get(address, Accept="application/json", If_None_Match=answer.headers["ETag"])
    assert again.status == 304
    later = loads(
        olga.get(
            f"/messenger/changes?conversation={number}&after={news['cursor']}&version={news['version']}",
            Accept="application/json",
        ).body
    )
    assert "messages" not in later
    assert olga.get("/messenger/changes").status == 400


def test_who_is_viewing_and_typing_is_shown_to_others_and_typing_to_the_user(
    stack: Stack, sql: Sql, anna: Chat, olga: Visitor
) -> None:
    number = number_of(sql, anna)
    boris = enter(stack, sql, "Boris")
    for browser in (olga, boris):
        browser.get(f"/messenger/{number}")
    before = len(calls_of(stack, "sendChatAction"))
    for _ in range(3):
        assert post_json(olga, f"/messenger/{number}/view", {"is_typing": True}).status == 200
    assert len(calls_of(stack, "sendChatAction")) == before + 1
    assert text("en", "messenger_typing", names="Olga") in boris.get(f"/messenger/{number}").body


def test_earlier_messages_come_page_by_page(sql: Sql, anna: Chat, olga: Visitor) -> None:
    number = number_of(sql, anna)
    sql(
        "insert into conversation_messages"
        " (conversation_id, user_id, body, direction, kind, source, seq, version)"
        " select c.id, c.user_id, 'old ' || n, 0, 'text', 'user', c.last_seq + n, c.last_version + n"
        " from conversations as c, generate_series(1, 120) as n where c.id = %s",
        number,
    )
    sql(
        "update conversations set last_seq = last_seq + 120, last_version = last_version + 120 where id = %s",
        number,
    )
    page = olga.get(f"/messenger/{number}")
    assert ">old 120<" in page.body
    assert ">old 70<" not in page.body
    link = unescape(re.findall(r'id="earlier" href="([^"]+)"', page.body)[0])
    assert ">old 70<" in olga.get(link).body
    part = loads(olga.get(link, Accept="application/json").body)
    assert ">old 70<" in part["html"]
    assert ">old 71<" not in part["html"]
    assert "before=" in part["earlier"]


def test_a_sent_reply_becomes_a_canned_reply_or_an_article(
    stack: Stack, sql: Sql, anna: Chat, olga: Visitor
) -> None:
    number = number_of(sql, anna)
    compose(olga, number, "Parcels <take> five days.")
    page = olga.get(f"/messenger/{number}").body
    assert page.count(text("en", "messenger_save_canned")) == 1, "below the reply alone"
    begun = re.findall(rf'href="/console(/[a-z/]+\?conversation={number}&amp;seq=\d+)', page)
    canned, article = (unescape(one) for one in begun)
    replies = olga.get(canned)
    check_page(replies.body)
    new = replies.body.partition('id="new"')[2]
    assert "Parcels &lt;take&gt; five days.</textarea>" in new
    saved = {"id": "", "shortcut": "parcels", "text_en": "Parcels take five days."}
    assert olga.post("/messenger/replies/save", saved).status == 303
    editor = olga.get(article)
    check_page(editor.body)
    assert 'value="Where is my order?"' in editor.body
    assert re.search(r'name="slug"[^>]* value="where-is-my-order-[0-9a-f]{6}"', editor.body)
    assert "Parcels &lt;take&gt; five days.</textarea>" in editor.body
    assert '<option value="assistant" selected>' in editor.body
    # The user's own message is none of the team; another number is no message.
    for seq in (1, 2, 999):
        assert "Where is my order?" not in olga.get(f"/knowledge/new?conversation={number}&seq={seq}").body
    assert olga.get("/knowledge/new?conversation=999999&seq=1").status == 404
    (message,) = sql("select id from conversation_messages where source = 'staff'")
    olga.post(f"/messenger/{number}/messages/{message['id']}/delete", {})
    assert text("en", "messenger_save_canned") not in olga.get(f"/messenger/{number}").body
    assert "five days" not in olga.get(article).body
