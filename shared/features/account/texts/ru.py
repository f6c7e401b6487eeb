"""Russian texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_profile": "Тариф и запросы на сегодня",
    "command_profile_no_chat": "Тариф и баланс",
    "command_profile_free": "Ваш профиль",
    "command_usage": "Сколько запросов использовано и осталось",
    "command_whoami": "Ваш Telegram ID",
    "menu_usage": "📊 Использование",
    "profile": (
        "👤 **Ваш профиль**\n\nID: `{id}`\nС нами с {since}\nТариф: **{plan}**\n{paid}Сегодня: {used} из "
        "{limit|запроса|запросов|запросов}\n{month}Лимит обновится {resets}\n{bonus}Баланс: {balance}"
    ),
    "profile_unlimited": (
        "👤 **Ваш профиль**\n\nID: `{id}`\nС нами с {since}\nТариф: **{plan}**\n{paid}Сегодня: "
        "{used|запрос|запроса|запросов}, без ограничений\n{month}{bonus}Баланс: {balance}"
    ),
    "profile_no_chat": (
        "👤 **Ваш профиль**\n\nID: `{id}`\nС нами с {since}\nТариф: **{plan}**\n{paid}{bonus}Баланс: {balance}"
    ),
    "profile_free": "👤 **Ваш профиль**\n\nID: `{id}`\nС нами с {since}",
    "profile_offline": (
        "👤 **Ваш профиль**\n\nID: `{id}`\n\n⚠️ Сейчас не могу загрузить тариф, запросы и баланс. Ничего не "
        "пропало. Загляните через несколько минут."
    ),
    "profile_without_database": (
        "👤 **Ваш профиль**\n\nID: `{id}`\n\nℹ️ Бот работает без базы данных: тарифов, баланса и истории "
        "здесь нет."
    ),
    "profile_month": "В этом месяце: {used} из {limit|запроса|запросов|запросов}",
    "profile_bonus": "Бонусные запросы: {credits}",
    "profile_plan_ends": "Тариф активен до {date}",
    "profile_renewal_active": "Автопродление: включено",
    "profile_renewal_past_due": "Автопродление: включено, но последнее списание не прошло. Подробнее: /subscription",
    "profile_renewal_off": "Автопродление: отключено",
    "usage_head": "📊 **Ваши запросы**\n\nТариф: **{plan}**",
    "usage_today": "Сегодня: **{used}** из {limit}, лимит обновится {resets}",
    "usage_today_unlimited": "Сегодня: **{used}**, без ограничений",
    "usage_month": "В этом месяце: **{used}** из {limit}, лимит обновится {date}",
    "usage_month_unlimited": "В этом месяце: **{used}**",
    "usage_bonus": "🎁 Бонусные запросы: **{credits}**, не сгорают",
    "usage_referrals": (
        "👥 Приглашения: засчитано {total}, без первого вопроса {pending}. Вы заработали "
        "{earned|запрос|запроса|запросов}"
    ),
    "usage_calls": (
        "🤖 ИИ в этом месяце: {calls|обращение|обращения|обращений}, в среднем {seconds} с, токенов — {tokens}"
    ),
    "usage_user_api_key": "🔑 С вашим ключом: {calls|обращение|обращения|обращений}{cost}",
    "picture_title": "Запросы",
    "picture_today": "Сегодня",
    "picture_left": "осталось из\u00a0{limit}",
    "picture_left_bonus": "осталось из\u00a0{limit}, дальше бонусные",
    "picture_out_month": "обновятся {date}",
    "picture_unlimited": "без ограничений",
    "picture_month": "Этот месяц",
    "picture_month_of": "из {limit}",
    "picture_average": "в среднем {average} в день",
    "picture_bonus": "+{credits|бонусный запрос|бонусных запроса|бонусных запросов}",
    "picture_days": "30 дней",
    "picture_most": "максимум: {most}",
    "picture_limit": "{limit} в день",
    "picture_paid_bonus": "бонусные",
    "picture_user_api_key": "свой ключ",
    "picture_nothing": "Здесь появится статистика по дням",
    "whoami": "🪪 Ваш Telegram ID: `{id}`\n\nНажмите на число, чтобы скопировать.",
}
