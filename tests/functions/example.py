"""A second product bot on the same users: it sells, shows and erases, and counts on request."""

from __future__ import annotations

from shared.features import language, support, with_common
from shared.telegram import Bot
from tests.functions import counter

bot = Bot(
    "example",
    "Sells plans and counts.",
    with_common(counter.feature, without=(language.feature, support.feature)),
)
