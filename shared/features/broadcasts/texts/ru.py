"""Russian texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_unsubscribe": "Новости и предложения",
    "unsubscribe": "Новости и предложения",
    "broadcast_stop_button": "🔕 Отписаться",
    "broadcast_again_button": "🔔 Подписаться снова",
    "broadcast_takes": (
        "🔔 **Новости и предложения включены**\n\nПишем редко. Если отписаться, сообщения о покупках и ваши "
        "напоминания будут приходить как раньше."
    ),
    "broadcast_stopped": (
        "🔕 **Новости и предложения отключены**\n\nСообщения о покупках и ваши напоминания будут приходить как раньше."
    ),
    "broadcast_stopped_notice": "Вы отписаны",
}
