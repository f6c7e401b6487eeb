"""Keeps what the AI says about a lead where the user said it: each field and sign needs a verbatim quote.

A message that speaks to the AI about its instructions or the score is no evidence of anything. If there is
one among those that the AI read, a sign also needs words of its own kind: such an AI may have been talked
into quoting anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import ClaimQualificationSignals
    from shared.features.crm.answer_models import Found, LeadAnswer
    from shared.features.crm.material import Line

LONGEST = {"real_name": 64, "background": 300, "query": 300}
_LONGEST_QUOTE = 300
_SHORTEST_QUOTE = 4  # letters and digits
_NOT_A_WORD = re.compile(r"[\W_]+")
_INJECTION = re.compile(
    r"ignore (?:all|any|the|your|previous)|system prompt|instruction|ready_?score|\bscore\b|\bjson\b"
    r"|(?:rate|mark|label|classify|rank) (?:me|this|us|user)|you are now|\bsignals?\b"
    r"|игнорируй|забудь (?:все|всё|пред)|инструкци|систем\w{0,4} (?:промпт|сообщени)|промпт"
    r"|(?:оцени|отметь|пометь|поставь|запиши) (?:меня|"
    r"мне|этого|пользовател)|\bскор|готовност\w{0,3} (?:100|сто)"
    r"|ты теперь",
    re.IGNORECASE,
)
_CUES = {
    "need": (
        r"нуж|надо|ищ[уе]|хоч|хоте|проблем|интерес|"
        r"задач|need|want|look(?:ing)? for|problem|struggl|interest"
    ),
    "budget": r"\d|цен|сто[ия]|бюджет|дорог|скидк|price|cost|budget|much|discount|expensive",
    "timing": r"сегодня|завтра|недел|месяц|срочн|скор|дн[яе]|today|tomorrow|week|month|asap|urgent|soon|day",
    "decision": (
        r"реша|директор|владел|мой|моя|бизнес|decid|"
        r"owner|founder|director|ceo|my (?:own|company|business)"
    ),
    "payment": (
        r"оплат|плат|сч[её]т|куп|заказ|реквизит|созвон|"
        r"звон|pay|invoice|buy|order|purchase|call|checkout"
    ),
}
_CUE = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _CUES.items()}


def fields_of(answer: LeadAnswer, lines: Sequence[Line]) -> JsonObject:
    """Return {value, quote, message_id} of each field that a message of the user proves, else None."""
    found: JsonObject = {}
    for name in LONGEST:
        field: Found = getattr(answer, name)
        value = " ".join(field.value.split())[: LONGEST[name]]
        line = _source(field.quote, field.message, lines) if value else None
        if line is None or (name == "real_name" and not _is_name_in(value, field.quote)):
            found[name] = None
            continue
        found[name] = {"value": value, "quote": field.quote.strip()[:_LONGEST_QUOTE], "message_id": line.id}
    return found


def signals_of(
    answer: LeadAnswer, lines: Sequence[Line], earlier: Iterable[ClaimQualificationSignals] = ()
) -> list[ClaimQualificationSignals]:
    """Return the signs that messages of the user prove, one of a kind, with those of earlier runs.

    An earlier sign goes if its message was read again and no longer says so; an earlier refusal counts until
    the next run.
    """
    is_suspect = any(line.is_user and is_injection(line.text) for line in lines)
    found: dict[str, ClaimQualificationSignals] = {}
    used: set[str] = set()
    for sign in answer.signals:
        line, plain = _source(sign.quote, sign.message, lines), _plain(sign.quote)
        if line is None or sign.kind in found or plain in used:
            continue
        if is_suspect and sign.kind in _CUE and not _CUE[sign.kind].search(sign.quote):
            continue
        used.add(plain)
        quote = sign.quote.strip()[:_LONGEST_QUOTE]
        found[sign.kind] = {"kind": sign.kind, "quote": quote, "message_id": line.id}
    texts = {line.id: _plain(line.text) for line in lines}
    for one in earlier:
        text = texts.get(one["message_id"])
        if one["kind"] != "refusal" and (text is None or _plain(one["quote"]) in text):
            found.setdefault(one["kind"], one)
    return list(found.values())


def is_injection(text: str) -> bool:
    """Return whether a message speaks to the AI about its instructions or the score."""
    return _INJECTION.search(text) is not None


def _source(quote: str, number: int, lines: Sequence[Line]) -> Line | None:
    """Return the message of the user that holds a quote: that of the number, else the newest."""
    plain = _plain(quote)
    if len(plain.replace(" ", "")) < _SHORTEST_QUOTE:
        return None
    named = [lines[number - 1]] if 1 <= number <= len(lines) else []
    for line in (*named, *reversed(lines)):
        if line.is_user and not is_injection(line.text) and f" {plain} " in f" {_plain(line.text)} ":
            return line
    return None


def _plain(text: str) -> str:
    """Return the words of a text, in small letters."""
    return _NOT_A_WORD.sub(" ", text.casefold().replace("ё", "е")).strip()


def _is_name_in(name: str, quote: str) -> bool:
    """Return whether each part of a name begins as a word of the quote, which may decline it."""
    said = _plain(quote).split()
    parts = _plain(name).split()
    return bool(parts) and all(
        any(word.startswith(part[: max(3, len(part) - 2)]) for word in said) for part in parts
    )
