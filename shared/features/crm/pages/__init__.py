"""The pages of the CRM: the board, a lead, links of ads, the sheet of all leads."""

from __future__ import annotations

from shared.features.crm.pages import board, card, export, links

pages = (*board.pages, *card.pages, *links.pages, *export.pages)
