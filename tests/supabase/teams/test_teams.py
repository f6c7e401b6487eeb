"""The SQL of teams: managers, deadlines in the team's time zone, what counts, races and erasures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.supabase.teams.teams import Call, Sql, Team
from tests.supabase.trainings.test_trainings import RULES, SEED, Player
from tests.support import Connections, eventually, in_parallel

Clock = Callable[[str], None]
EXAM = '{"exam": {"score": 1, "minutes": 20, "attempts": 3}}'
NOON = "timestamptz '2026-12-01 09:00:00+00'"


@pytest.fixture
def team(sql: Sql, call: Call) -> Team:
    return Team(sql, call)


def erase(sql: Sql, player: Player) -> None:
    """Erase a user as an update of theirs does."""
    sql(
        "select private.erase_user(t, %s) from telegram_updates as t"
        " where t.bot = 'spin' and t.update_id = %s",
        json.dumps({"hash": "f" * 64, "balance": "0"}),
        player.update(),
    )


def begin(_call: Call, player: Player, task: int, **changes: Any) -> int:
    """Start a training for a task; return its number."""
    return int(player.start(p_task_id=task, **changes)["training"]["id"])


def play(call: Call, player: Player, task: int, types: list[str] | None = None) -> Any:
    begin(call, player, task)
    for type_ in types or SEED:
        player.ask(type_)
    return player.finish()


def at_once(work: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """Do `work` for all values at the same time."""
    return in_parallel(len(values), lambda number: work(values[number]))


def messages(sql: Sql, key: str) -> list[dict[str, Any]]:
    return sql(
        "select chat_id, parameters from telegram_outbox where parameters ->> 'key' = %s order by id", key
    )


def test_a_renewed_code_makes_the_old_link_invalid(team: Team, call: Call) -> None:
    renewed = call("update_team", p_user_id=team.manager.user_id, p_team_id=team.id, p_renew_code=True)
    assert renewed["team"]["code"] != team.code
    stranger = Player(team.sql, call)
    found = call("find_invited_team", p_user_id=stranger.user_id, p_bot="spin", p_code=team.code)
    assert found is None
    joined = call("join_team", p_user_id=stranger.user_id, p_bot="spin", p_code=team.code)
    assert joined == {"outcome": "none"}


def test_a_team_is_of_one_bot(team: Team, call: Call) -> None:
    joined = call("join_team", p_user_id=Player(team.sql, call).user_id, p_bot="quiz", p_code=team.code)
    assert joined["outcome"] == "none"


def test_the_limits_of_teams_and_members_hold(team: Team, sql: Sql, call: Call) -> None:
    sql("update private.settings set value = '2' where key = 'team_max_members'")
    anna = team.join()
    assert (
        team.call("join_team", p_user_id=anna.user_id, p_bot="spin", p_code=team.code)["outcome"] == "known"
    )
    joined = call("join_team", p_user_id=Player(sql, call).user_id, p_bot="spin", p_code=team.code)
    assert joined == {"outcome": "full"}
    sql("update private.settings set value = '1' where key = 'team_max_teams'")
    created = call("create_team", p_user_id=anna.user_id, p_bot="spin", p_name="South", p_reference="south")
    assert created == {"outcome": "limit", "most": 1}


def test_a_member_can_do_nothing_of_a_manager(team: Team, call: Call) -> None:
    anna, ben = team.join(), team.join()
    seen = call("get_team", p_user_id=anna.user_id, p_team_id=team.id)
    assert (seen["team"]["code"], seen["members"], seen["assignments"]) == (None, [], [])
    assert call("team_report", p_user_id=anna.user_id, p_team_id=team.id) is None
    assert team.assign("2099-01-01", by=anna) == {"outcome": "none"}
    for function, more in (
        ("remove_team_member", {"p_member_id": ben.user_id}),
        ("set_team_role", {"p_member_id": anna.user_id, "p_role": "manager"}),
        ("update_team", {"p_name": "Mine"}),
    ):
        assert call(function, p_user_id=anna.user_id, p_team_id=team.id, **more) == {"outcome": "none"}
    assert call("get_team", p_user_id=Player(team.sql, call).user_id, p_team_id=team.id) is None


def test_of_two_managers_who_step_down_at_once_one_stays(team: Team, call: Call) -> None:
    other = team.join()
    change = {"p_team_id": team.id, "p_member_id": other.user_id, "p_role": "manager"}
    call("set_team_role", p_user_id=team.manager.user_id, **change)
    pair = [team.manager, other]
    results = at_once(
        lambda one: call(
            "set_team_role",
            p_user_id=one.user_id,
            p_team_id=team.id,
            p_member_id=one.user_id,
            p_role="member",
        )["outcome"],
        pair,
    )
    assert sorted(results) == ["changed", "last_manager"]
    assert sorted(map(str, (team.role(one) for one in pair))) == ["manager", "member"]


def test_of_two_managers_who_leave_at_once_one_stays(team: Team, call: Call) -> None:
    other = team.join()
    change = {"p_team_id": team.id, "p_member_id": other.user_id, "p_role": "manager"}
    call("set_team_role", p_user_id=team.manager.user_id, **change)
    team.join()
    results = at_once(
        lambda one: call("leave_team", p_user_id=one.user_id, p_team_id=team.id)["outcome"],
        [team.manager, other],
    )
    assert sorted(results) == ["last_manager", "left"]


def test_the_link_does_not_let_a_removed_member_back_in(team: Team, sql: Sql, call: Call) -> None:
    anna = Player(sql, call)
    join = {"p_user_id": anna.user_id, "p_bot": "spin", "p_code": team.code}
    assert call("join_team", **join)["outcome"] == "joined"
    call(
        "remove_team_member",
        p_user_id=team.manager.user_id,
        p_team_id=team.id,
        p_member_id=anna.user_id,
    )
    assert call("join_team", **join)["outcome"] == "none"


def test_two_managers_remove_a_member_once_and_never_each_other_both(team: Team, call: Call) -> None:
    other, anna = team.join(), team.join()
    change = {"p_team_id": team.id, "p_member_id": other.user_id, "p_role": "manager"}
    call("set_team_role", p_user_id=team.manager.user_id, **change)

    def remove(pair: tuple[Player, Player]) -> str:
        return str(
            call(
                "remove_team_member",
                p_user_id=pair[0].user_id,
                p_team_id=team.id,
                p_member_id=pair[1].user_id,
            )["outcome"]
        )

    assert sorted(at_once(remove, [(team.manager, anna), (other, anna)])) == ["none", "removed"]
    pairs = [(team.manager, other), (other, team.manager)]
    assert sorted(at_once(remove, pairs)) == ["none", "removed"]


def test_ten_taps_join_once_and_notify_once(team: Team, sql: Sql, call: Call) -> None:
    anna = Player(sql, call)
    results = at_once(
        lambda _: call("join_team", p_user_id=anna.user_id, p_bot="spin", p_code=team.code)["outcome"],
        range(10),
    )
    assert sorted(results) == ["joined", *["known"] * 9]
    assert len(messages(sql, "team_joined_notice")) == 1


@pytest.mark.parametrize(
    ("zone", "ends"),
    [
        ("Pacific/Kiritimati", "2026-12-07 10:00:00+00"),
        ("Europe/Moscow", "2026-12-07 21:00:00+00"),
        ("Pacific/Honolulu", "2026-12-08 10:00:00+00"),
    ],
)
def test_a_deadline_ends_with_the_day_of_the_teams_time_zone(
    team: Team, sql: Sql, clock: Clock, zone: str, ends: str
) -> None:
    clock(NOON)
    team.zone(zone)
    anna = team.join()
    team.assign("2026-12-07")
    (task,) = team.tasks(anna)
    assert sql("select %s::timestamptz = %s as same", task["due_at"], ends)[0]["same"]
    clock(f"timestamptz '{ends}' - interval '1 second'")
    assert team.assign("2026-12-07")["outcome"] == "created", "the day is not over there"
    clock(f"timestamptz '{ends}'")
    assert team.assign("2026-12-07")["outcome"] == "past"


def test_rounds_end_at_midnight_across_a_change_of_the_clocks(team: Team, sql: Sql, clock: Clock) -> None:
    clock("timestamptz '2027-03-20 12:00:00+00'")
    team.zone("Europe/Berlin")  # summer time begins on March 28
    anna = team.join()
    team.assign("2027-03-24", p_repetitions=3)
    local = sql(
        "select number, due_at at time zone 'Europe/Berlin' as due,"
        " opens_at at time zone 'Europe/Berlin' as opens"
        " from assignment_tasks where user_id = %s order by number",
        anna.user_id,
    )
    assert [f"{row['due']:%m-%d %H:%M}" for row in local] == ["03-25 00:00", "04-01 00:00", "04-08 00:00"]
    assert [f"{row['opens']:%m-%d %H:%M}" for row in local[1:]] == ["03-25 00:00", "04-01 00:00"]


def test_each_message_about_a_task_is_sent_once(team: Team, sql: Sql, call: Call, clock: Clock) -> None:
    clock(NOON)
    anna, ben = team.join(), team.join()
    team.assign("2026-12-07", p_repetitions=2)
    sent = messages(sql, "team_assigned_practice")
    assert [one["chat_id"] for one in sent] == [anna.telegram_id, ben.telegram_id]
    assert call("enqueue_task_messages") == []
    play(call, anna, team.tasks(anna)[0]["id"])
    clock("timestamptz '2026-12-06 20:59:59+00'")
    assert call("enqueue_task_messages") == []
    clock("timestamptz '2026-12-06 21:00:00+00'")  # a day before the end of December 7 in Moscow
    at_once(lambda _: call("enqueue_task_messages"), range(4))
    assert [one["chat_id"] for one in messages(sql, "team_reminder")] == [ben.telegram_id]
    clock("timestamptz '2026-12-07 21:00:00+00'")  # the second round opens
    at_once(lambda _: call("enqueue_task_messages"), range(4))
    second = messages(sql, "team_assigned_practice")[2:]
    assert sorted(one["chat_id"] for one in second) == sorted([anna.telegram_id, ben.telegram_id])
    assert {one["parameters"]["values"]["number"] for one in second} == {2}
    assert len(messages(sql, "team_reminder")) == 1


def test_a_task_that_opens_on_its_last_day_has_no_reminder(
    team: Team, sql: Sql, call: Call, clock: Clock
) -> None:
    clock(NOON)
    team.join()
    team.assign("2026-12-01")
    assert len(messages(sql, "team_assigned_practice")) == 1
    assert call("enqueue_task_messages") == []


def test_a_canceled_assignment_sends_and_starts_nothing(
    team: Team, sql: Sql, call: Call, clock: Clock
) -> None:
    clock(NOON)
    anna = team.join()
    assignment = team.assign("2026-12-07", p_repetitions=2)["assignment"]["id"]
    canceled = {"p_user_id": team.manager.user_id, "p_team_id": team.id, "p_assignment_id": assignment}
    assert call("cancel_assignment", **canceled) == {"outcome": "canceled"}
    clock("timestamptz '2026-12-07 22:00:00+00'")
    assert call("enqueue_task_messages") == []
    assert call("get_task", p_user_id=anna.user_id, p_task_id=team.tasks(anna)[0]["id"])["state"] == "closed"
    assert call("my_teams", p_user_id=anna.user_id, p_bot="spin")["tasks"] == []


def test_who_joins_later_gets_the_rounds_that_are_ahead(team: Team, clock: Clock) -> None:
    clock(NOON)
    team.join()
    team.assign("2026-12-07", p_repetitions=3)
    clock("timestamptz '2026-12-10 09:00:00+00'")
    assert [task["number"] for task in team.tasks(team.join())] == [2, 3]


def test_a_finished_training_counts_once_and_for_its_task_only(team: Team, call: Call, clock: Clock) -> None:
    clock(NOON)
    anna = team.join()
    team.assign("2026-12-07")
    team.assign("2026-12-08")
    first, second = team.tasks(anna)
    player = anna
    begin(call, player, first["id"])
    for type_ in SEED:
        player.ask(type_)
    results = at_once(lambda _: player.finish()["outcome"], range(5))
    assert sorted(results) == ["finished", *["known"] * 4]
    done, other = team.tasks(anna)
    assert (done["best_score"], other["done_at"]) == (185 - 15, None)
    clock("timestamptz '2026-12-02 09:00:00+00'")
    play(call, anna, first["id"], ["situation"] * 5)
    assert team.tasks(anna)[0]["best_score"] == 170, "the best one"
    assert team.tasks(anna)[0]["done_at"] == done["done_at"]
    clock("timestamptz '2026-12-09 09:00:00+00'")
    play(call, anna, second["id"], ["situation"] * 5)
    members = call("team_report", p_user_id=team.manager.user_id, p_team_id=team.id)["members"]
    row = next(one for one in members if one["id"] == anna.user_id)
    assert [task["state"] for task in row["tasks"]] == ["done", "late"]
    assert [training["score"] for training in row["trainings"]] == [170, 20, 20]
    assert "question" not in json.dumps(members)


def test_too_few_questions_haste_and_other_trainings_count_for_nothing(
    team: Team, call: Call, clock: Clock
) -> None:
    clock(NOON)
    anna = team.join()
    team.assign("2026-12-07")
    (task,) = team.tasks(anna)
    play(call, anna, task["id"], ["situation"])
    begin(call, anna, task["id"])
    for type_ in SEED:
        anna.ask(type_)
    anna.finish(is_fast=True)
    anna.play(SEED)
    begin(call, anna, task["id"], p_difficulty="hard")  # not what was assigned
    for type_ in SEED:
        anna.ask(type_)
    anna.finish()
    assert team.tasks(anna)[0]["done_at"] is None
    other = Player(team.sql, call)
    begin(call, other, task["id"])  # a task of someone else
    for type_ in SEED:
        other.ask(type_)
    other.finish()
    assert team.tasks(anna)[0]["done_at"] is None


def test_one_tap_more_assigns_nothing_more(team: Team, sql: Sql, clock: Clock) -> None:
    clock(NOON)
    team.join()
    results = at_once(lambda _: team.assign("2026-12-07", p_reference="same")["outcome"], range(6))
    assert sorted(results) == ["created", *["known"] * 5]
    assert sql("select count(*) as n from assignment_tasks")[0]["n"] == 1


def test_without_members_and_above_the_limit_nothing_is_assigned(team: Team, sql: Sql) -> None:
    assert team.assign("2099-01-01") == {"outcome": "empty"}
    team.join()
    sql("update private.settings set value = '1' where key = 'team_max_assignments'")
    assert team.assign("2099-01-01")["outcome"] == "created"
    assert team.assign("2099-01-01") == {"outcome": "limit", "most": 1}


def test_canceling_does_not_let_a_manager_write_to_members_without_end(
    team: Team, sql: Sql, call: Call, clock: Clock
) -> None:
    clock(NOON)
    team.join()
    sql("update private.settings set value = '3' where key = 'team_max_assignments'")

    def assign_and_cancel() -> str:
        created = team.assign("2099-01-01")
        if created["outcome"] == "created":
            call(
                "cancel_assignment",
                p_user_id=team.manager.user_id,
                p_team_id=team.id,
                p_assignment_id=created["assignment"]["id"],
            )
        return str(created["outcome"])

    assert [assign_and_cancel() for _ in range(5)] == ["created"] * 3 + ["limit"] * 2
    assert len(messages(sql, "team_assigned_practice")) == 3
    clock("timestamptz '2026-12-02 10:00:00+00'")
    assert assign_and_cancel() == "created"


def test_leaving_ends_what_managers_see_and_keeps_the_history(
    team: Team, sql: Sql, call: Call, clock: Clock
) -> None:
    clock(NOON)
    anna = team.join()
    team.assign("2026-12-07")
    play(call, anna, team.tasks(anna)[0]["id"])
    assert call("leave_team", p_user_id=anna.user_id, p_team_id=team.id) == {"outcome": "left"}
    assert team.tasks(anna) == []
    report = call("team_report", p_user_id=team.manager.user_id, p_team_id=team.id)
    assert [one["id"] for one in report["members"]] == [team.manager.user_id]
    assert len(sql("select from training_history where user_id = %s", anna.user_id)) == 1


def test_the_erasure_of_a_member_loses_nothing_of_others(
    team: Team, sql: Sql, call: Call, clock: Clock
) -> None:
    clock(NOON)
    anna, ben = team.join(), team.join()
    team.assign("2026-12-07")
    for one in (anna, ben):
        play(call, one, team.tasks(one)[0]["id"])
    erase(sql, anna)
    report = call("team_report", p_user_id=team.manager.user_id, p_team_id=team.id)
    assert {one["id"] for one in report["members"]} == {team.manager.user_id, ben.user_id}
    assert team.tasks(ben)[0]["done_at"] is not None


def test_after_the_erasure_of_the_only_manager_the_longest_member_manages(
    team: Team, sql: Sql, call: Call, clock: Clock
) -> None:
    clock(NOON)
    anna, ben = team.join(), team.join()
    sql("update team_members set joined_at = joined_at - interval '1 day' where user_id = %s", ben.user_id)
    sql("update users set first_name = 'Ben' where id = %s", ben.user_id)
    team.assign("2026-12-07")
    erase(sql, team.manager)
    (card,) = call("my_teams", p_user_id=anna.user_id, p_bot="spin")["teams"]
    assert (card["managers"], card["member_count"]) == (["Ben"], 2)
    assert (team.role(ben), team.role(anna)) == ("manager", "member")
    assert [one["chat_id"] for one in messages(sql, "team_inherited_notice")] == [ben.telegram_id]
    (news,) = messages(sql, "team_new_manager_notice")
    assert (news["chat_id"], news["parameters"]["values"]["name"]) == (anna.telegram_id, {"name": "Ben"})
    (task,) = team.tasks(anna)
    play(call, anna, task["id"])
    assert team.tasks(anna)[0]["done_at"] is not None
    erase(sql, anna)
    assert team.role(ben) == "manager"
    erase(sql, ben)
    assert sql("select from teams where id = %s", team.id) == [], "it ends with its last member"


def test_with_a_second_manager_an_erasure_changes_no_role(team: Team, sql: Sql, call: Call) -> None:
    anna, ben = team.join(), team.join()
    wanted = {"p_user_id": team.manager.user_id, "p_team_id": team.id, "p_member_id": ben.user_id}
    call("set_team_role", **wanted, p_role="manager")
    erase(sql, team.manager)
    assert (team.role(ben), team.role(anna)) == ("manager", "member")
    assert messages(sql, "team_new_manager_notice") == []


def test_two_managers_who_are_erased_at_once_leave_a_team_with_a_manager(
    team: Team, sql: Sql, call: Call
) -> None:
    anna, ben = team.join(), team.join()
    wanted = {"p_user_id": team.manager.user_id, "p_team_id": team.id, "p_member_id": ben.user_id}
    call("set_team_role", **wanted, p_role="manager")
    at_once(lambda one: erase(sql, one), [team.manager, ben])
    assert team.role(anna) == "manager"


def test_managers_are_notified_of_so_many_new_members_a_day(
    team: Team, sql: Sql, call: Call, clock: Clock
) -> None:
    clock(NOON)
    sql("update private.settings set value = '2' where key = 'team_daily_notices'")

    def notices() -> list[str]:
        joined = call("join_team", p_user_id=Player(sql, call).user_id, p_bot="spin", p_code=team.code)
        return [one["parameters"]["key"] for one in joined["outgoing"]]

    found = [notices() for _ in range(4)]
    assert found == [["team_joined_notice"], ["team_joined_last_notice"], [], []]
    clock("timestamptz '2026-12-02 09:00:00+00'")
    assert notices() == ["team_joined_notice"]


def test_erasing_a_member_while_a_training_is_assigned_blocks_nothing(
    team: Team, sql: Sql, call: Call, clock: Clock
) -> None:
    clock(NOON)
    members = [team.join() for _ in range(6)]
    work: list[Callable[[], Any]] = [lambda one=one: erase(sql, one) for one in members[:1]]
    work += [lambda: team.assign("2026-12-07") for _ in range(3)]
    at_once(lambda one: one(), work)
    assert sql("select from users where id = %s", members[0].user_id) == []
    assert all(len(team.tasks(one)) == 3 for one in members[1:])


def test_rules_name_no_exam_in_a_practice() -> None:
    assert "exam" not in RULES


@pytest.mark.parametrize("work", ["assign", "certificate"])
def test_an_erasure_and_work_of_the_same_user_at_once_end_without_a_deadlock(
    team: Team, call: Call, sql: Sql, connections: Connections, work: str
) -> None:
    anna = team.join()
    user = team.manager if work == "assign" else anna
    training_id = anna.play(SEED)["training_id"]
    update = user.update()
    erasure = json.dumps({"hash": "f" * 64, "balance": "0"})
    row = "from telegram_updates as t where t.bot = 'spin' and t.update_id = %s"

    def work_meanwhile() -> Any:
        if work == "assign":
            return team.assign("2099-01-01")
        return call("issue_certificate", p_user_id=anna.user_id, p_training_id=training_id)

    sql("update trainings set mode = 'exam', rules = rules || %s where id = %s", EXAM, training_id)
    with ThreadPoolExecutor() as pool, connections.one() as erasing:
        erasing.execute("begin")
        erasing.execute(f"select private.lock_user(t, true) {row}", [update])
        working = pool.submit(work_meanwhile)
        eventually(lambda: sql("select from pg_locks where not granted"))
        erasing.execute(f"select private.erase_user(t, %s) {row}", [erasure, update])
        erasing.execute("commit")
        assert working.result() == ({"outcome": "none"} if work == "assign" else None)
