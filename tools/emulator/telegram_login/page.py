"""The page on which a user of the emulator agrees to a login."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from tools.emulator.telegram.model import Account, BotAccount
from tools.emulator.web import Response

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Log in with Telegram</title>
  <link rel="icon" href="/mark.svg" type="image/svg+xml">
  <script src="/theme.js"></script>
  <link rel="stylesheet" href="/style.css">
  <link rel="stylesheet" href="/checkout.css">
</head>
<body class="checkout">
  <form method="post" class="counter">
    <main class="till">
      <p class="provider">Telegram</p>
      {content}
    </main>
    <footer class="outcomes">
      <p class="small">A fake of oauth.telegram.org. <a class="in-text" href="/">Back to the chat</a></p>
    </footer>
  </form>
</body>
</html>
"""


def consent(bot: BotAccount, users: Iterable[Account], asked: Mapping[str, str]) -> Response:
    """Return the page with a button for each user, and one that declines."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in asked.items()
    )
    buttons = "".join(
        f'<p><button name="user" value="{user.id}">{escape(_name(user))}</button></p>' for user in users
    )
    content = (
        f"<h1>Log in to {escape(bot.first_name)}</h1>{hidden}<p>Who are you?</p>{buttons}"
        '<p><button name="user" value="" class="plain">Cancel</button></p>'
    )
    return _respond(200, content)


def refusal(sentence: str) -> Response:
    """Return the page of a request that cannot be sent back to the site."""
    return _respond(400, f"<h1>{escape(sentence)}</h1>")


def _name(user: Account) -> str:
    return " ".join(filter(None, (user.first_name, user.last_name)))


def _respond(status: int, content: str) -> Response:
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return Response(status, _PAGE.format(content=content).encode(), "text/html; charset=utf-8", headers)
