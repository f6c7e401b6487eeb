"""An erasure leaves nothing of a learner, whatever happens at the same time."""

from __future__ import annotations

from collections.abc import Callable

from tests.supabase.courses.school import School, Sql
from tests.supabase.privacy.conftest import SqlUser, id_of, next_update
from tests.support import in_parallel


def test_an_erasure_leaves_nothing_of_a_learner(
    school: School, sql: Sql, make_user: Callable[..., SqlUser]
) -> None:
    user = make_user()
    user.receive(next_update())
    anna = id_of(sql, user)
    assert anna
    film = school.video("film", 60)
    number = school.buy(anna, "vip")
    school.read(anna, "film")
    school.time.move(seconds=30)
    school.watch(anna, film, 0, 30)
    school.complete_all(anna)
    user.erase()
    for table in ("enrollments", "course_progress", "lesson_progress", "course_certificates"):
        assert sql(f"select count(*) as n from {table}")[0]["n"] == 0, table
    assert sql("select count(*) as n from enrollment_grants")[0]["n"] == 0
    assert school.watch(anna, film, 30, 60) == {"outcome": "no_access"}
    assert school.refund(number)["outcome"]


def test_reports_and_an_erasure_at_once(school: School, sql: Sql, make_user: Callable[..., SqlUser]) -> None:
    user = make_user()
    user.receive(next_update())
    anna = id_of(sql, user)
    assert anna
    film = school.video("film", 600)
    school.buy(anna)
    school.read(anna, "film")
    school.time.move(seconds=30)

    def step(n: int) -> None:
        if n == 5:
            user.erase()
        else:
            school.watch(anna, film, n, n + 10)

    in_parallel(10, step)
    assert sql("select count(*) as n from lesson_progress")[0]["n"] == 0
    assert sql("select count(*) as n from course_progress")[0]["n"] == 0


def test_completions_and_an_erasure_at_once(
    school: School, sql: Sql, make_user: Callable[..., SqlUser]
) -> None:
    user = make_user()
    user.receive(next_update())
    anna = id_of(sql, user)
    assert anna
    school.buy(anna)
    lessons = [school.lesson(f"lesson-{n}") for n in range(8)]

    def step(n: int) -> None:
        if n == 4:
            user.erase()
        else:
            assert school.complete(anna, lessons[n])["outcome"] in ("completed", "no_access")

    in_parallel(8, step)
    for table in ("lesson_progress", "course_progress", "xp_awards"):
        assert sql(f"select count(*) as n from {table} where user_id = %s", anna)[0]["n"] == 0, table
