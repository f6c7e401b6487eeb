"""/memory: the facts that the bot keeps about the user across conversations, and what the AI proposes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.features.common.menu import back, buy_button
from shared.features.conversations.facts import LONGEST
from shared.telegram import current_context, reply, waits
from shared.telegram.context import StateUnavailable
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import ChangeMemory, DecideProposal, ListMemory
    from shared.core.texts import Text
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

router = Router()

PAGE = 5  # facts of a page
_STATE = "memory"  # memory:<id>
_NUMBER = "[0-9]{1,18}"


@router.message_handler(commands=["memory"], private_only=True)
def memory(_message: Message) -> None:
    """Show what the bot keeps."""
    context = current_context()
    reply(*_list(context, _read(context)))


@router.callback_query_handler(data=["memory", "memory@[0-9]{1,3}"], private_only=True, page="memory")
def show_memory(call: CallbackQuery) -> None:
    """Show a page of what the bot keeps."""
    context = current_context()
    context.show(*_list(context, _read(context), int((call.data or "").partition("@")[2] or 0)))


@router.callback_query_handler(data="memory:o(?:n|ff)", private_only=True, page="memory")
def switch_memory(call: CallbackQuery) -> None:
    """Switch the memory on or off; the facts stay."""
    context = current_context()
    is_on = call.data == "memory:on"
    _change(context, is_on=is_on)
    context.answer_callback(context.text("memory_on" if is_on else "memory_off"))
    context.show(*_list(context, _read(context)))


@router.callback_query_handler(data=f"memory:open:{_NUMBER}", private_only=True, page="memory")
def open_fact(call: CallbackQuery) -> None:
    """Show one fact, to change or to delete it."""
    context = current_context()
    number = int((call.data or "").rpartition(":")[2])
    fact = next((one for one in _read(context)["facts"] if one["id"] == number), None)
    if fact is None:
        return context.answer_callback(context.text("memory_gone"), alert=True)
    return context.show(
        context.rich("memory_fact", fact=fact["content"]),
        [
            [
                (context.text("memory_change"), f"memory:change:{number}"),
                (context.text("memory_forget"), f"memory:delete:{number}"),
            ],
            [(context.text("memory_back"), "memory")],
        ],
    )


@router.callback_query_handler(data=f"memory:change:{_NUMBER}", private_only=True, page="memory")
def ask_fact(call: CallbackQuery) -> None:
    """Ask for the new text of a fact in the next message."""
    context = current_context()
    waits.begin(context, f"{_STATE}:{(call.data or '').rpartition(':')[2]}")
    context.show(context.rich("memory_ask", limit=LONGEST), waits.cancel_button(context, _STATE))


@router.message_handler(state=_STATE)
def take_fact(message: Message) -> None:
    """Take the new text of a fact."""
    context = current_context()
    fact = " ".join((message.text or "").split())
    if context.update.has_secret:
        return reply(context.rich("secret_seen"))
    if not 0 < len(fact) <= LONGEST:
        text = context.rich("memory_too_long", length=len(fact), limit=LONGEST)
        return reply(text, waits.cancel_button(context, _STATE))
    number = int(waits.current(context).partition(":")[2])
    waits.end(context)
    if not _change(context, fact=number, words=fact)["changed"]:
        return reply(context.rich("memory_gone"))
    return reply(*_list(context, _read(context)))


@router.callback_query_handler(data=f"memory:delete:{_NUMBER}", private_only=True, page="memory")
def forget_fact(call: CallbackQuery) -> None:
    """Forget one fact."""
    context = current_context()
    number = int((call.data or "").rpartition(":")[2])
    if number:
        _change(context, fact=number)
    context.answer_callback(context.text("memory_forgotten"))
    context.show(*_list(context, _read(context)))


@router.callback_query_handler(data="memory:clear", private_only=True, page="memory")
def ask_clearing(_call: CallbackQuery) -> None:
    """Ask before everything is forgotten."""
    context = current_context()
    context.show(
        context.rich("memory_clear_sure"),
        [[(context.text("memory_clear"), "memory:cleared"), (context.text("chats_cancel"), "memory")]],
    )


@router.callback_query_handler(data="memory:cleared", private_only=True, page="memory")
def clear_memory(_call: CallbackQuery) -> None:
    """Forget everything."""
    context = current_context()
    _change(context, fact=0)
    context.answer_callback(context.text("memory_forgotten"))
    context.show(*_list(context, _read(context)))


@router.callback_query_handler(data="memory:proposals", private_only=True, page="memory")
def show_proposal(_call: CallbackQuery) -> None:
    """Show the oldest fact that the AI proposes."""
    context = current_context()
    found = _read(context)
    if not found["proposals"]:
        return context.show(*_list(context, found))
    first = found["proposals"][0]
    decide = [
        (context.text("memory_keep"), f"memory:keep:{first['id']}"),
        (context.text("memory_decline"), f"memory:decline:{first['id']}"),
    ]
    text = context.rich("memory_proposal", fact=first["content"])
    return context.show(text, [decide, [(context.text("memory_back"), "memory")]])


@router.callback_query_handler(data=f"memory:(?:keep|decline):{_NUMBER}", private_only=True, page="memory")
def decide(call: CallbackQuery) -> None:
    """Keep a fact that the AI proposed, or decline it."""
    context = current_context()
    if context.is_offline:
        raise StateUnavailable
    _, choice, number = (call.data or "").split(":")
    done = decide_on(context.user.id, context.bot.name, int(number), is_kept=choice == "keep")
    if done["outcome"] == "off":
        return context.answer_callback(context.text("memory_off"), alert=True)
    show = (context.text("memory_show"), "memory")
    if done["outcome"] == "saved" and done["fact"] is not None:
        forget = (context.text("memory_forget"), f"memory:delete:{done['id']}")
        return context.show(context.rich("memory_saved", fact=done["fact"]), [[forget, show]])
    if done["outcome"] == "limit":
        rows = [[show], buy_button(context)]
        text = context.rich("memory_full", limit=done["most"] or 0)
        return context.show(text, [row for row in rows if row])
    key = "memory_declined" if done["outcome"] == "declined" else "memory_expired"
    return context.show(context.rich(key), [[show]])


def _read(context: UpdateContext) -> ListMemory:
    if context.is_offline:
        raise StateUnavailable
    return of_user(context.user.id, context.bot.name)


def of_user(user_id: int, bot: str) -> ListMemory:
    """Return what a bot keeps about a user."""
    found: ListMemory = db.call("list_memory", p_user_id=user_id, p_bot=bot)
    return found


def decide_on(user_id: int, bot: str, number: int, *, is_kept: bool) -> DecideProposal:
    """Keep a fact that the AI proposed, or decline it."""
    done: DecideProposal = db.call(
        "decide_proposal", p_user_id=user_id, p_bot=bot, p_id=number, p_is_kept=is_kept
    )
    return done


def _change(
    context: UpdateContext, *, is_on: bool | None = None, fact: int | None = None, words: str | None = None
) -> ChangeMemory:
    """Switch the memory, change a fact or, without words, delete it; 0 deletes all."""
    if context.is_offline:
        raise StateUnavailable
    return change_of(context.user.id, context.bot.name, is_on=is_on, fact=fact, words=words)


def change_of(
    user_id: int, bot: str, *, is_on: bool | None = None, fact: int | None = None, words: str | None = None
) -> ChangeMemory:
    """Switch a user's memory, change a fact or, without words, delete it; 0 deletes all."""
    done: ChangeMemory = db.call(
        "change_memory", p_user_id=user_id, p_bot=bot, p_is_on=is_on, p_id=fact, p_content=words
    )
    return done


def _list(context: UpdateContext, found: ListMemory, page: int = 0) -> tuple[Text, Keyboard]:
    """Return a page: the facts with numbers, a button for each, and the switch."""
    facts, is_on = found["facts"], found["is_on"] is not False
    label = context.text("memory_turn_off" if is_on else "memory_turn_on")
    switch = [(label, "memory:off" if is_on else "memory:on")]
    proposed = len(found["proposals"])
    offer = [(context.text("memory_proposals", count=proposed), "memory:proposals")] if proposed else []
    if not facts:
        rows = [row for row in (offer, switch) if row]
        return context.rich("memory_empty" if is_on else "memory_is_off"), [*rows, *back(context)]
    last = (len(facts) - 1) // PAGE
    page = min(page, last)
    start = page * PAGE
    shown = list(enumerate(facts[start : start + PAGE], start + 1))
    text = context.rich(
        "memory_list" if is_on else "memory_list_off",
        facts="\n".join(f"{number}. {one['content']}" for number, one in shown),
        used=len(facts),
        limit=found["most"],
    )
    keyboard: list[list[tuple[str, str]]] = [
        [(str(number), f"memory:open:{one['id']}") for number, one in shown]
    ]
    turns = [(context.text("chats_newer"), f"memory@{page - 1}")] if page else []
    if page < last:
        turns.append((context.text("list_more"), f"memory@{page + 1}"))
    if turns:
        keyboard.append(turns)
    if offer:
        keyboard.append(offer)
    return text, [*keyboard, [*switch, (context.text("memory_clear"), "memory:clear")], *back(context)]
