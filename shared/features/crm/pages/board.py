"""The board of leads, by stage or by band, and its stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from shared.core import db
from shared.features import xp
from shared.features.crm import rubric
from shared.features.crm.pages.views import PATH, lead, stage_name
from shared.web.access import Access, allows
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import CrmBoard, SetCrmStages
    from shared.web.visit import Visit

_BANDS = tuple(name for name, _ in rubric.BANDS)
_SIZE, _LARGE = 20, 200  # leads of a column; of one that is shown alone


class _Stages(BaseModel):
    stages: str = Field(max_length=600)


def show(visit: Visit, failure: str = "", lines: str | None = None, status: int = 200) -> Response:
    """Show the leads that the filters leave; `lines` are stages that were refused because of `failure`."""
    filters = _filters(visit)
    group = "band" if visit.request.args.get("by") == "band" else "stage"
    is_alone = bool(filters.get("stage" if group == "stage" else "band"))
    found: CrmBoard = db.call(
        "crm_board",
        p_actor_id=visit.user.user_id,
        p_group=group,
        p_filters=filters,
        p_limit=_LARGE if is_alone else _SIZE,
    )
    is_admin = allows(Access.ADMIN, role=visit.user.role, is_paid=False)
    return visit.render(
        "crm/board.html",
        status,
        failure=failure,
        group=group,
        columns=_columns(visit, found, group, filters),
        filters=filters,
        stages=[(one, stage_name(visit, one)) for one in found["stages"]],
        bands=[(one, visit.text(f"crm_band_{one}")) for one in _BANDS],
        bots=[(one, xp.bot_title(visit, one)) for one in found["bots"]],
        links=[(str(one["id"]), one["name"]) for one in found["links"]],
        is_filtered=bool(filters),
        is_admin=is_admin,
        stage_lines="\n".join(found["stages"]) if lines is None else lines,
    )


def _filters(visit: Visit) -> JsonObject:
    """Return the filters in the address; what makes no sense is left out."""
    asked = visit.request.args
    filters: JsonObject = {
        name: asked.get(name, "").replace("\0", "").strip()[:64]
        for name in ("stage", "bot", "search")
        if asked.get(name, "").replace("\0", "").strip()
    }
    if asked.get("band") in _BANDS:
        filters["band"] = asked["band"]
    if (link := visit.number("link")) is not None:
        filters["link"] = str(link)
    filters |= {name: "1" for name in ("mine", "due") if asked.get(name) == "1"}
    return filters


def _columns(visit: Visit, found: CrmBoard, group: str, filters: JsonObject) -> list[JsonObject]:
    """Return the columns in their order; a column that a filter leaves out is not shown."""
    keys = list(found["stages"]) if group == "stage" else [*_BANDS, ""]
    by_key = {one["key"]: one for one in found["columns"]}
    keys += [key for key in by_key if key not in keys]
    columns = []
    for key in keys:
        one = by_key.get(key)
        if one is None and (
            filters.get(group) or key not in (found["stages"] if group == "stage" else _BANDS)
        ):
            continue
        leads = one["leads"] if one else []
        total = one["total"] if one else 0
        columns.append(
            {
                "name": _name(visit, group, key),
                "total": total,
                "leads": [lead(visit, row) for row in leads],
                "all": visit.url(PATH, **{**filters, "by": group, group: key})
                if key and total > len(leads)
                else "",
            }
        )
    return columns


def _name(visit: Visit, group: str, key: str) -> str:
    if group == "stage":
        return stage_name(visit, key)
    return visit.text(f"crm_band_{key}") if key else visit.text("crm_no_band")


def set_stages(visit: Visit) -> Response:
    """Set the stages, one a line. None, too many, or one twice are shown again with the reason."""
    sent = visit.form(_Stages)
    stages = [line.strip() for line in sent.stages.splitlines() if line.strip()]
    done: SetCrmStages = db.call("set_crm_stages", p_actor_id=visit.user.user_id, p_stages=stages)
    if done["outcome"] != "saved":
        return show(visit, visit.text("crm_stages_wrong"), sent.stages, 422)
    return visit.redirect(PATH, "crm_saved_notice")


pages = (
    Page(PATH, show, access=Access.OPERATOR, menu="crm_menu"),
    Page(f"{PATH}/stages", set_stages, methods=("POST",), max_body=12_000, access=Access.ADMIN),
)
