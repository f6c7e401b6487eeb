"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_language": "Change the language",
    "language_choose": "🌐 Choose your language",
    "language_set": "Done! I’ll speak English.",
}
