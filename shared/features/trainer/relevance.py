"""Tells a question about the client's business from noise, small talk and questions to the software.

The patterns need it: without it, whatever ends with a question mark would be a question about facts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from shared.features.trainer import words
from shared.features.trainer.relevance_words import BUSINESS, EMPTY, FOLLOW_UPS, NEVER, OFF_TOPIC, REFERRING


def _phrases(listed: str) -> re.Pattern[str]:
    """Return a pattern of phrases between commas; `*` stands for the rest of a word, `$` for the end."""
    found = (" ".join(one.split()) for one in listed.split(","))
    escaped = (re.escape(one).replace(r"\*", r"\w*").replace(r"\$", r"\W*$") for one in found if one)
    return re.compile(rf"\b(?:{'|'.join(escaped)})(?!\w)")


_BUSINESS = _phrases(BUSINESS)
_OFF_TOPIC = _phrases(OFF_TOPIC)
_NEVER = _phrases(NEVER)
_FOLLOW_UPS = _phrases(FOLLOW_UPS)
_REFERRING = frozenset(REFERRING.split())
_EMPTY = frozenset(re.findall(r"\w+", f"{EMPTY} {FOLLOW_UPS}")) | words.FILLERS | words.QUESTION_WORDS
_FEW = 3  # distinct words: with fewer, a text needs more to be a question
# Words with which a question turns to the client, in all their forms: "вы", "ваших", "берёте", "меняли".
_ADDRESS = re.compile(
    r"\b(?:you|your|yours|yourselves|u|ur|вы|вас|вам|вами|ваш\w{0,3}|\w{2,20}(?:[еи]те|[аяие]ли)(?:сь)?)\b"
)


def is_off_topic(sentence: str, *, has_subject: bool) -> bool:
    """Return whether a normalized question is small talk, or about the training instead of the client.

    Args:
        has_subject: it touches a subject of the case.
    """
    if _NEVER.search(sentence):
        return True
    is_business = _BUSINESS.search(sentence) or (has_subject and _ADDRESS.search(sentence))
    return not is_business and bool(_OFF_TOPIC.search(sentence))


def is_stuffed(tokens: Sequence[str]) -> bool:
    """Return whether a sentence is the same few words again and again: "Problem problem problem?"."""
    distinct = len(set(tokens))
    return distinct < len(tokens) and (distinct < _FEW or 2 * distinct <= len(tokens))


def asks_something(plain: str, tokens: Collection[str]) -> bool:
    """Return whether a normalized text is more than a subject or two, as in "Problem, delay?"."""
    asks = not words.QUESTION_WORDS.isdisjoint(tokens) or are_empty(tokens)
    return asks or len(set(tokens)) >= _FEW or addresses_client(plain, tokens)


def addresses_client(sentence: str, tokens: Collection[str]) -> bool:
    """Return whether a normalized question speaks to the client, or refers to what they said."""
    return bool(_ADDRESS.search(sentence)) or not _REFERRING.isdisjoint(tokens)


def is_only(tokens: Collection[str], triggers: Collection[str]) -> bool:
    """Return whether a question has no word but empty ones and triggers, the words that patterns look for.

    A mere "Why?" is none of these: it leans on what was said.
    """
    return not are_empty(tokens) and are_empty(set(tokens).difference(triggers))


def are_empty(tokens: Collection[str]) -> bool:
    """Return whether words name nothing to ask about, as question words and pronouns."""
    return _EMPTY.issuperset(tokens)


def is_about_client(sentence: str, tokens: Collection[str], *, has_subject: bool) -> bool:
    """Return whether a normalized question is about a business, or takes up what was just said.

    Args:
        tokens: the words of the sentence.
        has_subject: it touches a subject of the case, or takes up the client's words.
    """
    if are_empty(tokens):
        return bool(_FOLLOW_UPS.search(sentence))
    return has_subject or bool(_BUSINESS.search(sentence))
