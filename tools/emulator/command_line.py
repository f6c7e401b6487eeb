"""Be a user of a bot in a running emulator (./switchboard up), and make Telegram fail, from a shell.

Exit codes: 0 done, 1 refused or not as expected, 2 wrong arguments, 3 no emulator runs, 4 no answer in time.
EMULATOR_URL, EMULATOR_USER and EMULATOR_BOT stand for --url, --as and --bot.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from tools.emulator.client import (
    ANSWER_SECONDS,
    Answer,
    Chat,
    Emulator,
    EmulatorError,
    NoAnswer,
    Unreachable,
    file_of,
)
from tools.emulator.clock_words import clock_move
from tools.emulator.command_output import (
    answer_text,
    checkout_lines,
    clock_lines,
    coverage_lines,
    fault_lines,
    trace_lines,
    user_lines,
)
from tools.launcher import running

Json = dict[str, Any]
REFUSED, NOT_REACHED, NO_ANSWER = 1, 3, 4
FAULT_SWITCHES = ("ai", "database_down", "hold", "lose_response", "deliver_twice", "forge")
BOOLEAN_SWITCHES = ("database_down", "hold")


class Wrong(EmulatorError):
    """The answer is not the one that --expect names."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what it found goes to stdout, why it failed to stderr."""
    options = _parser().parse_args(arguments)
    try:
        found = options.run(options)
    except NoAnswer as error:
        _show(options, error.answer)
        return _failed(error, NO_ANSWER)
    except Unreachable as error:
        return _failed(error, NOT_REACHED)
    except (EmulatorError, OSError) as error:
        return _failed(error, REFUSED)
    _show(options, found)
    return 0


def _failed(error: Exception, code: int) -> int:
    print(error, file=sys.stderr)
    return code


def _show(options: argparse.Namespace, found: Any) -> None:
    if options.json:
        shown = (found.opens or found.entries) if isinstance(found, Answer) else found
        print(json.dumps(shown, ensure_ascii=False, indent=2))
    elif text := (answer_text(found) if isinstance(found, Answer) else options.show(found)):
        print(text.rstrip("\n"))


def _emulator(options: argparse.Namespace) -> Emulator:
    # --url and EMULATOR_URL come first; an emulator of this checkout is found on any port.
    here = running.where().partition(" ")[0]
    return Emulator(options.url or os.environ.get("EMULATOR_URL") or here)


def _chat(options: argparse.Namespace) -> Chat:
    emulator = _emulator(options)
    who = options.user or os.environ.get("EMULATOR_USER") or _first_user(emulator)
    if options.group is not None:
        return emulator.user(who).group(options.group)
    return emulator.user(who).chat(options.bot or os.environ.get("EMULATOR_BOT"))


def _first_user(emulator: Emulator) -> int:
    users = emulator.users()
    if not users:
        raise EmulatorError("There is no user yet: add one with users NAME.")
    return int(users[0]["id"])


def _send(options: argparse.Namespace) -> Answer:
    text = sys.stdin.read() if options.text_sent == "-" else options.text_sent
    file = file_of(options.file) if options.file else None
    kind = options.kind or ("document" if file else None)
    more = {"reply_to": options.reply_to, "quote": options.quote, "thread": options.topic}
    return _expected(options, _chat(options).send(text, kind=kind, file=file, **more, **_waiting(options)))


def _tap(options: argparse.Namespace) -> Answer:
    chat = _chat(options)
    return _expected(options, chat.tap(options.label, message_id=options.message, **_waiting(options)))


def _pay(options: argparse.Namespace) -> Answer:
    more = {"outcome": options.outcome, "link": options.link, "message_id": options.message}
    return _expected(options, _chat(options).pay(timeout=_waiting(options)["timeout"], **more))


def _checkout(options: argparse.Namespace) -> Any:
    chat = _chat(options)
    if options.action is None:
        return chat.checkouts()
    timeout = _waiting(options)["timeout"]
    named = {"provider": options.provider, "checkout_id": options.id}
    return _expected(options, chat.checkout(options.action, timeout=timeout, **named))


def _edit(options: argparse.Namespace) -> Answer:
    answer = _chat(options).edit(options.message, options.text_sent, **_waiting(options))
    return _expected(options, answer)


def _waiting(options: argparse.Namespace) -> Json:
    return {"timeout": 0.0 if options.no_wait else options.timeout, "first": options.first}


def _expected(options: argparse.Namespace, answer: Answer) -> Answer:
    if options.expect is not None and options.expect.lower() not in answer.text.lower():
        raise Wrong(
            f"The answer has no {options.expect!r}. It is:\n{answer.transcript.rstrip() or '(nothing)'}"
        )
    return answer


def _transcript(options: argparse.Namespace) -> Json:
    chat = _chat(options)
    return chat.emulator.get("transcript", **chat.address, after=options.after)


def _users(options: argparse.Namespace) -> list[Json]:
    emulator = _emulator(options)
    if options.name:
        emulator.add_user(options.name, options.language, options.username)
    return emulator.users()


def _fault(options: argparse.Namespace) -> Json:
    emulator = _emulator(options)
    if options.kind == "list":
        return emulator.get("faults")
    if options.kind == "clear":
        return {"removed": emulator.clear_faults(options.id)}
    names = ("method", "text", "count", "retry_after", "migrate_to_chat_id", "seconds", "description", "bot")
    more = {name: getattr(options, name) for name in names}
    more |= {"user": options.user, "chat_id": options.group, "executed": options.executed or None}
    kind = {"status": int(options.kind)} if options.kind.isdecimal() else {"kind": options.kind}
    return emulator.post("faults", **kind, **more)


def _clock(options: argparse.Namespace) -> Json:
    emulator = _emulator(options)
    words = " ".join(options.to).strip()
    return emulator.advance(options.deadline, **clock_move(words)) if words else emulator.get("clock")


def _switch(options: argparse.Namespace) -> Json:
    try:
        value: Any = json.loads(options.value)
    except ValueError:
        value = options.value
    if options.name in BOOLEAN_SWITCHES and not isinstance(value, bool):
        raise EmulatorError(f"{options.name} is true or false.")
    return _emulator(options).post("switches", name=options.name, value=value)


def _job(options: argparse.Namespace) -> Json:
    emulator = _emulator(options)
    names = [one["name"] for one in emulator.get("state")["jobs"]]
    if names and options.name not in names:
        raise EmulatorError(f"There is no job {options.name}. The jobs are {', '.join(names)}.")
    done = emulator.run_job(options.name)
    if not 200 <= done["status"] < 300:
        raise EmulatorError(f"{options.name} answered {done['status']}: see ./switchboard emulator trace.")
    return done


def _trace(options: argparse.Namespace) -> list[Json]:
    events = _emulator(options).trace(options.limit)
    return [event for event in events if not options.errors or _is_error(event)]


def _is_error(event: Json) -> bool:
    status, detail = event["status"], event["detail"] if isinstance(event["detail"], dict) else {}
    return (isinstance(status, int) and status >= 400) or bool(detail.get("error") or detail.get("fault"))


def _coverage(options: argparse.Namespace) -> Json:
    from tools.emulator.telegram.coverage import coverage

    return coverage().json()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./switchboard emulator",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_chat_commands(commands)
    _add_other_commands(commands)
    return parser


def _command(
    commands: Any,
    name: str,
    about: str,
    run: Callable[[argparse.Namespace], Any],
    show: Callable[[Any], str] = lambda _: "",
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=f"{about}.")
    parser.set_defaults(run=run, show=show)
    parser.add_argument("--url", help="where the emulator is (the one of this checkout)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _add_chat(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--as", dest="user", metavar="USER", help="id, @username or first name (the first user)"
    )
    parser.add_argument("--bot", help="the bot of the private chat (the first bot)")
    parser.add_argument("--group", type=int, metavar="ID", help="a group instead of the private chat")


def _add_waiting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout", type=float, default=ANSWER_SECONDS, help="seconds to wait for the answer"
    )
    parser.add_argument("--no-wait", action="store_true", help="do not wait for the answer")
    parser.add_argument("--first", action="store_true", help="wait only for the first thing the bot does")
    parser.add_argument("--expect", metavar="WORDS", help="fail unless the answer contains these words")


def _add_chat_commands(commands: Any) -> None:
    send = _command(commands, "send", "Send a message and print the bot's answer", _send)
    send.add_argument(
        "text_sent", metavar="TEXT", nargs="?", default="", help="the text; - reads it from stdin"
    )
    send.add_argument("--kind", help="photo, document, voice, video, sticker, location, contact … (text)")
    send.add_argument("--file", metavar="PATH", help="the file to send; without one an example is sent")
    send.add_argument("--reply-to", type=int, metavar="NUMBER", help="the message to reply to")
    send.add_argument("--quote", metavar="WORDS", help="the part of that message to quote")
    send.add_argument("--topic", type=int, metavar="NUMBER", help="the topic to write in")
    tap = _command(commands, "tap", "Tap a button and print the bot's answer", _tap)
    tap.add_argument("label", help="the button's text, or a part that no other button has")
    tap.add_argument("--message", type=int, metavar="NUMBER", help="the message (the newest with the button)")
    edit = _command(commands, "edit", "Edit an own message and print the bot's answer", _edit)
    edit.add_argument("message", type=int, metavar="NUMBER")
    edit.add_argument("text_sent", metavar="TEXT")
    pay = _command(commands, "pay", "Pay an invoice in Stars and print the bot's answer", _pay)
    pay.add_argument("--link", help="the address of the invoice (the newest invoice of the chat)")
    pay.add_argument("--message", type=int, metavar="NUMBER", help="the message that is the invoice")
    pay.add_argument(
        "--outcome", default="pay", metavar="OUTCOME", help="pay, close, no_stars or fail_after_check (pay)"
    )
    checkout = _command(
        commands,
        "checkout",
        "List the providers' checkouts, or press a button of one and print the bot's answer",
        _checkout,
        checkout_lines,
    )
    checkout.add_argument("action", nargs="?", help="pay, decline, refund, renew …: the list names each")
    checkout.add_argument("--provider", help="stripe, yookassa … (that of the newest checkout)")
    checkout.add_argument("--id", metavar="ID", help="the checkout (the newest one)")
    for parser in (send, tap, edit, pay, checkout):
        _add_waiting(parser)
    for parser in (send, tap, edit, pay, checkout, *_add_plain_chat_commands(commands)):
        _add_chat(parser)


def _add_plain_chat_commands(commands: Any) -> list[argparse.ArgumentParser]:
    """Add the commands that wait for no answer."""
    delete = _command(commands, "delete", "Delete a message", lambda o: _chat(o).delete(o.message))
    delete.add_argument("message", type=int, metavar="NUMBER")
    react = _command(commands, "react", "React to a message", lambda o: _chat(o).react(o.message, o.emoji))
    react.add_argument("message", type=int, metavar="NUMBER")
    react.add_argument("emoji", nargs="?", default="", help="left out: take the reaction back")
    vote = _command(
        commands, "vote", "Vote in a poll", lambda o: _chat(o).vote(o.message, *o.options, timeout=0)
    )
    vote.add_argument("message", type=int, metavar="NUMBER")
    vote.add_argument("options", type=int, nargs="*", help="positions of options, from 0; none takes it back")
    topic = _command(commands, "topic", "Make a topic", lambda o: _chat(o).add_topic(o.name), str)
    topic.add_argument("name")
    block = _command(commands, "block", "Block the bot", lambda o: _chat(o).block())
    unblock = _command(commands, "unblock", "Let the bot write again", lambda o: _chat(o).unblock())
    chat = _command(
        commands, "chat", "Print what happened in a chat", _transcript, lambda found: str(found["text"])
    )
    chat.add_argument("--after", type=int, metavar="CURSOR", help="only what came after this entry")
    return [delete, react, vote, topic, block, unblock, chat]


def _add_other_commands(commands: Any) -> None:
    users = _command(commands, "users", "List the users, or add one", _users, user_lines)
    users.add_argument("name", nargs="?", help="the first name of a new user")
    users.add_argument("--username")
    users.add_argument("--language", default="en", metavar="CODE")
    bot = _command(
        commands,
        "bot",
        "Add a bot of your own and print its token",
        lambda o: _emulator(o).add_bot(o.name),
        lambda made: str(made["token"]),
    )
    bot.add_argument("name", help="small letters, digits and _")
    _add_fault(_command(commands, "fault", "Make calls of the Bot API fail", _fault, fault_lines))
    clock = _command(commands, "clock", "Print the time, or move it forward", _clock, clock_lines)
    clock.add_argument("to", nargs="*", help='"1 day", "3 weeks", seconds, a moment (ISO 8601), or next')
    clock.add_argument("--deadline", type=float, default=300.0, help="seconds to wait until it stands (300)")
    switch = _command(commands, "switch", "Set a fault switch", _switch)
    switch.add_argument("name", metavar="NAME", choices=FAULT_SWITCHES, help=", ".join(FAULT_SWITCHES))
    switch.add_argument("value", help="true, false, a count, or how the AI behaves")
    job = _command(commands, "job", "Run a scheduled job", _job, lambda found: str(found["status"]))
    job.add_argument("name", help="a scheduled job; an unknown one is answered with all names")
    trace = _command(commands, "trace", "Print what happened", _trace, trace_lines)
    trace.add_argument("--limit", type=int, default=50)
    trace.add_argument("--errors", action="store_true", help="only what failed")
    _command(commands, "coverage", "List what is emulated of the Bot API", _coverage, coverage_lines)


def _add_fault(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", help="a kind, a status (400 to 599), list, or clear")
    parser.add_argument("id", type=int, nargs="?", help="the fault to clear (all of them)")
    parser.add_argument("--method", help="only this method (any)")
    parser.add_argument("--count", help="how many calls fail, or always (1)")
    parser.add_argument("--text", help="only calls whose words contain this")
    parser.add_argument(
        "--as", dest="user", metavar="USER", help="only calls about the private chat with this user"
    )
    parser.add_argument("--group", type=int, metavar="ID", help="only calls about this group")
    parser.add_argument("--bot", help="only calls of this bot")
    parser.add_argument("--retry-after", type=int, metavar="SECONDS")
    parser.add_argument("--migrate-to-chat-id", type=int, metavar="ID")
    parser.add_argument("--seconds", type=float, help="how late the answer comes, for slow")
    parser.add_argument("--description", help="Telegram's words, with a status")
    parser.add_argument("--executed", action="store_true", help="carry the call out, lose only the answer")


if __name__ == "__main__":
    sys.exit(main())
