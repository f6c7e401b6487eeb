"""Who belongs to a team, for its managers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery

from shared.core import db
from shared.core.display_names import display_name
from shared.core.texts import Text
from shared.features.teams import team
from shared.telegram import current_context, outbox
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import GetTeam, GetTeamMembers, RemoveTeamMember, SetTeamRole

router = Router()

_PAGE = 10  # members on a screen


@router.callback_query_handler(
    data=r"team:[0-9]{1,18}:members(?::[0-9]{1,18})?", private_only=True, page="team"
)
def show_members(call: CallbackQuery) -> None:
    """Show the members of a team."""
    context = current_context()
    if (found := team.find(context, call, is_manager=True)) is not None:
        context.show(*_list(context, found, int([*(call.data or "").split(":"), "0"][3])))


@router.callback_query_handler(data=r"team:[0-9]{1,18}:member:[0-9]{1,18}", private_only=True, page="team")
def show_member(call: CallbackQuery) -> None:
    """Show one member with what a manager may do."""
    context = current_context()
    if (found := team.find(context, call, is_manager=True)) is not None:
        _show(context, found, _member_id(call))


@router.callback_query_handler(
    data=r"team:[0-9]{1,18}:(?:promote|demote):[0-9]{1,18}", private_only=True, page="team"
)
def set_role(call: CallbackQuery) -> None:
    """Make a member a manager, or a manager a member."""
    context = current_context()
    changed: SetTeamRole = db.call(
        "set_team_role",
        p_user_id=context.user.id,
        p_team_id=team.team_id(call),
        p_member_id=_member_id(call),
        p_role="manager" if ":promote:" in (call.data or "") else "member",
    )
    if changed["outcome"] != "changed":
        key = "team_last_manager" if changed["outcome"] == "last_manager" else "button_old"
        return context.answer_callback(context.text(key), alert=True)
    outbox.deliver_outgoing(changed.get("outgoing", []))
    context.answer_callback(context.text("team_changed"))
    found = team.load(context, team.team_id(call))
    if found is None:
        return context.show(*team.home(context))
    if found["team"]["role"] != "manager":
        return context.show(*team.screen(context, found))
    return _show(context, found, _member_id(call))


@router.callback_query_handler(data=r"team:[0-9]{1,18}:remove:[0-9]{1,18}", private_only=True, page="team")
def ask_removal(call: CallbackQuery) -> None:
    """Ask whether a member should be removed."""
    context = current_context()
    if (found := team.find(context, call, is_manager=True)) is None:
        return None
    if (one := _member(found, _member_id(call))) is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    path = f"team:{found['team']['id']}"
    return context.show(
        context.rich("team_ask_removal", name=_name(one)),
        [
            [(context.text("team_remove_button"), f"{path}:removed:{one['id']}")],
            *team.cancel(context, f"{path}:member:{one['id']}"),
        ],
    )


@router.callback_query_handler(data=r"team:[0-9]{1,18}:removed:[0-9]{1,18}", private_only=True, page="team")
def remove(call: CallbackQuery) -> None:
    """Remove a member."""
    context = current_context()
    removed: RemoveTeamMember = db.call(
        "remove_team_member",
        p_user_id=context.user.id,
        p_team_id=team.team_id(call),
        p_member_id=_member_id(call),
    )
    if removed["outcome"] == "none":
        return context.answer_callback(context.text("button_old"), alert=True)
    outbox.deliver_outgoing(removed["outgoing"])
    context.answer_callback(context.text("team_removed"))
    found = team.load(context, team.team_id(call))
    return context.show(*(_list(context, found, 0) if found else team.home(context)))


def _list(context: UpdateContext, found: GetTeam, page: int) -> tuple[Text, Keyboard]:
    path = f"team:{found['team']['id']}"
    shown = found["members"][page * _PAGE : (page + 1) * _PAGE]
    turn = [("‹", f"{path}:members:{page - 1}")] if page > 0 else []
    if len(found["members"]) > (page + 1) * _PAGE:
        turn.append(("›", f"{path}:members:{page + 1}"))
    text = context.rich("team_members", team=found["team"]["name"], count=found["team"]["member_count"])
    return text, [
        *([(_label(context, one), f"{path}:member:{one['id']}")] for one in shown),
        *([turn] if turn else []),
        [(context.text("team_back_button"), path)],
    ]


def _label(context: UpdateContext, one: GetTeamMembers) -> str:
    key = "team_manager_button" if one["role"] == "manager" else "team_member_button"
    return context.text(key, name=_name(one))


def _show(context: UpdateContext, found: GetTeam, number: int) -> None:
    one = _member(found, number)
    if one is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    path = f"team:{found['team']['id']}"
    is_manager = one["role"] == "manager"
    action = "demote" if is_manager else "promote"
    key = "team_demote_button" if is_manager else "team_promote_button"
    rows = [[(context.text(key), f"{path}:{action}:{number}")]]
    if number != context.user.id:
        rows.append([(context.text("team_remove_button"), f"{path}:remove:{number}")])
    rows.append([(context.text("team_back_button"), f"{path}:members")])
    text = context.rich(
        "team_manager_card" if is_manager else "team_member_card",
        name=_name(one),
        date=context.date(one["joined_at"]),
    )
    return context.show(text, rows)


def _member_id(call: CallbackQuery) -> int:
    return int((call.data or "").split(":")[3])


def _member(found: GetTeam, number: int) -> GetTeamMembers | None:
    return next((one for one in found["members"] if one["id"] == number), None)


def _name(one: GetTeamMembers) -> str:
    return display_name(one["name"]) or "👤"
