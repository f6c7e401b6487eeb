"""The pages of the console, in the order of its menus. None adds itself by being imported."""

from __future__ import annotations

from shared.console import home
from shared.features.account import pages as account
from shared.features.admin import pages as admin
from shared.features.analytics import pages as analytics
from shared.features.broadcasts import pages as broadcasts
from shared.features.conversations import pages as conversations
from shared.features.courses import pages as courses
from shared.features.crm import pages as crm
from shared.features.images import pages as images
from shared.features.knowledge import pages as knowledge
from shared.features.login import pages as login
from shared.features.messenger import pages as messenger
from shared.features.payments import pages as payments
from shared.features.privacy import pages as privacy
from shared.features.promocodes import pages as promocodes
from shared.features.quiz import pages as quiz
from shared.features.referrals import pages as referrals
from shared.features.reminders import pages as reminders
from shared.features.shop import pages as shop
from shared.features.staff import pages as staff
from shared.features.trainer import pages as trainer
from shared.features.trainings import pages as trainings
from shared.features.trial import pages as trial
from shared.features.user_keys import pages as user_keys
from shared.features.videos import pages as videos
from shared.features.xp import pages as xp
from shared.web import asset_page, avatar_page
from shared.web.page import Page

PAGES: tuple[Page, ...] = (
    home.page,
    asset_page.page,
    avatar_page.page,
    *login.pages,
    *account.pages,
    *shop.pages,
    *payments.pages,
    *referrals.pages,
    *trial.pages,
    *xp.pages,
    *privacy.pages,
    *reminders.pages,
    *user_keys.pages,
    *images.pages,
    *videos.pages,
    *trainer.pages,
    *trainings.pages,
    *quiz.pages,
    *conversations.pages,
    *messenger.pages,
    *crm.pages,
    *broadcasts.pages,
    *knowledge.pages,
    *courses.pages,
    *analytics.pages,
    *promocodes.pages,
    *staff.pages,
    *admin.pages,
)
