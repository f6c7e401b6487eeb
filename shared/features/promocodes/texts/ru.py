"""Russian texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_promo": "Ввести промокод",
    "promo_ask": "🏷 **Промокод**\n\nПришлите его следующим сообщением. Регистр букв не важен.",
    "promo_cancel": "Отмена",
    "promo_again": "Ввести другой код",
    "promo_malformed": "🤔 Это не похоже на промокод. В нём от 3 до 32 латинских букв, цифр, дефисов или подчёркиваний.",
    "promo_unknown": "🤔 Промокода **{code}** нет. Проверьте, нет ли опечатки, и попробуйте ещё раз.",
    "promo_expired": "⌛ Промокод **{code}** больше не действует.",
    "promo_used_up": "😔 У промокода **{code}** лимит активаций исчерпан.",
    "promo_not_yet": "⏳ Промокод **{code}** начнёт действовать {date}. Введите его в этот день или позже.",
    "promo_too_many_attempts": "🚦 Сегодня было слишком много неверных промокодов. Попробуйте завтра.",
    "promo_already_used": "👌 Вы уже использовали промокод **{code}**. Каждый код действует один раз.",
    "promo_waits": "🏷 Промокод **{code}** уже применён: скидка {percent}% на следующую разовую покупку.",
    "promo_month": "🎁 **Промокод {code} принят!**\n\nТариф **«{plan}»** активен до {until}.",
    "promo_credits": (
        "🎁 **Промокод {code} принят!**\n\nНачислено: **{value|бонусный запрос|бонусных запроса|бонусных "
        "запросов}**. Бонусные запросы не сгорают."
    ),
    "promo_trainings": (
        "🎁 **Промокод {code} принят!**\n\nНачислено: **{value|бесплатная тренировка|бесплатные "
        "тренировки|бесплатных тренировок}**."
    ),
    "promo_percent": "🎁 **Промокод {code} принят!**\n\nСкидка **{percent}%** на следующую разовую покупку.",
    "promo_percent_until": (
        "🎁 **Промокод {code} принят!**\n\nСкидка **{percent}%** на следующую разовую покупку, действует до "
        "{until}."
    ),
    "promo_title": "Промокод",
    "promo_code": "Код",
    "promo_hint": "Можно прописными или строчными буквами.",
    "promo_apply": "Применить",
    "promo_to_product": "Вернуться к покупке",
    "promo_to_shop": "Перейти в магазин",
    "promo_batch_menu": "Пачки промокодов",
    "promo_batch_title": "Пачки промокодов",
    "promo_batch_about": "Каждый код срабатывает один раз. Пользователь может активировать только один код из пачки.",
    "promo_batch_credits": "Бонусные запросы",
    "promo_batch_percent": "Скидка, %",
    "promo_batch_month": "Месяцы тарифа",
    "promo_batch_trainings": "Тренировки",
    "promo_batch_used": "Использовано {used} из {size}",
    "promo_batch_until": "до {date}",
    "promo_batch_is_off": "Выключена",
    "promo_batch_off": "Выключить",
    "promo_batch_on": "Включить",
    "promo_batch_older": "Старше",
    "promo_batch_new": "Новая пачка",
    "promo_batch_prefix": "Начало кода (2–16 латинских букв или цифр)",
    "promo_batch_kind": "Что даёт код",
    "promo_batch_value": "Сколько",
    "promo_batch_size": "Количество кодов (до 5 000)",
    "promo_batch_days": "Срок в днях (пусто — без срока)",
    "promo_batch_note": "Заметка для администраторов",
    "promo_batch_create": "Создать",
    "promo_batch_created_notice": "Пачка готова. Скачайте коды в CSV.",
    "promo_batch_switched_notice": "Сохранено.",
    "promo_batch_wrong": "Не создано: проверьте число для этого вида кода.",
    "promo_batch_none": "Пачек пока нет.",
}
