"""Which users a broadcast reaches: segments, the frozen list, and the count before it."""

from __future__ import annotations

import psycopg
import pytest

from shared.core.errors import Refusal
from tests.supabase.broadcasts.conftest import World


def count(world: World, boss: int, segment: dict[str, object], kind: str = "marketing") -> int:
    found = world.call(
        "count_segment",
        p_actor_id=boss,
        p_segment=segment,
        p_bot=None,
        p_kind=kind,
        p_after=0,
        p_limit=10_000,
    )
    return int(found["count"])


def test_the_list_is_frozen_at_the_start_and_in_parts(world: World) -> None:
    boss = world.admin()
    users = [world.user() for _ in range(7)]
    number = world.draft(boss)
    world.call("start_broadcast", p_actor_id=boss, p_id=number, p_version=1)
    late = world.user("Late")
    assert world.claim() == [], "nothing goes out before the list is complete"
    world.freeze(part=3)
    assert set(world.statuses(number)) == {boss, *users}
    assert late not in world.statuses(number)
    assert world.row(number)["status"] == "running"
    assert world.row(number)["total"] == 8


def test_who_is_left_out(world: World) -> None:
    boss = world.admin()
    ann = world.user("Ann")
    banned = world.user("Banned", banned_at="2026-11-01")
    blocked, stopped, group = world.user("Blocked"), world.user("Stopped"), world.user("Group")
    world.sql("update bot_sessions set is_blocked = true where user_id = %s", blocked)
    world.sql("update bot_sessions set chat_id = -100 where user_id = %s", group)
    world.call("set_marketing", p_user_id=stopped, p_wants=False)
    assert count(world, boss, {}) == 2
    assert count(world, boss, {}, "service") == 3
    number = world.start(boss)
    assert set(world.statuses(number)) == {boss, ann}
    service = world.start(boss, kind="service")
    assert set(world.statuses(service)) == {boss, ann, stopped}
    assert banned not in world.statuses(service)


def test_the_bot_is_the_one_that_was_used_last_or_the_named_one(world: World) -> None:
    boss = world.admin()
    ann = world.user("Ann")
    world.sql(
        "insert into bot_sessions (user_id, bot, chat_id, updated_at) select id, 'quiz', telegram_id, %s"
        " from users where id = %s",
        "2030-01-01",
        ann,
    )
    number = world.start(boss)
    assert world.claim("quiz") == [ann]
    assert world.claim("assistant") == [boss]
    assert set(world.statuses(world.start(boss, bot="quiz"))) == {ann}
    assert set(world.statuses(number)) == {boss, ann}


def test_each_part_of_a_segment_chooses(world: World) -> None:
    boss, ann, boris = world.admin(), world.user("Ann"), world.user("Boris", language="ru")
    sql = world.sql
    sql("update users set vip_level = 1, last_activity = '2026-11-30' where id = %s", ann)
    sql("update users set last_activity = '2026-10-01' where id = %s", boris)
    sql("update users set last_activity = '2026-11-15' where id = %s", boss)
    (plan,) = sql("select plan from subscription_limits where vip_level = 1")
    (course,) = sql(
        'insert into courses (slug, texts) values (\'x\', \'{"en": {"title": "X"}}\') returning id'
    )
    sql(
        "insert into enrollments (user_id, course_id, tier, source) values (%s, %s, 'vip', 'manual')",
        boris,
        course["id"],
    )
    sql(
        "insert into orders (user_id, product_key, provider, currency, amount, kind, plan, period, bot,"
        " expires_at, status) values (%s, 'premium_month', 'stars', 'XTR', 100, 'subscription', 'PREMIUM',"
        " 'month', 'assistant', now(), 'completed')",
        ann,
    )
    sql("insert into message_consents (user_id, last_contact_at) values (%s, '2026-11-30')", boss)
    number = course["id"]

    def found(**segment: object) -> set[int]:
        return set(world.statuses(world.start(boss, kind="service", segment=segment)))

    assert found(plans=[plan["plan"]]) == {ann}
    assert found(languages=["ru"]) == {boris}
    assert found(active_days=7) == {ann}
    assert found(inactive_days=30) == {boris}
    assert found(course={"id": number, "tier": "vip"}) == {boris}
    assert found(course={"id": number, "tier": None}) == {boris}
    assert found(course={"id": number, "tier": "basic"}) == set()
    assert found(without_course=number) == {boss, ann}
    assert found(bought=["premium_month"]) == {ann}
    assert found(never_paid=True) == {boss, boris}
    assert found(uncontacted_days=3) == {ann, boris}
    (label,) = sql("insert into messenger_labels (name) values ('Hot') returning id")
    (talk,) = sql(
        "insert into conversations (user_id, bot, ai_ready_score) values (%s, 'assistant', 70) returning id",
        ann,
    )
    sql(
        "insert into conversation_labels (conversation_id, label_id) values (%s, %s)", talk["id"], label["id"]
    )
    assert found(label=label["id"]) == {ann}
    assert found(bands=["serious"]) == {ann}
    assert found(bands=["ready", "exploring"]) == set()
    (link,) = sql("insert into ad_links (key, name) values ('summer', 'Summer') returning id")
    sql(
        "insert into ad_link_visits (link_id, user_id, bot, is_source) values (%s, %s, 'spin', true),"
        " (%s, %s, 'spin', false)",
        link["id"], ann, link["id"], boss,
    )  # fmt: skip
    sql(
        "insert into user_referrals (referrer_id, referred_id) values (%s, %s), (%s, %s)",
        boss,
        ann,
        boss,
        boris,
    )
    for source, users in (
        ("ad_summer", {ann}),
        ("referral", {boris}),
        ("direct", {boss}),
        ("ad_Summer", set()),
    ):
        assert found(sources=[source]) == users
        chosen = sql(
            "select id from users where id = any (%s) and private.user_source(id) = %s",
            [ann, boris, boss],
            source,
        )
        assert {one["id"] for one in chosen} == users, "the figures of revenue say the same"
    assert found(sources=["ad_summer", "direct"]) == {ann, boss}
    assert count(world, boss, {"sources": ["ad_summer", "referral"]}) == 2
    assert found(languages=["ru", "en"], inactive_days=10) == {boss, boris}


@pytest.mark.parametrize(
    "segment",
    [
        {"secret": 1},
        {"active_days": "1) or true --"},
        {"active_days": 0},
        {"active_days": 1.5},
        {"plans": []},
        {"plans": "FREE"},
        {"course": {"tier": "vip"}},
        {"languages": None},
        {"sources": []},
        {"sources": "direct"},
    ],
)
def test_a_segment_of_unknown_parts_is_refused(world: World, segment: dict[str, object]) -> None:
    boss = world.admin()
    with pytest.raises((Refusal, psycopg.Error)) as refused:
        count(world, boss, segment)
    assert "Q0001" in str(getattr(refused.value, "sqlstate", ""))


def test_what_a_segment_names_is_a_value_never_sql(world: World) -> None:
    boss = world.admin()
    evil = "en'); delete from users; --"
    assert count(world, boss, {"languages": [evil], "plans": [evil], "bought": [evil]}) == 0
    assert count(world, boss, {}) == 1


def test_only_admins_may_call(world: World) -> None:
    ann, boss = world.user(), world.admin()
    number = world.draft(boss)
    calls = {
        "list_broadcasts": {"p_before": None, "p_limit": 10},
        "get_broadcast": {"p_id": number},
        "save_broadcast": {"p_id": number, "p_version": 1, "p_values": {}},
        "count_segment": {"p_segment": {}, "p_bot": None, "p_kind": "service", "p_after": 0, "p_limit": 1},
        "start_broadcast": {"p_id": number, "p_version": 1},
        "approve_broadcast": {"p_id": number},
        "switch_broadcast": {"p_id": number, "p_action": "delete"},
        "save_broadcast_media": {"p_broadcast_id": number, "p_media": None, "p_content": None},
        "list_sequences": {},
        "get_sequence": {"p_id": 1},
        "save_sequence": {"p_id": None, "p_version": None, "p_values": {}},
        "switch_sequence": {"p_id": 1, "p_action": "start"},
    }
    for name, parameters in calls.items():
        for actor in (ann, None, 10**12):
            with pytest.raises((Refusal, psycopg.Error)) as refused:
                world.call(name, p_actor_id=actor, **parameters)
            assert getattr(refused.value, "sqlstate", "") == "N0009", name
    assert world.row(number)["status"] == "draft"
