"""Keeps the state between two runs: users, groups, chats, profiles of bots, small files."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.emulator.telegram.files import File
from tools.emulator.telegram.model import Account, Json, Room, Stored, Topic
from tools.emulator.telegram.state import TelegramState

FORMAT = 1
KEPT_MESSAGES = 300
KEPT_FILE = 512 * 1024
BOT_FIELDS = ("next_update_id", "commands", "texts", "privacy", "has_topics", "is_guest")


def save(state: TelegramState, path: Path) -> None:
    """Write the state; the file is whole or not there, whatever happens meanwhile."""
    with state.lock:
        text = json.dumps(_dump(state), ensure_ascii=False)
    temporary = path.with_suffix(".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def load(state: TelegramState, path: Path) -> bool:
    """Put back what an earlier run saved; False when nothing is usable (an unusable file is renamed)."""
    if not path.exists():
        return False
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        if saved.get("format") != FORMAT:
            raise ValueError("another version wrote it")
        with state.lock:
            _restore(state, saved)
    except (ValueError, KeyError, TypeError, AttributeError):
        path.rename(path.with_suffix(".unusable"))
        return False
    return True


def _dump(state: TelegramState) -> Json:
    return {
        "format": FORMAT,
        "users": [asdict(user) for user in state.users.values()],
        "groups": [_room(room) for room in state.groups.values()],
        "channels": [_room(room) for room in state.channels.values()],
        "private": [_room(room) for room in state.private.values()],
        "bots": {
            name: {field: getattr(bot, field) for field in BOT_FIELDS} for name, bot in state.bots.items()
        },
        "files": [_file(file) for file in state.files.all() if len(file.content or b"") <= KEPT_FILE],
    }


def _room(room: Room) -> Json:
    messages = list(room.messages.values())[-KEPT_MESSAGES:]
    kept: Json = {
        name: getattr(room, name)
        for name in (
            "id",
            "kind",
            "title",
            "username",
            "members",
            "banned",
            "bots",
            "started",
            "blocked",
            "last_bot",
            "next_message_id",
            "forum",
            "admins",
            "left",
            "upgraded_to",
        )
    }
    kept["topics"] = [asdict(topic) for topic in room.topics.values()]
    return kept | {"messages": [{"data": one.data, "bot": one.bot, "edits": one.edits} for one in messages]}


def _file(file: File) -> Json:
    content = None if file.content is None else b64encode(file.content).decode()
    return asdict(file) | {"content": content}


def _restore(state: TelegramState, saved: Json) -> None:
    state.users |= {user["id"]: Account(**user) for user in saved["users"]}
    state.groups |= {room["id"]: _restored_room(room) for room in saved["groups"]}
    if channels := saved.get("channels"):  # with their ids and subscribers
        state.channels = {room["id"]: _restored_room(room) for room in channels}
    for room in map(_restored_room, saved["private"]):
        state.private[(room.bots[0], room.id)] = room
    for name, fields in saved["bots"].items():
        if name in state.bots or fields.get("is_guest"):
            bot = state.add_bot(name)
            for field, value in fields.items():
                setattr(bot, field, value)
    for file in saved["files"]:
        content = None if file["content"] is None else b64decode(file["content"])
        state.files.restore(File(**file | {"content": content}))


def _restored_room(saved: Json) -> Room:
    messages: list[Any] = saved.pop("messages")
    topics = [Topic(**topic) for topic in saved.pop("topics", [])]
    room = Room(**saved, topics={topic.id: topic for topic in topics})
    for one in messages:
        stored = Stored(one["data"], one["bot"], one["edits"])
        room.messages[stored.message_id] = stored
        if stored.bot is not None:
            room.answers.append(stored)
    room.taken = len(room.answers)
    return room
