"""The pages of conversations: a shared one, the list of those that a user shares, and the memory."""

from __future__ import annotations

from shared.features.conversations.pages import memory, shared_page, sharing

pages = (shared_page.page, *sharing.pages, *memory.pages)
