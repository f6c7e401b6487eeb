"""Russian texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_language": "Сменить язык",
    "language_choose": "🌐 Выберите язык",
    "language_set": "Готово! Буду отвечать по-русски.",
}
