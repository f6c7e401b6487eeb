"""The history of a question holds the newest messages that fit whole, in characters and not in bytes."""

from __future__ import annotations

import pytest

from tests.supabase.usage.users import Call, Sql, Update, user_id

TEXTS = ["ж" * 10, 'a "quoted"\n\\line', "👍" * 7, "w" * 20]  # oldest first; bytes: 20, 16, 28, 20


def fitting(characters: int | None) -> list[str]:
    """Return what must be read: the newest texts whose lengths add up to at most so many characters."""
    kept: list[str] = []
    for text in reversed(TEXTS):
        if characters is not None and len("".join(kept)) + len(text) > characters:
            break
        kept.insert(0, text)
    return kept


@pytest.fixture
def conversation(sql: Sql, anna: int) -> list[dict[str, str]]:
    roles = ["user", "assistant"] * 2
    for role, text in zip(roles, TEXTS, strict=True):
        sql(
            "insert into messages (user_id, bot, chat_id, role, content) "
            "values (%s, 'assistant', %s, %s, %s)",
            user_id(sql, anna),
            anna,
            role,
            text,
        )
    return [{"role": role, "content": text} for role, text in zip(roles, TEXTS, strict=True)]


@pytest.mark.parametrize("characters", [None, 0, 19, 20, 26, 27, 42, 43, 52, 53, 83, 84, 10_000])
def test_the_newest_messages_that_fit_whole(
    call: Call, anna: int, conversation: list[dict[str, str]], characters: int | None
) -> None:
    number = 4_600_000_000 + (characters or 0)
    history = Update(call, "assistant", number, anna, characters=characters).received["history"]
    kept = len(fitting(characters))
    assert history == conversation[len(conversation) - kept :]
