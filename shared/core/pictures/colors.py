"""The colors that pictures have in common.

Telegram tells bots no theme. A dark card reads well on a light chat and does not glare on a dark one.
"""

GROUND, CARD, TRACK = "#17212b", "#22303d", "#36475a"
INK, QUIET = "#f3f6fa", "#a9b8c8"
BLUE, BLUE_BADGE, BLUE_INK = "#4f8fff", "#26436f", "#a9c9ff"
GOLD, GOLD_BADGE, GOLD_INK = "#f7b23b", "#4b3b1d", "#ffcb66"
SILVER, BRONZE = "#c3cfdb", "#d9935a"
GREEN = "#2fd3a2"
DARK_INK = "#17212b"  # on gold, silver and bronze
