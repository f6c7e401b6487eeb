"""Folders of courses: faults with file and line, and loads that keep what was edited in the console."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.core import texts
from shared.features.courses import library, video_length
from tools.courses import loading
from tools.courses.__main__ import main

SAMPLE = library.FOLDER / "telegram-sales"
Sql = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the sample course."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "school"))


def faults(folder: Path) -> list[str]:
    with pytest.raises(library.InvalidCourse) as caught:
        library.read(folder)
    return caught.value.faults


def change(path: Path, old: str, new: str) -> None:
    source = path.read_text()
    assert old in source
    path.write_text(source.replace(old, new, 1))


def test_the_sample_has_all_kinds_of_lessons_in_every_language() -> None:
    course = library.read(SAMPLE)
    lessons = course["lessons"]
    assert len(lessons) == 6
    for lesson in [course, *lessons]:
        assert set(lesson["texts"]) == texts.codes()
    for key in ("quiz", "homework", "video", "files", "is_preview"):
        assert any(lesson[key] for lesson in lessons), key
    assert {lesson["completion"] for lesson in lessons} == {"watched", "quiz", "button", "opened"}
    assert {lesson["tier"] for lesson in lessons} >= {"basic", "accelerator"}


@pytest.mark.parametrize(("file", "old", "new", "expected"), [
    ("04_objections.toml", "correct = [2]", "correct = [9]", ":46: quiz.questions.3"),
    ("04_objections.toml", "attempts = 3", 'attempts = "3"', "school/04_objections.toml:5: quiz.attempts"),
    ("04_objections.toml", "attempts = 3", "tries = 3", "school/04_objections.toml:5: quiz.tries"),
    ("04_objections.toml", "attempts = 3", "attempts = ", "school/04_objections.toml:5: Invalid value"),
    ("02_first-minute.toml", "duration_seconds = 45", "", "needs a video and duration_seconds"),
    ("02_first-minute.toml", "duration_seconds = 45", "duration_seconds = 47",
     "02_first-minute.toml:3: duration_seconds is 47, first-minute.webm lasts 45.0"),
    ("02_first-minute.toml", "first-minute.webm", "gone.webm", "02_first-minute.toml:7: gone.webm is not"),
    ("03_five-lines.toml", "offer-template.en.txt", "Offer.exe", "03_five-lines.toml:5: Offer.exe is not"),
    ("05_payment.en.md", "funnel.png", "other.png", "school/05_payment.en.md:5: the picture other.png"),
    ("05_payment.en.md", "funnel.png", "../../x.png", "the picture ../../x.png is not in the folder"),
    ("05_payment.en.md", "# Payment", "Payment", "school/05_payment.en.md:1: the first line is the title"),
    ("course.toml", '\ntier = "basic"', '\ntier = "gold"', "course.toml:19: offers.0.tier"),
])  # fmt: skip
def test_a_fault_names_file_and_line(folder: Path, file: str, old: str, new: str, expected: str) -> None:
    change(folder / file, old, new)
    found = faults(folder)
    assert any(expected in fault for fault in found), found


def mp4(seconds: int, *, version: int = 0) -> bytes:
    """Return the head of an MP4 file."""
    times = struct.pack(">QQIQ" if version else ">IIII", 0, 0, 1000, seconds * 1000)
    header = struct.pack(">I4sI", 12 + len(times), b"mvhd", version << 24) + times
    movie = struct.pack(">I4s", 8 + len(header), b"moov") + header
    return struct.pack(">I4sQ", 1, b"free", 24) + bytes(8) + movie


def test_how_long_a_video_lasts(tmp_path: Path) -> None:
    sample = (SAMPLE / "first-minute.webm").read_bytes()
    for name, content, expected in (
        ("a.mp4", mp4(90), 90), ("b.mp4", mp4(7200, version=1), 7200), ("c.mp4", mp4(90)[:50], None),
        ("d.mp4", b"", None), ("e.mp4", b"\0" * 40, None), ("f.webm", sample[:5], None),
        ("g.webm", b"\0" * 9, None), ("h.webm", sample, pytest.approx(45, abs=0.1)), ("i.avi", sample, None),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(content)
        assert video_length.seconds(tmp_path / name) == expected, name


def test_missing_files_and_odd_names_are_faults(folder: Path) -> None:
    (folder / "course.ru.md").unlink()
    (folder / "01_what-sells.en.md").unlink()
    (folder / "01_what-sells.ru.md").unlink()
    (folder / "7_Last.toml").write_text("")
    found = "\n".join(faults(folder))
    assert "school/course.ru.md: the file is missing" in found
    assert "01_what-sells.en.md is missing" in found
    assert "school/7_Last.toml: a lesson is named 01_name.toml" in found


def test_the_check_of_the_command_says_what_is_wrong(folder: Path, capsys: Any) -> None:
    assert main(["check"]) == 0
    assert "telegram-sales: 6 lessons, en, ru" in capsys.readouterr().out
    (folder / "course.en.md").unlink()
    assert main(["check", str(folder)]) == 1
    assert "school/course.en.md" in capsys.readouterr().err


def outcomes(lines: list[str]) -> dict[str, str]:
    return {name.strip(): what for name, _, what in (line.partition(": ") for line in lines)}


def test_a_load_repeats_and_keeps_what_was_edited_in_the_console(
    folder: Path, database_url: str, sql: Sql
) -> None:
    change(folder / "course.toml", "course_telegram_basic", "school_basic")
    change(folder / "course.toml", "course_telegram_accelerator", "school_accelerator")
    first = outcomes(loading.load(database_url, folder))
    assert first["school"] == first["objections"] == "new"
    assert first["new products"] == "school_basic, school_accelerator"
    assert not sql("select from products where key like 'school%%' and is_active")
    again = outcomes(loading.load(database_url, folder, is_on_sale=True))
    assert set(again.values()) == {"unchanged"}
    assert not sql("select from products where key like 'school%%' and is_active")

    sql("""update lessons set texts = '{"en": {"title": "Mine", "body": "x"}}', version = version + 1
           where slug = 'objections'""")
    sql("update courses set is_published = false, version = version + 1 where slug = 'school'")
    change(folder / "05_payment.en.md", "Count the taps", "Count every tap")
    (folder / "06_numbers.toml").unlink()
    third = outcomes(loading.load(database_url, folder))
    assert third["payment"] == "updated"
    assert third["objections"].startswith("EDITED")
    assert third["school"].startswith("EDITED")
    assert third["numbers"].startswith("has no file")
    title = "select texts -> 'en' ->> 'title' as title from lessons where slug = 'objections'"
    assert sql(title) == [{"title": "Mine"}]
    assert len(sql("select from lessons where slug = 'numbers'")) == 1

    fourth = outcomes(loading.load(database_url, folder, overwrites=True))
    assert fourth["objections"] == fourth["school"] == "updated"
    assert sql(title) == [{"title": "Four objections, four answers"}]
    assert set(outcomes(loading.load(database_url, folder)).values()) <= {
        "unchanged",
        "has no file, left as it is",
    }


def test_courses_recommend_products_of_each_other(
    folder: Path, database_url: str, sql: Sql, capsys: Any
) -> None:
    last = Path(shutil.copytree(folder, folder.parent / "a-last"))
    for course, name, following in ((folder, "school", ""), (last, "last", "school_basic")):
        change(course / "course.toml", "course_telegram_basic", f"{name}_basic")
        change(course / "course.toml", "course_telegram_accelerator", f"{name}_accelerator")
        if following:
            change(course / "course.toml", "position", f'next_product = "{following}"\nposition')
    assert loading.in_order([last, folder]) == [folder, last]
    assert main(["load", "--url", database_url, str(last), str(folder)]) == 0
    made = sql("select slug, next_product_key from courses where slug in ('school', 'a-last') order by slug")
    assert [row["next_product_key"] for row in made] == ["school_basic", None]

    change(folder / "course.toml", "position", 'next_product = "last_basic"\nposition')
    assert main(["load", "--url", database_url, str(last), str(folder)]) == 1
    assert "a-last, school: they recommend each other" in capsys.readouterr().err
    change(folder / "course.toml", "last_basic", "gone")
    assert main(["load", "--url", database_url, str(folder)]) == 1
    assert "there is no product gone" in capsys.readouterr().err


def test_a_folder_with_a_fault_writes_nothing(folder: Path, database_url: str, sql: Sql) -> None:
    (folder / "06_numbers.toml").write_text("tier = 1")
    with pytest.raises(library.InvalidCourse):
        loading.load(database_url, folder)
    assert not sql("select from courses where slug = 'school'")
