"""/image: pictures from a description, edits, prices, history, refusals; over the whole stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.core.texts import text
from tests.support import in_parallel, says
from tools.emulator.ai.media import MediaBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat
from tools.emulator.telegram.test_objects import Answer

Sql = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def consistent(sql: Sql) -> Iterator[None]:
    """After each test jobs, ledger and quota agree."""
    yield
    assert sql("select * from check_generations()") == []


@pytest.fixture
def anna(stack: Stack) -> Chat:
    """Return the chat of a user who has said nothing yet."""
    return stack.telegram.user("Anna").chat("assistant")


def drawn(stack: Stack, chat: Chat) -> Answer:
    """Run the worker and return the picture that it sent; while the bot answers, the job is locked."""
    assert stack.telegram.idle()
    stack.run_job("generations")
    answer = chat.answer()
    assert "photo" in answer.data or "document" in answer.data, answer.text
    return answer


def prompts(stack: Stack) -> list[str]:
    """Return the prompts that Gemini got."""
    return [
        "".join(part.get("text", "") for part in request["contents"][0]["parts"])
        for request in requests(stack)
    ]


def requests(stack: Stack) -> list[dict[str, Any]]:
    """Return what Gemini got."""
    return [one for one in stack.media.requests if "contents" in one]


def charged(sql: Sql, chat: Chat) -> int:
    """Return the requests that count against the user's plan."""
    rows = sql(
        "select coalesce(sum(d.requests), 0)::int as n from daily_usage d"
        " join users u on u.id = d.user_id where u.telegram_id = %s",
        chat.user.id,
    )
    return int(rows[0]["n"])


def jobs(sql: Sql) -> list[dict[str, Any]]:
    return sql("select * from generations order by id")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_picture_is_drawn_and_counts_as_one_request(stack: Stack, sql: Sql, language: str) -> None:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    chat.send("/image a cat in a hat")
    status = chat.answer()
    assert says(status.text, "generation_started_image", language)
    picture = drawn(stack, chat)
    assert picture.text == text(language, "media_made_with_ai")
    assert [button.text for row in picture.buttons for button in row][:2] == [
        text(language, "media_again"),
        text(language, "media_vary"),
    ]
    assert status.deleted
    assert prompts(stack) == ["a cat in a hat"]
    assert (charged(sql, chat), [job["state"] for job in jobs(sql)]) == (1, ["delivered"])


def test_a_mode_of_pictures_takes_texts_as_prompts(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/mode")
    menu = anna.answer()
    menu.tap("🎨 Nano Banana").wait()
    assert "🎨 Nano Banana" in menu.wait_for_edit().text
    anna.send("a red boat")
    assert says(anna.answer().text, "generation_started_image")
    drawn(stack, anna)
    assert prompts(stack) == ["a red boat"]
    assert charged(sql, anna) == 1
    assert not stack.ai.requests
    anna.send("/menu")
    assert any(text("en", "mode_image") in button.text for row in anna.answer().buttons for button in row)
    anna.send("/cancel").wait()
    anna.answer()
    anna.send("hello").wait()
    anna.answer()
    assert len(stack.ai.requests) == 1


def test_without_a_description_the_next_text_is_one(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/image")
    assert says(anna.answer().text, "image_ask")
    anna.send("a green fish")
    assert says(anna.answer().text, "generation_started_image")
    drawn(stack, anna)
    assert (prompts(stack), charged(sql, anna)) == (["a green fish"], 1)


def test_a_dear_picture_shows_its_price_and_fifty_taps_make_one(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/image").wait()
    anna.answer().tap(text("en", "media_options")).wait()
    screen = anna.answer()
    screen.tap("4K · 3").wait()
    assert says(screen.wait_for_edit().text, "image_costs", requests=3)
    anna.send("a castle")
    price = anna.answer()
    assert says(price.text, "image_price", requests=3)
    assert jobs(sql) == []
    confirm = price.button(text("en", "image_confirm", requests=3))
    for tap in in_parallel(50, lambda _n: price.tap_button(confirm)):
        tap.wait(timeout=60)
    (job,) = jobs(sql)
    assert charged(sql, anna) == 3
    assert says(price.wait_for_edit().text, "generation_started_image")
    drawn(stack, anna)
    assert requests(stack)[0]["generationConfig"]["imageConfig"]["imageSize"] == "4K"
    assert jobs(sql)[0]["id"] == job["id"]
    price_gone = charged(sql, anna)
    assert 1 <= price_gone <= 3


def test_a_declined_price_costs_nothing(sql: Sql, anna: Chat) -> None:
    sql("update private.settings set value = '0.01' where key = 'picture_request_cost'")
    anna.send("/image a castle")
    price = anna.answer()
    assert says(price.text, "image_price", requests=4)
    price.tap(text("en", "image_decline")).wait()
    assert says(price.wait_for_edit().text, "media_declined")
    assert (jobs(sql), charged(sql, anna)) == ([], 0)


def test_a_picture_in_progress_can_be_canceled_before_it_begins(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/image one").wait()
    anna.answer()
    anna.send("/image two")
    running = anna.answer()
    assert says(running.text, "generation_unfinished_image")
    tap = running.tap(text("en", "media_stop")).wait()
    assert tap.answer()["text"] == text("en", "image_stop_canceled")
    assert (charged(sql, anna), jobs(sql)[0]["state"]) == (0, "canceled")
    again = running.tap(text("en", "media_stop")).wait()
    assert again.answer()["text"] == text("en", "image_stop_canceled")


def test_a_picture_is_edited_by_a_reply_and_by_a_photo(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/image a dog").wait()
    anna.answer()
    picture = drawn(stack, anna)
    anna.send("/image make it blue", reply_to=picture).wait()
    anna.answer()
    drawn(stack, anna)
    anna.photo("/image add a hat").wait()
    anna.answer()
    drawn(stack, anna)
    found = [
        [("inlineData" in part or "inline_data" in part) for part in one["contents"][0]["parts"]].count(True)
        for one in requests(stack)
    ]
    assert found == [0, 1, 1]
    assert prompts(stack) == ["a dog", "make it blue", "add a hat"]
    assert charged(sql, anna) == 3


def test_a_photo_without_words_waits_for_them(stack: Stack, anna: Chat) -> None:
    anna.send("/mode").wait()
    anna.answer().tap("🎨 Nano Banana").wait()
    anna.photo()
    assert says(anna.answer().text, "image_ask_picture")
    anna.send("in winter").wait()
    anna.answer()
    drawn(stack, anna)
    assert prompts(stack) == ["in winter"]
    assert len(requests(stack)[0]["contents"][0]["parts"]) == 2


def test_again_and_variation(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/image a dog").wait()
    anna.answer()
    picture = drawn(stack, anna)
    picture.tap(text("en", "media_again")).wait()
    anna.answer()
    drawn(stack, anna)
    picture.tap(text("en", "media_vary")).wait()
    anna.answer()
    drawn(stack, anna)
    assert prompts(stack) == ["a dog", "a dog", text("en", "image_variation_prompt", words="a dog")]
    assert len(requests(stack)[2]["contents"][0]["parts"]) == 2
    stranger = stack.telegram.user("Ben").chat("assistant")
    stranger.send("/images").wait()
    assert says(stranger.answer().text, "images_none")


def test_the_history_has_pages_and_sends_pictures_again(stack: Stack, sql: Sql, anna: Chat) -> None:
    for number in range(7):
        anna.send(f"/image picture {number}").wait()
        anna.answer()
        drawn(stack, anna)
    anna.send("/images")
    page = anna.answer()
    assert [f"picture {n}" in page.text for n in range(7)] == [False, False] + [True] * 5
    uploads = len(stack.media.requests)
    page.tap("5").wait()
    again = anna.answer()
    assert again.data["photo"]
    assert len(stack.media.requests) == uploads
    page.tap(text("en", "media_older")).wait()
    older = page.wait_for_edit()
    assert ["picture 0" in older.text, "picture 6" in older.text] == [True, False]


def test_a_refusal_costs_nothing_and_offers_to_rephrase(stack: Stack, sql: Sql, anna: Chat) -> None:
    sql("update private.settings set value = '1' where key = 'daily_generation_refusals'")
    stack.media.next(MediaBehaviour(refusal="output"))
    anna.send("/image something").wait()
    anna.answer()
    stack.run_job("generations")
    refusal = anna.answer()
    assert says(refusal.text, "generation_refused_image")
    assert charged(sql, anna) == 0
    assert len(requests(stack)) == 1  # no other provider was asked
    refusal.tap(text("en", "media_rephrase")).wait()
    assert says(anna.answer().text, "image_ask_rephrase")
    anna.send("something nicer")
    assert says(anna.answer().text, "generation_too_many_refusals")


def test_a_failure_is_taken_over_by_the_fallback(stack: Stack, sql: Sql, anna: Chat) -> None:
    other = "google/gemini-nano-banana-2.1"
    sql(
        "update ai_modes set fallback_provider = 'openrouter', fallback_model = %s where kind = 'image'",
        other,
    )
    sql(
        "insert into ai_model_prices (provider, model, component, conditions, price_usd, source)"
        """ values ('openrouter', %s, 'image', '{"size": "1K"}', 0.03, 'test')""",
        other,
    )
    with stack.settings("telegram", LOG_LEVEL="DEBUG", THREADS="59"):
        stack.media.next(MediaBehaviour(status=403))
        anna.send("/image a dog").wait()
        anna.answer()
        drawn(stack, anna)
    (job,) = jobs(sql)
    assert (job["provider"], job["state"]) == ("openrouter", "delivered")
    assert charged(sql, anna) == 1


def test_a_failure_without_a_fallback_is_free(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.media.next(MediaBehaviour(status=400), MediaBehaviour(status=400))
    sql("update ai_modes set fallback_provider = null, fallback_model = null")
    anna.send("/image a dog").wait()
    anna.answer()
    stack.run_job("generations")
    assert says(anna.answer().text, "generation_failed_image")
    assert charged(sql, anna) == 0


def test_when_the_limit_is_reached_the_ways_to_get_more_are_shown(sql: Sql, anna: Chat) -> None:
    anna.send("/start").wait()
    anna.answer()
    sql("update subscription_limits set daily_requests = 0")
    anna.send("/image a dog")
    answer = anna.answer()
    assert says(answer.text, "image_limit", requests=1)
    assert jobs(sql) == []


@pytest.mark.parametrize(
    ("prompt", "key"),
    [
        ("x" * 10_000, "media_too_long"),
        ("😀😀😀", None),
        ("**bold** <b>html</b> `code` {id} {words}", None),
        ("sk-proj-" + "a1B2" * 12, "media_secret"),
    ],
)
def test_hostile_prompts(stack: Stack, sql: Sql, anna: Chat, prompt: str, key: str | None) -> None:
    for part in range(0, len(prompt), 4_000):
        if len(prompt) < 4_096 or part == 0:
            anna.send(f"/image {prompt[:4_080]}").wait()
    answer = anna.answer()
    if key:
        assert says(answer.text, key)
        assert jobs(sql) == []
    else:
        drawn(stack, anna)
        assert prompts(stack) == [prompt]
        anna.send("/images")
        assert prompt in anna.answer().text


def test_without_a_provider_the_command_does_not_exist(stack: Stack, appoint: Callable[..., Any]) -> None:
    nothing = {f"{name}_API_KEY": "" for name in ("GEMINI", "OPENAI", "OPENROUTER", "KIE_AI")}
    admin = appoint("en").chat("assistant")
    chat = stack.telegram.user("Ben").chat("assistant")
    with stack.settings("telegram", **nothing):
        chat.send("/image a dog")
        assert says(chat.answer().text, "unknown_command")
        chat.send("/help")
        assert "/image" not in chat.answer().text
        admin.send("/image")
        assert says(admin.answer().text, "image_not_configured")


def test_a_mode_that_the_plan_lacks_is_locked(stack: Stack, sql: Sql, anna: Chat) -> None:
    sql("update ai_modes set plan_feature = 'pictures' where kind = 'image'")
    with stack.settings("telegram", THREADS="58"):
        anna.send("/image a dog")
        assert says(anna.answer().text, "media_locked", mode="Nano Banana")
    assert jobs(sql) == []


def test_in_a_group_only_the_author_uses_the_buttons(stack: Stack, sql: Sql) -> None:
    anna, ben = stack.telegram.user("Anna"), stack.telegram.user("Ben")
    group = stack.telegram.group("Friends", [anna, ben], ["assistant"])
    group.by(anna).send(f"/image@{stack.telegram.bot('assistant').username} a dog").wait()
    assert says(group.by(anna).answer().text, "generation_started_image")
    stack.run_job("generations")
    picture = group.by(ben).answers()[-1]
    assert picture.data["photo"]
    tap = group.by(ben).tap(picture.stored, f"image:again:{jobs(sql)[0]['id']}").wait()
    assert tap.answer()["text"] == text("en", "image_gone")
    assert len(jobs(sql)) == 1
