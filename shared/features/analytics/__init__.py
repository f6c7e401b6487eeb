"""How the business does: figures on the page /analytics, as CSV, and in a daily report in the chat.

pages.py     the page, its sections and CSV files        blocks.py    what a section shows
users.py     active users, retention, funnel, referrals  money.py     revenue and subscriptions
costs.py     AI cost and margin                          learning.py  trainings and courses
report.py    the daily report                            jobs.py      sums each day, sends the reports
handlers.py  switches the report on and off in the chat  periods.py   the period that a visitor chose

All figures come from SQL functions analytics_* (docs/analytics.md), which the page and the report share.
"""

from shared.telegram.feature import Feature

feature = Feature(__name__, buttons=("report",), admin_only=True)
