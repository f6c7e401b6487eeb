"""Russian texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_stats": "Пользователи, запросы, расходы и выручка",
    "command_user": "Найти пользователя: ID, @имя или часть имени",
    "command_grant": "Начислить бонусные запросы: @имя сколько [за что]",
    "command_givetrainings": "Начислить тренировки: @имя сколько [за что]",
    "command_xp": "Начислить XP: @имя сколько [за что]",
    "command_badge": "Выдать значок: @имя значок [за что]",
    "command_course": "Выдать курс: @имя курс пакет [дней]",
    "command_addbalance": "Пополнить баланс: @имя сумма [за что]",
    "command_reset": "Сбросить лимит за месяц: @имя",
    "command_plan": "Назначить тариф: @имя ТАРИФ [дней]",
    "command_unban": "Разбанить: @имя",
    "command_ban": "Забанить: @имя [причина]",
    "command_products": "Товары и цены",
    "command_models": "Модели ИИ: цены, расходы, включить, выключить",
    "command_promocode": "Промокоды: список, создать, включить, выключить",
    "command_payment": "Платёж по номеру и всё, что требует внимания",
    "command_refund": "Вернуть деньги: номер платежа [сумма]",
    "command_check": "Проверить, сходятся ли платежи и балансы",
    "command_statement": "Сверить платежи с данными провайдеров",
    "command_audit": "Журнал действий администраторов",
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
    "gift_xp": "🎁 Вам начислено: **{count} XP**. Всего у вас: {left} XP.",
    "gift_xp_taken": "Списано: {count} XP. Осталось: {left} XP. Вопросы: /paysupport",
    "gift_balance": "🎁 Начислено на баланс: **{count}**. Теперь на балансе {left}.",
    "gift_balance_taken": "Списано с баланса: {count}. Осталось: {left}. Вопросы: /paysupport",
    "gift_reset": "🔄 Ваш лимит сброшен: все запросы снова доступны.",
    "gift_reset_undone": "Мы сбросили ваш лимит по ошибке и отменили сброс. Сколько запросов осталось: /usage",
    "gift_plan": "⭐ Вам подключён тариф **«{plan}»** до {until}.",
    "gift_plan_endless": "⭐ Вам бессрочно подключён тариф **«{plan}»**.",
    "gift_plan_ended": "Тариф «{before}» отключён. Сейчас у вас тариф «{plan}». Вопросы: /paysupport",
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
    "stats_head": "📊 **Статистика**",
    "stats_users": "\n👥 Всего пользователей: **{users}**\nАктивных чатов за час: **{sessions}**\n\nСегодня · 7 дней · 30 дней",
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
    "stats_picture_users": "Активные пользователи",
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
    "stats_by_bot": "📈 По ботам",
    "bot_stats_all": "Все боты",
    "bot_stats_head": "📈 **{bot}**",
    "bot_stats_now": (
        "\n👥 Пользователей: **{users}**\nАктивных чатов за час: **{sessions}**\n"
        "Сообщений и нажатий за 24 часа: {messages}\nЗапросов к ИИ за всё время: {requests}\n"
        "Начислено опыта: {xp}"
    ),
    "bot_stats_periods": "\nСегодня · 7 дней · 30 дней\nНовые: {new}\nАктивные: {active}",
    "bot_stats_trainings": "Завершённые тренировки: {figures}",
    "bot_stats_funnel": "\n**Новые пользователи за 30 дней**\nНачали: {started}",
    "bot_stats_answered": "Получили первый ответ: {count} ({share}%)",
    "bot_stats_finished": "Завершили тренировку: {count} ({share}%)",
    "bot_stats_paid": "Заплатили: {count} ({share}%)",
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
    "admin_usage_xp": (
        "Начислить XP: `/xp @name 50 за идею`\n\nЧтобы списать, укажите отрицательное число. Мы сообщим "
        "пользователю, но причину не назовём."
    ),
    "admin_usage_course": (
        "Выдать курс: `/course @name telegram-sales basic`\n\n"
        "Тарифы: basic, accelerator, vip. Число дней в конце ограничит доступ. Пользователь получит сообщение."
    ),
    "admin_usage_badge": (
        "Выдать значок: `/badge @name spin_master за финал`\n\nЧтобы снять, поставьте минус: `-spin_master`. Для "
        "своего значка укажите бота и двоеточие: `quiz:finalist`, для всех ботов — только двоеточие: `:finalist`. "
        "Пользователю мы об этом не сообщим."
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
    "admin_models": "🤖 **Модели ИИ**\n\nВыберите вид. На кнопке указано, сколько моделей доступно.",
    "admin_models_kind": "{kind} · {usable} из {of}",
    "admin_models_chat": "Чат",
    "admin_models_image": "Картинки",
    "admin_models_video": "Видео",
    "admin_models_transcription": "Расшифровка голоса",
    "admin_models_speech": "Озвучка",
    "admin_models_moderation": "Модерация",
    "admin_models_head": "🤖 **{kind}**\n\nРасходы указаны за 30 дней.",
    "admin_models_line_on": "🟢 **{model}** · {provider}\n{price} · расход {cost}",
    "admin_models_line_off": "⚪️ **{model}** · {provider} · выключена\n{price} · расход {cost}",
    "admin_models_line_ended": "🔴 **{model}** · {provider} · отключена провайдером\n{price} · расход {cost}",
    "admin_models_first": "‹ К началу",
    "admin_models_more": "Ещё ›",
    "admin_models_back": "‹ Все виды",
    "admin_models_back_to": "‹ {kind}",
    "admin_model": "🤖 **{model}**\n\nПровайдер: {provider}\nВид: {kind}\nСтатус: **{state}**",
    "admin_model_on": "включена",
    "admin_model_off": "выключена",
    "admin_model_ended": "отключена провайдером",
    "admin_model_until": "⏳ Провайдер отключает модель {date}.",
    "admin_model_prices": "**Цены**\n{prices}",
    "admin_model_price": "• {price}",
    "admin_model_priceless": "цен нет",
    "admin_model_prices_left": "…и ещё {count|цена|цены|цен}",
    "admin_model_modes": "Режимы: {modes}",
    "admin_model_use_own": "«{mode}»",
    "admin_model_use_fallback": "«{mode}» (запасная)",
    "admin_model_month": "За 30 дней: {requests|запрос|запроса|запросов}, расход {cost}",
    "admin_model_margin": "С баланса оплачено {paid} при расходе {cost}. Маржа **{margin}** ({share}%).",
    "admin_model_paid": "С баланса оплачено {paid} при расходе {cost}: **{each}** за каждый доллар расхода",
    "admin_model_unusable": "Эта модель выключена или отключена провайдером. Режим не изменился.",
    "admin_model_unit_tokens": "за 1 млн токенов ({tokens})",
    "admin_model_input_tokens": "вход",
    "admin_model_output_tokens": "выход",
    "admin_model_cached_tokens": "кэш",
    "admin_model_image_input_tokens": "картинки на входе",
    "admin_model_audio_input_tokens": "звук на входе",
    "admin_model_image_output_tokens": "картинки на выходе",
    "admin_model_audio_output_tokens": "звук на выходе",
    "admin_model_video_output_tokens": "видео на выходе",
    "admin_model_unit_image": "за картинку",
    "admin_model_unit_clip": "за ролик",
    "admin_model_unit_request": "за запрос",
    "admin_model_unit_search": "за поиск",
    "admin_model_unit_second": "за секунду",
    "admin_model_unit_minute": "за минуту",
    "admin_model_sound": "со звуком",
    "admin_model_silent": "без звука",
    "admin_button_model_on": "🟢 Включить",
    "admin_button_model_off": "⚪️ Выключить",
    "admin_button_model_use": "⭐ Сделать основной: «{mode}»",
    "audit_model_on": "модель {model} включена",
    "audit_model_off": "модель {model} выключена",
    "audit_set_mode_model": "режим {mode}: модель {before} → {after}",
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
    "admin_user_not_found": (
        "Не удалось найти: {who}. Пользователи появляются здесь после первого сообщения любому из ботов. "
        "Свой ID они видят в /profile."
    ),
    "admin_no_plan": "Тарифа {name} нет. Есть: {plans}",
    "admin_granted": "{name}: бонусные запросы {before} → {after}",
    "admin_xp": "{name}: XP {before} → {after}",
    "admin_badge_given": "{name}: выдан значок «{badge}»",
    "admin_badge_taken": "{name}: снят значок «{badge}»",
    "admin_badge_same": "{name}: значок «{badge}», менять нечего",
    "admin_enrolled": "{name}: курс {course}, пакет {tier}",
    "admin_enrolled_until": "{name}: курс {course}, пакет {tier}, до {until}",
    "admin_no_badge": "Значка {badge} нет. Есть: {badges}. О своих значках: /badge",
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
    "undo_xp": "XP {change}",
    "undo_award_badge": "значок {badge}",
    "undo_revoke_badge": "снятие значка {badge}",
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
    "undone_adjust_xp": "XP",
    "undone_award_badge": "значок",
    "undone_revoke_badge": "снятие значка",
    "undone_set_plan": "тариф",
    "undone_reset_user_usage": "сброс лимита",
    "audit_undo": "отменено: {what} {before} → {after}",
    "audit_adjust_balance": "баланс {before} → {after}",
    "admin_audit": "📜 **Журнал**\n\n{entries}",
    "admin_audit_of": "📜 **Журнал:** {name}\n\n{entries}",
    "admin_audit_empty": "Пока пусто.",
    "admin_audit_line": "{date}, {admin}\n{user}: {what}",
    "admin_audit_reason": "«{reason}»",
    "admin_audit_erased": "Удалённый пользователь",
    "admin_audit_newest": "‹ Новые",
    "admin_audit_older": "Раньше ›",
    "audit_add_bonus_credits": "бонусные запросы {before} → {after}",
    "audit_give_trainings": "тренировки {before} → {after}",
    "audit_adjust_xp": "XP {before} → {after}",
    "audit_award_badge": "выдан значок {badge}",
    "audit_revoke_badge": "снят значок {badge}",
    "audit_reset_user_usage": "запросы за месяц {before} → {after}",
    "audit_set_plan": "тариф {before} → {after}",
    "audit_decide_dispute": "решение по спору: {before} → {after}, результат {score_before} → {score_after}",
    "audit_ban_user": "бан",
    "audit_enroll": "выдан курс {course}, пакет {tier}",
    "audit_withdraw_enrollment": "отозван курс {course}, пакет {tier}",
    "audit_set_staff_role": "выдана роль «{role}»",
    "audit_remove_staff": "снята роль «{role}»",
    "audit_invite_staff": "приглашение: {role}",
    "audit_cancel_staff_invitation": "приглашение отменено: {role}",
    "audit_accept_staff_invitation": "приглашение принято: {role}",
    "audit_read_lead": "просмотр лида",
    "audit_change_lead": "изменение лида",
    "audit_export_leads": "выгрузка лидов",
    "audit_create_ad_link": "новая рекламная ссылка",
    "audit_archive_ad_link": "рекламная ссылка в архив или обратно",
    "audit_set_crm_stages": "изменение этапов",
    "audit_export_learners": "выгрузка учеников курса {course}",
    "audit_save_article": "сохранена статья «{title}»",
    "audit_publish_article": "опубликована статья «{title}»",
    "audit_hide_article": "статья «{title}» снята с публикации",
    "audit_answer_lesson_question": "ответ на вопрос по уроку",
    "audit_unban_user": "бан снят",
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
    "admin_payment_person": "Покупатель: {user}",
    "admin_payment_payer": "неизвестен, платёж с Telegram ID {id}",
    "admin_payment_other_payer": "{name}, но платёж с другого Telegram ID ({id})",
    "admin_payment_no_payer": "неизвестен или удалён",
    "admin_payment_bought": "Покупка: {title} (заказ {order})",
    "admin_payment_given": "Начислено: {given}",
    "admin_payment_refunded": "Возвращено: {money}",
    "admin_payment_disputed": "Списано по спору: {money}",
    "admin_payment_status_pending": "Ожидает оплаты",
    "admin_payment_status_completed": "Оплачен",
    "admin_payment_status_part": "Оплачен, частично возвращён",
    "admin_payment_status_refunded": "Возвращён",
    "admin_payment_status_disputed": "Спор проигран",
    "admin_payment_status_failed": "Не прошёл",
    "admin_payment_status_canceled": "Отменён",
    "admin_given_subscription": "{quantity|день|дня|дней} тарифа",
    "admin_given_credits": "{quantity|запрос|запроса|запросов}",
    "admin_given_balance": "{quantity} на баланс",
    "admin_given_gift": "подарок",
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
    "admin_card_paid": "{paid}",
    "admin_card_refunded": "{paid}, из них возвращено {refunded}",
    "admin_mark_chargebacks": "⚠️ Оспоренные платежи: {count}",
    "admin_audit_no_user": "Платёж без пользователя",
    "audit_refund_payment": "запрошен возврат {money}, платёж {payment}",
    "audit_refund_decided": "возврат {money} по платежу {payment}: {state}",
    "admin_check_good": "✅ **Всё сходится:** платежи, покупки, картинки и видео, журнал операций и балансы.",
    "admin_check_bad": "🚨 **Есть расхождения.** Платежи: {payments}, балансы: {balances}, картинки и видео: {generations}.",
    "admin_check_payment": "Платёж {id}: {wrong}",
    "admin_check_generation": "Картинка или видео {id}: {wrong}",
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
        "Проверка слишком долгая для чата. Запустите её в SQL-редакторе: `check_payments()`, "
        "`check_balances()` и `check_generations()`."
    ),
    "command_here": "Адрес группы или темы для уведомлений",
    "admin_here": (
        "📍 **Этот чат:** `{address}`\n\nЧтобы получать сообщения сюда, задайте одну или обе настройки и "
        "разверните проект:\n`ALARMS_CHAT={address}`\n`PURCHASES_CHAT={address}`\n\nСейчас сюда приходят: {state}"
    ),
    "admin_here_alarms": "уведомления о проблемах",
    "admin_here_purchases": "уведомления о покупках",
    "admin_here_none": "ничего",
    "admin_here_private": "📍 Отправьте /here в группе или теме, куда должны приходить уведомления о проблемах или покупках.",
    "admin_chat_unreachable": (
        "⚠️ **Не могу писать в чат администраторов** `{address}`.\n\nОтвет Telegram: {error}\n\nСообщения "
        "оттуда теперь приходят сюда. Когда исправите, отправьте в том чате /here. Если тему удалили, создайте "
        "новую, отправьте в ней /here и укажите новый адрес в настройках."
    ),
    "admin_chat_moved": (
        "📍 **Группа администраторов стала супергруппой,** её адрес изменился. Сообщения приходят туда по-прежнему. "
        "До следующего развёртывания измените настройку:\n`{line}`"
    ),
    "admin_purchase": "💰 **{title}** · {money}\n\nПлатёж {payment} · {provider} · {bot}",
    "admin_purchase_renewed": "🔁 **{title}** · {money}\n\nПродление · платёж {payment} · {provider} · {bot}",
    "admin_alert_user_cost": (
        "⚠️ **Пользователь исчерпал дневной лимит расходов.**\n\nБот: {bot}\nПользователь: `{user}`\nЛимит: "
        "{limit} $ (`daily_cost_user`)\n\nДо конца дня бот не отвечает этому пользователю. Уведомление приходит "
        "только о первом таком пользователе за день."
    ),
    "admin_alert_bot_cost": (
        "🚨 **Бот {bot} исчерпал дневной лимит расходов:** {limit} $.\n\nДо конца дня бот отвечает только тем, "
        "кто подключил свой ключ к ИИ. Чтобы отвечать всем, увеличьте `daily_cost_bot`."
    ),
    "admin_alert_user_month_80": (
        "⚠️ **Пользователь израсходовал 80% месячного бюджета.**\n\nБот: {bot}\nПользователь: `{user}`\nБюджет: "
        "{limit} $ (`monthly_cost_user`)\n\nУведомление приходит только о первом таком пользователе за месяц."
    ),
    "admin_alert_user_month_100": (
        "🚨 **Пользователь израсходовал месячный бюджет.**\n\nБот: {bot}\nПользователь: `{user}`\nБюджет: {limit} $ "
        "(`monthly_cost_user`)\n\nДо конца месяца ИИ отвечает этому пользователю только на его ключе. Уведомление "
        "приходит только о первом таком пользователе за месяц."
    ),
    "admin_alert_bot_month_80": (
        "⚠️ **Бот {bot} израсходовал 80% месячного бюджета** в {limit} $.\n\nКогда бюджет закончится, ответы ИИ "
        "остановятся до конца месяца. Чтобы этого не случилось, увеличьте `monthly_cost_bot`."
    ),
    "admin_alert_bot_month_100": (
        "🚨 **Бот {bot} израсходовал месячный бюджет:** {limit} $.\n\nДо конца месяца бот отвечает только тем, кто "
        "подключил свой ключ к ИИ. Чтобы отвечать всем, увеличьте `monthly_cost_bot`."
    ),
    "admin_alert_model_ends": (
        "⚠️ Модель **{model}** ({provider}) отключат {date}, через {days|день|дня|дней}.\n\nГде используется: "
        "{uses}\n\nВыберите другую модель заранее, иначе запросы к этой перестанут работать."
    ),
    "admin_alert_model_gone": (
        "🚨 Провайдер {provider} отключил модель **{model}**.\n\nГде используется: {uses}\n\nВыберите другую "
        "модель сейчас: запросы к этой не работают или скоро перестанут."
    ),
    "admin_alert_health": (
        "🚨 **{what}: {value}**\n\nБаза данных: {environment}\nПорог: {most} (`{setting}`)\n\nПодробнее: "
        "`./switchboard database health`"
    ),
    "admin_alert_health_resolved": "✅ **{what}: {value}**\n\nСнова в норме. База данных: {environment}",
    "health_backup_hours": "Возраст последней копии, часов",
    "health_blocked_sessions": "Сеансы, ожидающие блокировки",
    "health_cache_miss_percent": "Чтения мимо кеша, %",
    "health_changes_by_hand": "Схему изменили в обход миграций",
    "health_connections_percent": "Занято подключений, %",
    "health_cron_failures": "Сбои cron за сутки",
    "health_dead_letters": "Необработанные апдейты за сутки",
    "health_dead_rows_percent": "Мёртвые строки в таблице, %",
    "health_environment_behind_hours": "Нет последних миграций, часов",
    "health_growth_megabytes": "Рост базы за сутки, МБ",
    "health_idle_transaction_minutes": "Самая долгая простаивающая транзакция, минут",
    "health_invalid_indexes": "Невалидные индексы",
    "health_missing_partitions": "Недостающие секции таблиц",
    "health_outbox_minutes": "Самое старое неотправленное сообщение, минут",
    "health_overdue_backups": "Просроченные резервные копии",
    "health_payments_in_doubt": "Платежи, по которым нужно решение",
    "health_sequences_percent": "Последовательность израсходована, %",
    "health_size_megabytes": "Размер базы, МБ",
    "health_slot_megabytes": "WAL, удержанный слотом репликации, МБ",
    "health_slow_statement_milliseconds": "Самый медленный запрос, мс",
    "health_transaction_minutes": "Самая долгая транзакция, минут",
    "health_unindexed_foreign_keys": "Внешние ключи без индекса",
    "health_unused_indexes": "Неиспользуемые индексы",
    "health_unvalidated_constraints": "Непроверенные ограничения",
    "health_wraparound_percent": "Израсходовано номеров транзакций, %",
    "admin_alarms_more": (
        "🔔 Пока вы не запустили бота, накопилось ещё {count|уведомление|уведомления|уведомлений}. Платежи, "
        "которые требуют внимания: /payment"
    ),
    "command_access": "Техработы и новые пользователи",
    "admin_access": "🚪 **Доступ**\n\nНовые пользователи: {mode}\nТехработы: {maintenance}\n\nВо время техработ боты отвечают только администраторам. Платежи и возвраты работают.",
    "admin_access_open": "все",
    "admin_access_invite": "по приглашению",
    "admin_access_closed": "никто",
    "admin_maintenance_on": "идут",
    "admin_maintenance_off": "нет",
    "admin_button_access_open": "Все",
    "admin_button_access_invite": "По приглашению",
    "admin_button_access_closed": "Никто",
    "admin_button_maintenance_on": "🛠 Начать техработы",
    "admin_button_maintenance_off": "✅ Закончить техработы",
    "audit_set_access": "доступ: {before} → {after}",
    "database_title": "База данных",
    "database_about": "Только просмотр. Изменения — через ./switchboard database.",
    "database_environment": "Среда",
    "database_size": "Размер",
    "database_megabytes": "МБ",
    "database_version": "Миграции",
    "database_health": "Состояние",
    "database_bad": "{count|показатель|показателя|показателей} выше предела",
    "database_good": "Всё в порядке",
    "database_half_done": "Остановились на полпути: {versions}",
    "database_figure": "Показатель",
    "database_value": "Значение",
    "database_limit": "Предел",
    "database_state": "Состояние",
    "database_over": "Выше предела",
    "database_no_health": "Ещё не измерялось.",
    "database_runs": "Запуски ./switchboard database",
    "database_at": "Когда",
    "database_table": "Таблица",
    "database_kind": "Операция",
    "database_outcome": "Результат",
    "database_versions": "Версии",
    "database_steps": "Миграции",
    "database_seconds": "Секунды",
    "database_actor": "Кто",
    "database_no_runs": "Запусков ещё не было.",
    "database_backups": "Резервные копии",
    "database_kept": "Тип",
    "database_kept_daily": "Ежедневная",
    "database_kept_monthly": "Ежемесячная",
    "database_kept_migration": "Перед миграцией",
    "database_verified": "Проверена восстановлением",
    "database_not_verified": "Ещё нет",
    "database_no_backups": "Резервных копий нет.",
    "command_codes": "Пачка одноразовых промокодов",
    "admin_usage_codes": "🏷 **Одноразовые коды**\n\n`/codes GIFT credits 50 100 30 для партнёров` создаст 100 кодов на 50 запросов каждый, со сроком 30 дней и заметкой для администраторов. Пришлю их файлом.\n\nВместо `credits 50` можно указать `month 1`, `trainings 3` или `percent 20`. Дни можно не указывать; `-` — без ограничения. Не больше 5000 кодов. Из одной пачки пользователь активирует один код.",
    "admin_codes": "🏷 **{prefix}**: одноразовые коды в файле, всего {size}.",
    "audit_create_promocode_batch": "создана пачка промокодов, всего {size}",
    "audit_export_promocodes": "выгружена пачка промокодов",
    "admin_access_maintenance": "техработы",
}
