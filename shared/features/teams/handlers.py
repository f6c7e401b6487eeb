"""The handlers of teams."""

from __future__ import annotations

from shared.features.teams import assigning, certificates, members, report, tasks, team
from shared.telegram.router import Router

router = Router(
    team.router, members.router, assigning.router, tasks.router, report.router, certificates.router
)
