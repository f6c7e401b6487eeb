"""Russian."""

from __future__ import annotations

from collections.abc import Mapping

NAME = "🇷🇺 Русский"
DATE = "%d.%m.%Y"  # for strftime
MONTHS = (
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
)  # fmt: skip
TIME_ZONES: Mapping[str, str] = {"MSK": "МСК"}
DECIMAL, THOUSANDS = ",", "\u00a0"
LEADING_SYMBOLS = ""  # of currencies, before the figure


def plural(count: int) -> int:
    """Return which form a word takes after `count`: 0 «1 запрос», 1 «2 запроса», 2 «5 запросов»."""
    if count % 10 == 1 and count % 100 != 11:
        return 0
    if 2 <= count % 10 <= 4 and not 12 <= count % 100 <= 14:
        return 1
    return 2


TEXTS: Mapping[str, str] = {
    # Команды, как их показывают меню и /help
    "command_start": "Запустить бота",
    "command_help": "Всё, что я умею",
    "command_profile": "Тариф и запросы на сегодня",
    "command_usage": "Сколько запросов использовано и осталось",
    "command_mode": "Выбрать режим ответов",
    "command_language": "Сменить язык",
    "command_referral": "Пригласить друзей и получить запросы",
    "command_trial": "Попробовать тариф бесплатно",
    "command_trainings": "Ваши тренировки",
    "command_privacy": "Что мы о вас храним",
    "command_mydata": "Скачать свои данные",
    "command_deleteme": "Удалить свои данные",
    "command_keys": "Свои ключи к ИИ",
    "command_clear": "Очистить разговор",
    "command_whoami": "Ваш Telegram ID",
    "command_cancel": "Отменить текущее действие",
    "command_stats": "Пользователи, запросы, расходы и выручка",
    "command_user": "Найти пользователя: ID, @имя или часть имени",
    "command_grant": "Начислить бонусные запросы: @имя сколько [за что]",
    "command_givetrainings": "Начислить тренировки: @имя сколько [за что]",
    "command_addbalance": "Пополнить баланс: @имя сумма [за что]",
    "command_reset": "Сбросить лимит за месяц: @имя",
    "command_plan": "Назначить тариф: @имя ТАРИФ [дней]",
    "command_unban": "Разбанить: @имя",
    "command_ban": "Забанить: @имя [причина]",
    "command_products": "Товары и цены",
    "command_promocode": "Промокоды: список, создать, включить, выключить",
    "command_payment": "Платёж по номеру и всё, что требует внимания",
    "command_refund": "Вернуть деньги: номер платежа [сумма]",
    "command_check": "Проверить, сходятся ли платежи и балансы",
    "command_statement": "Сверить платежи с данными провайдеров",
    "command_audit": "Журнал действий администраторов",
    # Главное меню
    "menu_profile": "👤 Профиль",
    "menu_mode": "Режим: {mode}",
    "command_menu": "Меню: тариф и запросы",
    "menu_plan": "Тариф: **{plan}**",
    "menu_left": "Осталось сегодня: **{left}** из {limit}",
    "menu_left_month": "Осталось в этом месяце: **{left}** из {limit}",
    "menu_unlimited": "Запросов сегодня: **{used}**, без ограничений",
    "menu_bonus": "Бонусных запросов: **{credits}**",
    "menu_balance": "Баланс: **{balance}**",
    "menu_help": "❓ Помощь",
    "menu_usage": "📊 Использование",
    "menu_back": "‹ Меню",
    "welcome": (
        "👋 **Здравствуйте, {name}!**\n\nЯ ИИ-помощник. Пришлите вопрос, черновик, который нужно улучшить, "
        "или код, который не работает. Я помню разговор, поэтому можно просто продолжать.\n\nВаш лимит — "
        "{limit|запрос|запроса|запросов} в день."
    ),
    "welcome_unlimited": (
        "👋 **Здравствуйте, {name}!**\n\nЯ ИИ-помощник. Пришлите вопрос, черновик, который нужно улучшить, "
        "или код, который не работает. Я помню разговор, поэтому можно просто продолжать."
    ),
    "welcome_group": (
        "👋 **Здравствуйте, {name}!**\n\nЧтобы задать мне вопрос в группе, упомяните меня или ответьте на моё сообщение. "
        "Профиль, покупки и настройки открываются в личном чате со мной."
    ),
    "welcome_back": "👋 **С возвращением, {name}!**\n\nНапишите мне или выберите действие ниже.",
    "welcome_offline": (
        "👋 **Здравствуйте, {name}!**\n\nЯ ИИ-помощник. Спрашивайте о чём угодно.\n\n⚠️ Сейчас не могу "
        "загрузить историю и настройки, поэтому отвечаю без них."
    ),
    "welcome_without_database": (
        "👋 **Здравствуйте, {name}!**\n\nЯ ИИ-помощник. Спрашивайте о чём угодно.\n\nℹ️ Я работаю без базы "
        "данных: не помню прошлых сообщений и не считаю запросы."
    ),
    "menu": "Напишите мне или выберите действие ниже.",
    "help": "**Что я умею**\n\nНапишите сообщение, и я отвечу с помощью ИИ.{group}",
    "help_group": " В группе упомяните меня или ответьте на моё сообщение.",
    "help_chat": "**Общение**",
    "help_plan": "**Тариф и запросы**",
    "help_data": "**Настройки и данные**",
    "help_more": "**Помощь**",
    "help_admin": "🛡 **Для администраторов**",
    "gift_credits": (
        "🎁 Вам начислено: **{count|бонусный запрос|бонусных запроса|бонусных запросов}**. Бонусные запросы не "
        "сгорают и тратятся, только когда лимит тарифа исчерпан. Всего у вас: {left}."
    ),
    "gift_credits_taken": (
        "Списано: {count|бонусный запрос|бонусных запроса|бонусных запросов}. Осталось: {left}. Вопросы: "
        "/paysupport"
    ),
    "gift_trainings": (
        "🎁 Вам начислено: **{count|тренировка|тренировки|тренировок}**. Всего у вас: {left}. Посмотреть: "
        "/trainings"
    ),
    "gift_trainings_taken": (
        "Списано: {count|тренировка|тренировки|тренировок}. Осталось: {left}. Вопросы: /paysupport"
    ),
    "gift_balance": "🎁 Начислено на баланс: **{count}**. Теперь на балансе {left}.",
    "gift_balance_taken": "Списано с баланса: {count}. Осталось: {left}. Вопросы: /paysupport",
    "gift_reset": "🔄 Ваш лимит сброшен: все запросы снова доступны.",
    "gift_reset_undone": "Мы сбросили ваш лимит по ошибке и отменили сброс. Сколько запросов осталось: /usage",
    "gift_plan": "⭐ Вам подключён тариф **«{plan}»** до {until}.",
    "gift_plan_endless": "⭐ Вам бессрочно подключён тариф **«{plan}»**.",
    "gift_plan_ended": "Тариф «{before}» отключён. Сейчас у вас тариф «{plan}». Вопросы: /paysupport",
    "help_admin_users": "**Пользователи**",
    "help_admin_payments": "**Продажи**",
    "help_admin_more": "**Бот**",
    # Профиль
    "profile": (
        "👤 **Ваш профиль**\n\nID: `{id}`\nС нами с {since}\nТариф: **{plan}**\n{paid}Сегодня: {used} из "
        "{limit|запроса|запросов|запросов}\n{month}Лимит обновится {resets}\n{bonus}Баланс: {balance}"
    ),
    "profile_unlimited": (
        "👤 **Ваш профиль**\n\nID: `{id}`\nС нами с {since}\nТариф: **{plan}**\n{paid}Сегодня: "
        "{used|запрос|запроса|запросов}, без ограничений\n{month}{bonus}Баланс: {balance}"
    ),
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
    "plan_FREE": "Бесплатный",
    "plan_PREMIUM": "Премиум",
    "resets_at": "в {time}, через {hours|час|часа|часов}",
    "resets_soon": "в {time}, через {minutes|минуту|минуты|минут}",
    "resets_month": "{date} в {time}",
    # Использование: подпись и слова на картинке
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
    # Язык
    "language_choose": "🌐 Выберите язык",
    "language_set": "Готово! Буду отвечать по-русски.",
    # Режимы
    "mode_choose": "🎛 **Как мне отвечать?**\n\n{modes}\n\nТекущий режим: **{current}**",
    "mode_set": "Режим: {mode}",
    "mode_chat": "💬 Помощник",
    "mode_chat_about": "отвечает на вопросы и помогает с любыми задачами",
    "mode_translate": "🔤 Переводчик",
    "mode_translate_about": "переводит всё, что вы пришлёте",
    "mode_code": "🧑‍💻 Программист",
    "mode_code_about": "пишет и объясняет код",
    "mode_locked": "🔒 {mode}",
    "mode_not_included": "Этот режим не входит в ваш тариф.",
    "mode_gone": "Этот режим больше недоступен.",
    # Приглашения
    "referral": (
        "🎁 **Пригласите друзей**\n\nВаша ссылка:\n{link}\n\nКогда друг задаст первый вопрос, вы получите "
        "{referrer_credits|бонусный запрос|бонусных запроса|бонусных запросов}, а он — "
        "{referred_credits}.\n\nПришли по ссылке: {invited}\nЗадали вопрос: {completed}\nВы заработали: "
        "{credits|запрос|запроса|запросов}"
    ),
    "referral_share": "📤 Поделиться ссылкой",
    "referral_qr": "🔳 QR-код",
    "referral_invitation": "ИИ-помощник прямо в Telegram. Попробуй:",
    "referral_notice": (
        "🎉 По вашей ссылке пришёл новый пользователь ({name}) и задал первый вопрос. Вы получили "
        "{credits|бонусный запрос|бонусных запроса|бонусных запросов}!"
    ),
    # Пробный период и тренировки
    "trial_button": "✨ {days|день|дня|дней} бесплатно",
    "trial_available": (
        "✨ **Тариф «{plan}»: {days|день|дня|дней} бесплатно**\n\nКарта не нужна, автоматических списаний не "
        "будет: когда срок закончится, вы вернётесь на бесплатный тариф. Пробный период даётся один раз."
    ),
    "trial_start": "✨ Начать",
    "trial_started": (
        "🎉 **Пробный период начался.** Тариф «{plan}» активен до {until}.\n\nМы напомним, когда срок будет "
        "подходить к концу. Если купите тариф раньше, оставшиеся дни не пропадут."
    ),
    "trial_running": "✨ Пробный период уже идёт: тариф **«{plan}»** активен до {until}.",
    "trial_already_used": (
        "Вы уже использовали пробный период, он даётся один раз. Если понравилось, выберите тариф ниже."
    ),
    "trial_paid_already": "Пробный период доступен только новым пользователям. Ваш тариф: /subscription",
    "trial_off": "Пробного периода сейчас нет. Выберите тариф ниже.",
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
    # Ваши данные
    "whoami": "🪪 Ваш Telegram ID: `{id}`\n\nНажмите на число, чтобы скопировать.",
    "privacy_without_database": (
        "🔐 **Что мы о вас храним**\n\nНичего. Бот работает без базы данных, поэтому сообщения и настройки не "
        "сохраняются.\n\nВопросы уходят провайдеру ИИ без вашего имени и ID."
    ),
    "privacy": (
        "🔐 **Что мы о вас храним**\n\n• Имя, юзернейм, язык и ID: их Telegram передаёт каждому боту.\n• "
        "Разговоры с нашими ботами, чтобы ИИ помнил контекст. Храним {messages_days|день|дня|дней}.\n• "
        "Настройки, счётчики запросов, приглашения, промокоды, баланс и его историю.\n• Заказы и платежи: что, "
        "когда и за сколько, контакт для чеков и данные от платёжной системы. Полный номер карты мы не "
        "видим.\n• Журнал обращений к ИИ без текста сообщений (когда, к какой модели, сколько длилось). Храним "
        "{usage_months|месяц|месяца|месяцев}.\n• Ваши ключи к ИИ, если вы их добавили, в зашифрованном "
        "виде.\n• Журнал обработанных сообщений. Храним {updates_hours|час|часа|часов}, а если обработать "
        "сообщение не удалось, до {dead_letters_days|дня|дней|дней}, чтобы найти ошибку.\n\nВопросы уходят "
        "провайдеру ИИ без вашего имени и ID.\n\n**Что можно сделать**\n\n/mydata — скачать всё, что мы "
        "храним\n/clear — очистить этот разговор\n/deleteme — удалить всё"
    ),
    "privacy_policy": "📜 Подробнее",
    "private_only": "🔒 Доступно только в личном чате.",
    "private_open": "Открыть личный чат",
    "mydata_caption": "📄 Всё, что мы о вас храним. Файл открывается в любом текстовом редакторе.",
    "mydata_more": "Это часть {part}. Чтобы получить следующую, нажмите кнопку.",
    "mydata_next": "Часть {part} ›",
    "mydata_wait": (
        "⏳ Файл с данными уже отправлен. Новый можно запросить через {minutes|минуту|минуты|минут}."
    ),
    "mydata_title": "Об этом файле",
    "mydata_about": (
        "Всё, что о вас хранят наши боты. Время — в формате ISO 8601, названия полей — как в базе данных."
    ),
    "mydata_explanation": "Пояснение",
    "mydata_stored": "Данные",
    "section_user": "Профиль",
    "section_user_about": (
        "Имя в Telegram, язык, дата регистрации и последнего сообщения, тариф, баланс, бонусные запросы и "
        "код приглашения."
    ),
    "section_sessions": "Чаты с ботами",
    "section_sessions_about": "Что каждый бот помнит о чате с вами: режим, настройки, счётчики.",
    "section_requests": "Запросы по дням",
    "section_requests_about": "Сколько запросов к ИИ вы сделали за каждый день. По ним мы считаем дневной лимит.",
    "section_months": "Запросы по месяцам",
    "section_months_about": "Сколько запросов к ИИ вы сделали за каждый месяц.",
    "section_ai_months": "Обращения к ИИ по месяцам",
    "section_ai_months_about": (
        "Сколько обращений, токенов, миллисекунд (ms) и долларов (cost) ушло на ваши запросы, по моделям. "
        "is_user_api_key — с вашим ключом."
    ),
    "section_ai_calls": "Обращения к ИИ",
    "section_ai_calls_about": (
        "Каждое обращение к ИИ без текста сообщений: когда, к какой модели, сколько длилось, какого объёма. "
        "Здесь последние 10 000, в итогах по месяцам — все."
    ),
    "section_keys": "Свои ключи к ИИ",
    "section_keys_about": (
        "Провайдер и последние символы каждого ключа. Сами ключи зашифрованы, в файле их нет."
    ),
    "section_balance": "История баланса",
    "section_balance_about": (
        "Все пополнения и списания. После удаления данных записи остаются для бухгалтерии, но уже без вашего "
        "имени."
    ),
    "section_payments": "Заказы и платежи",
    "section_payments_about": (
        "orders — ваши заказы, payments — полученные деньги, operations — что происходило с каждым платежом, "
        "refunds — запрошенные возвраты, effects — что вы получили, renewals — автопродления, events — "
        "уведомления от платёжной системы. После удаления данных суммы и номера остаются для бухгалтерии, но "
        "уже без вашего имени."
    ),
    "section_promocodes": "Промокоды",
    "section_promocodes_about": (
        "redeemed — что дал каждый промокод и какие скидки ещё не использованы; tries — сколько неверных кодов "
        "вы ввели за день. После удаления данных остаётся зашифрованная отметка об использованных кодах."
    ),
    "section_subscriptions": "Тарифы",
    "section_subscriptions_about": "Прошлые и текущие тарифы: как вы их получили и до какого числа они действуют.",
    "section_trainings": "Тренировки",
    "section_trainings_about": (
        "given — сколько тренировок вы получили, за что и сколько уже использовали; used — на что потрачены "
        "бонусные запросы и тренировки."
    ),
    "section_referrals": "Приглашения",
    "section_referrals_about": (
        "invited_by — по чьему приглашению пришли вы, invited — кто пришёл по вашему. Имён здесь нет: это "
        "данные других людей."
    ),
    "section_admins": "Действия администраторов",
    "section_admins_about": "Что администраторы меняли в ваших данных: было и стало.",
    "section_updates": "Журнал сообщений",
    "section_updates_about": (
        "Недавние сообщения и нажатия в том виде, в каком их прислал Telegram, и наши ответы. Хранятся "
        "несколько дней, чтобы ничего не потерялось и не повторилось."
    ),
    "section_unsent": "Ещё не отправлено",
    "section_unsent_about": "Сообщения вам, которые Telegram пока не принял.",
    "section_messages": "Разговоры",
    "section_messages_about": "Ваши сообщения (user) и ответы ИИ (assistant), сначала старые.",
    "deleteme": (
        "🗑 **Удалить все ваши данные?**\n\n**Удалим:** профиль и настройки, переписку со всеми нашими "
        "ботами, счётчики запросов, ваши ключи к ИИ, приглашения и код приглашения."
    ),
    "deleteme_loses": "**Вы безвозвратно потеряете:**",
    "deleteme_loses_nothing": "Оплаченного тарифа, бонусных запросов, тренировок и денег на балансе у вас нет.",
    "deleteme_plan_until": "тариф «{plan}» до {until}",
    "deleteme_plan": "тариф «{plan}», бессрочный",
    "deleteme_credits": "{credits|бонусный запрос|бонусных запроса|бонусных запросов}",
    "deleteme_trainings": "{trainings|бесплатная тренировка|бесплатные тренировки|бесплатных тренировок}",
    "deleteme_yes": "🗑 Удалить всё",
    "deleteme_no": "Ничего не удалять",
    "deleteme_sure": "⚠️ **Точно удалить?**",
    "deleteme_final": "После удаления ничего не вернуть: мы уже не узнаем, что принадлежало вам.",
    "deleteme_balance": "{balance} на балансе",
    "deleteme_keeps": (
        "**Сохраним без вашего имени:** заказы, платежи и действия администраторов — они нужны для "
        "бухгалтерии. Определить по ним, кто вы, нельзя. У платёжной системы останутся свои записи. Ещё "
        "сохраним зашифрованную отметку о том, какие бонусы новичка и промокоды вы использовали, сколько "
        "запросов сделали в этом месяце и закрыт ли вам доступ.\n\nСообщения в этом чате хранит Telegram. Их "
        "можно удалить вместе с чатом."
    ),
    "deleteme_renewal": (
        "🔁 **Сначала отключите автопродление.**\n\nИначе деньги продолжат списываться, а мы уже не узнаем, "
        "что они ваши, и не сможем их вернуть."
    ),
    "deleteme_renewal_how": "Отключите его в /subscription и возвращайтесь: /deleteme",
    "deleteme_subscription": "🔁 К автопродлению",
    "deleteme_lose": "🗑 Да, удалить всё",
    "deleteme_kept": "Хорошо, ничего не удаляем.",
    "deleteme_done": (
        "✅ **Готово, ваши данные удалены.**\n\nЕсли захотите вернуться, просто напишите. Начнём заново."
    ),
    # Баны
    "banned": (
        "🚫 **Доступ к боту закрыт.**\n\nВас заблокировал администратор, поэтому отвечать на сообщения я не "
        "могу.\n\nСкачать или удалить свои данные по-прежнему можно: /privacy"
    ),
    "unbanned": "✅ Доступ снова открыт, ботом можно пользоваться.",
    "banned_reason": (
        "🚫 **Доступ к боту закрыт.**\n\nВас заблокировал администратор, поэтому отвечать на сообщения я не "
        "могу. Причина: {reason}\n\nСкачать или удалить свои данные по-прежнему можно: /privacy"
    ),
    # Товары для администратора
    "admin_products": "🛍 **Товары**\n\nНажмите на товар, чтобы изменить его.",
    "admin_products_on": "🟢 **{title}**\n{prices}",
    "admin_products_off": "⚪️ **{title}** · скрыт\n{prices}",
    "admin_product": "🛍 **{title}**\n\nСтатус: **{state}**\nПокупатель получит: {gives}\nЦены: {prices}\nКлюч: `{key}`",
    "admin_product_on": "в продаже",
    "admin_product_off": "скрыт",
    "admin_product_priceless": "цен пока нет",
    "admin_product_gives_month": "тариф «{plan}» на месяц",
    "admin_product_gives_year": "тариф «{plan}» на год",
    "admin_product_gives_credits": "{quantity|бонусный запрос|бонусных запроса|бонусных запросов}",
    "admin_product_gives_balance": "{money} на баланс",
    "admin_product_gives_course": "курс",
    "admin_product_none": "Товара {key} нет.",
    "admin_product_send_prices": (
        "💰 **Цены: {title}**\n\nСейчас: {prices}\n\nПришлите новые одним сообщением: `350 ⭐, 499 RUB, 5.99 USD`\n"
        "Чтобы убрать цену, поставьте минус перед валютой: `-USD`. Цены в остальных валютах не изменятся."
    ),
    "admin_product_prices_unreadable": (
        "Не удалось разобрать цены. Укажите для каждой сумму и валюту, например: `350 ⭐, 499 RUB, 5.99 USD`"
    ),
    "admin_product_unknown_currency": "Платежи в валюте {currency} не принимает ни один провайдер. Проверьте код и пришлите цены ещё раз.",
    "admin_product_prices_refused": "Такие цены не подходят, мы их не сохранили. Исправьте и пришлите ещё раз.",
    "admin_price_currency": "«{currency}» — не код валюты.",
    "admin_price_number": "{currency}: укажите цену числом.",
    "admin_price_zero": "{currency}: цена должна быть больше нуля.",
    "admin_price_decimals": "{currency}: после запятой не больше двух цифр. Тысячи пишите слитно, например 1000.",
    "admin_price_whole": "{currency}: цена должна быть целым числом.",
    "admin_price_minimum": "{currency}: цена слишком маленькая. Минимум для способа оплаты «{provider}» — {limit}.",
    "admin_price_maximum": "{currency}: цена слишком большая. Максимум — {limit}.",
    "admin_price_stars_month": (
        "{currency}: цена слишком большая. Telegram разрешает не больше {limit} в месяц."
    ),
    "admin_product_last_price": "Это последняя цена товара, который сейчас в продаже. Сначала скройте товар.",
    "admin_product_unchanged": "Ничего не изменилось: всё уже так и указано.",
    "admin_product_prices_question": "💰 **Изменить цены: {title}?**",
    "admin_price_new": "{new} (новая)",
    "admin_price_gone": "{old}: убрать",
    "admin_price_change": "{old} → {new}",
    "admin_price_jump": "{old} → {new} ⚠️ ×{times}",
    "admin_product_prices_keep": "Для действующих подписок и в уже выставленных счетах цена не изменится.",
    "admin_product_orders_keep": "В уже выставленных счетах цена не изменится.",
    "admin_product_words": "{flag} **{title}**\n{about}",
    "admin_price_unsold": (
        "**{money}**: ⚠️ покупатели эту цену не видят, такую валюту не принимает ни один подключённый провайдер"
    ),
    "admin_price_top_up": "⚠️ Покупатель заплатит {costs}, а на баланс получит {adds}. Проверьте цену.",
    "admin_price_warning": "⚠️",
    "admin_product_preview": "👁 **Что видит покупатель**",
    "admin_preview_shop": "{flag} Кнопка **{label}** открывает:",
    "admin_preview_button": "▫️ {label}",
    "admin_product_texts": "✏️ **Названия и описания**\n\nВыберите, на каком языке изменить тексты.",
    "admin_product_send_texts": (
        "✏️ **{language}**\n\nПришлите название первой строкой, а описание — ниже. Сейчас:\n\n`{title}\n{description}`\n\n"
        "Название — до 32 символов, описание — до 255. Если прислать только название, описание не изменится."
    ),
    "admin_text_title_empty": "Нет названия. Напишите его первой строкой.",
    "admin_text_title_long": (
        "В названии {length|символ|символа|символов}, а можно не больше {limit}. Сократите и пришлите ещё "
        "раз."
    ),
    "admin_text_title_characters": "В названии есть символы, которые нельзя показать. Пришлите обычный текст.",
    "admin_text_description_long": (
        "В описании {length|символ|символа|символов}, а можно не больше {limit}. Сократите и пришлите ещё "
        "раз."
    ),
    "admin_text_description_characters": "В описании есть символы, которые нельзя показать. Пришлите обычный текст.",
    "admin_product_texts_question": "✏️ **Сохранить тексты?** Язык: {language}",
    "admin_product_no_price": "У товара пока нет цены. Назначьте её, а потом выставьте товар на продажу.",
    "admin_product_no_contact": (
        "📮 **Сначала укажите контакт для покупателей.** Telegram требует его от каждого продавца.\n\nУкажите в "
        "`_SUPPORT_CONTACT` @имя, адрес почты или ссылку, разверните бота и выставьте товар на продажу. "
        "Контакт появится в /paysupport."
    ),
    "admin_product_show_question": "🟢 **Выставить на продажу: {title}?** Покупатели увидят:",
    "admin_product_hide": (
        "⚪️ **Скрыть: {title}?**\n\nТовар исчезнет из /buy. Выставленные счета можно будет оплатить."
    ),
    "admin_product_hide_repeats": (
        "⚪️ **Скрыть: {title}?**\n\nТовар исчезнет из /buy. Выставленные счета можно будет оплатить, а "
        "действующие подписки будут продлеваться как раньше."
    ),
    "admin_product_old": "Эта кнопка устарела. Откройте /products ещё раз.",
    "admin_product_changed": (
        "Этот товар только что изменил другой администратор, поэтому мы ничего не сохранили. Проверьте, что "
        "указано сейчас."
    ),
    "admin_product_saved": "Сохранено",
    "admin_button_products": "‹ Все товары",
    "admin_button_product": "‹ К товару",
    "admin_button_product_cancel": "Отмена",
    "admin_button_prices": "💰 Изменить цены",
    "admin_button_prices_yes": "💰 Да, изменить цены",
    "admin_button_prices_jump": "⚠️ Да, именно столько",
    "admin_button_titles": "✏️ Изменить тексты",
    "admin_button_texts_yes": "✏️ Да, сохранить",
    "admin_button_preview": "👁 Как видит покупатель",
    "admin_button_show": "🟢 Выставить на продажу",
    "admin_button_hide": "⚪️ Скрыть",
    "audit_set_prices": "цены {before} → {after}",
    "audit_set_product_texts": "тексты ({language}): «{before}» → «{after}»",
    "audit_product_on": "товар выставлен на продажу",
    "audit_product_off": "товар скрыт",
    # Для администраторов
    "stats_head": "📊 **Статистика**",
    "stats_people": "\n👥 Всего пользователей: **{people}**\nАктивных чатов за час: **{sessions}**\n\nСегодня · 7 дней · 30 дней",
    "stats_new": "Новые, включая удалившихся: {figures}",
    "stats_active": "Активные: {figures}",
    "stats_requests": "Запросы: {figures}",
    "stats_calls": "Обращения к ИИ: {figures}",
    "stats_errors": "С ошибкой: {figures} ({share}% за 30 дней)",
    "stats_cost": "Расходы на ИИ: {figures}",
    "stats_tokens": "Токены за 30 дней: {tokens_in} на входе, {tokens_out} на выходе",
    "stats_models": "\n🤖 **Модели за 30 дней**",
    "stats_model": "{model}: {requests|запрос|запроса|запросов}, {cost}",
    "stats_picture": "Статистика",
    "stats_picture_requests": "Запросы",
    "stats_picture_errors": "ошибки ИИ",
    "stats_picture_people": "Активные пользователи",
    "stats_picture_new": "новые",
    "stats_picture_most": "максимум за день: {most}",
    "stats_picture_nothing": "За 30 дней ничего не было",
    "stats_tile_people": "Пользователи",
    "stats_tile_active": "Активны сегодня",
    "stats_tile_requests": "Запросы сегодня",
    "stats_tile_cost": "Расходы сегодня",
    "stats_money": "💰 **Выручка**\n\nСегодня · 7 дней · 30 дней",
    "stats_stars": "Звёзды",
    "stats_money_currency": "**{currency}**\nОплачено: {gross}\nВозвраты: {refunds}\nИтого: {net}",
    "stats_money_none": "За 30 дней платежей не было.",
    "stats_money_counts": "Платежи: {payments}\nВозвраты: {refunds}",
    "stats_paying": "**Сколько новых пользователей заплатили**\nСегодня: {day}\n7 дней: {week}\n30 дней: {month}",
    "stats_paying_of": "{paid} из {new} ({share}%)",
    "stats_tile_today": "сегодня: {figure}",
    "stats_tile_week": "7 дней: {figure}",
    "stats_tile_month": "30 дней: {figure}",
    "admin_usage_user": "Кого ищете? Пришлите ID, @имя или хотя бы два символа имени: `/user 123456789`, `/user @name`, `/user Анна`",
    "admin_found": "🔎 **{query}**\n\nНажмите на пользователя, чтобы открыть карточку.",
    "admin_found_more": "🔎 **{query}**\n\nЗдесь не все, кто нашёлся. Уточните имя или откройте карточку из списка.",
    "admin_usage_grant": (
        "Начислить бонусные запросы: `/grant @name 50 за найденную ошибку`\n\nЧтобы списать, укажите "
        "отрицательное число. Мы сообщим пользователю, но причину не назовём."
    ),
    "admin_usage_givetrainings": (
        "Начислить тренировки: `/givetrainings @name 3 за терпение`\n\nЧтобы списать неиспользованные, укажите "
        "отрицательное число. Мы сообщим пользователю, но причину не назовём."
    ),
    "admin_usage_addbalance": (
        "Пополнить баланс ({currency}): `/addbalance @name 100 за сбой`\n\nЧтобы списать, укажите "
        "отрицательное число. Мы сообщим пользователю, но причину не назовём."
    ),
    "admin_usage_reset": "Сбросить лимит за месяц: `/reset @name`",
    "admin_usage_plan": (
        "Назначить тариф: `/plan @name PREMIUM 30`\n\nСрок начинается сразу. Если не указать дни, тариф будет "
        "бессрочным. `/plan @name FREE` отключает тариф, который назначил администратор."
    ),
    "admin_usage_ban": "Забанить: `/ban @name спам`\n\nПричину пользователь увидит.",
    "admin_usage_unban": "Разбанить: `/unban @name`",
    "admin_usage_promocode": (
        "🏷 **Промокоды**\n\n`/promocode` — список\n`/promocode SUMMER` — подробно об одном\n`/promocode "
        "SUMMER percent 20 100 30 для подписчиков` — создать: скидка 20% на одну покупку, для 100 человек, "
        "на 30 дней, с заметкой для администраторов\n\nВместо `percent 20` можно `month 1`, `credits 50` или "
        "`trainings 3`. Число человек и дни необязательны, `-` — без ограничения."
    ),
    "admin_promocode_none": "Промокода {code} нет. Создать: `/promocode {code} percent 20 100 30`",
    "admin_promocode_bad": "🏷 Промокод не создан.\n\n{reasons}",
    "admin_promocode_bad_code": "Код: от 3 до 32 символов. Подойдут латинские буквы, цифры, - и _.",
    "admin_promocode_bad_kind": "Тип: укажите percent, month, credits или trainings.",
    "admin_promocode_bad_percent": "Скидка: укажите целое число от 1 до 99, без знака %.",
    "admin_promocode_bad_month": "Месяцы: укажите целое число от 1 до 36.",
    "admin_promocode_bad_credits": "Запросы: укажите целое число от 1 до миллиона.",
    "admin_promocode_bad_trainings": "Тренировки: укажите целое число от 1 до 1000.",
    "admin_promocode_bad_uses": "Число человек: укажите целое число от 1 до миллиона или - (без ограничения).",
    "admin_promocode_bad_days": "Дни: укажите целое число от 1 до 3660 или - (без ограничения).",
    "admin_promocode_taken": "Промокод {code} уже существует. Ничего не изменилось.",
    "admin_promocodes": "🏷 **Промокоды**\n\n{codes}",
    "admin_promocodes_none": "🏷 Промокодов пока нет. Создать: `/promocode SUMMER percent 20 100 30`",
    "admin_promocodes_line": "{code} — {gives}, активаций: {uses}, {state}",
    "admin_promocode": "🏷 **{code}**: {gives}\n\nСтатус: **{state}**\n{lines}\n\nСсылка: {link}",
    "admin_promocode_month": "«{plan}» на {value|месяц|месяца|месяцев}",
    "admin_promocode_credits": "{value|запрос|запроса|запросов}",
    "admin_promocode_trainings": "{value|тренировка|тренировки|тренировок}",
    "admin_promocode_percent": "скидка {value}%",
    "admin_promocode_uses": "Активаций: {uses}",
    "admin_promocode_of": "{uses} из {limit}",
    "admin_promocode_until": "До {date}",
    "admin_promocode_note": "Заметка: {note}",
    "admin_promocode_active": "действует",
    "admin_promocode_off": "выключен",
    "admin_promocode_used_up": "лимит исчерпан",
    "admin_promocode_over": "срок истёк",
    "admin_promocode_not_yet": "ещё не действует",
    "admin_button_promocode_off": "⏸ Выключить",
    "admin_button_promocode_on": "▶️ Включить",
    "admin_button_promocodes": "‹ Все промокоды",
    "audit_create_promocode": "промокод создан",
    "audit_promocode_on": "промокод включён",
    "audit_promocode_off": "промокод выключен",
    "admin_usage_audit": "Весь журнал: `/audit`. По одному пользователю: `/audit @name`",
    "admin_nobody": (
        "Не удалось найти: {who}. Пользователи появляются здесь после первого сообщения любому из ботов. "
        "Свой ID они видят в /profile."
    ),
    "admin_no_plan": "Тарифа {name} нет. Есть: {plans}",
    "admin_granted": "{name}: бонусные запросы {before} → {after}",
    "admin_gave_trainings": "{name}: тренировки {before} → {after}",
    "admin_balance": "{name}: баланс {before} → {after}",
    "admin_balance_too_low": "{name}: на балансе нет такой суммы.",
    "admin_reset": "{name}: запросы за месяц {before} → {after}",
    "admin_plan_set": "{name}: тариф {before} → {after}",
    "admin_plan_bought": (
        "{name}: тариф куплен ({plan}), поэтому не отключён. Чтобы отключить его, верните деньги через "
        "/payments."
    ),
    "admin_plan_until": "{plan} до {date}",
    "admin_banned": "{name}: забанен",
    "admin_unbanned": "{name}: разбанен",
    "admin_not_banned": "{name}: бана не было",
    "admin_is_admin": "{name} — администратор, его забанить нельзя.",
    "admin_bad_number": (
        "Такое число не подойдёт. Начислить можно до миллиона, назначить тариф — на срок до 3660 дней. Для "
        "бесплатного тарифа дни не указывайте: он бессрочный."
    ),
    "admin_done_differently": "Эту команду мы уже выполнили с другими значениями. Отправьте её новым сообщением.",
    "admin_ban_question": (
        "🚫 **Забанить пользователя {name}?**\n\nБоты перестанут ему отвечать. Чтобы указать причину, "
        "отправьте её вместе с /ban."
    ),
    "admin_ban_question_reason": (
        "🚫 **Забанить пользователя {name}?**\n\nБоты перестанут ему отвечать. Пользователь увидит причину: "
        "{reason}"
    ),
    "admin_ban_forgotten": "Эта кнопка устарела. Отправьте /ban ещё раз.",
    "admin_card": (
        "👤 **{name}**\n\nID: `{id}`\nЯзык: {language}\nТариф: **{plan}**\nСегодня: {today}\nВ этом месяце: "
        "{month}\nБонусные запросы: {credits}\nТренировки: {trainings}\nБаланс: {balance}\nОплачено: "
        "{money}\nПриглашено друзей: {referrals}\nСвои ключи к ИИ: {keys}\nС нами с {since}\nПоследнее "
        "сообщение: {last}{marks}"
    ),
    "admin_card_of": "{used} из {limit}",
    "admin_mark_admin": "🛡 Администратор",
    "admin_mark_blocked": "📵 Заблокировал бота",
    "admin_mark_banned": "🚫 Бан с {date}",
    "admin_mark_reason": "Причина: {reason}",
    "admin_button_card": "👤 Карточка",
    "admin_button_give": "🎁 Начислить",
    "admin_button_back": "‹ Карточка",
    "admin_button_grant": "🎁 +{credits|запрос|запроса|запросов}",
    "admin_button_reset": "🔄 Сбросить лимит",
    "admin_button_audit": "📜 Журнал",
    "admin_button_plan": "⭐ {plan} на {days|день|дня|дней}",
    "admin_button_no_plan": "Отключить тариф",
    "admin_button_ban": "🚫 Забанить",
    "admin_button_ban_yes": "🚫 Да, забанить",
    "admin_button_ban_no": "Отмена",
    "admin_button_unban": "✅ Разбанить",
    "admin_button_undo": "↩️ Отменить",
    "admin_button_undo_what": "↩️ Отменить: {what}",
    "undo_credits": "запросы {change}",
    "undo_trainings": "тренировки {change}",
    "undo_plan": "тариф {plan}",
    "undo_reset": "сброс лимита",
    "admin_undo_done": "Отменено: {before} → {after}",
    "admin_undo_part": "Отменено: {before} → {after}. Остальное уже использовано.",
    "admin_undo_known": "Это уже отменено.",
    "admin_undo_replaced": "Отменить нельзя: после этого уже были другие изменения.",
    "admin_undo_impossible": "Это отменить нельзя.",
    "undone_add_bonus_credits": "бонусные запросы",
    "undone_give_trainings": "тренировки",
    "undone_adjust_balance": "баланс",
    "undone_set_plan": "тариф",
    "undone_reset_user_usage": "сброс лимита",
    "audit_undo": "отменено: {what} {before} → {after}",
    "audit_adjust_balance": "баланс {before} → {after}",
    "admin_audit": "📜 **Журнал**\n\n{entries}",
    "admin_audit_of": "📜 **Журнал:** {name}\n\n{entries}",
    "admin_audit_empty": "Пока пусто.",
    "admin_audit_line": "{date}, {admin}\n{whom}: {what}",
    "admin_audit_reason": "«{reason}»",
    "admin_audit_erased": "Удалённый пользователь",
    "admin_audit_newest": "‹ Новые",
    "admin_audit_older": "Раньше ›",
    "audit_add_bonus_credits": "бонусные запросы {before} → {after}",
    "audit_give_trainings": "тренировки {before} → {after}",
    "audit_reset_user_usage": "запросы за месяц {before} → {after}",
    "audit_set_plan": "тариф {before} → {after}",
    "audit_ban_user": "бан",
    "audit_unban_user": "бан снят",
    # Платежи в руках администратора
    "admin_usage_payment": (
        "Какой платёж? Пришлите номер, наш или провайдера: `/payment 17`. Чтобы увидеть платежи, которые "
        "требуют внимания, отправьте /payment без номера."
    ),
    "admin_usage_payments": "Чьи платежи? Например: `/payments @name`",
    "admin_usage_refund": (
        "Какой платёж? `/refund 17` вернёт всё, `/refund 17 50` — часть.\n\nНомер можно посмотреть в "
        "/payment и `/payments @name`. Перед возвратом попросим подтверждение."
    ),
    "admin_no_payment": (
        "Не удалось найти платёж {which}. Номер можно посмотреть в /payment и `/payments @name`."
    ),
    "admin_payment": "💳 **Платёж {id}** · {money} · {status}",
    "admin_payment_provider": "{provider}, номер `{number}`",
    "admin_payment_person": "Покупатель: {person}",
    "admin_payment_payer": "неизвестен, платёж с Telegram ID {id}",
    "admin_payment_other_payer": "{name}, но платёж с другого Telegram ID ({id})",
    "admin_payment_nobody": "неизвестен или удалён",
    "admin_payment_bought": "Покупка: {title} (заказ {order})",
    "admin_payment_given": "Начислено: {given}",
    "admin_payment_refunded": "Возвращено: {money}",
    "admin_payment_disputed": "Списано по спору: {money}",
    "admin_payment_status_pending": "ожидает оплаты",
    "admin_payment_status_completed": "оплачен",
    "admin_payment_status_part": "оплачен, частично возвращён",
    "admin_payment_status_refunded": "возвращён",
    "admin_payment_status_disputed": "спор проигран",
    "admin_payment_status_failed": "не прошёл",
    "admin_payment_status_canceled": "отменён",
    "admin_given_subscription": "{quantity|день|дня|дней} тарифа",
    "admin_given_credits": "{quantity|запрос|запроса|запросов}",
    "admin_given_balance": "{quantity} на баланс",
    "admin_given_course": "курс",
    "admin_given_taken": "{given}, из них списано {taken}",
    "admin_problem_no_order": (
        "⚠️ **Нет заказа.** Когда заказ появится, платёж привяжется автоматически. Если этот аккаунт у "
        "провайдера использует и другой магазин, ничего не делайте. Иначе верните деньги."
    ),
    "admin_problem_amount": (
        "⚠️ **Неверная сумма.** Ничего не начислено. Верните деньги или выдайте покупку вручную: /plan, "
        "/grant."
    ),
    "admin_problem_currency": (
        "⚠️ **Неверная валюта.** Ничего не начислено. Верните деньги или выдайте покупку вручную: /plan, "
        "/grant."
    ),
    "admin_problem_owner": (
        "⚠️ **Платил другой человек,** или покупатель удалил свои данные. Ничего не начислено. Верните деньги."
    ),
    "admin_problem_test": (
        "⚠️ **Тестовый платёж.** Деньги не списаны, ничего не начислено. Проверьте, нет ли в секретах "
        "тестового ключа."
    ),
    "admin_problem_withdrawn": (
        "⚠️ **Заказ отменён.** Скидка из него уже использована или действует в более позднем заказе. Ничего не "
        "начислено. Верните деньги."
    ),
    "admin_problem_second_charge": (
        "⚠️ **Оплачено дважды.** Заказ уже оплачен другим платежом, за этот ничего не начислено. Верните "
        "деньги."
    ),
    "admin_refund_line": "↩️ {money}: {state}\n{admin}, {date}",
    "admin_refund_state_open": "не подтверждён, проверяем",
    "admin_refund_state_accepted": "принят провайдером, деньги в пути",
    "admin_refund_state_done": "выполнен",
    "admin_refund_state_refused": "отклонён провайдером",
    "admin_refund_state_unknown": "не подтверждён, проверьте в кабинете провайдера",
    "admin_refund_state_failed": "не прошёл, деньги остались у нас",
    "admin_button_payment": "💳 Платёж {payment}",
    "admin_button_payments": "💳 Платежи",
    "admin_button_refund": "↩️ Вернуть {money}",
    "admin_button_refund_yes": "↩️ Да, вернуть {money}",
    "admin_button_refund_no": "Отмена",
    "admin_payments_of": "💳 **Платежи:** {name}",
    "admin_payments_open": "💳 **Требуют внимания**",
    "admin_payments_none": "Платежей нет.",
    "admin_payments_solved": "Всё в порядке: нет платежей без заказа, неверных сумм и неподтверждённых возвратов.\n\nПлатежи пользователя: `/payments @name`",
    "admin_payments_line": "**№ {id}** · {date}\n{title} · {money} · {status}\n{provider}{marks}",
    "admin_payments_given": "🎁 {given}",
    "admin_payment_number": "№ {id}",
    "admin_payments_no_order": "⚠️ заказа нет",
    "admin_payments_amount": "⚠️ неверная сумма",
    "admin_payments_currency": "⚠️ неверная валюта",
    "admin_payments_owner": "⚠️ платил другой человек",
    "admin_payments_test": "⚠️ тестовый платёж",
    "admin_payments_withdrawn": "⚠️ заказ отменён",
    "admin_payments_second_charge": "⚠️ оплачено дважды",
    "admin_payments_refund_open": "↩️ возврат в процессе",
    "admin_payments_refund_unknown": "↩️ возврат не подтверждён",
    "admin_refund_question": "↩️ **Вернуть {money}?**\n\nПлатёж {id}, {provider}\nКому: {name}",
    "admin_refund_takes": "Спишем неиспользованную часть покупки и напишем покупателю.",
    "admin_refund_takes_part": "Спишем такую же долю покупки, если она не использована, и напишем покупателю.",
    "admin_refund_how_part": "Чтобы вернуть только часть: `/refund {id} {part}`",
    "admin_refund_not_paid": "По платежу {id} деньги не поступали, возвращать нечего.",
    "admin_refund_busy": "По платежу {id} уже идёт возврат. Дождитесь его завершения.",
    "admin_refund_busy_with": "⏳ {admin} уже оформляет возврат по этому платежу. Второй запускать не стали.",
    "admin_refund_nothing_left": "Платёж {id} уже возвращён полностью.",
    "admin_refund_too_much": "Вернуть можно не больше {money}.",
    "admin_refund_bad_amount": (
        "Такая сумма не подойдёт. Она должна быть больше нуля, после запятой — не больше двух цифр. В "
        "звёздах — только целое число."
    ),
    "admin_refund_never": "{provider}: вернуть деньги через бота нельзя. Попробуйте в кабинете провайдера.",
    "admin_refund_not_configured": (
        "{provider}: этот способ оплаты сейчас не подключён. Верните деньги в кабинете провайдера, бот об этом "
        "узнает."
    ),
    "admin_refund_whole_only": "{provider}: вернуть можно только платёж целиком.",
    "admin_refund_other_currency": (
        "Когда прошёл платёж {id}, баланс был в другой валюте, поэтому вернуть деньги на баланс нельзя."
    ),
    "admin_refund_erased": "Покупатель удалил свои данные, поэтому вернуть платёж {id} на баланс нельзя.",
    "admin_refund_changed": (
        "⚠️ Пока вы подтверждали возврат, платёж изменился, поэтому деньги мы не вернули. Вот он сейчас:"
    ),
    "admin_refund_is_open": (
        "⏳ **Возврат {money} не подтверждён** · {provider}\n\nПровайдер пока не дал однозначного ответа. "
        "Продолжаем проверять и напишем. Дважды деньги не уйдут."
    ),
    "admin_refund_is_accepted": "⏳ **Возврат {money} в пути** · {provider}\n\nНапишем, когда он завершится.",
    "admin_refund_is_done": "✅ **Возвращено {money}** · {provider}",
    "admin_refund_is_refused": (
        "❌ **Возврат {money} отклонён** · {provider}\n\nДеньги остались у нас. Можно попробовать ещё раз."
    ),
    "admin_refund_is_unknown": (
        "❓ **Возврат {money} не подтверждён** · {provider}\n\nПровайдер так и не дал однозначного ответа. "
        "Проверьте в его кабинете."
    ),
    "admin_refund_is_failed": "❌ **Возврат {money} не прошёл** · {provider}\n\nДеньги остались у нас.",
    "refund_told_done": "✅ **Возвращено {back}**\n\nПлатёж {payment}, {provider}, номер `{number}`.",
    "refund_told_refused": (
        "❌ **Возврат {back} отклонён**\n\nПлатёж {payment}, {provider}, номер `{number}`. Откройте платёж, "
        "чтобы узнать причину."
    ),
    "refund_told_unknown": (
        "❓ **Возврат {back} не подтверждён**\n\nПлатёж {payment}, {provider}, номер `{number}`. Провайдер так "
        "и не дал однозначного ответа, а повторять запрос небезопасно. Проверьте в его кабинете. Если деньги "
        "не вернулись, оформите возврат ещё раз."
    ),
    "refund_told_failed": "❌ **Возврат {back} не прошёл**\n\nПлатёж {payment}, {provider}, номер `{number}`. Деньги остались у нас, покупка снова активна. Можно попробовать ещё раз.",
    "admin_card_paid": "{paid}",
    "admin_card_refunded": "{paid}, из них возвращено {refunded}",
    "admin_mark_chargebacks": "⚠️ Оспоренные платежи: {count}",
    "admin_audit_nobody": "Платёж без пользователя",
    "audit_refund_payment": "запрошен возврат {money}, платёж {payment}",
    "audit_refund_decided": "возврат {money} по платежу {payment}: {state}",
    "admin_check_good": "✅ **Всё сходится:** платежи, покупки, журнал операций и балансы.",
    "admin_check_bad": "🚨 **Есть расхождения.** Платежи: {payments}, балансы: {balances}.",
    "admin_check_payment": "Платёж {id}: {wrong}",
    "admin_check_balance": "{who}: баланс {balance}, по журналу {ledger}",
    "statement_head": "🧾 **Платежи у провайдеров и у нас** за 30 дней",
    "statement_agrees": "✅ {provider}: {ours}",
    "statement_differs": "🚨 {provider}: у провайдера {theirs}, у нас {ours}",
    "statement_days": "**Дни с расхождениями**",
    "statement_day": "{day}, {provider}: у провайдера {theirs}, у нас {ours}, не сопоставлено {unmatched}",
    "statement_unread": "⏳ {provider}: осталось сверить {days|день|дня|дней}",
    "statement_foreign": "Платежи других магазинов через те же аккаунты: {count}",
    "statement_no_payments": (
        "✅ За {days|день|дня|дней} платежей не было ни у провайдеров, ни у нас. Сверяем только завершившиеся "
        "дни."
    ),
    "statement_nothing": "Сверять пока нечего. Первые списки платежей загрузятся в течение часа.",
    "admin_check_too_long": (
        "Проверка слишком долгая для чата. Запустите её в SQL-редакторе: `check_payments()` и "
        "`check_balances()`."
    ),
    # Свои ключи
    "keys": "🔑 **Ваши ключи**\n\n{keys}\n\n{now}",
    "keys_line": "{name} …{last_four} · добавлен {since} · {state}",
    "keys_state_used": "используется",
    "keys_state_unused": "не используется",
    "keys_state_refused": "отклонён провайдером",
    "keys_state_unreadable": "временно недоступен, мы уже разбираемся",
    "keys_unchecked": " · ещё не проверен",
    "keys_on_own": "Использую ваш ключ {name}. Запросы тарифа не расходуются.",
    "keys_on_plan": "Использую ваш тариф. Свои ключи сейчас отключены.",
    "keys_none": (
        "🔑 **Свой ключ к ИИ**\n\nЕсть API-ключ ({names})? Могу отвечать через него: запросы тарифа не "
        "расходуются, а платите вы напрямую провайдеру.\n\nСообщение с ключом сразу удаляю. Ключ храню в "
        "зашифрованном виде, показываю только последние четыре символа и передаю только провайдеру. Удалить "
        "его можно в любой момент."
    ),
    "keys_open": "🔑 Мои ключи",
    "keys_add": "➕ Добавить ключ",
    "keys_add_of": "➕ Добавить ключ {name}",
    "keys_use": "▶️ {name}",
    "keys_remove": "🗑 {name}",
    "keys_plan": "⏸ Использовать тариф",
    "keys_back": "‹ Ключи",
    "keys_cancel": "✖️ Отмена",
    "keys_choose": "От какого провайдера ваш ключ?",
    "keys_send": (
        "🔑 **Пришлите ключ {name}** отдельным сообщением.\n\nСообщение я сразу удалю, а ключ проверю и "
        "сохраню в зашифрованном виде."
    ),
    "keys_page": "Где взять ключ {name}",
    "keys_added": (
        "✅ **Ключ {name} …{last_four} проверен и сохранён.**\n\nТеперь отвечает {model} через ваш ключ, "
        "запросы тарифа не расходуются."
    ),
    "keys_added_unchecked": (
        "☑️ **Ключ {name} …{last_four} сохранён**, но проверить его сейчас не получилось.\n\nТеперь отвечает "
        "{model} через ваш ключ. Если провайдер его отклонит, я сразу сообщу."
    ),
    "keys_wrong": (
        "🚫 **{name} не принимает этот ключ**, поэтому я его не сохранил.\n\nПроверьте, что ключ скопирован "
        "целиком и не отозван, и пришлите ещё раз."
    ),
    "keys_other": "🤔 Похоже, это ключ {other}, а не {name}. Я его не сохранил и никуда не отправил.",
    "keys_alone": "🤔 Здесь несколько слов, похожих на ключ. Пришлите только ключ {name}, без другого текста.",
    "keys_again": "🔑 Не удалось завершить проверку ключа, поэтому я его не сохранил. Пришлите ключ {name} ещё раз.",
    "keys_no_key": "🤔 Это не похоже на ключ {name}. Пришлите только ключ или нажмите «Отмена».",
    "keys_delete_yourself": "⚠️ Удалить сообщение с ключом не получилось. Пожалуйста, удалите его сами.",
    "keys_confirm": (
        "🗑 **Удалить ключ {name} …{last_four}?**\n\nЯ удалю его безвозвратно. У провайдера он будет "
        "действовать, пока вы его не отзовёте."
    ),
    "keys_forget": "🗑 Да, удалить",
    "keys_forgotten": "Ключ {name} удалён.",
    "keys_used": "Теперь использую ваш ключ {name}.",
    "keys_planned": "Теперь использую ваш тариф. Ключи сохранены.",
    "keys_gone": "Этот ключ уже удалён.",
    "keys_unavailable": "🔑 Свои ключи в этом боте не поддерживаются.",
    "keys_unavailable_owner": (
        "🔑 **Свои ключи пользователей отключены.**\n\nВы владелец, поэтому вот как их включить: создайте "
        "ключ шифрования командой `./switchboard keys new`, добавьте его в `TOKEN_ENCRYPTION_KEYS` и "
        "разверните бота заново. Подробности — в `docs/user_api_keys.md`."
    ),
    "user_api_key_refused": (
        "🔑 **{name} больше не принимает ваш ключ.** Возможно, его отозвали или срок его действия "
        "закончился.\n\nЯ отключил ключ и теперь использую ваш тариф. Отправьте сообщение ещё раз или добавьте "
        "новый ключ."
    ),
    "user_api_key_credit": (
        "💳 **На вашем счёте {name} закончились деньги.** Пополните его или пока используйте тариф."
    ),
    "user_api_key_rate": (
        "🚦 **{name} ограничивает ваш ключ:** слишком много запросов. Подождите немного или пока используйте "
        "тариф."
    ),
    "user_api_key_model": (
        "🤷 **У вашего ключа {name} нет доступа к модели {model}.** Проверьте доступ у провайдера или пока "
        "используйте тариф."
    ),
    "user_api_key_access": (
        "🚫 **{name} отклонил запрос.** Проверьте права ключа, настройки организации и доступ к модели "
        "{model} или пока используйте тариф."
    ),
    # Разговор
    "clear_done": "🧹 Разговор очищен. О чём поговорим?",
    "cancel_done": "Отменено. Задайте новый вопрос.",
    "cancel_nothing": "Отменять нечего. Просто напишите мне.",
    "button_old": "Эта кнопка из старого сообщения. Откройте меню: /start",
    # Чего бот не принимает
    "cannot_photo": "🖼 Я пока не умею смотреть картинки. Опишите словами, и я помогу.",
    "cannot_voice": "🎙 Я пока не умею слушать голосовые. Напишите, пожалуйста, текстом.",
    "cannot_video": "🎬 Я пока не умею смотреть видео. Расскажите, о чём оно.",
    "cannot_document": "📄 Я пока не умею читать файлы. Вставьте текст в сообщение.",
    "cannot_forward": (
        "↪️ Не знаю, что делать с пересланным сообщением. Скопируйте текст и напишите, что нужно."
    ),
    "cannot_sticker": "😊 Отличный стикер! Но слова я понимаю лучше, напишите мне.",
    "cannot_other": "Пока я понимаю только текст. Напишите мне.",
    "edited_command": "✏️ Команды в изменённых сообщениях не срабатывают. Отправьте команду новым сообщением.",
    "unknown_command": "Не знаю такой команды. Вот что я умею: /help",
    "too_long": (
        "Сообщение слишком длинное: {length|символ|символа|символов}, а можно не больше {limit}. Пришлите "
        "его частями."
    ),
    "secret_seen": (
        "🔑 Похоже на пароль или API-ключ, поэтому я ничего не сохранил и никуда не отправил. Удалите "
        "сообщение, а если этот чат видят другие, смените пароль или ключ."
    ),
    # Лимиты и сбои
    "limit_reached": (
        "⏳ **Лимит на сегодня исчерпан: {limit|запрос|запроса|запросов}.**\n\nЛимит обновится в {time}, через "
        "{hours|час|часа|часов}. Меню и настройки работают как обычно.{ways}"
    ),
    "limit_reached_month": (
        "⏳ **Лимит на этот месяц исчерпан: {limit|запрос|запроса|запросов}.**\n\nЛимит обновится {date} в "
        "{time}. Меню и настройки работают как обычно.{ways}"
    ),
    "ways_out": "Нужно больше запросов?",
    "way_out_trial": "✨ Попробуйте тариф бесплатно: /trial",
    "way_out_keys": "🔑 Используйте свой ключ к ИИ: /keys",
    "way_out_referral": "🎁 Пригласите друга: /referral",
    "ai_failed": "😔 ИИ не смог ответить. Попробуйте ещё раз.{counted}",
    "ai_unavailable": "😔 ИИ сейчас недоступен. Мы уже разбираемся, попробуйте позже.{counted}",
    "ai_too_long": (
        "📏 Разговор слишком длинный для ИИ. Начните новый или отправьте сообщение покороче.{counted}"
    ),
    "ai_timeout": "⌛ ИИ думал слишком долго. Попробуйте ещё раз или сократите вопрос.{counted}",
    "ai_refused": "🙅 На это ИИ не ответит. Попробуйте переформулировать.{counted}",
    "ai_overloaded": "🚦 ИИ сейчас перегружен. Попробуйте через минуту.{counted}",
    "request_not_counted": "Запрос не засчитан.",
    "request_counted": "Запрос засчитан: ИИ уже начал над ним работать.",
    "request_counted_failures": "Запрос засчитан: сегодня слишком много неудачных запросов.",
    "in_progress": (
        "⏳ Я ещё отвечаю на предыдущие вопросы. Дождитесь ответа и отправьте этот вопрос ещё раз, сейчас он не "
        "засчитан."
    ),
    "limit_user_cost": (
        "⏳ **Лимит ответов ИИ на сегодня исчерпан.**\n\nЛимит обновится в {time}, через "
        "{hours|час|часа|часов}. Меню и настройки работают как обычно."
    ),
    "limit_bot_cost": (
        "⏳ **Бот исчерпал лимит ответов ИИ на сегодня.**\n\nЛимит обновится в {time}, через "
        "{hours|час|часа|часов}. Меню и настройки работают как обычно."
    ),
    "admin_alert_user_cost": (
        "⚠️ **Пользователь исчерпал дневной лимит расходов.**\n\nБот: {bot}\nПользователь: `{user}`\nЛимит: "
        "${limit} (`daily_cost_user`)\n\nДо конца дня бот не отвечает этому пользователю. Уведомление приходит "
        "только о первом таком пользователе за день."
    ),
    "admin_alert_bot_cost": (
        "🚨 **Бот {bot} исчерпал дневной лимит расходов:** ${limit}.\n\nДо конца дня бот отвечает только тем, "
        "кто подключил свой ключ к ИИ. Чтобы отвечать всем, увеличьте `daily_cost_bot`."
    ),
    "ai_cut": "…\n\n⌛ Время на ответ вышло. Напишите «продолжай», и я продолжу.",
    "ai_length": "…\n\n✂️ Ответ достиг предельной длины. Напишите «продолжай», и я продолжу.",
    "ai_broken": "…\n\n⚠️ Связь с ИИ прервалась. Напишите «продолжай», и я продолжу.",
    "offline_limit": (
        "⚠️ Не могу загрузить историю и настройки, поэтому пока больше не отвечаю. Попробуйте через минуту."
    ),
    "offline_unavailable": (
        "⚠️ Сейчас это недоступно: не могу загрузить ваши данные. Попробуйте через несколько минут."
    ),
    "disabled_unavailable": "ℹ️ Здесь это недоступно: бот работает без базы данных.",
    "failed": (
        "😔 У нас что-то сломалось, и ответить на это сообщение не получилось. Мы уже знаем об этом. Попробуйте "
        "отправить другое."
    ),
    "admin_alarms_more": (
        "🔔 Пока вы не запустили бота, накопилось ещё {count|уведомление|уведомления|уведомлений}. Платежи, "
        "которые требуют внимания: /payment"
    ),
    "owner_alert": (
        "🚨 **Апдейт не обработан** после {failures|попытки|попыток|попыток}.\n\nБот: {bot}\nАпдейт: "
        "`{update_id}`\nОшибка: `{error}`"
    ),
    "bot_about": "ИИ-помощник, который помнит ваш разговор.",
    # Покупки
    "command_buy": "Тарифы и пополнение",
    "command_promo": "Ввести промокод",
    "command_payments": "Ваши платежи",
    "command_subscription": "Тариф и автопродление",
    "command_terms": "Условия покупки",
    "command_paysupport": "Помощь с оплатой",
    "menu_buy": "⭐ Купить",
    "buy": "⭐ **Что хотите купить?**",
    "buy_trial": "✨ «{plan}»: {days|день|дня|дней} бесплатно. /trial",
    "buy_promo_hint": "Есть промокод? /promo",
    "buy_currency": "Показать цены в {currency}",
    "buy_more": "Ещё ›",
    "buy_from": "{title} · от {price}",
    "buy_offer": "{title} · {price}",
    "buy_saves": "{offer} (−{percent}%)",
    "buy_group": "**{title}**",
    "buy_group_credits": "Пакеты запросов",
    "buy_group_balance": "Пополнение баланса",
    "buy_group_course": "Курсы",
    "buy_group_question": "Выберите вариант:",
    "buy_mode_question": "Оплатить один раз или включить автопродление?",
    "buy_once": "Один раз · {price}",
    "buy_auto_month": "Автопродление · {price} в месяц",
    "buy_auto_year": "Автопродление · {price} в год",
    "buy_method_question": "Как хотите оплатить?",
    "buy_method_question_month": (
        "Продлевается каждый месяц, отключить можно в любой момент. Как хотите оплатить?"
    ),
    "buy_method_question_year": (
        "Продлевается каждый год, отключить можно в любой момент. Как хотите оплатить?"
    ),
    "buy_card_question": "Через какой сервис хотите оплатить?",
    "buy_method_card": "Карта",
    "buy_discount": (
        "🏷 **Скидка {percent}%** на следующую разовую покупку. Цены уже с учётом скидки, она не действует на "
        "автопродление и пополнение баланса."
    ),
    "buy_discount_until": (
        "🏷 **Скидка {percent}%** на следующую разовую покупку до {until}. Цены уже с учётом скидки, она не "
        "действует на автопродление и пополнение баланса."
    ),
    "buy_reduced": "🏷 Со скидкой {percent}%: {prices}.",
    "buy_reduced_price": "{price} вместо {full}",
    "buy_reduced_repeats": (
        "🏷 Со скидкой {percent}% при разовой оплате: {prices}. При автопродлении цена полная, а скидка "
        "останется для разовой покупки."
    ),
    "buy_pay_reduced": "**{title}**\nК оплате: **{price}** вместо {full}\n\nНапишем, когда оплата пройдёт.",
    "buy_nothing": "Сейчас ничего не продаётся. Загляните позже.",
    "buy_gone": "Этого больше нет в продаже. Выберите другое:",
    "buy_all": "‹ Все предложения",
    "buy_back": "‹ Назад",
    "buy_other": "Другие способы оплаты",
    "buy_note_extends": "Ваш тариф активен до {until}. Новый срок начнётся после этой даты.",
    "buy_note_repeats": (
        "🔁 Автопродление включено, тариф оплачен до {until}. Разовая оплата продлит тариф и не изменит "
        "автопродление, а новое автопродление заменит прежнее."
    ),
    "buy_note_endless": "⚠️ Ваш тариф бессрочный: эта покупка сейчас ничего не добавит.",
    "buy_replaces": "🔁 Автопродление уже включено: **{title}**, {price}, {provider}.\n\nЕсли оплатить сейчас, вы получите ещё один период, а новое автопродление заменит прежнее.",
    "buy_replace": "Заменить автопродление",
    "buy_pay": "**{title}**\nК оплате: **{price}**\n\nНапишем, когда оплата пройдёт.",
    "buy_pay_month": (
        "**{title}**\nСегодня: **{price}**, затем {price} каждый месяц\n\nОтключить автопродление можно в "
        "любой момент: /subscription. Напишем, когда оплата пройдёт."
    ),
    "buy_pay_year": (
        "**{title}**\nСегодня: **{price}**, затем {price} каждый год\n\nОтключить автопродление можно в "
        "любой момент: /subscription. Напишем, когда оплата пройдёт."
    ),
    "buy_way_balance": "Баланс · {price} (у вас {balance})",
    "balance_pay": "**{title}**\nСпишем с баланса: **{price}**\n\nСейчас на балансе {balance}, останется {left}.",
    "balance_pay_period": (
        "**{title}**\nСпишем с баланса: **{price}**\n\nСейчас на балансе {balance}, останется {left}. Это "
        "разовая оплата, без автопродления."
    ),
    "balance_short": (
        "**{title}**\nК оплате: **{price}**\n\nНа балансе только {balance}. Пополните его и завершите покупку "
        "одним нажатием:"
    ),
    "balance_short_only": (
        "**{title}**\nК оплате: **{price}**\n\nНа балансе только {balance}. Выберите другой способ оплаты."
    ),
    "balance_paid_subscription": "✅ **{title}** — оплачено с баланса. Действует до {until}.\n\nБаланс: {balance}",
    "balance_paid_credits": "✅ **{title}** — оплачено с баланса. Начислено: **{quantity|запрос|запроса|запросов}**.\n\nБаланс: {balance}",
    "balance_paid_course": "✅ **{title}** — оплачено с баланса.\n\nБаланс: {balance}",
    "invitation_paid": "✅ **{title}**\nОплачено: {price}",
    "invitation_held": "⏳ **{title}**\nПлатёж на проверке. Напишем, когда разберёмся. Вопросы: /paysupport",
    "invitation_refunded": "↩️ **{title}**\nВозвращено: {price}",
    "invitation_disputed": "⚠️ **{title}**\nБанк оспорил платёж, покупка приостановлена. Вопросы: /paysupport",
    "invitation_withdrawn": "**{title}**\nЗаказ отменён. Скидка из него теперь действует в новом заказе.",
    "invitation_expired": "⌛ **{title}**\nСсылка на оплату больше не действует.",
    "invitation_again": "Купить снова",
    "buy_pay_button": "Оплатить {price}",
    "buy_unavailable": (
        "😔 Этот способ оплаты сейчас не отвечает. Деньги не списаны. Выберите другой способ или попробуйте "
        "чуть позже."
    ),
    "buy_contact": "🧾 По закону мы обязаны отправить вам чек. Пришлите **почту** или **номер телефона**.",
    "buy_contact_wrong": "Не похоже ни на почту, ни на номер телефона. Пришлите так: anna@example.com или +79991234567.",
    "menu_contact": "🧾 Контакт для чеков",
    "contact": "🧾 **Контакт для чеков**\n\n{contact}\n\nСюда приходят чеки за ваши покупки.",
    "contact_none": "🧾 **Контакт для чеков**\n\nНе указан. Спросим, когда для покупки понадобится чек.",
    "contact_ask": (
        "🧾 Пришлите **почту** или **номер телефона** для чеков. Туда же будут приходить чеки за автопродление."
    ),
    "contact_add": "Добавить",
    "contact_change": "Изменить",
    "contact_remove": "Удалить",
    "contact_cancel": "‹ Назад",
    "contact_back": "‹ Профиль",
    "contact_removed": "Контакт удалён. Чеки за действующее автопродление будут приходить на прежний контакт.",
    "buy_contact_refused": (
        "🧾 Способ оплаты «{provider}» не принимает для чека контакт **{contact}**. Деньги не списаны. "
        "Проверьте, нет ли опечатки, или пришлите другую **почту** или **номер телефона**."
    ),
    "buy_refused": "😔 Этим способом заказ оплатить нельзя. Деньги не списаны. Выберите другой способ оплаты.",
    "subscription_cancel_refused": (
        "😔 Платёжная система не дала отключить автопродление, оно пока **включено**. Мы уже знаем об этом. "
        "Помощь: /paysupport"
    ),
    "promo_ask": "🏷 **Промокод**\n\nПришлите его следующим сообщением. Регистр букв не важен.",
    "promo_cancel": "Отмена",
    "promo_again": "Ввести другой код",
    "promo_malformed": "🤔 Это не похоже на промокод. В нём от 3 до 32 латинских букв, цифр, дефисов или подчёркиваний.",
    "promo_unknown": "🤔 Промокода **{code}** нет. Проверьте, нет ли опечатки, и пришлите ещё раз.",
    "promo_expired": "⌛ Промокод **{code}** больше не действует.",
    "promo_used_up": "😔 У промокода **{code}** лимит активаций исчерпан.",
    "promo_not_yet": "⏳ Промокод **{code}** начнёт действовать {date}. Введите его в этот день или позже.",
    "promo_too_many_tries": "🚦 Сегодня было слишком много неверных промокодов. Попробуйте завтра.",
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
    "provider_telegram_stars": "Звёзды Telegram",
    "provider_stripe": "Карта (Stripe)",
    "provider_yookassa": "Карта или СБП (ЮKassa)",
    "provider_cloudpayments": "Карта (CloudPayments)",
    "provider_prodamus": "Карта (Продамус)",
    "provider_crypto_pay": "Криптовалюта",
    "provider_balance": "Баланс",
    "provider_fake": "Тестовая оплата",
    "checkout_paid": "Этот счёт уже оплачен.",
    "checkout_renewing": "Автопродление уже включено. Изменить его можно в /subscription.",
    "checkout_expired": "Срок этого счёта истёк. Откройте /buy и выберите снова.",
    "checkout_owner": "Этот счёт выставлен другому пользователю. Откройте /buy, чтобы получить свой.",
    "checkout_unknown": "Этого счёта больше нет. Откройте /buy и выберите снова.",
    "checkout_unavailable": "Сейчас мы не можем принять оплату. Попробуйте через минуту.",
    "paid_subscription": "🎉 **{title}** — оплачено, спасибо!\n\nДействует до {until}.",
    "paid_credits": "🎉 Оплачено, спасибо! Начислено: **{quantity|запрос|запроса|запросов}**.",
    "paid_balance": "🎉 Оплачено, спасибо! Начислено на баланс: **{quantity}**.",
    "paid_balance_continues": (
        "🎉 Оплачено, спасибо! Начислено на баланс: **{quantity}**.\n\nОсталось завершить покупку: **{wanted}** "
        "за {price}."
    ),
    "balance_buy": "Оплатить {price} с баланса",
    "paid_course": "🎉 **{title}** — оплачено, спасибо!",
    "renewed": "🔁 **{title}** — продлено до {until}. Спасибо, что вы с нами!",
    "payment_pending": "⏳ **{title}**: платёж обрабатывается. Напишем, когда он пройдёт.",
    "payment_held_amount": (
        "⏳ **{title}**: мы получили {money} вместо {price}, поэтому платёж на проверке. Пока ничего не "
        "начислено. Напишем, когда разберёмся. Вопросы: /paysupport"
    ),
    "payment_held_second_charge": (
        "⏳ **{title}**: заказ уже оплачен, а мы получили от вас ещё {money}. Второй платёж на проверке, по "
        "нему ничего не начислено. Напишем, когда вернём деньги. Вопросы: /paysupport"
    ),
    "payment_held_withdrawn": (
        "⏳ **{title}**: мы получили {money} за отменённый заказ. Скидка из него уже действует в другом заказе, "
        "поэтому платёж на проверке и пока ничего не начислено. Напишем, когда вернём деньги. Вопросы: "
        "/paysupport"
    ),
    "payment_held_test": "🧪 **{title}**: это тестовый платёж. Деньги не списаны, поэтому ничего не начислено.",
    "payment_held_owner": (
        "⏳ Мы получили от вас {money} за заказ, который не связан с вашим профилем. Платёж на проверке, "
        "ничего не начислено. Напишем, когда разберёмся. Вопросы: /paysupport"
    ),
    "payment_held_no_order": (
        "⏳ Мы получили от вас {money}, но не нашли заказ. Платёж на проверке. Напишем, когда разберёмся. "
        "Вопросы: /paysupport"
    ),
    "payment_held_currency": (
        "⏳ **{title}**: мы получили {money} вместо {price}, поэтому платёж на проверке. Пока ничего не "
        "начислено. Напишем, когда разберёмся. Вопросы: /paysupport"
    ),
    "payment_failed": "😔 **{title}**: платёж не прошёл, деньги не списаны. Попробуйте ещё раз или другим способом: /buy",
    "refunded": "↩️ **{title}**: вернули {money}, покупка отменена.",
    "refunded_part": "↩️ **{title}**: вернули {money}, часть покупки на эту сумму отменена.",
    "refunded_to_balance": "↩️ **{title}**: вернули {money} на баланс, покупка отменена.",
    "refunded_part_to_balance": (
        "↩️ **{title}**: вернули {money} на баланс, часть покупки на эту сумму отменена."
    ),
    "refunded_unknown": "↩️ Вам вернули {money}. По этому платежу ничего не начислялось.",
    "refunded_unused": "↩️ **{title}**: вернули {money}. По этому платежу ничего не начислялось.",
    "refund_undone": "**{title}**: вернуть {money} не удалось, покупка снова действует.",
    "dispute_lost": (
        "⚠️ **{title}**: банк закрыл спор и вернул вам {money}, поэтому мы отменили покупку. Вопросы: "
        "/paysupport"
    ),
    "dispute_lost_credits": (
        "⚠️ **{title}**: банк закрыл спор и вернул вам {money}, поэтому мы списали "
        "{quantity|запрос|запроса|запросов}. Вопросы: /paysupport"
    ),
    "dispute_lost_balance": (
        "⚠️ **{title}**: банк закрыл спор и вернул вам {money}, поэтому мы списали {quantity} с баланса бота. "
        "Вопросы: /paysupport"
    ),
    "dispute_lost_time": (
        "⚠️ **{title}**: банк закрыл спор и вернул вам {money}, поэтому мы отменили оплаченный период. Тариф "
        "«{plan}» теперь активен до {until}. Вопросы: /paysupport"
    ),
    "dispute_lost_plan": (
        "⚠️ **{title}**: банк закрыл спор и вернул вам {money}, поэтому мы отключили тариф «{plan}». Вопросы: "
        "/paysupport"
    ),
    "dispute_won": "✅ **{title}**: банк закрыл спор на {money}, покупка снова действует.",
    "disputed": (
        "⚠️ **{title}**: банк оспорил платёж на {money}, поэтому покупка приостановлена. Если это ошибка, "
        "напишите нам: /paysupport"
    ),
    "renewed_resumed": "🔁 **{title}**: прошла новая оплата, автопродление снова включено. Оплачено до {until}. Отключить: /subscription",
    "order_reminder": "Вы ещё не оплатили **{title}** ({price}). Завершить покупку?",
    "renewal_replaced": "🔁 **{title}** ({provider}): автопродление отключено, его заменило новое.",
    "renewal_active": "🔁 **{title}**: автопродление снова включено, оплачено до {until}.",
    "renewal_contact_refused": (
        "⚠️ **{title}**: не удалось продлить, потому что платёжная система не приняла ваш контакт для чеков. "
        "Пришлите другой, и мы попробуем ещё раз. До {until} тариф активен."
    ),
    "renewal_contact_button": "Изменить контакт",
    "renewal_past_due": (
        "⚠️ **{title}**: не удалось списать оплату за новый период. Попробуем ещё раз. До {until} тариф "
        "активен.\n\nПроверьте, хватает ли денег на карте и не истёк ли её срок. Оплатить по-другому: /buy. "
        "Отключить автопродление: /subscription"
    ),
    "renewal_given_up": (
        "**{title}**: списать оплату не получилось, поэтому автопродление отключено. Тариф был оплачен до "
        "{until}, новых списаний не будет.\n\nВернуться можно в любой момент: /buy"
    ),
    "renewal_canceled": "**{title}**: автопродление отключено. Доступ сохранится до {until}.",
    "renewal_ended": "**{title}**: автопродление завершилось. Доступ сохранится до {until}. Продолжить: /buy",
    "payment_alarm_no_order": (
        "🚨 **Платёж без заказа:** {money}\n\nПлатёж {payment}, {provider}, номер `{number}`. Ничего не "
        "начислено.\n\nКогда заказ появится, платёж привяжется автоматически. Если этот аккаунт у провайдера "
        "использует и другой магазин, ничего не делайте. Иначе верните деньги."
    ),
    "payment_alarm_amount": (
        "🚨 **Неверная сумма:** {money}\n\nПлатёж {payment}, {provider}, номер `{number}`. Ничего не "
        "начислено.\n\nВерните деньги или выдайте покупку вручную: /plan, /grant."
    ),
    "payment_alarm_currency": (
        "🚨 **Неверная валюта:** {money}\n\nПлатёж {payment}, {provider}, номер `{number}`. Ничего не "
        "начислено.\n\nВерните деньги или выдайте покупку вручную: /plan, /grant."
    ),
    "payment_alarm_owner": (
        "🚨 **Платил другой человек,** или покупатель удалил свои данные: {money}\n\nПлатёж {payment}, "
        "{provider}, номер `{number}`. Ничего не начислено.\n\nВерните деньги. Если покупатель удалил "
        "данные, возврат пройдёт автоматически."
    ),
    "payment_alarm_test": (
        "🚨 **Тестовый платёж:** {money}\n\nПлатёж {payment}, {provider}, номер `{number}`. Деньги не "
        "списаны, ничего не начислено.\n\nПроверьте, нет ли в секретах тестового ключа."
    ),
    "payment_alarm_withdrawn": (
        "🚨 **Оплачен отменённый заказ:** {money}\n\nПлатёж {payment}, {provider}, номер `{number}`. Скидка из "
        "этого заказа уже использована или действует в более позднем заказе. Ничего не начислено.\n\nВерните "
        "деньги."
    ),
    "payment_alarm_second_charge": (
        "🚨 **Оплачено дважды:** {money}\n\nПлатёж {payment}, {provider}, номер `{number}`. Заказ или период "
        "уже оплачен другим платежом, за этот ничего не начислено.\n\nВерните деньги."
    ),
    "payment_alarm_refund_currency": (
        "🚨 **Возврат или спор в другой валюте:** {back}\n\nПлатёж {payment} на {money}, {provider}, номер "
        "`{number}`. Покупка осталась у покупателя. Проверьте платёж в кабинете провайдера."
    ),
    "renewal_alarm_missed": (
        "🚨 **Продление не оплачено в срок:** {money}\n\n{provider}, подписка `{number}`, оплачена до {until}. "
        "С тех пор не было ни списания, ни отказа.\n\nПроверьте подписку в кабинете провайдера и задания в "
        "Cloud Scheduler."
    ),
    "statement_alarm": (
        "🚨 **Платежи не сходятся:** {provider}, {day}\n\nТолько у провайдера: {not_here}\nТолько у нас: "
        "{not_there}\nС другой суммой: {differs}\n\nНомера: `{numbers}`\n\nСверьте их в кабинете провайдера. "
        "Все суммы: /statement"
    ),
    "payment_alarm_dispute": (
        "🚨 **Банк оспорил платёж:** {money}\n\nПлатёж {payment}, {provider}, номер `{number}`. Покупка "
        "приостановлена.\n\nОтветьте банку в кабинете провайдера, пока не истёк срок. Если выиграете, покупка "
        "восстановится автоматически."
    ),
    "subscription_alarm_erased": (
        "🚨 **Подписка удалённого пользователя**\n\n{provider}, номер `{number}`. Она началась после удаления "
        "данных. Отменяем её у провайдера и возвращаем списанные деньги."
    ),
    "subscription_alarm_unknown": (
        "🚨 **Неизвестная подписка**\n\n{provider}, номер `{number}`. За сутки платежей по ней не было, поэтому "
        "её события пропускаем. Если этот аккаунт у провайдера использует и другой магазин, ничего не делайте. "
        "Иначе найдите её в кабинете провайдера."
    ),
    "subscription_alarm_running": (
        "🚨 **Не удаётся отменить подписку**\n\n{provider}, номер `{number}`. Пользователь удалил свои данные "
        "или перешёл на другую подписку. Отмените эту в кабинете провайдера. Мы тоже продолжим пробовать."
    ),
    "payments": "💳 **Ваши платежи**",
    "payments_none": "Вы ещё ничего не покупали.",
    "payments_order": "Не оплачено: {title} · {price}",
    "payments_waiting": "⏳ **{title}**\nК оплате: **{price}**\n\nЗаказ ещё не оплачен.",
    "payments_cancel": "Отменить заказ",
    "payments_canceled": "Заказ отменён, деньги не списаны.",
    "payments_line": "{date} · **{title}**\n{price} · {status}",
    "payment_status_pending": "ждёт оплаты",
    "payment_status_completed": "оплачено",
    "payment_status_part": "оплачено, часть возвращена",
    "payment_status_review": "на проверке",
    "payment_status_expired": "срок истёк",
    "payments_unknown": "Платёж",
    "payment_status_refunded": "возвращено",
    "payment_status_disputed": "оспорено банком",
    "payment_status_canceled": "отменено, не оплачено",
    "payment_status_withdrawn": "отменено",
    "subscription_renewal_active_month": "🔁 {title}: автопродление, {price} в месяц, {provider}.",
    "subscription_renewal_active_year": "🔁 {title}: автопродление, {price} в год, {provider}.",
    "subscription_none": "Сейчас у вас бесплатный тариф.{until}",
    "subscription_until": "Тариф **«{plan}»** активен до {until}.",
    "subscription_endless": "Тариф **«{plan}»** бессрочный.{until}",
    "subscription_renewal_past_due_over": (
        "⚠️ {title}: {price}, {provider}. Последнее списание не прошло. Попробуем ещё раз. Проверьте карту "
        "или оплатите по-другому: /buy"
    ),
    "subscription_renewal_past_due": (
        "⚠️ {title}: {price}, {provider}. Последнее списание не прошло. Попробуем ещё раз. До {until} тариф "
        "активен. Проверьте карту или оплатите по-другому: /buy"
    ),
    "subscription_renewal_canceled": "{title}: автопродление отключено ({price}, {provider}).",
    "subscription_cancel": "Отключить автопродление",
    "subscription_cancel_of": "Отключить: {title}",
    "subscription_cancel_sure": (
        "Отключить автопродление?\n\nНовых списаний не будет, а доступ сохранится до конца оплаченного срока."
    ),
    "subscription_cancel_yes": "Да, отключить",
    "subscription_keep": "‹ Оставить как есть",
    "subscription_canceled": "Автопродление отключено. Доступ сохранится до {until}.",
    "subscription_cancel_failed": (
        "😔 Платёжная система не ответила, поэтому автопродление пока **включено**. Попробуйте через пару "
        "минут или напишите нам: /paysupport"
    ),
    "subscription_canceled_over": (
        "Автопродление отключено, новых списаний не будет. Тариф был оплачен до {until}. Вернуться можно в "
        "любой момент: /buy"
    ),
    "subscription_cancel_busy": (
        "⏳ Прямо сейчас списывается оплата за новый период, остановить списание уже нельзя. Загляните через "
        "минуту: если деньги спишутся, мы напишем, и вы сможете отключить автопродление."
    ),
    "subscription_back": "‹ Подписка",
    "subscription_gone": "Это автопродление уже завершилось.",
    "terms": (
        "📄 **Условия**\n\nВы покупаете доступ к цифровой услуге этого бота. Доступ открывается сразу после "
        "оплаты. Если что-то не работает, напишите нам (/paysupport), и мы вернём деньги за то, чем вы не "
        "успели воспользоваться."
    ),
    "terms_link": "📄 Условия покупки: {link}",
    "paysupport": (
        "🤝 **Помощь с оплатой**\n\nСтатус каждого платежа — в /payments. Если деньги списались, а покупки нет, подождите "
        "десять минут: платёж мог задержаться. Не помогло? Напишите {contact} и укажите дату и сумму. Поддержка "
        "Telegram с покупками в ботах не поможет."
    ),
    "paysupport_owner": "владельцу бота",
    "ends_days": "⏳ Подписка действует до {until}. Можно продлить заранее, оставшиеся дни не сгорят: /buy",
    "ends_day": "⏳ Подписка заканчивается {until}. Продлить: /buy",
    "ends_trial_days": "⏳ Пробный период действует до {until}. Понравилось? Выберите тариф: /buy",
    "ends_trial_day": (
        "⏳ Пробный период заканчивается {until}. Автоматических списаний не будет. Чтобы продолжить, "
        "выберите тариф: /buy"
    ),
    "ends_trial_over": (
        "Пробный период закончился {until}. Ничего не списано, сейчас у вас бесплатный тариф. Выбрать тариф: "
        "/buy"
    ),
    "ends_over": (
        "Подписка закончилась {until}, сейчас у вас бесплатный тариф. Вернуться можно в любой момент: /buy"
    ),
}
