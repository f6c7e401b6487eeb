"""Russian texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_trainings": "Ваши тренировки",
    "trainings": "🎓 **Ваши тренировки**",
    "trainings_none": "🎓 **Тренировок пока нет.**",
    "trainings_plan_until": "🎓 **Ваши тренировки**\n\nС тарифом «{plan}» — без ограничений до {until}.",
    "trainings_plan": "🎓 **Ваши тренировки**\n\nС тарифом «{plan}» — без ограничений.",
    "trainings_admin": "🎓 **Ваши тренировки**\n\nБез ограничений: вы администратор.",
    "trainings_credits": "💬 Бонусные запросы: {credits}. На каждую тренировку уходит один.",
    "trainings_line": "🎁 {trainings|тренировка|тренировки|тренировок} {source}",
    "trainings_from_channel": "за подписку на канал",
    "trainings_from_promo": "по промокоду",
    "trainings_from_admin": "от администратора",
    "trainings_from_service": "от другого сервиса",
    "trainings_from_other": "в подарок",
    "trainings_channel": (
        "📣 Подпишитесь на **{channel}** и получите {trainings|бесплатную тренировку|бесплатные "
        "тренировки|бесплатных тренировок}."
    ),
    "trainings_channel_had": "📣 Вы уже получили бонус за подписку на **{channel}**. Спасибо, что читаете!",
    "trainings_open": "📣 {channel}",
    "trainings_joined": "✅ Проверить подписку",
    "trainings_given": "🎉 Спасибо! +{trainings|тренировка|тренировки|тренировок}",
    "trainings_already_given": "Вы уже получили бонус за этот канал.",
    "trainings_off": "Бонусов за подписку сейчас нет.",
    "trainings_not_joined": "Пока не вижу вас среди подписчиков {channel}. Подпишитесь и нажмите ещё раз.",
    "trainings_later": (
        "Telegram не отвечает, поэтому не могу проверить подписку. Нажмите ещё раз через минуту."
    ),
    "trainings_broken": (
        "Не могу проверить подписку: у меня нет доступа к списку подписчиков. Это ошибка на нашей стороне, "
        "мы о ней уже знаем."
    ),
    "trainings_start": "Начать тренировку",
    "trainings_page_channel": "Подпишитесь на {channel} и получите {trainings|бесплатную тренировку|бесплатные тренировки|бесплатных тренировок}.",
    "trainings_page_had": "Вы уже получили бонус за подписку на {channel}.",
    "trainings_page_open": "Открыть канал",
    "trainings_page_joined": "Проверить подписку",
    "trainings_added_notice": "Спасибо! Тренировки добавлены.",
}
