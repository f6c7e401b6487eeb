"""The pages of the account: its first page (home.py), the usage, the settings."""

from __future__ import annotations

from shared.features.account.pages import home, settings, usage

pages = (home.page, usage.page, *settings.pages)
