"""Filler answers of the fake AI providers, varied enough to try the page with."""

from __future__ import annotations

import re
from typing import Any

from shared.core.texts import en, ru
from tools.emulator.ai import sales_trainer

CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
LETTER = re.compile(r"[a-zа-яё]", re.IGNORECASE)
# A document as shared/features/chat/documents.py puts it behind the question.
DOCUMENT = re.compile(r'\[Document "([^"]*)"[^\n]*\]\n<document>\n(.*?)\n</document>', re.DOTALL)
MARKUP = re.compile(r"[\\`*_\[\]<>~|&]")

ENGLISH = """**Good question!** You asked: _{question}_

Here is how I would go about it:

1. Say what you want in one sentence.
2. Try the smallest thing that could work.
3. Look at what happened, then repeat.

```python
def answer(question: str) -> str:
    return f"Let me think about {{question!r}}"
```

I see {count} of our conversation{before}. \
Ask me to go on, or run `./switchboard up --real openai` to talk to a real model."""

RUSSIAN = """**Хороший вопрос!** Вы спросили: _{question}_

Вот как я бы к этому подошёл:

1. Сказать одним предложением, что нужно.
2. Попробовать самое простое, что может сработать.
3. Посмотреть, что вышло, и повторить.

```python
def answer(question: str) -> str:
    return f"Дайте подумать над {{question!r}}"
```

Я вижу {count} нашей беседы{before}. \
Попросите продолжить или запустите `./switchboard up --real openai`, чтобы говорить с настоящей моделью."""

ENGLISH_DOCUMENT = """I’ve read **{names}**: {count}. It begins with “{beginning}”.

You asked: _{question}_ A real model would answer from the text: run `./switchboard up --real openai`."""

RUSSIAN_DOCUMENT = """Прочитал: **{names}**, {count}. В начале написано: «{beginning}».

Вы спросили: _{question}_ Настоящая модель ответит по тексту: запустите `./switchboard up --real openai`."""


def improvise(messages: list[Any]) -> str:
    """Write an answer in the language of the last question, with the Markdown that bots have to render."""
    spoken = [
        message for message in messages if isinstance(message, dict) and message.get("role") != "system"
    ]
    asked = [text_of(message) for message in spoken if message.get("role") == "user"]
    question = asked[-1] if asked else "…"
    for part in (sales_trainer.client_answer, sales_trainer.question):
        if (played := part(question)) is not None:
            return played
    is_russian = speaks_russian(messages)
    if documents := DOCUMENT.findall(question):
        return _about_documents(DOCUMENT.sub("", question), documents, is_russian=is_russian)
    if is_russian:
        template, before = RUSSIAN, "; перед этим вы спрашивали «{}»"
        word = ("сообщение", "сообщения", "сообщений")[ru.plural(len(spoken))]
    else:
        template, before = ENGLISH, "; before this you asked “{}”"
        word = ("message", "messages")[en.plural(len(spoken))]
    earlier = before.format(_quoted(DOCUMENT.sub("", asked[-2]), 60)) if len(asked) > 1 else ""
    return template.format(question=_quoted(question, 200), count=f"{len(spoken)} {word}", before=earlier)


def speaks_russian(messages: list[Any]) -> bool:
    """Return whether the latest words of the user that have letters are Russian; documents do not count."""
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user":
            words = DOCUMENT.sub("", text_of(message))
            if LETTER.search(words):
                return bool(CYRILLIC.search(words))
    return False


def _about_documents(question: str, documents: list[tuple[str, str]], *, is_russian: bool) -> str:
    count = sum(len(text.split()) for _, text in documents)
    if is_russian:
        template, word = RUSSIAN_DOCUMENT, ("слово", "слова", "слов")[ru.plural(count)]
    else:
        template, word = ENGLISH_DOCUMENT, ("word", "words")[en.plural(count)]
    return template.format(
        names=_quoted(", ".join(name for name, _ in documents), 200),
        count=f"{count} {word}",
        beginning=_quoted(documents[0][1], 80),
        question=_quoted(question, 200),
    )


def _quoted(text: str, length: int) -> str:
    """Return the beginning of a user's text on one line, with Markdown escaped."""
    line = " ".join(text.split())
    short = line if len(line) <= length else line[:length].rstrip() + "…"
    return MARKUP.sub(r"\\\g<0>", short)


def text_of(message: dict[str, Any]) -> str:
    """Return the text of a chat message, whose content is a string or a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def tokens(text: str) -> int:
    """Estimate the number of tokens."""
    return max(1, len(text.encode()) // 4)
