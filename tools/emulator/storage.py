"""Keeps the world between two runs: people, groups, chats, what bots said of themselves, small files."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.emulator.telegram.files import File
from tools.emulator.telegram.model import Account, Json, Room, Stored, Topic
from tools.emulator.telegram.world import World

FORMAT = 1
KEPT_MESSAGES = 300
KEPT_FILE = 512 * 1024
BOT_FIELDS = ("next_update_id", "commands", "texts", "privacy", "has_topics", "is_guest")


def save(world: World, path: Path) -> None:
    """Write the world; the file is whole or not there, whatever happens meanwhile."""
    with world.lock:
        text = json.dumps(_dump(world), ensure_ascii=False)
    temporary = path.with_suffix(".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def load(world: World, path: Path) -> bool:
    """Put back what an earlier run saved; False when nothing is usable (an unusable file is set aside)."""
    if not path.exists():
        return False
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        if saved.get("format") != FORMAT:
            raise ValueError("another version wrote it")
        with world.lock:
            _restore(world, saved)
    except (ValueError, KeyError, TypeError, AttributeError):
        path.rename(path.with_suffix(".unusable"))
        return False
    return True


def _dump(world: World) -> Json:
    return {
        "format": FORMAT,
        "people": [asdict(user) for user in world.people.values()],
        "groups": [_room(room) for room in world.groups.values()],
        "channels": [_room(room) for room in world.channels.values()],
        "private": [_room(room) for room in world.private.values()],
        "bots": {
            name: {field: getattr(bot, field) for field in BOT_FIELDS} for name, bot in world.bots.items()
        },
        "files": [_file(file) for file in world.files.all() if len(file.content or b"") <= KEPT_FILE],
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


def _restore(world: World, saved: Json) -> None:
    world.people |= {user["id"]: Account(**user) for user in saved["people"]}
    world.groups |= {room["id"]: _restored_room(room) for room in saved["groups"]}
    if channels := saved.get("channels"):  # with the ids they had, and whoever is in them
        world.channels = {room["id"]: _restored_room(room) for room in channels}
    for room in map(_restored_room, saved["private"]):
        world.private[(room.bots[0], room.id)] = room
    for name, fields in saved["bots"].items():
        if name in world.bots or fields.get("is_guest"):
            bot = world.add_bot(name)
            for field, value in fields.items():
                setattr(bot, field, value)
    for file in saved["files"]:
        content = None if file["content"] is None else b64decode(file["content"])
        world.files.restore(File(**file | {"content": content}))


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
