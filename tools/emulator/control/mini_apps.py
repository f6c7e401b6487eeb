"""Mini Apps: a part of the emulator's HTTP API."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tools.emulator.control.bodies import ChatFields, Refused
from tools.emulator.control.chat_finder import ChatFinder
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.telegram import Telegram, mini_app


class MiniAppBody(ChatFields):
    """A Mini App of the chat's bot."""

    url: str = Field("", description="its address, as in the button; that of the menu button if left out")
    theme: Literal["light", "dark"] = Field("light", description='"light" (if left out) or "dark"')


class MiniAppRoutes:
    """`post` lists the route."""

    def __init__(self, telegram: Telegram, chats: ChatFinder) -> None:
        self._state = telegram.state
        self._chats = chats
        self.get: Routes = {}
        self.post: Routes = {"mini-app": Route(MiniAppBody, self._open)}

    def _open(self, body: MiniAppBody) -> Json:
        """Return the address that opens a Mini App, with initData of the user and the look of the app."""
        user, bot = self._chats.user(body.user), self._state.bots[self._chats.bot(body.bot)]
        url = body.url or bot.menu_url
        if not url:
            raise Refused("The bot’s menu button opens no Mini App.")
        data = mini_app.init_data(bot, user, self._state.clock.now())
        return {"url": mini_app.launch_url(url, data, theme=body.theme)}
