"""/team: the user's teams and their invite links."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.display_names import display_name
from shared.core.texts import Text, concat
from shared.features import xp
from shared.features.common.menu import back
from shared.features.teams import tasks
from shared.telegram import current_context, outbox, reply, waits
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import (
        CreateTeam,
        FindInvitedTeam,
        GetTeam,
        JoinTeam,
        LeaveTeam,
        MyTeams,
        TeamCard,
        UpdateTeam,
    )

router = Router()

LINK = "team_"  # begins the payload of an invite link
_AWAITING = "team"  # team:new, team:name:<id>, team:zone:<id>
_LONGEST = 60  # characters of a name


@router.message_handler(commands=["team"], private_only=True)
def team(_message: Message) -> None:
    """Show the teams of the user."""
    reply(*home(current_context()))


@router.callback_query_handler(data=["team", "team:list"], private_only=True, page="team")
def show_teams(call: CallbackQuery) -> None:
    """The same under a button."""
    context = current_context()
    context.show(*home(context, is_list=call.data == "team:list"))


@router.callback_query_handler(data="team:new", private_only=True, page="team")
def ask_name(_call: CallbackQuery) -> None:
    """Ask how a new team is called."""
    context = current_context()
    waits.begin(context, f"{_AWAITING}:new:0")
    context.show(context.rich("team_ask_name"), cancel(context, "team:list"))


@router.callback_query_handler(data=r"team:[0-9]{1,18}", private_only=True, page="team")
def show_team(call: CallbackQuery) -> None:
    """Show one team."""
    context = current_context()
    if (found := find(context, call)) is not None:
        context.show(*screen(context, found))


@router.callback_query_handler(data=r"team:[0-9]{1,18}:(?:name|zone)", private_only=True, page="team")
def ask_change(call: CallbackQuery) -> None:
    """Ask for another name or time zone."""
    context = current_context()
    if (found := find(context, call, is_manager=True)) is None:
        return
    _, number, what = (call.data or "").split(":")
    waits.begin(context, f"{_AWAITING}:{what}:{number}")
    question = (
        context.rich("team_ask_name")
        if what == "name"
        else context.rich("team_ask_zone", zone=xp.time_zone_name(context, found["team"]["time_zone"]))
    )
    context.show(question, cancel(context, f"team:{number}"))


@router.message_handler(state=_AWAITING)
def take_words(message: Message) -> None:
    """Take a team's name or time zone."""
    context = current_context()
    awaiting = waits.current(context)
    _, what, number = awaiting.split(":")
    waits.end(context)
    words = (message.text or "").strip()
    if what == "zone":
        zone = xp.find_time_zone(words)
        changed = _update(context, int(number), zone=zone) if zone else None
        if changed is None or changed["outcome"] == "no_zone":
            waits.begin(context, awaiting)
            return reply(context.rich("team_bad_zone"), cancel(context, f"team:{number}"))
        return reply(*_team_or_home(context, int(number)))
    name = display_name(words[: _LONGEST * 2])
    if not 0 < len(name) <= _LONGEST:
        waits.begin(context, awaiting)
        up = "team:list" if what == "new" else f"team:{number}"
        return reply(context.rich("team_bad_name", limit=_LONGEST), cancel(context, up))
    if what == "name":
        _update(context, int(number), name=name)
        return reply(*_team_or_home(context, int(number)))
    created: CreateTeam = db.call(
        "create_team",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_name=name,
        p_reference=context.reference,
    )
    if created["outcome"] == "limit":
        return reply(context.rich("team_too_many", limit=created["most"]), _to_list(context))
    return reply(*_team_or_home(context, created["team"]["id"]))


@router.callback_query_handler(data=r"team:[0-9]{1,18}:renew", private_only=True, page="team")
def ask_renewal(call: CallbackQuery) -> None:
    """Ask before earlier invite links become invalid."""
    context = current_context()
    if (found := find(context, call, is_manager=True)) is not None:
        path = f"team:{found['team']['id']}"
        context.show(
            context.rich("team_ask_renewal"),
            [[(context.text("team_renew_button"), f"{path}:renewed")], *cancel(context, path)],
        )


@router.callback_query_handler(data=r"team:[0-9]{1,18}:renewed", private_only=True, page="team")
def renew_link(call: CallbackQuery) -> None:
    """Make earlier invite links invalid."""
    context = current_context()
    if _update(context, team_id(call), renew=True)["outcome"] == "none":
        return context.answer_callback(context.text("button_old"), alert=True)
    context.answer_callback(context.text("team_renewed"))
    return context.show(*_team_or_home(context, team_id(call)))


@router.link_handler(LINK)
def open_invite(context: UpdateContext, code: str) -> tuple[Text, Keyboard]:
    """Show what joining a team means, with a button to join."""
    if context.is_offline:
        raise StateUnavailable
    found: FindInvitedTeam | None = db.call(
        "find_invited_team", p_user_id=context.user.id, p_bot=context.bot.name, p_code=code
    )
    if found is None:
        return context.rich("team_link_invalid"), back(context)
    if found["is_member"]:
        return context.rich("team_known", team=found["name"]), _to_team(context, found["id"])
    text = context.rich("team_invitation", team=found["name"], managers=_names(context, found["managers"]))
    return text, [
        [(context.text("team_join_button"), f"join:{code}")],
        [(context.text("team_decline_button"), "menu")],
    ]


@router.callback_query_handler(data=r"join:[0-9a-z]{12}", private_only=True, page="team")
def join(call: CallbackQuery) -> None:
    """Join a team."""
    context = current_context()
    joined: JoinTeam = db.call(
        "join_team",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_code=(call.data or "").partition(":")[2],
    )
    match joined["outcome"]:
        case "joined" | "known":
            outbox.deliver_outgoing(joined.get("outgoing", []))
            card = joined["team"]
            key = "team_joined" if joined["outcome"] == "joined" else "team_known"
            context.show(context.rich(key, team=card["name"]), _to_team(context, card["id"]))
        case "full":
            context.show(context.rich("team_full"), back(context))
        case "limit":
            context.show(context.rich("team_too_many", limit=joined["most"]), _to_list(context))
        case "none":
            context.show(context.rich("team_link_invalid"), back(context))


@router.callback_query_handler(data=r"team:[0-9]{1,18}:leave", private_only=True, page="team")
def ask_leaving(call: CallbackQuery) -> None:
    """Ask whether the user wants to leave."""
    context = current_context()
    if (found := find(context, call)) is None:
        return
    card = found["team"]
    key = "team_ask_end" if card["member_count"] == 1 else "team_ask_leaving"
    path = f"team:{card['id']}"
    context.show(
        context.rich(key, team=card["name"]),
        [[(context.text("team_leave_button"), f"{path}:left")], *cancel(context, path)],
    )


@router.callback_query_handler(data=r"team:[0-9]{1,18}:left", private_only=True, page="team")
def leave(call: CallbackQuery) -> None:
    """Leave a team."""
    context = current_context()
    left: LeaveTeam = db.call("leave_team", p_user_id=context.user.id, p_team_id=team_id(call))
    if left["outcome"] in ("last_manager", "none"):
        key = "team_last_manager" if left["outcome"] == "last_manager" else "button_old"
        return context.answer_callback(context.text(key), alert=True)
    context.answer_callback(context.text("team_left"))
    return context.show(*home(context))


def load(context: UpdateContext, number: int) -> GetTeam | None:
    """Return a team of the user; None where the user does not belong to it."""
    found: GetTeam | None = db.call("get_team", p_user_id=context.user.id, p_team_id=number)
    return found


def find(context: UpdateContext, call: CallbackQuery, *, is_manager: bool = False) -> GetTeam | None:
    """Return the team that a button names; without it, or without the role, answer that the button is old."""
    found = load(context, team_id(call))
    if found is None or (is_manager and found["team"]["role"] != "manager"):
        context.answer_callback(context.text("button_old"), alert=True)
        return None
    return found


def team_id(call: CallbackQuery) -> int:
    """Return the team of a button `<key>:<team>…`."""
    return int((call.data or "").split(":")[1])


def home(context: UpdateContext, *, is_list: bool = False) -> tuple[Text, Keyboard]:
    """Return the only team, or the list of teams with what is assigned to the user."""
    mine = _my_teams(context)
    if len(mine["teams"]) == 1 and not is_list:
        found = load(context, mine["teams"][0]["id"])
        if found is not None:
            return screen(context, found)
    parts = [context.rich("team_list" if mine["teams"] else "team_about")]
    parts += tasks.lines(context, mine["tasks"])
    return concat(*parts, separator="\n\n"), [
        *tasks.buttons(context, mine["tasks"]),
        *([(f"👥 {display_name(card['name'])}", f"team:{card['id']}")] for card in mine["teams"]),
        [(context.text("team_new_button"), "team:new")],
        *back(context),
    ]


def screen(context: UpdateContext, found: GetTeam) -> tuple[Text, Keyboard]:
    """Return a team: to a manager with the link and what can be done, and what is assigned to the user."""
    card = found["team"]
    own = [task for task in _my_teams(context)["tasks"] if task["team_id"] == card["id"]]
    if card["role"] == "manager":
        head, rows = _managed(context, card)
    else:
        head, rows = _joined(context, card), []
    last = [
        (context.text("team_leave_button"), f"team:{card['id']}:leave"),
        (context.text("team_list_button"), "team:list"),
    ]
    return concat(head, *tasks.lines(context, own), separator="\n\n"), [
        *tasks.buttons(context, own),
        *rows,
        last,
        *back(context),
    ]


def _managed(context: UpdateContext, card: TeamCard) -> tuple[Text, list[list[tuple[str, str]]]]:
    path = f"team:{card['id']}"
    link = f"https://t.me/{context.bot.user.username}?start={LINK}{card['code']}"
    share = urlencode({"url": link, "text": context.text("team_share_words", team=card["name"])})
    text = context.rich(
        "team_managed",
        team=card["name"],
        count=card["member_count"],
        limit=card["most_members"],
        link=link,
        zone=xp.time_zone_name(context, card["time_zone"]),
    )
    return text, [
        [(context.text("team_assign_button"), f"assign:{card['id']}")],
        [
            (context.text("team_report_button"), f"{path}:report"),
            (context.text("team_assignments_button"), f"{path}:assigned"),
        ],
        [
            (context.text("team_members_button"), f"{path}:members"),
            (context.text("team_share_button"), f"https://t.me/share/url?{share}"),
        ],
        [
            (context.text("team_rename_button"), f"{path}:name"),
            (context.text("team_zone_button"), f"{path}:zone"),
        ],
        [(context.text("team_renew_button"), f"{path}:renew")],
    ]


def _joined(context: UpdateContext, card: TeamCard) -> Text:
    return context.rich(
        "team_joined_view",
        team=card["name"],
        count=card["member_count"],
        managers=_names(context, card["managers"]),
    )


def _my_teams(context: UpdateContext) -> MyTeams:
    mine: MyTeams = db.call("my_teams", p_user_id=context.user.id, p_bot=context.bot.name)
    return mine


def _update(
    context: UpdateContext,
    number: int,
    *,
    name: str | None = None,
    zone: str | None = None,
    renew: bool = False,
) -> UpdateTeam:
    changed: UpdateTeam = db.call(
        "update_team",
        p_user_id=context.user.id,
        p_team_id=number,
        p_name=name,
        p_time_zone=zone,
        p_renew_code=renew,
    )
    return changed


def _team_or_home(context: UpdateContext, number: int) -> tuple[Text, Keyboard]:
    found = load(context, number)
    return screen(context, found) if found else home(context)


def _names(context: UpdateContext, names: list[str]) -> str:
    return ", ".join(display_name(name) or "👤" for name in names) or context.text("team_no_manager")


def cancel(context: UpdateContext, data: str) -> list[list[tuple[str, str]]]:
    """Return the row with the button that cancels."""
    return [[(context.text("team_cancel_button"), data)]]


def _to_team(context: UpdateContext, number: int) -> Keyboard:
    return [[(context.text("team_open_button"), f"team:{number}")], *back(context)]


def _to_list(context: UpdateContext) -> Keyboard:
    return [[(context.text("team_list_button"), "team:list")], *back(context)]
