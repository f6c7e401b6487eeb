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
    "menu_help": "❓ Помощь",
    "menu_back": "‹ Меню",
    "menu": "Напишите мне или выберите действие ниже.",
    "plan_FREE": "Бесплатный",
    "plan_PREMIUM": "Премиум",
    "resets_at": "в {time}, через {hours|час|часа|часов}",
    "resets_soon": "в {time}, через {minutes|минуту|минуты|минут}",
    "resets_month": "{date} в {time}",
    "ways_out": "Нужно больше запросов?",
    "way_out_trial": "✨ Попробуйте тариф бесплатно: /trial",
    "way_out_keys": "🔑 Используйте свой ключ к ИИ: /keys",
    "way_out_referral": "🎁 Пригласите друга: /referral",
    "menu_buy": "⭐ Купить",
}
