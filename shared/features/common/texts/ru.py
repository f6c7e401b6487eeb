"""Russian texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "menu_profile": "👤 Профиль",
    "menu_plan": "Тариф: **{plan}**",
    "menu_left": "Осталось сегодня: **{left}** из {limit}",
    "menu_left_month": "Осталось в этом месяце: **{left}** из {limit}",
    "menu_unlimited": "Запросов сегодня: **{used}**, без ограничений",
    "menu_bonus": "Бонусных запросов: **{credits}**",
    "menu_balance": "Баланс: **{balance}**",
    "command_resume": "Продолжить с места остановки",
    "menu_quiz": "🧠 Квиз",
    "menu_daily": "🔥 Вызов дня",
    "menu_help": "❓ Помощь",
    "menu_back": "‹ Меню",
    "menu": "Напишите мне или выберите действие ниже.",
    "plan_FREE": "Бесплатный",
    "plan_PREMIUM": "Премиум",
    "resets_at": "в {time}, через {hours|час|часа|часов}",
    "resets_soon": "в {time}, через {minutes|минуту|минуты|минут}",
    "resets_month": "{date} в {time}",
    "upgrade_options": "Нужно больше запросов?",
    "upgrade_option_trial": "✨ Попробуйте тариф бесплатно: /trial",
    "upgrade_option_keys": "🔑 Используйте свой ключ к ИИ: /keys",
    "upgrade_option_referral": "🎁 Пригласите друга: /referral",
    "menu_buy": "⭐ Купить",
}
