"""/video: from a description or a picture, prices, options, history, refusals; over the whole stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.core.texts import text
from tests.stories.test_images import Sql, charged, jobs
from tests.support import eventually, in_parallel, says
from tools.emulator.ai.media import MediaBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat
from tools.emulator.telegram.test_objects import Answer

PRICE = 16  # requests of 8 seconds in 720p


@pytest.fixture(autouse=True)
def consistent(sql: Sql) -> Iterator[None]:
    """After each test jobs, ledger and quota agree."""
    yield
    assert sql("select * from check_generations()") == []


@pytest.fixture
def anna(stack: Stack) -> Chat:
    """Return the chat of a user who has said nothing yet."""
    return stack.telegram.user("Anna").chat("assistant")


@pytest.fixture
def plenty(sql: Sql) -> None:
    """Give everyone requests for several videos a day."""
    sql("update subscription_limits set daily_requests = 1000")
    sql("update private.settings set value = '100' where key = 'daily_cost_user'")


def work(stack: Stack, sql: Sql) -> None:
    """Let a worker do its next step with each job."""
    assert stack.telegram.idle()
    sql("update generations set due_at = private.clock() where due_at is not null")
    stack.run_job("generations")


def ordered(chat: Chat, words: str, requests: int = PRICE) -> Answer:
    """Ask for a video, accept its price, and return the message that says it is in progress."""
    chat.send(f"/video {words}").wait()
    return accepted(chat.answer(), requests)


def accepted(price: Answer, requests: int = PRICE) -> Answer:
    """Accept a price and return the message, which now says that the video is in progress."""
    assert text("en", "video_price", requests=requests).replace("**", "") in price.text
    price.tap(text("en", "video_confirm", requests=requests)).wait()
    status = price.wait_for_edit()
    assert says(status.text, "generation_started_video")
    return price


def made(stack: Stack, sql: Sql, chat: Chat) -> Answer:
    """Work until the video is there, and return it."""
    for _ in range(3):
        work(stack, sql)
        if all(job["state"] == "delivered" for job in jobs(sql)):
            break
    answer = chat.answer()
    assert "video" in answer.data, answer.text
    return answer


def requests(stack: Stack) -> list[dict[str, Any]]:
    """Return what Veo got."""
    return [one for one in stack.media.requests if "instances" in one]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_video_is_made_after_its_price_was_accepted(stack: Stack, sql: Sql, language: str) -> None:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    chat.send("/video a cat runs")
    price = chat.answer()
    assert text(language, "video_price", requests=PRICE).replace("**", "") in price.text
    assert f"{text(language, 'media_duration_value', seconds=8)} · 16:9 · 720p" in price.text
    assert jobs(sql) == []
    price.tap(text(language, "video_confirm", requests=PRICE)).wait()
    assert says(price.wait_for_edit().text, "generation_started_video", language)
    video = made(stack, sql, chat)
    sizes = video.data["video"]
    assert (sizes["width"], sizes["height"], sizes["duration"]) == (512, 288, 8)
    assert video.text == text(language, "media_made_with_ai")
    assert [button.text for row in video.buttons for button in row] == [
        text(language, "media_again"),
        text(language, "media_vary"),
    ]
    (sent,) = requests(stack)
    assert sent["instances"][0]["prompt"] == "a cat runs"
    assert sent["parameters"] == {"aspectRatio": "16:9", "durationSeconds": 8, "resolution": "720p"}
    assert 0 < charged(sql, chat) <= PRICE


def test_fifty_taps_on_a_price_make_one_video(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/video a cat runs").wait()
    price = anna.answer()
    confirm = price.button(text("en", "video_confirm", requests=PRICE))
    for tap in in_parallel(50, lambda _n: price.tap_button(confirm)):
        tap.wait(timeout=60)
    assert (len(jobs(sql)), charged(sql, anna)) == (1, PRICE)
    made(stack, sql, anna)
    assert len(requests(stack)) == 1


def test_options_change_the_price_of_what_was_asked_for(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/video a cat runs").wait()
    old = anna.answer()
    old.tap(text("en", "media_options")).wait()
    screen = anna.answer()
    assert text("en", "media_chosen_duration", value="8 s") in screen.text
    assert text("en", "media_prices_note") in screen.text
    screen.tap("4 s · 8").wait()
    screen = screen.wait_for_edit()
    screen.tap("9:16 · 8").wait()
    screen = screen.wait_for_edit()
    screen.tap(text("en", "media_to_price")).wait()
    accepted(anna.answer(), 8)
    tap = old.tap(text("en", "video_confirm", requests=PRICE)).wait()
    assert tap.answer()["text"] == text("en", "media_offer_over")
    made(stack, sql, anna)
    assert requests(stack)[0]["parameters"] == {
        "aspectRatio": "9:16", "durationSeconds": 4, "resolution": "720p",
    }  # fmt: skip
    anna.send("/video another one").wait()  # the options stay
    accepted(anna.answer(), 8)


def test_a_declined_price_costs_nothing(sql: Sql, anna: Chat) -> None:
    anna.send("/video a cat runs").wait()
    price = anna.answer()
    price.tap(text("en", "video_decline")).wait()
    assert says(price.wait_for_edit().text, "media_declined")
    assert (jobs(sql), charged(sql, anna)) == ([], 0)


def test_a_mode_of_videos_takes_texts_and_pictures(stack: Stack, sql: Sql, anna: Chat, plenty: None) -> None:
    anna.send("/mode").wait()
    menu = anna.answer()
    menu.tap("🎬 Video").wait()
    anna.send("a red boat").wait()
    accepted(anna.answer())
    made(stack, sql, anna)
    anna.photo("it sails away").wait()
    accepted(anna.answer())
    made(stack, sql, anna)
    anna.photo().wait()
    assert says(anna.answer().text, "video_ask_picture")
    anna.send("it sinks").wait()
    anna.answer()
    words = [one["instances"][0] for one in requests(stack)]
    assert [(one["prompt"], "image" in one) for one in words] == [
        ("a red boat", False),
        ("it sails away", True),
    ]
    assert not stack.ai.requests


def test_a_picture_is_animated_by_a_caption_and_by_a_reply(
    stack: Stack, sql: Sql, anna: Chat, plenty: None
) -> None:
    sent = anna.photo("/video it snows").wait()
    accepted(anna.answer())
    made(stack, sql, anna)
    anna.send("/video it rains", reply_to=sent).wait()
    accepted(anna.answer())
    made(stack, sql, anna)
    assert ["image" in one["instances"][0] for one in requests(stack)] == [True, True]
    assert [job["request"]["references"][0]["role"] for job in jobs(sql)] == ["first_frame"] * 2


def test_again_variation_and_the_history(stack: Stack, sql: Sql, anna: Chat, plenty: None) -> None:
    ordered(anna, "a cat runs")
    video = made(stack, sql, anna)
    video.tap(text("en", "media_again")).wait()
    accepted(anna.answer())
    made(stack, sql, anna)
    video.tap(text("en", "media_vary")).wait()
    accepted(anna.answer())
    made(stack, sql, anna)
    prompts = [one["instances"][0]["prompt"] for one in requests(stack)]
    variation = text("en", "video_variation_prompt", words="a cat runs")
    assert prompts == ["a cat runs", "a cat runs", variation]
    anna.send("/videos").wait()
    page = anna.answer()
    assert page.text.count("a cat runs") == 3
    page.tap("1").wait()
    assert anna.answer().data["video"]
    anna.send("/images").wait()
    assert says(anna.answer().text, "images_none")
    tap = anna.tap(video.stored, f"image:again:{jobs(sql)[0]['id']}").wait()
    assert tap.answer()["text"] == text("en", "image_gone")  # a job of another kind


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_refusal_is_free_and_can_be_rephrased(stack: Stack, sql: Sql, language: str) -> None:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    stack.media.next(MediaBehaviour(refusal="filtered"))
    chat.send("/video something").wait()
    chat.answer().tap(text(language, "video_confirm", requests=PRICE)).wait()
    work(stack, sql)
    work(stack, sql)
    refusal = chat.answer()
    assert says(refusal.text, "generation_refused_video", language)
    assert charged(sql, chat) == 0
    assert len(stack.media.requests) == 1  # no other provider was asked
    refusal.tap(text(language, "media_rephrase")).wait()
    assert says(chat.answer().text, "video_ask_rephrase", language)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_an_expired_video_is_free_and_can_be_tried_again(
    stack: Stack, sql: Sql, clock: Callable[[str], None], language: str
) -> None:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    stack.media.next(MediaBehaviour(reads=100))
    chat.send("/video something").wait()
    chat.answer().tap(text(language, "video_confirm", requests=PRICE)).wait()
    work(stack, sql)
    clock("clock_timestamp() + interval '2 hours'")
    stack.run_job("generations")
    stack.run_job("generations")
    expired = chat.answer()
    assert says(expired.text, "generation_expired_video", language)
    assert charged(sql, chat) == 0
    expired.tap(text(language, "media_again")).wait()
    assert text(language, "video_price", requests=PRICE).replace("**", "") in chat.answer().text


def test_a_video_that_is_no_longer_waited_for_comes_without_sound(
    stack: Stack, sql: Sql, plenty: None, anna: Chat
) -> None:
    stack.media.next(MediaBehaviour(reads=1))
    status = ordered(anna, "a cat runs")
    work(stack, sql)
    tap = status.tap(text("en", "media_stop")).wait()
    assert tap.answer()["text"] == text("en", "video_stop_muted")
    assert status.message_id not in anna.room.messages
    assert charged(sql, anna) == PRICE
    ordered(anna, "a dog runs")
    assert len(jobs(sql)) == 2
    for _ in range(4):
        work(stack, sql)
    assert {job["state"] for job in jobs(sql)} == {"delivered"}
    sent = [one["parameters"] for one in stack.telegram.calls if one["method"] == "sendVideo"]
    mine = [one for one in sent if int(one["chat_id"]) == anna.user.id]
    assert sorted(bool(one.get("disable_notification")) for one in mine) == [False, True]
    assert status.tap_button(status.button(text("en", "media_stop"))).wait().answer()["text"] == text(
        "en", "video_stop_unknown"
    )


def test_a_failure_is_taken_over_by_the_fallback(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.media.next(MediaBehaviour(status=403))
    ordered(anna, "a cat runs")
    made(stack, sql, anna)
    (job,) = jobs(sql)
    assert (job["provider"], job["state"]) == ("kie_ai", "delivered")
    assert 0 < charged(sql, anna) <= PRICE


def test_a_video_is_paid_from_the_balance_and_topped_up(stack: Stack, sql: Sql, anna: Chat) -> None:
    sql("update ai_modes set paid_from = 'balance' where kind = 'video'")
    with stack.settings("telegram", THREADS="55"):
        anna.send("/video a cat runs").wait()
        short = anna.answer()
        assert says(short.text, "video_balance_short", price="120\u00a0₽")
        assert text("en", "media_balance", balance="0\u00a0₽") in short.text
        olga = stack.telegram.user("Olga")
        group = stack.telegram.group("Team", [olga], ["assistant"]).by(olga)
        group.send(f"/video@{stack.telegram.bot('assistant').username} a cat runs").wait()
        shown = group.answer().text
        assert says(shown, "video_balance_short", price="120\u00a0₽")
        assert text("en", "media_balance", balance="0\u00a0₽") not in shown
        assert text("en", "media_top_up") in [button.text for row in short.buttons for button in row]
        sql("select adjust_balance(%s, 200, 'test', 'test:1')", anna.user.id)
        anna.send("/video a cat runs").wait()
        price = anna.answer()
        assert jobs(sql) == []
        price.tap(text("en", "video_confirm_balance", price="120\u00a0₽")).wait()
    assert says(price.wait_for_edit().text, "generation_started_video")
    made(stack, sql, anna)
    (left,) = sql("select balance from users where telegram_id = %s", anna.user.id)
    assert (left["balance"], charged(sql, anna)) == (80, 0)
    (total,) = sql("select sold_amount, sold_cost > 0 as has_cost from daily_totals where sold_amount > 0")
    assert total == {"sold_amount": 120, "has_cost": True}


def test_a_price_in_requests_is_never_taken_from_the_balance(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/video a cat runs").wait()
    shown = anna.answer()
    sql("select adjust_balance(%s, 200, 'test', 'test:1')", anna.user.id)
    sql("update ai_modes set paid_from = 'balance' where kind = 'video'")
    with stack.settings("telegram", THREADS="55"):  # a new process, which has read no catalogue yet
        shown.tap(text("en", "video_confirm", requests=PRICE)).wait()
        assert jobs(sql) == []
        price = anna.answer()
        assert text("en", "video_price_balance", price="120\u00a0₽").replace("**", "") in price.text
        price.tap(text("en", "video_confirm_balance", price="120\u00a0₽")).wait()
    made(stack, sql, anna)


def test_without_enough_requests_the_ways_to_get_more_are_shown(sql: Sql, anna: Chat) -> None:
    sql("update subscription_limits set daily_requests = 5")
    anna.send("/video a cat runs").wait()
    assert says(anna.answer().text, "video_limit", requests=PRICE)
    assert jobs(sql) == []


def test_raw_values_of_options_are_never_shown(stack: Stack, sql: Sql, anna: Chat) -> None:
    sql(
        """update ai_models set parameters = parameters || '{"aspect_ratios": ["16:9_hd", "auto", "9:16"],
             "qualities": ["std", "pro"], "labels": {"pro": {"en": "Cinema", "ru": "Кино"}}}'
           where provider = 'gemini' and kind = 'video'"""
    )
    with stack.settings("telegram", THREADS="57"):
        anna.send("/video").wait()
        anna.answer().tap(text("en", "media_options")).wait()
        screen = anna.answer()
    shown = screen.text + " ".join(button.text for row in screen.buttons for button in row)
    assert [one in shown for one in ("16:9 HD", "Auto", "Standard", "Cinema")] == [True] * 4
    assert [one in shown for one in ("16:9_hd", "std", "pro")] == [False] * 3


@pytest.mark.parametrize("off", ["keys", "setting"])
def test_without_a_provider_or_switched_off_the_command_does_not_exist(
    stack: Stack, sql: Sql, appoint: Callable[..., Any], off: str
) -> None:
    nothing = {f"{name}_API_KEY": "" for name in ("GEMINI", "OPENROUTER", "KIE_AI")}
    if off == "setting":
        nothing = {"THREADS": "56"}
        sql("update private.settings set value = 'false' where key = 'videos_enabled'")
    admin = appoint("en").chat("assistant")
    chat = stack.telegram.user("Ben").chat("assistant")
    with stack.settings("telegram", **nothing):
        chat.send("/video a dog").wait()
        assert says(chat.answer().text, "unknown_command")
        chat.send("/help").wait()
        assert "/video" not in chat.answer().text
        chat.send("/mode").wait()
        assert "🎬" not in chat.answer().text
        admin.send("/video").wait()
        assert says(admin.answer().text, "video_not_configured")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_message_about_a_video_shows_how_long_it_takes(
    stack: Stack, sql: Sql, clock: Callable[[str], None], language: str
) -> None:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    stack.media.next(MediaBehaviour(reads=100))
    chat.send("/video a cat runs").wait()
    price = chat.answer()
    price.tap(text(language, "video_confirm", requests=PRICE)).wait()
    price = price.wait_for_edit()
    work(stack, sql)
    work(stack, sql)
    assert price.buttons, "too early for an edit"
    clock("clock_timestamp() + interval '1 minute'")
    work(stack, sql)
    shown = price.wait_for_edit()
    assert text(language, "generation_progress_usual_video", elapsed="1:0", usual="1:30")[:20] in shown.text
    assert "1:30" in shown.text
    assert [button.text for row in shown.buttons for button in row] == [text(language, "media_stop_waiting")]
    stack.telegram.fail("editMessageText", 429)
    clock("clock_timestamp() + interval '3 minutes'")
    work(stack, sql)  # this edit is lost
    (job,) = jobs(sql)
    assert job["state"] == "submitted"
    clock("clock_timestamp() + interval '4 minutes'")
    work(stack, sql)
    assert text(language, "generation_progress_late_video", elapsed="4:0")[:20] in shown.wait_for_edit().text


def test_a_model_has_its_own_time_of_waiting_and_pause(stack: Stack, sql: Sql, anna: Chat) -> None:
    sql(
        """update ai_models set limits = limits || '{"wait_seconds": 600, "poll_seconds": 33}'
           where model = 'veo-3.1-fast-generate-001'"""
    )
    ordered(anna, "a cat runs")
    assert stack.telegram.idle()
    stack.run_job("generations")
    (job,) = sql("select deadline - created_at as waits, due_at - submitted_at as pause from generations")
    assert job["waits"].total_seconds() == 600
    assert 33 <= job["pause"].total_seconds() < 93


@pytest.mark.parametrize("name", ["reserve_generation", "finish_update"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_video_is_ordered_once_when_the_function_is_killed_at(
    stack: Stack, sql: Sql, anna: Chat, clock: Callable[[str], None], name: str, when: Any
) -> None:
    anna.send("/video a cat runs").wait()
    price = anna.answer()
    function = stack.function("telegram")
    stack.database.on(name, when=when, do=function.kill)
    tap = price.tap(text("en", "video_confirm", requests=PRICE))
    eventually(lambda: not function.pid, 15)
    clock("clock_timestamp() + interval '3 minutes'")
    function.restart()
    tap.wait(timeout=60)
    eventually(lambda: len(jobs(sql)) == 1)
    assert stack.run_job("sweep").status == 200
    made(stack, sql, anna)
    assert (len(jobs(sql)), len(requests(stack))) == (1, 1)
    assert charged(sql, anna) <= PRICE


def test_a_worker_that_dies_between_two_steps_makes_one_video(
    stack: Stack, sql: Sql, anna: Chat, clock: Callable[[str], None]
) -> None:
    ordered(anna, "a cat runs")
    work(stack, sql)
    function = stack.function("scheduled")
    stack.database.on("settle_generation", when="before", do=function.kill)
    sql("update generations set due_at = private.clock()")
    stack.run_job("generations")
    eventually(lambda: not function.pid, 15)
    function.restart()
    clock("clock_timestamp() + interval '6 minutes'")
    made(stack, sql, anna)
    assert len(requests(stack)) == 1
    assert 0 < charged(sql, anna) <= PRICE
