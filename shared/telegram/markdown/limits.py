"""How much Markdown is read, and how much may come of it."""

from __future__ import annotations

# Characters. An answer of 100 kB is still read; what is longer is over thirty messages and goes out as plain
# text. The slowest input of this length takes about 0.4 s of CPU, an honest one 20 to 70 ms.
MAX_MARKDOWN = 131_072

# Characters that may come of what stands in the source once and in the text many times: the headers of a
# table with a record for each row, the address behind `[label]`.
MAX_REPEATED = MAX_MARKDOWN
