"""The pages of the login: the choice (choice.py), the ways, and the devices on which a user is logged in.

bot.py         through the bot, with a number to choose in the chat
telegram.py    "Log in with Telegram", OpenID Connect
mini_app.py    initData of a Mini App
widget.py      the return address of the older widget
opening.py     opens the session of all but the first
"""

from __future__ import annotations

from shared.features.login.pages import bot, devices, mini_app, telegram, widget

pages = (*bot.pages, *telegram.pages, *mini_app.pages, *widget.pages, *devices.pages)
