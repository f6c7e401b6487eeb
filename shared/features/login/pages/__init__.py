"""The pages of the login: through the bot (bot.py), and the devices on which a user is logged in."""

from __future__ import annotations

from shared.features.login.pages import bot, devices

pages = (*bot.pages, *devices.pages)
