"""Russian texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_remind": "Поставить напоминание",
    "remind_none": (
        "⏰ **Напоминаний пока нет**\n\nНапишите, когда и о чём напомнить:\n\n/remind завтра в 9 позвонить маме\n"
        "/remind через 2 часа развесить бельё\n/remind понедельник 10:00 планёрка\n\nИли ответьте на любое "
        "сообщение: /remind завтра."
    ),
    "remind_list": (
        "⏰ **Ваши напоминания**\n\n{lines}\n\nЧасовой пояс: {zone}\nНовое: /remind завтра в 9 позвонить маме"
    ),
    "remind_more": "…и ещё {count}",
    "remind_moment": "{day} в {time}",
    "remind_set": "⏰ Напомню **{moment}**, {zone}:\n\n{words}",
    "remind_when": (
        "⏰ Когда напомнить?\n\nВыберите время или отправьте всё сразу: /remind завтра в 9 позвонить маме"
    ),
    "remind_what": "⏰ О чём напомнить?\n\nНапишите следующим сообщением.",
    "remind_past": "⏰ Это время уже прошло. Выберите другое.",
    "remind_too_far": "⏰ Напомнить можно не позже чем через год. Выберите время поближе.",
    "remind_limit": (
        "⏰ На вашем тарифе можно держать не больше {limit|напоминания|напоминаний|напоминаний}. Удалите ненужное и "
        "попробуйте ещё раз."
    ),
    "remind_due": "⏰ **Напоминание**\n\n{words}",
    "remind_deleted": "Напоминание удалено",
    "remind_gone": "Этого напоминания больше нет.",
    "remind_old": "Это напоминание уже поставлено. Для нового отправьте /remind.",
    "remind_asked": "Уже отвечаю на этот вопрос.",
    "remind_snoozed": "Напомню ещё раз {moment}.",
    "remind_in_hour": "Через час",
    "remind_in_tomorrow": "Завтра в 9:00",
    "remind_in_days": "Через 3 дня",
    "remind_in_week": "Через неделю",
    "remind_tonight": "Сегодня в 19:00",
    "remind_when_answer": "⏰ Когда напомнить об этом вопросе?",
    "remind_no_question": "Этого вопроса уже нет в истории. Задайте его ещё раз или поставьте напоминание: /remind.",
    "remind_cancel": "Отмена",
    "remind_canceled": "Напоминание не поставлено.",
    "remind_button_answer": "⏰ Напомнить",
    "remind_button_ask": "💬 Спросить сейчас",
    "remind_button_hour": "Через час",
    "remind_button_tomorrow": "Завтра",
    "remind_button_list": "⏰ Напоминания",
    "remind_button_zone": "🌍 Часовой пояс",
    "remind_button_delete": "🗑 {number}",
    "remind_new": "Новое напоминание",
    "remind_words": "О чём",
    "remind_at": "Когда",
    "remind_save": "Напомнить",
    "remind_delete_one": "Удалить: {words}",
    "remind_empty": "Напоминаний пока нет. Бот напишет вам в выбранное время.",
    "remind_set_notice": "Бот напомнит.",
    "remind_deleted_notice": "Напоминание удалено.",
    "remind_gone_notice": "Этого напоминания больше нет.",
    "remind_page_secret": "Похоже на пароль или API-ключ, поэтому мы это не сохранили.",
    "remind_page_past": "Это время уже прошло. Выберите более позднее.",
    "remind_page_too_far": "Напомнить можно не позже чем через год.",
    "remind_page_limit": "На вашем тарифе можно завести {limit|напоминание|напоминания|напоминаний}. Удалите одно и попробуйте снова.",
}
