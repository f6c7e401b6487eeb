"""Russian texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_buy": "Тарифы и пополнение",
    "buy": "⭐ **Что хотите купить?**",
    "buy_trial": "✨ «{plan}»: {days|день|дня|дней} бесплатно. /trial",
    "buy_promo_hint": "Есть промокод? /promo",
    "buy_currency": "Показать цены в {currency}",
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
    "buy_free": "Этот бот бесплатный: покупать здесь ничего не нужно.",
    "buy_gone": "Этого больше нет в продаже. Выберите другое:",
    "buy_all": "‹ Все предложения",
    "buy_other": "Другие способы оплаты",
    "buy_note_upgrade": (
        "За этот курс вы уже заплатили {paid}. Эта сумма вычтется только при оплате в той же валюте. "
        "Полная цена: {prices}."
    ),
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
    "balance_buy": "Оплатить {price} с баланса",
    "shop_menu": "Магазин",
    "shop_title": "Магазин",
    "shop_currency": "Цены в",
    "shop_promo": "Есть промокод?",
    "shop_promo_code": "Промокод",
    "shop_pay_once": "Разовая оплата",
    "shop_method": "Способ оплаты",
    "shop_pay_month": "Автопродление каждый месяц, можно отключить в любой момент",
    "shop_pay_year": "Автопродление каждый год, можно отключить в любой момент",
    "shop_balance_have": "У вас {balance}",
    "shop_balance_short": "На балансе {balance}: для этой покупки не хватает.",
    "shop_top_up": "Пополнить",
    "shop_contact": "Email или телефон для чека",
    "shop_contact_hint": "По закону мы обязаны отправить чек. Например: anna@example.com или +79991234567.",
    "contact_missing": "Укажите email или телефон для чека",
    "contact_wrong": "Не похоже ни на email, ни на телефон",
    "contact_refused": "{provider}: не удалось отправить чек на этот контакт. Деньги не списаны. Проверьте, нет ли опечатки, или укажите другой.",
    "shop_continue": "Перейти к оплате",
    "shop_replace": "Заменить автопродление?",
    "shop_replace_about": "У вас уже есть автопродление: {title}, {price}, {provider}. Если оплатить сейчас, вы получите ещё один период, а новое автопродление заменит текущее.",
    "shop_keep": "Оставить текущее",
    "buy_gone_notice": "Этот товар уже куплен или больше не продаётся.",
    "buy_option_notice": "Этот способ оплаты больше недоступен. Выберите другой.",
    "buy_price_notice": "Цена изменилась. Проверьте её и продолжите.",
    "buy_refused_notice": "Этот способ оплаты не подходит для этого заказа. Деньги не списаны. Выберите другой.",
    "buy_unavailable_notice": "Этот способ оплаты сейчас не отвечает. Деньги не списаны. Выберите другой или попробуйте позже.",
    "balance_short_notice": "На балансе не хватает денег. Пополните его или выберите другой способ оплаты.",
    "order_title": "Заказ {number}",
    "order_purchases": "Покупки",
    "order_open": "Ожидает оплаты",
    "order_paid": "Оплачен",
    "order_held": "На проверке",
    "order_refunded": "Возвращён",
    "order_disputed": "Оспорен банком",
    "order_withdrawn": "Отменён",
    "order_canceled": "Отменён",
    "order_expired": "Истёк",
    "order_in_progress": "Платёж обрабатывается.",
    "order_failed": "Последняя попытка оплаты не прошла. Попробуйте ещё раз.",
    "order_total": "Итого",
    "order_renewal": "Автопродление",
    "order_then_month": "затем {price} каждый месяц",
    "order_then_year": "затем {price} каждый год",
    "order_method": "Способ оплаты",
    "order_contact": "Чек придёт на",
    "order_number": "Номер заказа",
    "order_date": "Дата",
    "order_until": "Оплатить до",
    "order_about": "Оплата проходит на сайте платёжной системы. Эта страница обновится сама.",
    "order_about_stars": "Звёзды оплачиваются в Telegram: бот покажет счёт. Эта страница обновится сама.",
    "order_about_paid": "Спасибо! Покупка уже доступна.",
    "order_about_held": "Сообщим в Telegram, когда всё решится.",
    "order_about_refunded": "Деньги вернулись туда, откуда были списаны.",
    "order_about_disputed": "Банк оспорил платёж, поэтому покупка приостановлена.",
    "order_about_withdrawn": "Скидка перешла к более новому заказу.",
    "order_about_canceled": "Деньги не списаны.",
    "order_about_expired": "Срок ссылки на оплату истёк. Деньги не списаны.",
    "order_pay": "Оплатить {price}",
    "order_pay_stars": "Оплатить {price} в Telegram",
    "order_check": "Проверить оплату",
    "order_new_link": "Получить ссылку на оплату",
    "order_cancel": "Отменить заказ",
    "order_canceled_notice": "Заказ отменён. Деньги не списаны.",
    "shop_course_program": "Программа и уроки курса",
    "order_receipt": "Квитанция",
    "order_open_courses": "Перейти к обучению",
    "order_open_plan": "Посмотреть тариф",
    "order_open_usage": "Посмотреть запросы",
    "order_open_balance": "Посмотреть баланс",
    "order_again": "Купить снова",
    "balance_title": "Баланс",
    "balance_top_up": "Пополнить",
    "balance_history": "История",
    "balance_nothing": "Операций пока не было.",
    "balance_date": "Дата",
    "balance_what": "За что",
    "balance_amount": "Сумма",
    "balance_after": "Баланс",
    "balance_older": "Более ранние",
    "balance_reason_payment": "Пополнение",
    "balance_reason_purchase": "Покупка",
    "balance_reason_refund": "Возврат",
    "balance_reason_generation": "Картинка или видео",
    "balance_reason_referral_commission": "Процент с покупки друга",
    "balance_reason_admin": "Изменение от поддержки",
    "balance_reason_other": "Прочее",
}
