"""Checks of the page's files that need no browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "tools" / "emulator" / "page"
SCRIPTS = sorted(PAGE.glob("*.js"))
AA = 4.5  # WCAG 2.2, 1.4.3: contrast of text
AA_PARTS = 3.0  # 1.4.11: of what is not text
TEXT_ON = {
    "ink": ("wall", "panel", "sunken", "raised", "tint", "brass-tint"),
    "soft": ("wall", "panel", "sunken", "raised", "tint", "brass-tint"),
    "accent": ("wall", "panel", "sunken", "raised", "tint"),
    "on-accent": ("accent", "accent-hover"),
    "on-own": ("own", "own-deep"),
    "own-soft": ("own", "own-deep"),
    "brass": ("brass-tint", "panel"),
    "bad": ("panel", "sunken", "raised", "bad-tint"),
    "good": ("panel", "good-tint"),
} | {f"kind-{kind}": ("panel", "sunken") for kind in (
    "queue", "verify", "sql", "ai", "delivery", "payment_call", "fault", "log",
)}  # fmt: skip


def colours() -> dict[str, tuple[str, str]]:
    """Return the light and dark value of each colour."""
    declared = re.findall(
        r"--([\w-]+): (?:light-dark\((#\w{6}), (#\w{6})\)|(#\w{6}));", (PAGE / "style.css").read_text()
    )
    return {name: (light or both, dark or both) for name, light, dark, both in declared}


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("text", TEXT_ON)
def test_text_can_be_read_in_both_themes(text: str) -> None:
    known = colours()
    for ground in TEXT_ON[text]:
        for theme, (ink, paper) in zip(
            ("light", "dark"), zip(known[text], known[ground], strict=True), strict=True
        ):
            assert contrast(ink, paper) >= AA, f"{text} on {ground}, {theme}: {contrast(ink, paper):.2f}"


def test_the_edges_of_controls_can_be_seen() -> None:
    known = colours()
    for ground in ("panel", "raised", "sunken"):
        for edge, paper in zip(known["edge"], known[ground], strict=True):
            assert contrast(edge, paper) >= AA_PARTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_turns_text_into_markup(script: Path) -> None:
    text = script.read_text()
    found = re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser", text
    )
    assert not found, f"{script.name}: build nodes with h() of dom.js instead of {found}"
    assert len(text.splitlines()) <= 350, f"{script.name} holds more than one area: split it"


def test_the_page_requests_only_the_emulator() -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', (PAGE / "index.html").read_text())
    assert policy
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]
    for file in PAGE.iterdir():
        addresses = set(re.findall(r"https?://[\w.]+", file.read_text()))
        assert addresses <= {"http://www.w3.org", "https://t.me"}, f"{file.name} names {addresses}"


def test_every_icon_that_is_used_is_drawn() -> None:
    drawn = set(re.findall(r'symbol id="([\w-]+)"', (PAGE / "icons.svg").read_text()))
    used = set(re.findall(r"icons\.svg#([\w-]+)", (PAGE / "index.html").read_text()))
    for script in SCRIPTS:
        text = script.read_text()
        used |= set(re.findall(r'(?:\bicon|iconButton|row|part)\("([\w-]+)"', text))
        used |= set(re.findall(r'icon: "([\w-]+)"', text))
    assert used
    assert used <= drawn, f"not in icons.svg: {used - drawn}"
