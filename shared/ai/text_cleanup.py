"""Clean up a model's text: remove reasoning and control tokens, repair surrogates, detect invisible text.

Reasoning models put their reasoning into `<think>` where a server does not separate it. It is removed from
the complete text, so tags that are split over events need no special care. DeepSeek's template puts the
opening tag into the prompt, so an answer may contain only the closing one (vllm 13125, open-webui 9808).

Servers that do not know a model's template pass its markers through: the channels of gpt-oss (kekzl/imp 768,
mlx-lm 1867) and of Gemma 4, Cohere's (mlx-vlm 1298), MiniMax's (hermes-agent 45698, 43827). Only the `final`
channel of gpt-oss is for the user.
"""

from __future__ import annotations

import re

_NAME = (
    r"(?:think|thinking|thoughts?|reasoning(?:_scratchpad)?|antthinking|(?:seed|mm):think"
    r"|思考|反思|推理|推敲)"
)
_CHANNEL = r"(?:<\|start\|>assistant)?<\|channel\|>"
_TAGS = (
    rf"<{_NAME}(?:\s[^<>\n]{{0,60}})?>|\[THINK\]|◁think▷|<\|(?:START_THINKING|begin_of_thought)\|>"
    rf"|<\|channel>thought\b|{_CHANNEL}(?:analysis|commentary)\b",
    rf"</{_NAME}\s{{0,3}}>|\[/THINK\]|◁/think▷|<\|(?:END_THINKING|end_of_thought)\|>"
    rf"|<channel\|>|{_CHANNEL}final\b[^<\n]{{0,40}}<\|message\|>",
)
_END = re.compile(_TAGS[1], re.IGNORECASE)
# Code is matched first, so tags in it are left alone: an answer may be about them.
_CODE_OR_TAG = re.compile(
    rf"(?P<code>```.*?(?:```|\Z)|`[^`\n]*`)|(?P<start>{_TAGS[0]})|(?P<end>{_TAGS[1]})",
    re.IGNORECASE | re.DOTALL,
)
_HINT = re.compile(
    r"[<\[◁]/?(?:think|thought|reasoning|antthink|seed:|mm:|思考|反思|推理|推敲|channel\||"
    r"\|(?:channel|START_THINKING|begin_of_thought|END_THINKING|end_of_thought))",
    re.IGNORECASE,
)
# The channels of gpt-oss where a server drops the tokens around their names (macprovider 743).
_BARE_CHANNELS, _BARE_FINAL = ("analysis", "commentary"), "assistantfinal"
# Tokens that end or begin an answer in the templates of models (ollama 3759, ctransformers 124).
_LAST = re.compile(
    r"(<\|(?:im_end|eot_id|eom_id|end_of_text|endoftext|end|return|END_RESPONSE|END_TEXT|end_of_solution"
    r"|END_OF_TURN_TOKEN)\|>|<end_of_turn>|<｜end▁of▁sentence｜>|</s>)[ \t\r\n]{0,8}\Z"
)
_LONGEST_TOKEN = 40  # characters, including trailing blanks
_FIRST = re.compile(r"[ \t\r\n]{0,8}<\|(?:START_RESPONSE|START_TEXT|begin_of_solution)\|>")
_BLANK = " \t\r\n"
_PROSE = " ,.;:!?)\"'»”"  # follows a tag that a sentence only mentions

# Excludes what is invisible in Telegram: controls, blanks, joiners, fillers, variation selectors, tags.
_VISIBLE = re.compile(
    "[^\x00-\x20\x7f-\xa0\xad\u030a\u0333\u033f\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    "\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)


def is_visible(text: str) -> bool:
    """Whether a text has a visible character."""
    return _VISIBLE.search(text) is not None


def well_formed(text: str) -> str:
    """Return a text that UTF-8 and Postgres accept.

    Surrogate pairs that were split over two events are joined, lone surrogates replaced, NUL removed.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        text = _joined_halves(text)
    return text.replace("\0", "")


def _joined_halves(text: str) -> str:
    """Return a text without surrogates: they stand for undecodable bytes (surrogateescape) or split pairs."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def without_control_tokens(text: str) -> str:
    """Return an answer without the tokens of a model's template at both ends.

    A token after a space is part of a sentence, and `</s>` may be HTML: both stay.
    """
    start, end = 0, len(text)
    has_html = "<s>" in text
    while match := _LAST.search(text, max(end - _LONGEST_TOKEN, 0), end):
        if text.endswith(" ", 0, match.start()) or (has_html and match[1] == "</s>"):
            break
        end = match.start()
    while match := _FIRST.match(text, start, end):
        start = match.end()
    return text[start:end]


def without_reasoning(text: str) -> str:
    """Return an answer without reasoning, even if one of its tags is missing."""
    if text.startswith(_BARE_CHANNELS) and _BARE_FINAL in text:
        return text.partition(_BARE_FINAL)[2]
    if "<" not in text and "[" not in text and "◁" not in text:
        return text  # most answers; a tenth of the time of the search
    if not _HINT.search(text):
        return text
    shown: list[str] = []
    at = position = 0
    while match := _CODE_OR_TAG.search(text, position):
        position = match.end()
        if match["code"] or _is_mention(text, match):
            continue
        if match["end"]:  # everything before it was reasoning
            shown.clear()
        else:
            shown.append(text[at : match.start()])
            end = _END.search(text, position)
            position = end.end() if end else len(text)
        at = position
    shown.append(text[at:])
    return "".join(shown).strip(_BLANK) if at else text


def _is_mention(text: str, tag: re.Match[str]) -> bool:
    """Whether a tag is only mentioned within a sentence."""
    before = text[max(tag.start() - 1, 0) : tag.start()]
    after = text[tag.end() : tag.end() + 1]
    return before == " " and not _begins_line(text, tag.start()) and after != "" and after in _PROSE


def _begins_line(text: str, position: int) -> bool:
    """Whether only blanks come before a position in its line; looks back 8 characters at most."""
    line = text[max(position - 8, 0) : position]
    return not line.rpartition("\n")[2].strip() and ("\n" in line or position <= 8)
