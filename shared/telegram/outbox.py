"""Makes the calls that are owed. What cannot be sent now waits in the database for the sweep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from time import monotonic, sleep
from typing import Any

from shared.core import db, log, texts
from shared.core.display_names import display_name
from shared.core.errors import ConfigError, DatabaseUnavailable, TelegramError
from shared.core.texts import figures
from shared.telegram import api

OutboxItem = dict[str, Any]  # {"id": 7, "method": "sendMessage", "parameters": {...}}
Result = dict[str, Any]
# What Telegram answers where a group, or a topic of it, does not let the bot write: a fact of that chat.
_NO_RIGHTS = re.compile(
    r"not enough rights|have no rights to send|CHAT_WRITE_FORBIDDEN"
    r"|CHAT_RESTRICTED|CHAT_SEND_\w{1,32}_FORBIDDEN|TOPIC_CLOSED|CHAT_ADMIN_REQUIRED|USER_BANNED_IN_CHANNEL",
    re.IGNORECASE,
)
# The topic was deleted, or the group has no topics any more (tucnak/telebot 762, BetterForward 58).
_NO_TOPIC = re.compile(r"message thread not found|TOPIC_DELETED", re.IGNORECASE)
# What Telegram answers where a message says so already, is deleted, or can't be changed any more.
_NO_EDIT = re.compile(
    r"message is not modified|message to edit not found|message can't be edited|MESSAGE_ID_INVALID",
    re.IGNORECASE,
)
_MIN_TIME = 1.0  # seconds that must be left to try again
_CHAT_TIME = 5.0  # seconds the sweep gives one chat, whose pause must not hold up the others


def deliver(bot: str, items: Sequence[OutboxItem], deadline: float) -> None:
    """Make owed calls in order until `deadline` (monotonic) and record what became of them.

    A call that must wait makes the ones behind it wait as long, so that parts never arrive out of order.
    Nothing is begun after `deadline`: whoever claimed the calls has them for a minute only.
    """
    if not items:
        return
    results: list[Result] = []
    for call in items:
        if results and results[-1]["outcome"] == "later":
            results.append({**results[-1], "id": call["id"], "error": "behind another"})
        elif monotonic() > deadline:
            results.append({"id": call["id"], "outcome": "later", "retry_after": 0, "error": "no time left"})
        else:
            results.append({"id": call["id"], **_result(bot, call, deadline)})
    _record(results)


def _result(bot: str, call: OutboxItem, deadline: float) -> Result:
    try:
        sent = send(bot, call["method"], call["parameters"], deadline)
        if "order_id" in call["parameters"]:
            _keep_invitation(call["parameters"]["order_id"], sent)
        return {"outcome": "sent"}
    except TelegramError as error:
        return _verdict(bot, call, error)
    except ConfigError as error:  # a bot that has no token any more must not hold up the others
        log.alert(f"a setting is wrong: {error}", action="config_error")
        return {"outcome": "later", "retry_after": 0, "error": str(error)}
    except KeyError as error:  # a notice of a newer revision, whose text this one does not have yet
        log.alert(f"a notice names no text we have: {error}", action="template_unknown", bot=bot)
        return {"outcome": "later", "retry_after": 0, "error": f"no text {error}"}


def _keep_invitation(order_id: int, sent: Any) -> None:
    """Keep which message invites to pay an order; without it the message stays as it is."""
    try:
        db.call("save_invitation", p_order_id=order_id, p_message_id=sent["message_id"])
    except (DatabaseUnavailable, KeyError, TypeError) as error:
        log.warning("an invitation is not kept", action="invitation_not_saved", reason=str(error))


def _verdict(bot: str, call: OutboxItem, error: TelegramError) -> Result:
    if error.is_temporary:
        log.warning(
            "a call to Telegram must wait",
            action="call_postponed",
            bot=bot,
            method=call["method"],
            reason=str(error),
        )
        return {"outcome": "later", "retry_after": error.retry_after or 0, "error": str(error)}
    if error.status == 403:
        log.info(
            "the person blocked the bot", action="bot_blocked", bot=bot, chat_id=call["parameters"]["chat_id"]
        )
        return {"outcome": "blocked"}
    if call["method"] in ("editMessageText", "template") and _NO_EDIT.search(error.description):
        log.info("a message is not changed", action="edit_refused", bot=bot, reason=str(error))
        return {"outcome": "refused"}
    if _NO_RIGHTS.search(error.description):
        log.info("the bot may not write in a chat", action="chat_restricted", bot=bot, reason=str(error))
        return {"outcome": "refused"}
    log.alert(
        "Telegram refused a call", action="call_refused", bot=bot, method=call["method"], reason=str(error)
    )
    return {"outcome": "refused"}


def send(bot: str, method: str, parameters: dict[str, Any], deadline: float) -> Any:
    """Make one call, again if Telegram asks for a pause that fits into the time left.

    Raises:
        TelegramError: refused, or it must wait longer than there is time.
    """
    method, parameters = _in_words(method, parameters)
    while True:
        try:
            return api.call(bot, method, parameters, timeout=_timeout(deadline))
        except TelegramError as error:
            if error.status == 0:
                # Telegram may have sent it: the repetition is the one way in which a message arrives twice.
                log.warning(
                    "no answer to a call", action="answer_lost", bot=bot, method=method, reason=str(error)
                )
            if changed := _changed(bot, parameters, error):
                parameters = changed
            elif error.is_temporary and monotonic() + (error.retry_after or 0.5) + _MIN_TIME < deadline:
                sleep(error.retry_after or 0.5)
            else:
                raise


def _changed(bot: str, parameters: dict[str, Any], error: TelegramError) -> dict[str, Any] | None:
    """Return the parameters with which a refused call may succeed, None where no change would help."""
    if error.migrate_to_chat_id and error.migrate_to_chat_id != parameters["chat_id"]:
        return {**parameters, "chat_id": error.migrate_to_chat_id}
    if parameters.get("message_thread_id") and _NO_TOPIC.search(error.description):
        return {key: value for key, value in parameters.items() if key != "message_thread_id"}
    is_of_chat = _NO_EDIT.search(error.description) or _NO_RIGHTS.search(error.description)
    if error.status == 400 and parameters.get("entities") and not is_of_chat:
        # Better the words without their styles than no answer at all.
        log.error("Telegram refused the entities", action="entities_refused", bot=bot, reason=str(error))
        return {key: value for key, value in parameters.items() if key != "entities"}
    return None


def _in_words(method: str, parameters: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Turn a notice of a SQL function, which names a text and its values, into a message in words."""
    if method != "template":
        ours = {"order_id", "chat_id"} if method == "setMyCommands" else {"order_id"}
        return method, {key: value for key, value in parameters.items() if key not in ours}
    language = texts.choose(*parameters["languages"])
    timezone = parameters.get("timezone", "UTC")  # there where a value is a date
    values = {name: _value(language, timezone, value) for name, value in parameters["values"].items()}
    text, entities = texts.rich(language, parameters["key"], **values)
    message = {"chat_id": parameters["chat_id"], "text": text, "entities": entities}
    if buttons := parameters.get("buttons"):
        keyboard = [
            [{"text": texts.text(language, one["key"], **values), **_target(one)} for one in row]
            for row in buttons
        ]
        message["reply_markup"] = {"inline_keyboard": keyboard}
    if "message_id" in parameters:  # in place of what that message says
        return "editMessageText", {**message, "message_id": parameters["message_id"]}
    return "sendMessage", message


def _target(button: dict[str, Any]) -> dict[str, Any]:
    return {"url": button["url"]} if "url" in button else {"callback_data": button["data"]}


def _value(language: str, timezone: str, value: Any) -> Any:  # noqa: PLR0911 - one for each kind
    """Write a value as the language does: a date, an amount, a text, a name, or what each language has."""
    if not isinstance(value, dict):
        return value
    match value:
        case {"plan": plan}:
            return texts.plan_name(language, plan)
        case {"provider": name}:
            return texts.provider_name(language, name)
        case {"text": key}:
            return texts.text(language, key)
        case {"name": name}:
            return display_name(name) or "👤"
        case {"date": date}:
            return figures.date(language, date, timezone) if date else "—"
        case {"amount": amount}:
            return figures.money(language, Decimal(str(amount or 0)), value["currency"] or "")
        case _:
            return texts.pick(language, value)


def _timeout(deadline: float) -> float:
    return min(max(deadline - monotonic(), _MIN_TIME), api.TIMEOUT)


def _record(results: list[Result]) -> None:
    try:
        recorded = db.call("record_deliveries", p_results=results)
    except DatabaseUnavailable:
        # What was sent will be sent again: better twice than never.
        return
    if recorded["dropped"]:
        log.alert("calls were given up after a day", action="calls_dropped", count=recorded["dropped"])


def deliver_due(limit: int, deadline: float) -> int:
    """Make the owed calls whose time has come, chat by chat, and return how many there were."""
    due: list[OutboxItem] = db.call("claim_outbox", p_limit=limit)
    groups: dict[tuple[str, int], list[OutboxItem]] = {}
    for call in due:
        groups.setdefault((call["bot"], call["parameters"]["chat_id"]), []).append(call)
    for (bot, _chat), calls in groups.items():
        deliver(bot, calls, min(deadline, monotonic() + _CHAT_TIME))
    return len(due)
