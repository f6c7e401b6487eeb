"""Every way in which servers that call themselves OpenAI-compatible stream an answer gives the same text.

The shapes come from public reports; each test or parameter names one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ai.deltas import Deltas
from shared.ai.messages import messages_for
from shared.ai.modes import MODES
from shared.ai.provider import MAX_TEXT
from shared.ai.server_sent_events import EventParser
from shared.ai.text_cleanup import is_visible, without_control_tokens, without_reasoning
from shared.core.errors import AIError, AIOverloaded, AITimeout
from shared.telegram.split import is_visible as telegram_shows
from tests.ai.asking import Ask, Lines
from tests.ai.raw_server import CHUNKED, END, RawServer, Script, chunk, hang_up, head, plain, sends, silence

DONE = b"[DONE]"


def delta(text: Any = None, finish: Any = None, **more: Any) -> dict[str, Any]:
    content = {} if text is None else {"content": text}
    return {"choices": [{"index": 0, "delta": content | more, "finish_reason": finish}]}


def message(text: str, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": text}, **more}]}


def encoded(event: Any) -> bytes:
    return event if isinstance(event, bytes) else json.dumps(event).encode()


def streams(*events: Any, between: bytes = b"\n\n", before: bytes = b"data: ") -> Script:
    body = b"".join(before + encoded(event) + between for event in events)
    return sends(CHUNKED + chunk(body) + END)


HELLO = (delta("Hel"), delta("lo", "stop"))


@pytest.mark.parametrize(
    ("name", "events"),
    [
        (
            "hermes-browser 11: the whole message last",
            [delta("Hel"), delta("lo"), message("Hello")],
        ),
        ("an empty delta beside it", [delta("Hel"), delta("lo"), message("Hello", delta={})]),
        ("its last delta beside it", [delta("Hel"), message("Hello", delta={"content": "lo"})]),
        ("only messages", [message("Hel"), message("lo")]),
        ("messages that grow", [message("Hel"), message("Hello")]),
        ("a message that is trimmed", [delta("Hello"), delta("\n"), message("Hello")]),
        ("qwen-code 3896: deltas that grow", [delta("H"), delta("Hel"), delta("Hello", "stop")]),
        ("two deltas that grow", [delta("Hel"), delta("Hello", "stop")]),
        ("the last one twice", [delta("He"), delta("Hel"), delta("Hello"), delta("Hello", "stop")]),
        ("mcp python-sdk 1670: empty events", [b"", delta("Hel"), b" ", delta("lo", "stop")]),
        (
            "OmniRoute 7031: words",
            [b": PROCESSING", delta("Hel"), b"ping", delta("lo", "stop")],
        ),
        ("copilot-api 88: a ping", [{"type": "ping"}, *HELLO]),
        ("values that say nothing", [b"null", b"7", b'"keep-alive"', b"{}", *HELLO]),
        (
            "litellm 34382: no choices",
            [{"choices": None}, {"id": None}, {"choices": []}, *HELLO],
        ),
        ("choices of nothing", [{"choices": [None]}, {"choices": [{"delta": None}]}, *HELLO]),
        ("missing ids and indexes", [{"choices": [{"delta": {"content": "Hello"}}]}, b"[DONE]"]),
        ("a second choice", [HELLO[0], {"choices": [{"index": 1, "delta": {"content": "No"}}]}, HELLO[1]]),
        ("the completions API", [{"choices": [{"text": "Hello", "finish_reason": "stop"}]}]),
        ("magistral: parts", [delta([{"type": "text", "text": "Hel"}]), delta([{"text": "lo"}], "stop")]),
        (
            "litellm 16272: reasoning in parts",
            [delta([{"type": "thinking", "thinking": [{"type": "text", "text": "No"}]}]), *HELLO],
        ),
        ("reasoning apart", [delta(reasoning_content="No", reasoning="No"), *HELLO]),
        ("ollama 4357: an empty reason", [delta("Hel", ""), delta("lo", "stop")]),
        ("DashScope: 'null' as a reason", [delta("Hel", "null"), delta("lo", "stop")]),
        ("an unknown reason", [delta("Hel"), delta("lo", "eos_token")]),
        ("a reason that is no text", [delta("Hel"), delta("lo", {"type": "stop"})]),
        ("figures of any kind", [delta("Hello", "stop"), {"choices": [], "usage": ["?"]}]),
        (
            "NaN, which is no JSON",
            [delta("Hello", "stop"), b'{"choices":[],"usage":{"cost":NaN}}'],
        ),
        (
            "5,000 digits",
            [delta("Hello", "stop"), b'{"choices":[],"created":%b}' % (b"9" * 5000)],
        ),
        ("NUL", [delta("Hel\0"), delta("lo", "stop")]),
    ],
)
def test_repeated_text_is_answered_once(raw: RawServer, ask: Ask, name: str, events: list[Any]) -> None:
    raw.next(streams(*events, DONE))
    answer = ask(provider="openrouter")
    assert (answer.text.strip(), answer.finish) == ("Hello", "stop"), name
    assert len(raw.requests) == 1


def test_json_on_an_indented_line_behind_its_field_is_read(raw: RawServer, ask: Ask) -> None:  # rig 534
    raw.next(streams(*HELLO, DONE, before=b"data:\n "))
    answer = ask()
    assert (answer.text, answer.finish) == ("Hello", "stop")


@pytest.mark.parametrize("native", ["network_error", "error"])
def test_a_failure_that_only_the_native_reason_tells_is_one(  # hax 15
    raw: RawServer, ask: Ask, lines: Lines, native: str
) -> None:
    failed = delta("", "stop")
    failed["choices"][0]["native_finish_reason"] = native
    for _ in range(9):
        raw.next(streams(failed, DONE))
    with pytest.raises(AIError):
        ask(provider="openrouter", seconds=1.5)
    assert lines("ai_error")[0]["kind"] == "server_error"


THOUGHT = "No, no"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "imp 768: gpt-oss",
            f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>Hello",
        ),
        (
            "odysseus 4522: a call of a tool before it",
            f"<|start|>assistant<|channel|>commentary to=functions.x <|constrain|>json<|message|>{THOUGHT}"
            "<|call|><|start|>assistant<|channel|>final<|message|>Hello<|return|>",
        ),
        ("without its beginning", f"{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>Hello"),
        ("macprovider 743: without its tokens", f"analysis{THOUGHT}.assistantfinalHello"),
        ("Gemma 4", f"<|channel>thought\n{THOUGHT}\n<channel|>Hello"),
        (
            "mlx-vlm 1298: Cohere",
            f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_TEXT|>Hello<|END_TEXT|>",
        ),
        (
            "OpenThinker",
            f"<|begin_of_thought|>{THOUGHT}<|end_of_thought|>\n\n<|begin_of_solution|>Hello<|end_of_solution|>",
        ),
        ("hermes-agent 45698: MiniMax", f"<mm:think>{THOUGHT}</mm:think>Hello"),
        ("hermes-agent 43827: in Chinese", f"<思考>{THOUGHT}</思考>Hello"),
        ("ollama 3759: Llama's end", "Hello<|eot_id|>"),
        ("ChatML's end", "Hello<|im_end|>\n<|endoftext|>\n"),
        ("ctransformers 124: an end token", "Hello</s>"),
        ("Gemma's end", "Hello\n<end_of_turn>"),
        ("DeepSeek's end", "Hello<｜end▁of▁sentence｜>"),
    ],
)
def test_control_tokens_of_templates_are_removed(raw: RawServer, ask: Ask, name: str, said: str) -> None:
    cut = len(said) // 3
    raw.next(streams(delta(said[:cut]), delta(said[cut:], "stop"), DONE))
    assert ask(provider="openrouter").text.strip() == "Hello", name


@pytest.mark.parametrize(
    "said",
    [
        "A turn ends with <|im_end|>",
        "In HTML this is <s>struck</s>",
        "It is written `<|channel|>analysis<|message|>` there.",
        "The marker <|channel|>, then a name.",
        "analysis is the first step, then the assistant finalises it",
        "```\n<|START_THINKING|>\n```",
    ],
)
def test_an_answer_about_control_tokens_keeps_them(raw: RawServer, ask: Ask, said: str) -> None:
    raw.next(streams(delta(said, "stop"), DONE))
    assert ask(provider="openrouter").text == said


def test_reasoning_without_text_is_not_an_answer(raw: RawServer, ask: Ask) -> None:
    raw.next(streams(delta("<|channel|>analysis<|message|>Hm, let me", "length"), DONE))
    with pytest.raises(AIError):
        ask(provider="openrouter")


def test_minimax_reports_missing_credit_with_status_200(raw: RawServer, ask: Ask) -> None:
    base = {"status_code": 1008, "status_msg": "insufficient balance"}
    raw.next(streams({"id": "1", "choices": None, "base_resp": base}, DONE))
    with pytest.raises(AIOverloaded, match="credit"):
        ask(provider="openrouter")


def test_minimax_success_code_is_not_an_error(raw: RawServer, ask: Ask) -> None:
    raw.next(streams(delta("Hello", "stop") | {"base_resp": {"status_code": 0, "status_msg": ""}}, DONE))
    answer = ask(provider="openrouter")
    assert (answer.text, answer.finish) == ("Hello", "stop")


def test_an_error_after_the_finish_reason_is_ignored(raw: RawServer, ask: Ask) -> None:
    raw.next(streams(delta("Hello", "stop"), {"error": {"code": 500, "message": "no usage"}}, DONE))
    answer = ask(provider="openrouter")
    assert (answer.text, answer.finish) == ("Hello", "stop")


@pytest.mark.parametrize("size", [1, 3, 10_000])
@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("one line break", b"data: %b\ndata: %b\ndata: [DONE]\n"),
        ("one line break and a comment", b": hi\ndata: %b\n: hi\ndata: %b\ndata: [DONE]\n"),
        ("CR alone", b"data: %b\r\rdata: %b\r\rdata: [DONE]\r\r"),
        ("one CRLF", b"data: %b\r\ndata: %b\r\ndata: [DONE]\r\n"),
        ("a byte order mark", b"\xef\xbb\xbfdata: %b\n\ndata: %b\n\ndata: [DONE]\n\n"),
        ("names and ids", b"event: message\nid: 1\ndata: %b\n\nevent: message\ndata:%b\n\ndata:[DONE]\n\n"),
        ("words between", b"data: ping\ndata: %b\ndata: ping\ndata: %b\n\ndata: [done]\n\n"),
        ("no data: at all", b"%b\n%b\n"),
    ],
)
def test_events_may_be_separated_in_many_ways(
    raw: RawServer, ask: Ask, name: str, body: bytes, size: int
) -> None:
    whole = body % tuple(map(encoded, HELLO))
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    raw.next(sends(CHUNKED + b"".join(map(chunk, pieces)) + END))
    answer = ask()
    assert (answer.text, answer.finish) == ("Hello", "stop"), name


def test_cr_alone_does_not_wait_for_the_end_of_the_stream(raw: RawServer, ask: Ask) -> None:
    raw.next(sends(CHUNKED + chunk(b"data: " + encoded(delta("So far")) + b"\r\r"), then=silence))
    answer = ask(seconds=0.3)
    assert (answer.text, answer.finish) == ("So far", "cut")


def test_json_over_several_lines_is_one_event() -> None:
    lines = json.dumps({"a": {"b": {}}, "c": [{}, {}]}, indent=1).splitlines()
    body = b"".join(b"data: " + line.encode() + b"\n" for line in lines)
    (event,) = EventParser().feed(body + b"\n")
    assert json.loads(event) == {"a": {"b": {}}, "c": [{}, {}]}


def test_the_last_event_counts_without_its_empty_line(raw: RawServer, ask: Ask) -> None:
    body = b"data: %b\ndata: %b\n" % (encoded(delta("All")), encoded(delta(" of it", "stop")))
    raw.next(sends(CHUNKED + chunk(body), then=silence))
    assert ask(seconds=0.3).text == "All of it"


@pytest.mark.parametrize(
    "halves",
    [
        [b'"\\ud83d"', b'"\\ude00"'],  # ai-microcore 74, eliza 30904
        [b'"\xf0\x9f"', b'"\x98\x80"'],  # llama-cpp-python 57
    ],
)
def test_an_emoji_that_is_split_over_two_events_is_one(raw: RawServer, ask: Ask, halves: list[bytes]) -> None:
    raw.next(streams(*[b'{"choices":[{"delta":{"content":%b}}]}' % half for half in halves], DONE))
    assert ask().text == "😀"


def test_a_lone_surrogate_is_replaced(raw: RawServer, ask: Ask) -> None:
    raw.next(streams(b'{"choices":[{"delta":{"content":"Hi \\ud83d"}}]}', DONE))
    assert ask().text == "Hi �"


def in_deltas(text: str, size: int) -> list[Any]:
    return [delta(text[at : at + size]) for at in range(0, len(text), size)]


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("at the start", "<think>No\n\n1. `no`</think>\n\nHello", "Hello"),
        ("empty", "<think>\n\n</think>\n\nHello", "Hello"),
        ("vllm 13125: without its start", "No, I should greet.\n</think>\n\nHello", "Hello"),
        ("ds4 678: ended twice", "<think>No</think>No</think>Hello", "Hello"),
        ("goclaw 1300: late", "Hello\n<think>no</think>\nworld", "Hello\n\nworld"),
        ("inside a line", "Hello<think>no</think> world", "Hello world"),
        ("never ended", "Hello\n<think>no, no", "Hello"),
        ("by other names", "<thinking>No</thinking><reasoning>No</reasoning>Hello", "Hello"),
        ("in capitals, with an attribute", '<THINK id="1">No</THINK >Hello', "Hello"),
        ("of Mistral", "[THINK]No[/THINK]Hello", "Hello"),
        ("code in it that does not end", "<think>```py\n` no</think>Hello", "Hello"),
        ("in code", "The `<think>` tag:\n```\n<think>x</think>\n```", None),
        ("in a sentence", "Put it into the <think> tag, and end with </think>, please.", None),
        ("qwen-code 6777: other tags", "<th>a</th> <think-tank> x < think > y", None),
    ],
)
def test_reasoning_is_never_shown(
    raw: RawServer, ask: Ask, name: str, text: str, shown: str | None, size: int
) -> None:
    raw.next(streams(*in_deltas(text, size), delta(finish="stop"), DONE))
    assert ask().text == (text if shown is None else shown), name


def test_a_whole_answer_is_read_without_its_reasoning_too(raw: RawServer, ask: Ask) -> None:
    raw.next(plain(message("<think>No</think>Hello")))
    assert ask().text == "Hello"


def test_reasoning_of_an_old_answer_is_not_sent_back() -> None:
    history = [
        {"role": "assistant", "content": "An answer whose question is too old"},
        {"role": "user", "content": "<think>mine</think>"},
        {"role": "assistant", "content": "<think>secret</think>Yes"},
    ]
    sent = messages_for(MODES["chat"], history, "And now?", datetime(2026, 11, 21, tzinfo=UTC))
    assert [m["role"] for m in sent] == ["system", "user", "assistant", "user"]
    assert [m["content"] for m in sent[1:]] == ["<think>mine</think>", "Yes", "And now?"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "\u200b\u2060",
        "\ufe0f",
        "\u3164",
        "\u2800\u00ad",
        "<think>only this</think>",
        "<think>or this",
        "\0",
    ],
)
def test_an_invisible_answer_is_empty(raw: RawServer, ask: Ask, text: str, lines: Lines) -> None:
    raw.next(streams(delta(text), delta(finish="stop"), DONE))
    with pytest.raises(AIError):
        ask()
    assert [line["kind"] for line in lines("ai_error")] == ["empty"]
    assert len(raw.requests) == 1, "it is paid for"


def test_reasoning_until_the_deadline_is_too_slow(raw: RawServer, ask: Ask) -> None:
    raw.next(sends(CHUNKED + chunk(b"data: " + encoded(delta("<think>Well")) + b"\n\n"), then=silence))
    with pytest.raises(AITimeout):
        ask(seconds=0.3)


def test_characters_that_telegram_hides_are_not_visible() -> None:
    differ = [code for code in range(0x110000) if is_visible(chr(code)) and not telegram_shows(chr(code))]
    assert differ == []
    assert all(map(is_visible, "a1ж漢😀.*-"))


@pytest.mark.parametrize(
    "pieces",
    [
        ["ha", "ha", "ha"],
        ["ha", "haha"],
        ["\n", "\n", "\nHi"],  # chatlas 435
        ["1", "10", "0"],
        ["no", " no", " no"],
        ["#", "##", "###"],
        ["A sentence of some length. ", "A sentence of some length. "],
    ],
)
def test_an_answer_may_repeat_itself(pieces: list[str]) -> None:
    deltas = Deltas()
    for piece in pieces:
        deltas.add(piece)
    assert deltas.text() == "".join(pieces)


def test_a_repetition_of_the_whole_text_is_not_appended() -> None:
    """openclaw 136262."""
    deltas, said = Deltas(), ""
    for word in ["One", "two", "three", "four", "five", "six", "seven"]:
        deltas.add(word + " ")
        said += word + " "
    deltas.add(said)
    deltas.add("eight")
    assert deltas.text() == said + "eight"


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="aB1 \n<>`*", min_size=1, max_size=60), st.lists(st.integers(1, 60), max_size=30))
def test_a_cumulative_text_is_its_last_piece(text: str, sizes: list[int]) -> None:
    text = "Start" + text
    deltas = Deltas()
    for size in sorted({min(size + 5, len(text)) for size in [*sizes, 0, 60]}):
        deltas.add(text[:size])
    assert deltas.text() == text


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(alphabet="abcdefgh .,\n", min_size=1, max_size=6), min_size=4, max_size=60))
def test_small_pieces_are_put_together(pieces: list[str]) -> None:
    pieces = ["Xy", "z ", *pieces]
    deltas = Deltas()
    for piece in pieces:
        deltas.add(piece)
    assert deltas.text() == "".join(pieces)
    assert deltas.length == len(deltas.text())


def test_a_long_cumulative_text_is_not_too_long() -> None:
    deltas, text = Deltas(), ""
    for number in range(400):
        text += f"line number {number} of a long answer\n"
        deltas.add(text)
    assert deltas.text() == text
    assert deltas.length == len(text) < MAX_TEXT


def _seconds(work: Callable[[], Any]) -> float:
    """Return the minimum CPU time of three runs."""
    taken = []
    for _ in range(3):
        started = time.thread_time()
        work()
        taken.append(time.thread_time() - started)
    return min(taken)


@pytest.mark.parametrize(
    "piece",
    ["<think>", "<think ", "</think>", "`", "```", "`a\n", "<think>a</think>", "[THINK]", " <think> x"],
)
def test_finding_reasoning_takes_linear_time(piece: str) -> None:
    short, long = (
        _seconds(lambda count=count: without_reasoning(piece * count)) for count in (4_000, 16_000)
    )
    assert long < 10 * max(short, 0.001)


@pytest.mark.parametrize("piece", ["<|im_end|>", "</s>\n", "<|START_TEXT|>", "<|im_end|> "])
def test_removing_control_tokens_takes_linear_time(piece: str) -> None:
    short, long = (
        _seconds(lambda count=count: without_control_tokens(piece * count)) for count in (4_000, 16_000)
    )
    assert long < 10 * max(short, 0.005)


@pytest.mark.parametrize("kind", ["words", "messages", "both", "growing start"])
def test_joining_pieces_takes_linear_time(kind: str) -> None:
    def work(count: int) -> None:
        deltas = Deltas()
        for number in range(count):
            if kind != "messages":
                deltas.add("a" if kind == "growing start" else f"word {number} ")
            if kind in ("messages", "both"):
                deltas.put(f"word {number} ")
        deltas.text()

    short, long = (_seconds(lambda count=count: work(count)) for count in (5_000, 20_000))
    assert long < 10 * max(short, 0.002)


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        (
            "DashScope",
            {"code": "Throttling", "message": "Requests rate limit"},
            AIError,
        ),
        ("FastAPI", {"detail": "Internal error"}, AIError),
        ("vLLM", {"object": "error", "message": "Rate limit", "code": 429}, AIOverloaded),
        ("a list", [{"error": {"code": 429, "message": "Quota"}}], AIOverloaded),
        ("MiniMax", {"choices": None, "base_resp": {"status_code": 1000, "status_msg": "unknown"}}, AIError),
    ],
)
def test_an_error_inside_a_stream_is_one(
    raw: RawServer, ask: Ask, no_pause: None, name: str, body: Any, expected: type[AIError]
) -> None:
    raw.next(streams(body, DONE), streams(body, DONE))
    with pytest.raises(AIError) as caught:
        ask()
    assert type(caught.value) is expected, name
    assert len(raw.requests) == 2, "nothing was said and nothing spent: it is tried once more"


@pytest.mark.parametrize(
    "data", [b"Internal Server Error", b'{"message": "Overloaded"}', b'{"error": {"code": 502}}']
)
def test_an_event_named_error_is_one(raw: RawServer, ask: Ask, data: bytes) -> None:
    """clicky 132: a client took it for the end of the answer."""
    body = b"data: %b\n\nevent: error\ndata: %b\n\ndata: [DONE]\n\n" % (encoded(delta("So far")), data)
    raw.next(sends(CHUNKED + chunk(body) + END))
    answer = ask()
    assert (answer.text, answer.finish) == ("So far", "broken")


def test_an_answer_in_one_piece_may_begin_with_a_byte_order_mark(raw: RawServer, ask: Ask) -> None:
    raw.next(sends(head() + b"\xef\xbb", b"\xbf" + encoded(message("Hello")), gap=0.05, then=hang_up))
    assert ask().text == "Hello"
