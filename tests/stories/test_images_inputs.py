"""/image: pictures of all kinds as input and output, and crashes; over the whole stack."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.core.texts import text
from tests.stories.test_images import Sql, charged, drawn, jobs, prompts, requests
from tests.stories.test_keys import a_key, add
from tests.stories.test_pictures import painted, photo
from tests.support import eventually, says
from tools.emulator.ai import AiBehaviour
from tools.emulator.ai.media import MediaBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat


@pytest.fixture(autouse=True)
def consistent(sql: Sql) -> Iterator[None]:
    """After each test jobs, ledger and quota agree."""
    yield
    assert sql("select * from check_generations()") == []


@pytest.fixture
def anna(stack: Stack) -> Chat:
    """Return the chat of a user who has said nothing yet."""
    return stack.telegram.user("Anna").chat("assistant")


def test_kie_ai_takes_over_an_edit_and_fetches_the_picture_from_storage(
    stack: Stack, sql: Sql, anna: Chat
) -> None:
    stack.media.next(MediaBehaviour(status=403))
    anna.photo("/image add a hat").wait()
    anna.answer()
    assert stack.telegram.idle()
    stack.run_job("generations")
    sql("update generations set due_at = private.clock()")  # the next poll
    drawn(stack, anna)
    (job,) = jobs(sql)
    assert (job["provider"], job["state"], charged(sql, anna)) == ("kie_ai", "delivered", 1)
    assert "/object/sign/" in str(stack.media.requests[-1])


def test_the_original_is_sent_as_a_file(stack: Stack, anna: Chat) -> None:
    anna.send("/image a dog").wait()
    anna.answer()
    picture = drawn(stack, anna)
    picture.tap(text("en", "media_file")).wait()
    assert anna.answer().data["document"]["mime_type"] == "image/jpeg"


def test_the_original_waits_while_storage_is_down(stack: Stack, anna: Chat) -> None:
    anna.send("/image a dog").wait()
    anna.answer()
    picture = drawn(stack, anna)
    stack.storage.fail("download", "InternalError")
    assert picture.tap(text("en", "media_file")).answer()["text"] == text("en", "media_file_later")
    picture.tap(text("en", "media_file")).wait()
    assert "document" in anna.answer().data


def test_the_history_says_when_the_original_is_deleted(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/image a dog").wait()
    anna.answer()
    picture = drawn(stack, anna)
    button, deleted = text("en", "media_file"), text("en", "media_original_deleted", days=30)
    anna.send("/images")
    page = anna.answer()
    page.tap("1").wait()
    kept = anna.answer()
    assert button in str(kept.data["reply_markup"])
    assert deleted not in kept.text
    sql("update stored_files set delete_after = private.clock()")
    page.tap("1").wait()
    again = anna.answer()
    assert deleted in again.text
    assert again.data["photo"]
    assert button not in str(again.data["reply_markup"])
    stack.run_job("storage")
    assert picture.tap(button).answer()["text"] == deleted


def test_a_picture_too_wide_for_a_photo_is_a_document(stack: Stack, anna: Chat) -> None:
    stack.media.next(MediaBehaviour(files=(painted(size=(2200, 100), kind="PNG"),)))
    anna.send("/image a long wall").wait()
    anna.answer()
    answer = drawn(stack, anna)
    assert "document" in answer.data
    anna.send("/images").wait()
    anna.answer().tap("1").wait()
    assert "document" in anna.answer().data


def test_an_album_is_edited_as_one_picture(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/mode").wait()
    anna.answer().tap("🎨 Nano Banana").wait()
    stack.telegram.hold()
    anna.album([("photo", photo("red")), ("photo", photo("green"))], "join them")
    stack.telegram.hold(False)
    assert says(anna.answer().text, "generation_started_image")
    drawn(stack, anna)
    assert len(requests(stack)[0]["contents"][0]["parts"]) == 3
    assert (prompts(stack), charged(sql, anna)) == (["join them"], 1)


def test_an_edited_prompt_draws_nothing(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/mode").wait()
    anna.answer().tap("🎨 Nano Banana").wait()
    sent = anna.send("a dog").wait()
    anna.answer()
    drawn(stack, anna)
    anna.edit(sent, "a cat").wait()
    assert says(anna.answer().text, "image_edited")
    anna.send("a bird").wait()
    anna.answer()
    drawn(stack, anna)
    assert len(jobs(sql)) == 2


@pytest.mark.parametrize("name", ["reserve_generation", "finish_update"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_order_is_taken_once_when_the_function_is_killed_at(
    stack: Stack, sql: Sql, anna: Chat, clock: Callable[[str], None], name: str, when: Any
) -> None:
    anna.send("/start").wait()
    anna.answer()
    function = stack.function("telegram")
    stack.database.on(name, when=when, do=function.kill)
    sent = anna.send("/image a dog")
    eventually(lambda: not function.pid, 15)
    clock("clock_timestamp() + interval '3 minutes'")
    function.restart()
    sent.wait(timeout=60)
    eventually(lambda: len(jobs(sql)) == 1)
    assert stack.run_job("sweep").status == 200
    stack.telegram.idle()
    stack.run_job("generations")
    pictures = [one for one in anna.answers() if "photo" in one.data]
    assert (len(pictures), len(jobs(sql)), charged(sql, anna)) == (1, 1, 1)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_spoken_description_is_drawn_in_a_mode_of_pictures(stack: Stack, sql: Sql, language: str) -> None:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    chat.send("/mode")
    chat.answer().tap("🎨 Nano Banana").wait()
    stack.ai.next(AiBehaviour(text="a red boat"))
    chat.attach("voice", caption="in oil")
    assert chat.answer().text == "🎙 a red boat"
    assert says(chat.answer().text, "generation_started_image", language)
    drawn(stack, chat)
    assert (prompts(stack), charged(sql, chat)) == (["in oil\n\na red boat"], 1)
    assert stack.ai.requests == []


def test_a_spoken_change_edits_the_picture_it_replies_to(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/image a dog").wait()
    anna.answer()
    picture = drawn(stack, anna)
    anna.send("/mode")
    anna.answer().tap("🎨 Nano Banana").wait()
    stack.ai.next(AiBehaviour(text="make it blue"))
    anna.attach("voice", reply_to=picture)
    assert anna.answer().text == "🎙 make it blue"
    anna.answer()
    drawn(stack, anna)
    assert prompts(stack)[-1] == "make it blue"
    assert "inlineData" in str(requests(stack)[-1])


def test_an_awaited_description_may_be_spoken_or_a_photo(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/image").wait()
    anna.answer()
    stack.ai.next(AiBehaviour(text="a green fish"))
    anna.voice()
    anna.answer()
    assert says(anna.answer().text, "generation_started_image")
    drawn(stack, anna)
    anna.send("/image").wait()
    anna.answer()
    anna.photo("add a hat")
    assert says(anna.answer().text, "generation_started_image")
    drawn(stack, anna)
    assert prompts(stack) == ["a green fish", "add a hat"]
    assert "inlineData" in str(requests(stack)[-1])


def test_a_voice_message_without_words_draws_nothing(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/image").wait()
    anna.answer()
    stack.ai.next(AiBehaviour(empty=True))
    anna.voice()
    assert says(anna.answer().text, "voice_silent")
    assert (jobs(sql), charged(sql, anna)) == ([], 0)


def test_a_picture_without_words_is_forgotten_with_its_question(stack: Stack, anna: Chat) -> None:
    anna.send("/mode")
    anna.answer().tap("🎨 Nano Banana").wait()
    anna.photo().wait()
    assert says(anna.answer().text, "image_ask_picture")
    anna.send("/profile").wait()
    anna.answer()
    anna.send("a red boat").wait()
    anna.answer()
    drawn(stack, anna)
    assert "inlineData" not in str(requests(stack)[-1])


@pytest.mark.parametrize(("language", "caption"), [
    ("en", "make the roof red"), ("en", "Please, remove the car"), ("ru", "Сделай крышу красной"),
])  # fmt: skip
def test_a_change_in_the_chat_is_offered_as_an_edit(
    stack: Stack, sql: Sql, language: str, caption: str
) -> None:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    chat.photo(caption)
    chat.answer()
    offer = chat.answer()
    assert says(offer.text, "media_edit_offer", language)
    assert jobs(sql) == [], "nothing is made without a tap"
    button = offer.button(text(language, "media_edit"))
    for tap in (offer.tap_button(button), offer.tap_button(button)):
        tap.wait()
    drawn(stack, chat)
    assert len(jobs(sql)) == 1
    assert prompts(stack) == [caption]
    assert "inlineData" in str(requests(stack)[-1])


@pytest.mark.parametrize("caption", ["What color is the roof?", "Made in Italy", "Какого цвета крыша?"])
def test_a_question_about_a_picture_gets_no_offer(stack: Stack, anna: Chat, caption: str) -> None:
    anna.photo(caption)
    anna.answer()
    anna.expect_silence(0.3)


def test_made_with_ai_can_be_left_out(stack: Stack, sql: Sql, anna: Chat) -> None:
    sql("update private.settings set value = 'false' where key = 'made_with_ai'")
    anna.send("/image a dog").wait()
    anna.answer()
    assert not drawn(stack, anna).data.get("caption")


@pytest.mark.parametrize(("language", "labels"), [
    ("en", ("Square 1:1", "Wide 3:2", "Tall 2:3", "Medium")),
    ("ru", ("Квадрат 1:1", "Горизонтальный 3:2", "Вертикальный 2:3", "Среднее")),
])  # fmt: skip
def test_options_show_no_values_of_an_api(stack: Stack, language: str, labels: tuple[str, ...]) -> None:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    chat.send("/image")
    chat.answer().tap(text(language, "media_options")).wait()
    screen = chat.answer()
    screen.tap("GPT Image").wait()
    screen.wait_for_edit()
    shown = "\n".join([screen.text, *(button.text for row in screen.buttons for button in row)])
    assert [label for label in labels if label not in shown] == []
    assert not re.search(r"\d{3,4} ?[x×] ?\d{3,4}|\bmedium\b|\bhd\b", shown)


def test_a_users_key_pays_for_pictures_of_its_provider(stack: Stack, sql: Sql, anna: Chat) -> None:
    key = a_key("Google Gemini")
    add(anna, "Google Gemini", key)
    anna.send("/image")
    anna.answer().tap(text("en", "media_options")).wait()
    assert says(anna.answer().text, "media_costs_own_key")
    anna.send("a castle").wait()
    assert says(anna.answer().text, "generation_started_image")
    drawn(stack, anna)
    assert charged(sql, anna) == 0
    assert stack.media.keys[-1] == key
    assert sql("select is_user_api_key as own from api_usage where kind = 'image'") == [{"own": True}]
    assert key not in str(sql("select to_jsonb(g) as job from generations g"))


def test_a_spent_budget_of_ours_stops_no_picture_of_a_users_key(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/image a castle").wait()
    drawn(stack, anna)
    sql(
        "update private.settings set value = '0.000001'"
        " where key in ('daily_cost_user', 'daily_cost_bot', 'monthly_cost_user', 'monthly_cost_bot')"
    )
    anna.send("/image a second castle").wait()
    assert says(anna.answer().text, "generation_limit")
    add(anna, "Google Gemini", a_key("Google Gemini"))
    anna.send("/image a third castle").wait()
    assert says(anna.answer().text, "generation_started_image")
    drawn(stack, anna)


def test_a_job_whose_key_was_removed_fails_and_costs_nothing(stack: Stack, sql: Sql, anna: Chat) -> None:
    add(anna, "Google Gemini", a_key("Google Gemini"))
    anna.send("/image a castle").wait()
    anna.answer()
    sql("delete from user_tokens")
    assert stack.telegram.idle()
    stack.run_job("generations")
    answer = anna.answer()
    assert says(answer.text, "generation_user_key_gone", name="Google Gemini")
    assert answer.button(text("en", "keys_open")).data == "keys"
    assert (charged(sql, anna), requests(stack)) == (0, [])


@pytest.mark.parametrize(("status", "cause"), [(401, "refused"), (402, "credit"), (403, "access")])
def test_a_failure_of_a_users_key_says_what_to_do(
    stack: Stack, sql: Sql, anna: Chat, status: int, cause: str
) -> None:
    add(anna, "Google Gemini", a_key("Google Gemini"))
    stack.media.next(MediaBehaviour(status=status))
    anna.send("/image a castle").wait()
    anna.answer()
    assert stack.telegram.idle()
    stack.run_job("generations")
    answer = anna.answer()
    assert says(answer.text, f"generation_user_key_{cause}", name="Google Gemini")
    assert [button.text for row in answer.buttons for button in row] == [
        text("en", "keys_open"),
        text("en", "media_again"),
    ]
    (key,) = sql("select status, is_active from user_tokens")
    assert key == (
        {"status": "refused", "is_active": False} if status == 401 else {"status": "ok", "is_active": True}
    )
    assert charged(sql, anna) == 0
    if status == 401:  # from then on the plan pays
        answer.tap(text("en", "media_again")).wait()
        anna.answer()
        drawn(stack, anna)
        assert charged(sql, anna) == 1
