"""Leads: what conversations say about users as buyers, where they come from, and what the team does next.

qualification.py  asks the AI        material.py   what the AI is sent
evidence.py       what counts        rubric.py     the score
handlers.py       links of ads       jobs.py       the job
"""

from shared.telegram.feature import Feature

feature = Feature(__name__, links=("ad_",))
