"""The pages of the console, its own and those of the features. None adds itself by being imported."""

from __future__ import annotations

from shared.console import home
from shared.features.account import pages as account
from shared.features.conversations import pages as conversations
from shared.features.login import pages as login
from shared.web import asset_page
from shared.web.page import Page

PAGES: tuple[Page, ...] = (
    home.page,
    asset_page.page,
    *login.pages,
    *account.pages,
    *conversations.pages,
)
