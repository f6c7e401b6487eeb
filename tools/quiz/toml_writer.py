"""Writes a bank as TOML, in the form of the banks in the repository."""

from __future__ import annotations

import json

from shared.features.quiz.bank_models import Bank, Question, Wording


def write(bank: Bank) -> str:
    """Return the text of a bank's file."""
    head = f"id = {_text(bank.id)}\nversion = {bank.version}\n"
    return "\n".join([head, *map(_question, bank.questions)])


def _question(question: Question) -> str:
    lines = [
        "[[questions]]",
        f"id = {_text(question.id)}",
        f"topic = {_text(question.topic)}",
        f"level = {question.level}",
        f"right = {question.right}",
    ]
    if question.multiple:
        lines.append("multiple = true")
    for language, wording in (("en", question.en), ("ru", question.ru)):
        if wording is not None:
            lines.append(f"{language} = {_wording(wording)}")
    return "\n".join(lines) + "\n"


def _wording(wording: Wording) -> str:
    options = "".join(f"  {_text(option)},\n" for option in wording.options)
    text, explanation = _text(wording.text), _text(wording.explanation)
    return f"{{ text = {text}, options = [\n{options}], explanation = {explanation} }}"


def _text(value: str) -> str:
    # A JSON string is a TOML string too, except that TOML wants DEL escaped and takes no surrogates.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
