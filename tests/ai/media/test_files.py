"""What bytes say about themselves, and the fake servers' own drawings."""

from __future__ import annotations

import random

import pytest

from shared.ai.media.log_text import clean
from shared.ai.media.sniff import Facts, sniff
from tests.ai.media.requests import PROMPT, picture
from tools.emulator.ai.media.drawings import video


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_pictures(kind: str) -> None:
    assert sniff(picture(kind, (321, 123))) == Facts(f"image/{kind.lower()}", 321, 123)


def test_a_video() -> None:
    assert sniff(video("A fox", 160, 90, 2.5)) == Facts("video/mp4", 160, 90, 2.5)


def test_other_files() -> None:
    for data in (
        b"",
        b"<svg>",
        b"%PDF-1.7",
        b"RIFF\0\0\0\0WAVE",
        b"\0\0\0\x18ftypheic",
        b"\0\0\0\x18ftypavif",
    ):
        assert sniff(data) is None
    assert sniff(b"\x1a\x45\xdf\xa3") == Facts("video/webm")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "MP4"])
def test_cut_and_damaged_files_do_not_raise(kind: str) -> None:
    data = video("A fox", 64, 48, 1) if kind == "MP4" else picture(kind)
    chance = random.Random(7)
    for _ in range(300):
        damaged = bytearray(data[: chance.randrange(len(data) + 1)])
        for _ in range(3 if damaged else 0):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        sniff(bytes(damaged))


class TestLogText:
    def test_the_prompt_is_cut_off_even_if_it_is_quoted_in_part(self) -> None:
        assert clean(f"The prompt {PROMPT[:30].lower()}… is bad", PROMPT) == "The prompt [prompt]"

    def test_addresses_data_and_long_quotations(self) -> None:
        text = f"See https://x.example/a?token=1 and {'QUJD' * 30} and 'short' and \"{'many words ' * 5}\""
        assert clean(text) == "See [address] and [data] and 'short' and [quotation]"

    def test_a_long_text_is_cut(self) -> None:
        assert len(clean("word " * 5_000)) == 500
