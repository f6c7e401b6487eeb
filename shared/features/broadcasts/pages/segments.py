"""The fields of a form that describe a segment, and a segment in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import BaseModel, Field

from shared.core import db, texts
from shared.core.config import settings
from shared.features import xp
from shared.features.common.tiers import TIERS
from shared.web.forms import FormError

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import BroadcastChoices
    from shared.web.visit import Visit

BANDS = ("exploring", "interested", "serious", "ready")
SOURCES = ("direct", "referral")  # and ad_<key> of each link of an advertisement
_DAYS = r"^([1-9][0-9]{0,3})?$"
_NUMBER = r"^([1-9][0-9]{0,17})?$"


class SegmentFields(BaseModel):
    """Fields of a segment. Boxes are named by what they choose: plan_PREMIUM, language_en, band_ready,
    source_ad_summer.
    """

    model_config = {"extra": "allow"}

    activity: Literal["any", "active", "inactive"] = "any"
    activity_days: str = Field(default="", pattern=_DAYS)
    course: str = Field(default="", pattern=_NUMBER)
    tier: Literal["", "basic", "accelerator", "vip"] = ""
    without_course: str = Field(default="", pattern=_NUMBER)
    label: str = Field(default="", pattern=_NUMBER)
    never_paid: bool = False
    uncontacted_days: str = Field(default="", pattern=_DAYS)

    def ticked(self, prefix: str, known: list[str]) -> list[str]:
        """Return which of the boxes are ticked."""
        sent = self.model_extra or {}
        return [one for one in known if f"{prefix}_{one}" in sent]


class Choices(NamedTuple):
    """What a segment can choose from: key and text of each."""

    plans: list[tuple[str, str]]
    languages: list[tuple[str, str]]
    products: list[tuple[str, str]]
    courses: list[tuple[str, str]]
    tiers: list[tuple[str, str]]
    bands: list[tuple[str, str]]
    sources: list[tuple[str, str]]
    labels: list[tuple[str, str]]
    bots: list[tuple[str, str]]


def choices(visit: Visit) -> Choices:
    """Return what a segment can choose from."""
    found: BroadcastChoices = db.call("broadcast_choices", p_actor_id=visit.user.user_id)

    def titled(rows: list[JsonObject], key: str) -> list[tuple[str, str]]:
        return [
            (str(row[key]), (texts.pick(visit.language, row["texts"]) or {}).get("title") or str(row[key]))
            for row in rows
        ]

    return Choices(
        plans=[(plan, texts.plan_name(visit.language, plan)) for plan in found["plans"]],
        languages=[(code, texts.language(code).NAME.partition(" ")[2]) for code in sorted(texts.codes())],
        products=titled(list(found["products"]), "key"),  # type: ignore[arg-type]
        courses=titled(list(found["courses"]), "id"),  # type: ignore[arg-type]
        tiers=[(tier, visit.text(f"course_tier_{tier}")) for tier in TIERS],
        labels=[(str(one["id"]), one["name"]) for one in found["labels"]],
        bands=[(band, visit.text(f"broadcast_band_{band}")) for band in BANDS],
        sources=[
            *((source, visit.text(f"broadcast_source_{source}")) for source in SOURCES),
            *(
                (f"ad_{one['key']}", visit.text("broadcast_source_ad", name=one["name"]))
                for one in found["ad_links"]
            ),
        ],
        bots=[(bot, xp.bot_title(visit, bot)) for bot in sorted(settings().bot_tokens)],
    )


def from_fields(sent: SegmentFields, known: Choices) -> JsonObject:
    """Return the segment that fields describe, without what limits nothing.

    Raises:
        FormError: the days of an activity are missing.
    """
    if sent.activity != "any" and not sent.activity_days:
        raise FormError({"activity_days": "web_field_missing"})
    segment: JsonObject = {
        "plans": sent.ticked("plan", [key for key, _ in known.plans]),
        "languages": sent.ticked("language", [key for key, _ in known.languages]),
        "bought": sent.ticked("bought", [key for key, _ in known.products]),
        "bands": sent.ticked("band", list(BANDS)),
        "sources": sent.ticked("source", [key for key, _ in known.sources]),
        "active_days": int(sent.activity_days) if sent.activity == "active" else None,
        "inactive_days": int(sent.activity_days) if sent.activity == "inactive" else None,
        "course": {"id": int(sent.course), "tier": sent.tier or None} if sent.course else None,
        "without_course": int(sent.without_course) if sent.without_course else None,
        "label": int(sent.label) if sent.label else None,
        "never_paid": sent.never_paid or None,
        "uncontacted_days": int(sent.uncontacted_days) if sent.uncontacted_days else None,
    }
    return {key: value for key, value in segment.items() if value}


def to_fields(segment: Mapping[str, JsonObject]) -> dict[str, object]:
    """Return the fields of a form that describe a segment."""
    fields: dict[str, object] = {"activity": "any", "activity_days": ""}
    for activity in ("active", "inactive"):
        if days := segment.get(f"{activity}_days"):
            fields |= {"activity": activity, "activity_days": days}
    course = segment.get("course") or {}
    fields |= {
        "course": str(course.get("id", "")),
        "tier": course.get("tier") or "",
        "without_course": str(segment.get("without_course", "")),
        "label": str(segment.get("label", "")),
        "never_paid": bool(segment.get("never_paid")),
        "uncontacted_days": segment.get("uncontacted_days", ""),
    }
    for key, prefix in (
        ("plans", "plan"),
        ("languages", "language"),
        ("bought", "bought"),
        ("bands", "band"),
        ("sources", "source"),
    ):
        fields |= {f"{prefix}_{one}": True for one in segment.get(key) or ()}
    return fields


def in_words(visit: Visit, segment: Mapping[str, JsonObject], known: Choices) -> list[str]:
    """Return a segment as short sentences; one for everyone where it is empty."""
    names = {
        "plans": dict(known.plans), "languages": dict(known.languages), "bought": dict(known.products),
        "bands": dict(known.bands), "sources": dict(known.sources),
    }  # fmt: skip
    courses, tiers = dict(known.courses), dict(known.tiers)
    said = []
    for key, value in segment.items():
        if key in names:
            listed = ", ".join(names[key].get(one, one) for one in value)
            said.append(visit.text(f"broadcast_who_{key}", what=listed))
        elif key == "course":
            course = courses.get(str(value["id"]), str(value["id"]))
            what = f"{course}, {tiers[value['tier']]}" if value["tier"] else course
            said.append(visit.text("broadcast_who_course", what=what))
        elif key == "without_course":
            said.append(visit.text("broadcast_who_without_course", what=courses.get(str(value), str(value))))
        elif key == "label":
            what = dict(known.labels).get(str(value), str(value))
            said.append(visit.text("broadcast_who_label", what=what))
        elif key == "never_paid":
            said.append(visit.text("broadcast_who_never_paid"))
        else:
            said.append(visit.text(f"broadcast_who_{key}", count=value))
    return said or [visit.text("broadcast_who_all")]
