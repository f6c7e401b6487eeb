"""Limits of the Markdown input and of the text rendered from it."""

from __future__ import annotations

# Characters. A longer answer (over thirty messages) is sent as plain text. The slowest input of this length
# takes about 0.4 s of CPU, a normal one 20 to 70 ms.
MAX_MARKDOWN = 131_072

# Characters rendered from parts of the source that appear many times in the text: the headers of a table
# with a record per row, the URL behind `[label]`.
MAX_REPEATED = MAX_MARKDOWN
