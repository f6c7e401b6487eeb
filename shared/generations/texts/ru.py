"""Russian texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "generation_started_image": "🎨 Рисую картинку… Обычно это меньше минуты.",
    "generation_started_video": "🎬 Делаю видео… Обычно это несколько минут.",
    "generation_unfinished_image": "⏳ Ещё рисую прошлую картинку. Попробуйте снова, когда она придёт.",
    "generation_unfinished_video": "⏳ Ещё делаю прошлое видео. Попробуйте снова, когда оно придёт.",
    "generation_no_requests": "Для этого не хватает запросов.",
    "generation_no_balance": "Для этого не хватает денег на балансе.",
    "generation_limit": "Лимит на сегодня исчерпан. Попробуйте завтра.",
    "generation_limit_month": "Лимит на этот месяц исчерпан. Попробуйте в следующем месяце.",
    "generation_limit_bot_month": "Бот исчерпал лимит на этот месяц. Попробуйте в следующем месяце.",
    "generation_wait": "⏳ Ещё отвечаю на прошлые сообщения. Попробуйте чуть позже.",
    "generation_too_many_refusals": (
        "🚫 Слишком много ваших описаний нарушили правила провайдера ИИ. Попробуйте завтра."
    ),
    "generation_failed_image": "⚠️ Не получилось нарисовать картинку. Ничего не списано. Попробуйте ещё раз.",
    "generation_failed_video": "⚠️ Не получилось сделать видео. Ничего не списано. Попробуйте ещё раз.",
    "generation_refused_image": (
        "🚫 Правила провайдера ИИ не разрешают такую картинку. Ничего не списано. Попробуйте описать её иначе."
    ),
    "generation_refused_video": (
        "🚫 Правила провайдера ИИ не разрешают такое видео. Ничего не списано. Попробуйте описать его иначе."
    ),
    "generation_answered": "💬 Вместо картинки ИИ ответил:\n\n{answer}\n\nНичего не списано.",
    "generation_expired_image": "⌛ Картинка делалась слишком долго, я больше не жду. Ничего не списано.",
    "generation_expired_video": "⌛ Видео делалось слишком долго, я больше не жду. Ничего не списано.",
    "generation_too_large": (
        "⚠️ Видео получилось больше 50 МБ, а такие файлы боты отправлять не могут. Ничего не списано. "
        "Попробуйте ролик короче или меньшее разрешение."
    ),
    "generation_link": (
        "🎬 Видео готово. Оно больше 50 МБ, поэтому Telegram не может показать его здесь. Скачайте его по "
        "кнопке ниже. Ссылка работает {days|день|дня|дней}."
    ),
    "generation_download": "⬇️ Скачать видео",
    "generation_late": "Результат пришёл с опозданием, поэтому он бесплатный.",
    "generation_progress_image": "🎨 Рисую картинку… Прошло {elapsed}.",
    "generation_progress_usual_image": "🎨 Рисую картинку… Прошло {elapsed} примерно из {usual}.",
    "generation_progress_late_image": "🎨 Рисую картинку… Прошло {elapsed}, дольше обычного.",
    "generation_progress_video": "🎬 Делаю видео… Прошло {elapsed}.",
    "generation_progress_usual_video": "🎬 Делаю видео… Прошло {elapsed} примерно из {usual}.",
    "generation_progress_late_video": "🎬 Делаю видео… Прошло {elapsed}, дольше обычного.",
}
