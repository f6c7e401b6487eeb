"""The pages of the staff: roles, and who did what."""

from __future__ import annotations

from shared.features.staff.pages import access, audit, members

pages = (*members.pages, *audit.pages, *access.pages)
