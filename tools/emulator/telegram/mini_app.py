"""What Telegram's apps give to a Mini App: initData, signed with the bot's token, and the look of the app.

core.telegram.org/bots/webapps and core.telegram.org/api/bots/webapps
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import Any
from urllib.parse import quote, urlencode

from tools.emulator.telegram.model import Account, BotAccount

VERSION = "9.6"  # of the Mini App protocol
THEMES = {
    "light": {
        "bg_color": "#ffffff",
        "text_color": "#000000",
        "hint_color": "#707579",
        "link_color": "#3390ec",
        "button_color": "#3390ec",
        "button_text_color": "#ffffff",
        "secondary_bg_color": "#f4f4f5",
        "header_bg_color": "#ffffff",
        "section_bg_color": "#ffffff",
        "accent_text_color": "#3390ec",
        "destructive_text_color": "#df3f40",
    },
    "dark": {
        "bg_color": "#212121",
        "text_color": "#ffffff",
        "hint_color": "#aaaaaa",
        "link_color": "#8774e1",
        "button_color": "#8774e1",
        "button_text_color": "#ffffff",
        "secondary_bg_color": "#0f0f0f",
        "header_bg_color": "#212121",
        "section_bg_color": "#212121",
        "accent_text_color": "#8774e1",
        "destructive_text_color": "#e53935",
    },
}


def init_data(bot: BotAccount, user: Account, now: float, **more: str) -> str:
    """Return initData of a user who opens a bot's Mini App now; `more`: further fields."""
    opened = user.json() | {"allows_write_to_pm": True}
    del opened["is_bot"]
    fields = {
        "query_id": secrets.token_urlsafe(18),
        "user": json.dumps(opened, ensure_ascii=False, separators=(",", ":")),
        "auth_date": str(int(now)),
        "signature": secrets.token_urlsafe(64),  # of Telegram's Ed25519 key, which no one here has
        **more,
    }
    return urlencode(fields | {"hash": sign(fields, bot.token)}, quote_via=quote)


def sign(fields: dict[str, str], token: str) -> str:
    """Return the hash of fields of initData."""
    text = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    key = hmac.digest(b"WebAppData", token.encode(), hashlib.sha256)
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()


def launch_url(url: str, data: str, *, theme: str = "light", platform: str = "weba") -> str:
    """Return the address of a Mini App with the fragment that Telegram adds."""
    look: dict[str, Any] = THEMES[theme]
    fragment = {
        "tgWebAppData": data,
        "tgWebAppVersion": VERSION,
        "tgWebAppPlatform": platform,
        "tgWebAppThemeParams": json.dumps(look, separators=(",", ":")),
    }
    return f"{url}#{urlencode(fragment, quote_via=quote)}"
