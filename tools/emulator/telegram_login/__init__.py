"""A fake of oauth.telegram.org, "Log in with Telegram", at the wire level."""

from tools.emulator.telegram_login.server import LoginServer

__all__ = ["LoginServer"]
