"""Reads the folders of courses. Every fault names its file, and the line where it is known."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from shared.core import texts
from shared.core.json_types import JsonObject

if TYPE_CHECKING:
    from pydantic import BaseModel

    from shared.features.courses.content_models import CourseFile, LessonFile

    Model = TypeVar("Model", bound=BaseModel)

FOLDER = Path(__file__).parent / "content"
OWN = "content/"  # of a reference: the file is in a course's folder, not in Storage
_LESSON = re.compile(r"([0-9]{2})_([a-z0-9][a-z0-9-]{0,63})")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_PICTURE = re.compile(r"!\[[^\]\n]{0,300}\]\(([^)\s]{1,300})\)")
_PICTURE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}(?:\.(?:en|ru))?\.(?:png|jpg|webp)")


class InvalidCourse(ValueError):
    """A folder breaks the format. `faults`: one line each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


def is_picture(name: str) -> bool:
    """Return whether this is the name of a picture in a course's folder."""
    return _PICTURE_NAME.fullmatch(name) is not None


def folders() -> list[Path]:
    """Return the folders of the courses that are shipped."""
    return sorted(path for path in FOLDER.iterdir() if (path / "course.toml").is_file())


def read(folder: Path) -> JsonObject:
    """Return a course as private.load_course takes it.

    Raises:
        InvalidCourse: a file is missing or breaks the format.
        OSError: a file cannot be read.
    """
    return _Reader(folder).course()


class _Reader:
    """Reads one folder and collects all of its faults."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[str] = []

    def course(self) -> JsonObject:
        from shared.features.courses.content_models import CourseFile

        slug = self.folder.name
        if not _SLUG.fullmatch(slug):
            self.faults.append(f"{slug}: the folder is named in lower-case letters, digits and hyphens")
        about = self._toml(self.folder / "course.toml", CourseFile)
        lessons = [self._lesson(path) for path in sorted(self.folder.glob("[0-9]*.toml"))]
        slugs = [one["slug"] for one in lessons if one]
        self.faults += [f"{slug}: two lessons are {one}" for one in set(slugs) if slugs.count(one) > 1]
        if not lessons:
            self.faults.append(f"{slug}: there is no lesson (01_name.toml)")
        course = self._about(slug, about) if about else {}
        if self.faults:
            raise InvalidCourse(self.faults)
        return {**course, "lessons": lessons}

    def _about(self, slug: str, about: CourseFile) -> JsonObject:
        return {
            "slug": slug,
            "position": about.position,
            "is_published": about.published,
            "plan_tier": about.plan_tier,
            "shows_learner_count": about.shows_learner_count,
            "texts": {
                language: {
                    "title": one.title,
                    "summary": one.summary,
                    "description": self._body(self.folder / f"course.{language}.md"),
                }
                for language, one in about.about.items()
            },
            "next_step": about.next_step,
            "next_product_key": about.next_product,
            "offers": [
                {
                    "product_key": one.product,
                    "tier": one.tier,
                    "access_days": one.access_days,
                    "texts": {language: {"title": title} for language, title in one.titles.items()},
                    "prices": {currency: str(price) for currency, price in one.prices.items()},
                }
                for one in about.offers
            ],
        }

    def _lesson(self, path: Path) -> JsonObject:
        from shared.features.courses.content_models import LessonFile

        name = _LESSON.fullmatch(path.stem)
        if name is None:
            self._fault(path, 0, "a lesson is named 01_name.toml, in lower-case letters, digits and hyphens")
        found = self._toml(path, LessonFile)
        if found is None or name is None:
            return {}
        release = "days" if found.release_days is not None else "date" if found.release_at else "at_once"
        for file in found.files:
            self._present(path, file.reference)
        if found.video and found.video.adapter == "storage":
            self._present(path, found.video.reference)
            self._lasts(path, found)
        return {
            "slug": name[2],
            "position": int(name[1]),
            "texts": self._texts(path),
            "is_published": found.published,
            "is_preview": found.preview,
            "is_required": found.required,
            "release": release,
            "release_at": found.release_at.isoformat() if found.release_at else None,
            "files": [
                {
                    "name": one.name,
                    "reference": self._reference(one.reference),
                    **({"size": size} if (size := self._size(one.reference)) else {}),
                }
                for one in found.files
            ],
            "video": self._video(found),
            "quiz": found.quiz.model_dump(mode="json", exclude_none=True) if found.quiz else None,
            "homework": found.homework.texts if found.homework else None,
            "homework_tier": found.homework.tier if found.homework else "basic",
            **found.model_dump(
                include={"tier", "completion", "watch_percent", "duration_seconds", "release_days"}
            ),
        }

    def _video(self, lesson: LessonFile) -> JsonObject | None:
        if lesson.video is None:
            return None
        is_own = lesson.video.adapter == "storage"
        reference = lesson.video.reference
        return {
            "adapter": lesson.video.adapter,
            "reference": self._reference(reference) if is_own else reference,
        }

    def _texts(self, path: Path) -> JsonObject:
        """Return the texts of a lesson by language: those whose file is there."""
        found: JsonObject = {}
        for language in sorted(texts.codes()):
            file = path.with_name(f"{path.stem}.{language}.md")
            if not file.is_file():
                continue
            title, _, body = self._body(file).partition("\n")
            if not title.startswith("# ") or not title[2:].strip():
                self._fault(file, 1, "the first line is the title: # Title")
            found[language] = {"title": title[2:].strip(), "body": body.strip()}
        if not found:
            self._fault(path, 0, f"{path.stem}.en.md is missing: a lesson has a text in some language")
        return found

    def _body(self, path: Path) -> str:
        """Return a Markdown file; its pictures are files of the folder."""
        try:
            body = path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            self._fault(path, 0, "the file is missing")
            return ""
        except UnicodeDecodeError as error:
            self._fault(path, 0, str(error))
            return ""
        for number, line in enumerate(body.split("\n"), 1):
            for name in _PICTURE.findall(line):
                if "/" in name or not (self.folder / name).is_file():
                    self._fault(path, number, f"the picture {name} is not in the folder")
        return body

    def _present(self, path: Path, reference: str) -> None:
        """Require that a file of the folder is there; a reference with a slash is a key in Storage."""
        from shared.features.courses.content_models import FILE_NAME

        if "/" in reference:
            return
        line = _line_of(path.read_text(encoding="utf-8"), reference)
        if not (self.folder / reference).is_file():
            self._fault(path, line, f"{reference} is not in the folder")
        elif not re.fullmatch(FILE_NAME, reference):
            self._fault(path, line, f"{reference}: name it in lower case, of a type that pages show")

    def _lasts(self, path: Path, lesson: LessonFile) -> None:
        """Require that a video of the folder lasts as long as its lesson says, give or take a second."""
        from shared.features.courses import video_length

        name = lesson.video.reference if lesson.video else ""
        if lesson.duration_seconds is None or "/" in name or not (self.folder / name).is_file():
            return
        lasts = video_length.seconds(self.folder / name)
        if lasts is not None and abs(lasts - lesson.duration_seconds) > 1:
            line = _line_of(path.read_text(encoding="utf-8"), "duration_seconds")
            self._fault(
                path, line, f"duration_seconds is {lesson.duration_seconds}, {name} lasts {lasts:.1f}"
            )

    def _reference(self, reference: str) -> str:
        return reference if "/" in reference else f"{OWN}{self.folder.name}/{reference}"

    def _size(self, reference: str) -> int | None:
        path = self.folder / reference
        return path.stat().st_size if "/" not in reference and path.is_file() else None

    def _toml(self, path: Path, model: type[Model]) -> Model | None:
        """Return a TOML file as a model; None after a fault."""
        from pydantic import ValidationError

        source = ""
        try:
            source = path.read_text(encoding="utf-8")
            return model.model_validate(tomllib.loads(source))
        except FileNotFoundError:
            self._fault(path, 0, "the file is missing")
        except ValidationError as error:
            for one in error.errors():
                place = ".".join(str(part) for part in one["loc"])
                self._fault(
                    path, _line(source, one["loc"]), f"{place}: {one['msg']}" if place else one["msg"]
                )
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            line = re.search(r"at line (\d+)", str(error))
            self._fault(path, int(line[1]) if line else 0, str(error))
        return None

    def _fault(self, path: Path, line: int, what: str) -> None:
        place = f"{path.parent.name}/{path.name}" + (f":{line}" if line else "")
        self.faults.append(f"{place}: {what}")


def _line(source: str, location: Sequence[int | str]) -> int:
    """Return the line of a value in a TOML file: that of its key, else of the table that lacks it."""
    table: list[int | str] = []
    counts: dict[str, int] = {}
    best, most = 1, 0
    for number, line in enumerate(source.split("\n"), 1):
        if header := re.match(r"\s{0,40}\[(\[?)([^\]]{1,200})\]", line):
            name = header[2].strip()
            table = list(name.split("."))
            if header[1]:
                counts = {key: count for key, count in counts.items() if not key.startswith(f"{name}.")}
                counts[name] = counts.get(name, -1) + 1
            for prefix, count in counts.items():
                if f"{name}.".startswith(f"{prefix}."):
                    table.insert(len(prefix.split(".")), count)
            here = table
        elif key := re.match(r"\s{0,40}([\w-]{1,100})(?:\.([\w-]{1,100}))?\s{0,40}=", line):
            here = [*table, *(part for part in key.groups() if part)]
        else:
            continue
        if len(here) > most and list(location[: len(here)]) == here:
            best, most = number, len(here)
    return best


def _line_of(source: str, word: str) -> int:
    """Return the first line with a word; 0 if there is none."""
    return next((number for number, line in enumerate(source.split("\n"), 1) if word in line), 0)
