"""Names a browser and its system for the list of devices, by a User-Agent, which anyone can forge."""

from __future__ import annotations

# The first that occurs counts: Edge and Opera also call themselves Chrome, and Chrome calls itself Safari.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "YaBrowser": "Yandex Browser",
    "SamsungBrowser": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}
_LONGEST = 500  # characters that are read


def of(user_agent: str) -> str:
    """Return a name such as "Firefox, Windows"; empty where nothing is known."""
    read = user_agent[:_LONGEST]
    browser = next((shown for mark, shown in _BROWSERS.items() if mark in read), "")
    system = next((shown for mark, shown in _SYSTEMS.items() if mark in read), "")
    return ", ".join(part for part in (browser, system) if part)
