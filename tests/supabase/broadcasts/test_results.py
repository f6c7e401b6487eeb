"""Clicks and purchases after a message, each counted once for its recipient."""

from __future__ import annotations

from typing import Any

from tests.supabase.broadcasts.conftest import World, at_once


def click(world: World, number: int, user: int, button: int = 0) -> Any:
    return world.call("record_broadcast_click", p_broadcast_id=number, p_user_id=user, p_button=button)


def pay(world: World, user: int, kind: str = "credits", product: str = "credits_100") -> None:
    (order,) = world.sql(
        "insert into orders (user_id, product_key, provider, currency, amount, kind, quantity, bot,"
        " expires_at, status) values (%s, %s, 'stars', 'XTR', 100, 'credits', 100, 'assistant', now(),"
        " 'completed') returning id",
        user,
        product,
    )
    world.sql("select private.on_purchase(%s, %s, %s)", user, order["id"], kind)


def test_a_click_counts_once_for_its_recipient(world: World) -> None:
    boss, ann = world.admin(), world.user()
    stranger = world.user("Stranger", is_active=False)
    number = world.start(boss)
    target = {"texts": {"en": "Open"}, "url": "https://example.com"}
    assert click(world, number, ann) == {"target": target, "is_counted": False}, "it was not sent yet"
    world.record(number, world.claim())
    counted = at_once(lambda _: click(world, number, ann)["is_counted"], range(4))
    assert sorted(counted) == [False, False, False, True]
    assert click(world, number, stranger) == {"target": target, "is_counted": False}
    assert click(world, number, ann, 7)["target"] is None
    assert click(world, number + 1, ann)["target"] is None
    row = world.row(number)
    assert (row["clicked"], row["clicks"]) == (1, {"0": 1})
    (hour,) = world.call("get_broadcast", p_actor_id=boss, p_id=number)["hours"]
    assert (hour["sent"], hour["clicked"]) == (2, 1)


def test_a_purchase_within_the_days_counts_once(world: World) -> None:
    boss, ann, boris = world.admin(), world.user("Ann"), world.user("Boris")
    number = world.start(boss)
    pay(world, ann)
    assert world.row(number)["bought"] == 0, "it was not sent yet"
    world.record(number, world.claim())
    world.at("2026-12-08 11:00:00+03:00")
    pay(world, ann)
    pay(world, ann)
    assert world.row(number)["bought"] == 1
    world.at("2026-12-08 12:00:01+03:00")
    pay(world, boris)
    assert world.row(number)["bought"] == 1
