"""The pages of the login: the choice of a way, the ways, the devices of a user, and the logout.

login.py       offers the ways        choice.py  shows them, also after a failure; the way back
bot.py         through the bot, with a number to choose in the chat
telegram.py    "Log in with Telegram", OpenID Connect
mini_app.py    initData of a Mini App
widget.py      the return address of the older widget
opening.py     opens the session of all but the first
devices.py     where a user is logged in
logout.py      ends a session
"""

from __future__ import annotations

from shared.features.login.pages import bot, devices, login, logout, mini_app, telegram, widget

pages = (
    login.page,
    *bot.pages,
    *telegram.pages,
    *mini_app.pages,
    *widget.pages,
    *devices.pages,
    logout.page,
)
