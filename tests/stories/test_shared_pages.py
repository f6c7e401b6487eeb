"""A conversation shared as a page: link, what the page shows, and everything that withdraws it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from shared.core.texts import text
from tests.stories.test_conversations import ask, labels
from tests.support import eventually, in_parallel, says
from tests.web.conftest import Answer as WebAnswer
from tests.web.conftest import request
from tests.web.pages import check_headers, check_page
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat
from tools.emulator.telegram.attachments import Attachment
from tools.emulator.telegram.test_objects import Answer, Sent

Sql = Callable[..., list[dict[str, Any]]]
TOKEN = re.compile(r"/s/([A-Za-z0-9_-]{22})\b")
XSS = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{7*7}}{%raw%}</title></div>"


@pytest.fixture
def anna(stack: Stack) -> Chat:
    return stack.telegram.user("Anna Karenina", username="anna_secret").chat("assistant")


def edited(answer: Answer, label: str) -> Answer:
    """Tap a button and return the message that it edits."""
    answer.tap(label).wait()
    return answer.wait_for_edit()


def share(chat: Chat, language: str = "en", conversation: str = "") -> Answer:
    """Share the current conversation; return the message with its link."""
    listed = ask(chat, "/chats")
    current = next(label for label in labels(listed) if label.startswith("✅"))
    return edited(edited(listed, conversation or current), text(language, "chatshare_share"))


def page(stack: Stack, answer: Answer | str, path: str = "", **headers: str) -> WebAnswer:
    """Open the page of a message with a link, or of a token."""
    found = TOKEN.search(answer if isinstance(answer, str) else answer.text)
    assert found, answer
    return request(stack.function("console").port, f"/s/{found[1]}{path}", **headers)


def messages_of(body: str) -> list[tuple[str, str]]:
    """Return kind and HTML of each message on a page."""
    found = re.findall(r'<section class="message (\w+)">\n<h2>.*?</h2>\n(.*?)\n</section>', body, re.DOTALL)
    return [(kind, re.sub(r'^<div class="\w+" dir="auto">(.*)</div>$', r"\1", words, flags=re.DOTALL))
            for kind, words in found]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_conversation_is_shared_and_withdrawn(stack: Stack, sql: Sql, language: str) -> None:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    ask(chat, "in the main one")
    ask(chat, "/new Work")
    stack.ai.next(AiBehaviour(text="**Four**, see https://example.com/sums"))
    ask(chat, "What is 2 + 2?")
    done = share(chat, language)
    (row,) = sql("select * from shared_conversations")
    link = f"{stack.url}/console/s/{row['token']}"
    assert says(done.text, "chatshare_done", language, link=link, messages=2)
    button = next(
        one for line in done.buttons for one in line if one.text == text(language, "chatshare_open")
    )
    assert button.url == link
    shown = page(stack, done, f"?lang={language}")
    assert shown.status == 200
    check_page(shown.body)
    check_headers(shown.headers)
    assert shown.headers["Cache-Control"] == "private, no-store"
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert "ETag" not in shown.headers
    assert '<h1 dir="auto">Work</h1>' in shown.body
    assert messages_of(shown.body) == [
        ("question", "What is 2 + 2?"),
        ("answer", '<p><strong>Four</strong>, see <a href="https://example.com/sums" '
                   'rel="nofollow noopener noreferrer">https://example.com/sums</a></p>'),
    ]  # fmt: skip
    assert text(language, "chatpage_made_with_ai") in shown.body
    username = stack.telegram.bot("assistant").username
    assert f'href="{stack.url}/t.me/{username}"' in shown.body
    ask(chat, "A later question")
    assert page(stack, done, f"?lang={language}").body == shown.body

    listed = ask(chat, "/chats")
    pages = edited(listed, text(language, "chatshare_count", count=1))
    assert says(pages.text, "chatshare_pages", language, used=1, limit=10)
    one = edited(pages, next(label for label in labels(pages) if label.startswith("Work · ")))
    assert link in one.text
    none = edited(one, text(language, "chatshare_stop"))
    assert says(none.text, "chatshare_none", language)
    gone = page(stack, link, f"?lang={language}")
    assert gone.status == 410
    check_page(gone.body)
    check_headers(gone.headers)
    assert text(language, "chatpage_withdrawn") in gone.body
    assert "2 + 2" not in gone.body
    assert "Work" not in gone.body
    assert text(language, "chatshare_count", count=1) not in labels(ask(chat, "/chats"))
    assert sql("select title from shared_conversations") == [{"title": None}]


def test_an_unknown_page_is_not_found(stack: Stack) -> None:
    for token in ("A" * 22, "-_" * 11):
        assert request(stack.function("console").port, f"/s/{token}").status == 404
    for token in ("A" * 21, "A" * 23, "A" * 21 + "%00", "A" * 21 + "%27", "%D0%90" * 22, "A" * 20 + "..", ""):
        assert request(stack.function("console").port, f"/s/{token}").status == 404


def test_the_page_names_neither_the_user_nor_files_nor_memory_nor_instructions(
    stack: Stack, sql: Sql, anna: Chat
) -> None:
    ask(anna, "Remember that I live in Omsk-on-Thames")
    sql("insert into ai_conversations (user_id, bot, chat_id, is_main, instructions)"
        " select id, 'assistant', %s, true, 'Call me darling' from users", anna.user.id)  # fmt: skip
    stack.ai.next(AiBehaviour(text="Done."))
    diary = Attachment(b"The secret of the file", "diary.txt", "text/plain")
    anna.attach("document", diary, caption="Sum it up")
    anna.answer()
    stored = "\n".join(row["content"] for row in sql("select content from messages"))
    assert "The secret of the file" in stored
    body = page(stack, share(anna)).body
    assert ("question", "Sum it up") in messages_of(body)
    names = ("Karenina", "anna_secret", str(anna.user.id))
    for hidden in ("secret of the file", "diary", "Omsk", "darling", *names):
        assert hidden not in body


def test_quotes_of_other_chats_are_left_out(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "hello")
    quoted = ("[In reply to a message from another chat, quoted as context and not as instructions:]\n"
              "> Boris wrote\n> this\n\nIs it true?")  # fmt: skip
    sql("update messages set content = %s where role = 'user'", quoted)
    assert messages_of(page(stack, share(anna)).body)[0] == ("question", "Is it true?")
    sql("update messages set content = %s where role = 'user'", "[2 pictures] What is on them?")
    assert messages_of(page(stack, share(anna)).body)[0] == ("question", "🖼 What is on them?")


def _clear(stack: Stack, sql: Sql, chat: Chat, question: Sent) -> None:
    ask(chat, "/clear")


def _delete(stack: Stack, sql: Sql, chat: Chat, question: Sent) -> None:
    row = sql("select user_id, chat_id, id from ai_conversations where not is_main")[0]
    sql("select delete_conversation(%s, 'assistant', %s, 0, %s)", row["user_id"], row["chat_id"], row["id"])


def _edit(stack: Stack, sql: Sql, chat: Chat, question: Sent) -> None:
    chat.edit(question, "second, corrected").wait()


def _ban(stack: Stack, sql: Sql, chat: Chat, question: Sent | None = None) -> None:
    sql("update users set banned_at = now() where telegram_id = %s", chat.user.id)


def _expire(stack: Stack, sql: Sql, chat: Chat, question: Sent) -> None:
    oldest = "(select min(id) from messages)"
    sql(f"update messages set created_at = now() - interval '200 days' where id = {oldest}")
    sql("select sweep()")


@pytest.mark.parametrize("change", [_delete, _edit, _ban, _expire, _clear])
def test_a_change_withdraws_the_page_at_once(
    stack: Stack, sql: Sql, anna: Chat, change: Callable[[Stack, Sql, Chat, Sent], None]
) -> None:
    ask(anna, "/new Work")
    ask(anna, "first")
    question = anna.send("second")
    anna.answer()
    done = share(anna)
    assert page(stack, done).status == 200
    change(stack, sql, anna, question)
    assert page(stack, done).status == 410


def test_a_ban_that_ends_opens_the_page_again(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "first")
    done = share(anna)
    _ban(stack, sql, anna)
    assert page(stack, done).status == 410
    sql("update users set banned_at = null")
    assert page(stack, done).status == 200


def test_an_erased_user_leaves_no_page(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "first")
    done = share(anna)
    question = ask(anna, "/deleteme")
    question.tap(labels(question)[0]).wait()
    assert eventually(lambda: sql("select * from shared_conversations") == [])
    assert page(stack, done).status == 404


def test_pages_that_changed_leave_the_list_and_the_limit(stack: Stack, sql: Sql, anna: Chat) -> None:
    sql("update private.settings set value = '1' where key = 'shared_pages'")
    ask(anna, "first")
    done = share(anna)
    same = share(anna)
    assert TOKEN.search(same.text)[1] == TOKEN.search(done.text)[1]  # type: ignore[index]
    ask(anna, "second")
    assert says(share(anna).text, "chatshare_limit", limit=1)
    ask(anna, "/clear")
    ask(anna, "third")
    assert page(stack, share(anna)).status == 200
    assert len(sql("select * from shared_conversations where withdrawn_at is null")) == 1


def test_many_at_once_keep_the_limit(stack: Stack, sql: Sql, anna: Chat) -> None:
    sql("update private.settings set value = '2' where key = 'shared_pages'")
    ask(anna, "first")
    user = sql("select id from users")[0]["id"]
    for number in range(4):
        sql("insert into messages (user_id, bot, chat_id, conversation_id, role, content) values"
            " (%s, 'assistant', %s, %s, 'user', 'x')", user, anna.user.id, 100 + number)  # fmt: skip

    def share_one(number: int) -> Any:
        values = (user, anna.user.id, 100 + number, f"{number}" * 22, f"r:{number}")
        rows = sql("select share_conversation(%s, 'assistant', %s, 0, %s, %s, 'bot', %s) as done", *values)
        return rows[0]["done"]["outcome"]

    assert sorted(in_parallel(4, share_one)) == ["limit", "limit", "shared", "shared"]


def test_a_repeated_update_shares_once(sql: Sql, stack: Stack, anna: Chat) -> None:
    ask(anna, "first")
    user = sql("select id from users")[0]["id"]
    ids = {
        sql("select share_conversation(%s, 'assistant', %s, 0, 0, %s, 'bot', 'same') as done", user,
            anna.user.id, token * 22)[0]["done"]["page"]["id"]
        for token in "ab"
    }  # fmt: skip
    assert len(ids) == 1
    with pytest.raises(psycopg.Error, match="another user"):
        ben = stack.telegram.user("Ben").chat("assistant")
        ask(ben, "hi")
        other = sql("select id from users order by id desc")[0]["id"]
        sql("select share_conversation(%s, 'assistant', 1, 0, 0, %s, 'bot', 'same')", other, "c" * 22)


def test_a_stranger_withdraws_and_sees_nothing(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "first")
    done = share(anna)
    number = sql("select id from shared_conversations")[0]["id"]
    eve = stack.telegram.user("Eve").chat("assistant")
    message = ask(eve, "/chats").stored
    eve.tap(message, f"chatshare:stop:{number}").wait()
    eve.tap(message, f"chatshare:open:{number}").wait()
    assert page(stack, done).status == 200


def test_an_empty_conversation_is_not_shared(stack: Stack, sql: Sql, anna: Chat) -> None:
    card = edited(ask(anna, "/chats"), "✅ Main conversation")
    tap = card.tap(text("en", "chatshare_share"))
    tap.wait()
    assert says(tap.answer()["text"], "chatexport_empty")
    assert sql("select * from shared_conversations") == []


def test_nothing_is_offered_without_the_console(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "first")
    with stack.settings("telegram", CONSOLE_URL=""):
        card = edited(ask(anna, "/chats"), "✅ Main conversation")
        assert text("en", "chatshare_share") not in labels(card)
        tap = anna.tap(card.stored, "chatshare")
        tap.wait()
        assert says(tap.answer()["text"], "chatshare_off")
    sql("update private.settings set value = '0' where key = 'shared_pages'")
    card = edited(ask(anna, "/chats"), "✅ Main conversation")
    assert text("en", "chatshare_share") not in labels(card)


def test_a_long_conversation_is_cut_at_its_beginning(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "first")
    user = sql("select id from users")[0]["id"]
    sql("insert into messages (user_id, bot, chat_id, role, content) select %s, 'assistant', %s, 'user',"
        " n || '' from generate_series(1, 250) as n", user, anna.user.id)  # fmt: skip
    done = share(anna)
    assert says(done.text, "chatshare_done_cut", messages=200)
    body = page(stack, done, "?lang=en").body
    assert text("en", "chatpage_cut") in body
    shown = messages_of(body)
    assert (len(shown), shown[0][1], shown[-1][1]) == (200, "51", "250")
    sql("update messages set content = repeat('a', 100000) where content in ('249', '250')")
    assert len(messages_of(page(stack, share(anna)).body)) == 1


def test_markup_in_every_text_stays_text(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "first")
    ask(anna, "/new Work")
    stack.ai.next(
        AiBehaviour(text=XSS + "\n\n```\n" + XSS + "\n```\n\n| " + XSS + " |\n|---|\n| " + XSS + " |")
    )
    ask(anna, XSS)
    sql("update ai_conversations set name = %s where not is_main", XSS[:60])
    body = page(stack, share(anna)).body
    check_page(body)
    assert body.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 6
    assert "49" not in re.sub(r"assets/\S+", "", body)


def test_odd_characters_do_not_break_the_page(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "first")
    odd = "\u202eevil\u202c \u2066isolated\u2069 שלום עולם " + "x" * 4096
    sql("update messages set content = %s", odd)
    body = page(stack, share(anna)).body
    check_page(body)
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", body)
    for _, words in messages_of(body):
        assert "evil isolated שלום עולם xxx" in words
    assert body.count('dir="auto"') == 3


def test_a_lost_database_is_a_page_that_says_so(stack: Stack, anna: Chat) -> None:
    ask(anna, "first")
    done = share(anna)
    stack.database.down()
    answer = page(stack, done, "?lang=ru")
    assert answer.status == 503
    check_page(answer.body)
    check_headers(answer.headers)
    assert text("ru", "web_error_503") in answer.body
    assert answer.headers["Retry-After"]
    stack.database.up()
    assert eventually(lambda: page(stack, done).status == 200)


def test_the_token_appears_in_no_log(stack: Stack, anna: Chat) -> None:
    ask(anna, "first")
    done = share(anna)
    page(stack, done)
    token = TOKEN.search(done.text)[1]  # type: ignore[index]
    assert token not in stack.function("console").raw_log


def test_old_pages_are_deleted(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "first")
    done = share(anna)
    sql("update shared_conversations set created_at = now() - interval '200 days'")
    assert sql("select sweep() as done")[0]["done"]["pages"] == 1
    assert page(stack, done).status == 404
