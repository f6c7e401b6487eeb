"""Russian texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_payments": "Ваши платежи",
    "command_subscription": "Тариф и автопродление",
    "subscription_cancel_refused": (
        "😔 Платёжная система не дала отключить автопродление, оно пока **включено**. Мы уже знаем об этом. "
        "Помощь: /paysupport"
    ),
    "checkout_paid": "Этот счёт уже оплачен.",
    "checkout_renewing": "Автопродление уже включено. Изменить его можно в /subscription.",
    "checkout_expired": "Срок этого счёта истёк. Откройте /buy и выберите снова.",
    "checkout_owner": "Этот счёт выставлен другому пользователю. Откройте /buy, чтобы получить свой.",
    "checkout_unknown": "Этого счёта больше нет. Откройте /buy и выберите снова.",
    "checkout_unavailable": "Сейчас мы не можем принять оплату. Попробуйте через минуту.",
    "payments": "💳 **Ваши платежи**",
    "payments_none": "Вы ещё ничего не покупали.",
    "payments_order": "Не оплачено: {title} · {price}",
    "payments_waiting": "⏳ **{title}**\nК оплате: **{price}**\n\nЗаказ ещё не оплачен.",
    "payments_cancel": "Отменить заказ",
    "payments_canceled": "Заказ отменён, деньги не списаны.",
    "payments_line": "{date} · **{title}**\n{price} · {status}",
    "payment_status_pending": "Ожидает оплаты",
    "payment_status_completed": "Оплачено",
    "payment_status_part": "Оплачено, часть возвращена",
    "payment_status_review": "На проверке",
    "payment_status_expired": "Срок истёк",
    "payments_unknown": "Платёж",
    "payment_status_refunded": "Возвращено",
    "payment_status_disputed": "Оспорено банком",
    "payment_status_canceled": "Отменено, не оплачено",
    "payment_status_withdrawn": "Отменено",
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
    "plan_title": "Ваш тариф",
    "plan_until": "Активен до {until}",
    "plan_free": "Можно перейти на платный в любой момент",
    "plan_endless": "Активен бессрочно",
    "plan_day": "Запросов в день",
    "plan_month": "Запросов в месяц",
    "plan_bonus": "Бонусных запросов",
    "plan_unlimited": "Без ограничений",
    "plan_renewal": "Автопродление",
    "plan_renewal_on": "Включено",
    "plan_renewal_off": "Отключено",
    "plan_renewal_active_month": "{price} каждый месяц, {provider}.",
    "plan_renewal_active_year": "{price} каждый год, {provider}.",
    "plan_renewal_past_due": "{price}, {provider}. Последнее списание не прошло. Попробуем ещё раз, а тариф сохранится до {until}. Проверьте карту или оплатите другим способом.",
    "plan_renewal_past_due_over": "{price}, {provider}. Последнее списание не прошло. Попробуем ещё раз. Проверьте карту или оплатите другим способом.",
    "plan_renewal_canceled": "{price}, {provider}. Новых списаний не будет.",
    "plan_renewal_gone": "Это автопродление уже закончилось.",
    "plan_turn_off": "Отключить",
    "plan_resume": "Включить снова",
    "plan_keep": "Оставить",
    "plan_cancel_title": "Отключить автопродление?",
    "plan_cancel_until": "Новых списаний не будет, доступ сохранится до {until}.",
    "plan_cancel_about": "Новых списаний не будет, доступ сохранится до конца оплаченного периода.",
    "plan_trial": "«{plan}» бесплатно на {days|день|дня|дней}",
    "plan_trial_about": "Карта не нужна, автоматических списаний не будет. Пробный период даётся один раз.",
    "plan_trial_start": "Начать пробный период",
    "plan_offers": "Продлить или сменить тариф",
    "plan_offers_free": "Выберите тариф",
    "plan_promo": "Есть промокод?",
    "subscription_canceled_notice": "Автопродление отключено. Доступ сохранится до конца оплаченного периода.",
    "subscription_canceled_over_notice": "Автопродление отключено, новых списаний не будет.",
    "subscription_cancel_busy_notice": "Прямо сейчас списывается оплата за новый период, остановить её уже нельзя. Загляните через минуту.",
    "subscription_cancel_failed_notice": "Платёжная система не ответила, поэтому автопродление пока включено. Попробуйте ещё раз через несколько минут.",
    "subscription_cancel_refused_notice": "Платёжная система не отключила автопродление, оно пока включено. Мы уже знаем об этом.",
    "purchases_title": "Покупки",
    "purchases_shop": "Перейти в магазин",
    "purchases_newer": "Более новые",
    "purchases_older": "Более ранние",
    "receipt_title": "Платёж {number}",
    "receipt_product": "Покупка",
    "receipt_renewal": "Период автопродления",
    "receipt_amount": "Сумма",
    "receipt_refunded": "Возвращено",
    "receipt_date": "Оплачено",
    "receipt_method": "Способ оплаты",
    "receipt_order": "Номер заказа",
    "receipt_buyer": "Покупатель",
    "receipt_sent": "Кассовый чек отправлен на {contact}.",
    "receipt_review": "Платёж на проверке. Сообщим в Telegram, когда всё решится.",
    "receipt_problem": "Нужен возврат или есть вопрос о платеже?",
    "receipt_terms": "Условия покупки",
    "order_unknown": "Такого заказа нет.",
}
