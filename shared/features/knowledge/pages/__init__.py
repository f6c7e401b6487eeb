"""Pages of the knowledge base, and what pages of the messenger ask the AI for."""

from __future__ import annotations

from shared.features.knowledge.pages import assisting, candidates, editor, listing, public

pages = (*listing.pages, *editor.pages, *candidates.pages, *public.pages, *assisting.pages)
