"""Russian texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_new_no_chat": "Начать тренировку",
    "command_tip": "Получить подсказку",
    "command_finish": "Завершить и увидеть результат",
    "command_history": "Ваш прогресс",
    "menu_new": "🎯 Тренироваться",
    "bot_about_spin": "Тренажёр продаж: ИИ играет клиента и объясняет каждый балл.",
    "prompt_spin": "Нажмите «Тренироваться» или выберите действие ниже.",
    "welcome_spin": (
        "👋 **Здравствуйте, {name}!**\n\nПотренируем переговоры. Клиента играю я: задавайте вопросы, и он "
        "расскажет, что ему мешает, во что это обходится и чем поможет решение. В конце увидите баллы и за "
        "что дан каждый.\n\nНачать: /new"
    ),
    "help_spin": "**Что я умею**\n\nИграю клиента на переговорах и оцениваю ваши вопросы. Начать: /new",
    "trainer_choose_scenario": "🎯 **Что потренируем?**",
    "trainer_scenario_line": "**{name}** — {about}",
    "trainer_choose_case": "🏢 **{scenario}: выберите клиента**\n\n🟢 легко · 🟡 средне · 🔴 сложно · ✓ недавно играли",
    "trainer_mark_easy": "🟢",
    "trainer_mark_medium": "🟡",
    "trainer_mark_hard": "🔴",
    "trainer_case_button": "{mark} {company}",
    "trainer_case_played_button": "{mark} {company} ✓",
    "trainer_random_button": "🎲 Случайный клиент",
    "trainer_back_button": "‹ Назад",
    "trainer_card": (
        "🏢 **{company}**\n{size} · {region}\n👤 {name}, {position}\n\n📦 **Вы продаёте: {product}**\n{offer}\n\n"
        "📋 {public}"
    ),
    "trainer_reversed_card": (
        "🏢 **{company}**\n{size} · {region}\n👤 {name}, {position}\n\n📦 **Вам предлагают: {product}**\n\n📋 {public}"
    ),
    "trainer_choose_mode": "Как будете тренироваться?",
    "trainer_practice_button": "▶️ Вся встреча",
    "trainer_drill_button": "{emoji} Только тип: {type}",
    "trainer_choose_difficulty": (
        "🎚 **Насколько клиент открыт?**\n\nЛегко: работают и общие вопросы. Средне: сработает один общий вопрос. "
        "Сложно: работают только точные вопросы, подсказок нет.\n\nДля этого клиента советую: {suggested}."
    ),
    "trainer_easy": "легко",
    "trainer_medium": "средне",
    "trainer_hard": "сложно",
    "trainer_easy_button": "🟢 Легко",
    "trainer_medium_button": "🟡 Средне",
    "trainer_hard_button": "🔴 Сложно",
    "trainer_known": "💡 **Вы уже знаете:**\n{known}",
    "trainer_drill": (
        "{emoji} **Отработка: {type}**\n{rule}\n\nБаллы дают только вопросы этого типа. Всего вопросов: {limit}."
    ),
    "trainer_start": "✍️ Всего вопросов: {limit}, для оценки нужно хотя бы {minimum}.",
    "trainer_send_first": "Отправьте первый вопрос сообщением.",
    # Of a scenario where answers count, too
    "trainer_drill_replies": (
        "{emoji} **Отработка: {type}**\n{rule}\n\nБаллы даёт только этот тип. Всего реплик: {limit}."
    ),
    "trainer_start_replies": "✍️ Всего реплик: {limit}, для оценки нужно хотя бы {minimum}.",
    "trainer_send_first_replies": "Отправьте первую сообщением: вопрос или ответ.",
    "trainer_line_none_replies": "💬 Это не о возражении клиента, сообщение не засчитано.",
    "trainer_line_hint_replies": "💬 Спрашивайте о возражении или отвечайте на него. Например: «{question}»",
    "trainer_tip_button": "💡 Подсказка",
    "trainer_finish_button": "🏁 Завершить",
    "trainer_resume_button": "▶️ Продолжить",
    "trainer_another_button": "🎯 Начать другую",
    "trainer_replace_button": "🎯 Прервать её и начать новую",
    "trainer_new_button": "🎯 Новая тренировка",
    "trainer_history_button": "📈 Прогресс",
    "trainer_none_open": "▶️ **Сейчас тренировка не идёт.**",
    "trainer_start_button": "🎯 Начать тренировку",
    "trainer_cancel": "Тренировка ещё идёт. Чтобы завершить её и увидеть результат, отправьте /finish",
    "trainer_open": (
        "▶️ **У вас есть незавершённая тренировка**\n\n{company}\nВопросов: {questions} · ясность {clarity}%"
    ),
    "trainer_exchange": "**Вы:** {question}\n**{client}:** {reply}",
    "trainer_so_far": "{questions}/{limit} · ясность {clarity}%. Продолжайте.",
    "trainer_exam_so_far": "{questions}/{limit}. Продолжайте.",
    "trainer_reply": "**{client}:** {reply}",
    "trainer_line_counted": "{emoji} {type} **{points}**{context} · ясность {clarity}% · {number}/{limit}",
    "trainer_line_capped": (
        "{emoji} {type} **{points}**{context} · таких уже хватает, попробуйте другой тип · ясность {clarity}% · "
        "{number}/{limit}"
    ),
    "trainer_line_repeated": "🔁 Это вы уже спрашивали: **{points}** · ясность {clarity}% · {number}/{limit}",
    "trainer_line_other_type": "{emoji} {type} **{points}** · другой тип, не для этой отработки · {number}/{limit}",
    "trainer_line_context": " (в контексте)",
    "trainer_line_none": "💬 Это не вопрос о делах клиента, сообщение не засчитано.",
    "trainer_line_instructions": "💬 Засчитывается только то, что вы говорите клиенту.",
    "trainer_line_hint": "💬 Вперёд ведут только вопросы. Например: «{question}»",
    "trainer_may_finish": "✅ Ясность {clarity}%: можно завершить или продолжить ради баллов.",
    "trainer_busy": "⏳ Клиент ещё отвечает. Отправьте это снова после ответа, сейчас сообщение не засчитано.",
    "trainer_finish_busy": "⏳ Клиент ещё отвечает. Завершите после ответа, чтобы вопрос засчитался.",
    "trainer_secret": (
        "🔑 Похоже на пароль или API-ключ, поэтому я ничего не сохранил и никуда не отправил. Удалите сообщение."
    ),
    "trainer_too_long": (
        "Сообщение слишком длинное: {length|символ|символа|символов}, а можно не больше {limit}. Сократите его и "
        "отправьте снова. Разобрать реальный разговор: /review"
    ),
    "trainer_gone": "Этот клиент больше недоступен. Начните новую тренировку: на ваши баллы это не повлияет.",
    "trainer_gone_open": (
        "Этот клиент больше недоступен, продолжить тренировку нельзя. Завершите её, чтобы получить баллы."
    ),
    "trainer_tip": (
        "💡 **Попробуйте тип {emoji} {type}.** {rule}\n\nНапример: «{question}»\n\nСвоими словами выйдет больше "
        "баллов."
    ),
    "trainer_reversed_button": "🔄 Сыграть клиента",
    "trainer_reversed_start": (
        "🔄 **Теперь клиент — вы, а продаю я**\n\nЯ задам {limit|вопрос|вопроса|вопросов}, по одному. Отвечайте за клиента. "
        "В конце назовите тип каждого вопроса и отметьте, был ли он полезен."
    ),
    "trainer_reversed_hidden": "🔒 **Это знаете только вы. Раскрывайте, если вопрос того стоит:**\n{hidden}",
    "trainer_reversed_question": "🧑‍💼 **{question}**\n\n{number}/{limit} · ответьте за клиента",
    "trainer_reversed_exchange": "🧑‍💼 {question}\n**Вы:** {answer}",
    "trainer_reversed_judge_button": "🏁 Оценить вопросы",
    "trainer_reversed_open": "🔄 **Вы играете клиента**\n\n{company}\nОтветов: {answers} из {limit}",
    "trainer_reversed_busy": "⏳ Думаю над следующим вопросом. Повторите, когда он придёт.",
    "trainer_tip_reversed": "🔄 Сейчас клиент — вы, поэтому подсказок нет.",
    "trainer_reversed_no_more": "⚖️ Вопросы закончились, поэтому ответ не засчитан. Оцените вопросы кнопками:",
    "trainer_reversed_turn": "⚖️ **Вопрос {number} из {limit}**\n\n🧑‍💼 {question}\n**Вы:** {answer}",
    "trainer_reversed_ask_type": "Какого типа этот вопрос?",
    "trainer_reversed_ask_useful": "Он помог продавцу?",
    "trainer_reversed_useful_button": "👍 Полезный",
    "trainer_reversed_useless_button": "👎 Бесполезный",
    "trainer_reversed_judged": "⚖️ Вы оценили все вопросы.",
    "trainer_reversed_result": (
        "🔄 **Наши оценки совпали: {matched} из {count}**\n\nПолезных вопросов, по-вашему: {useful}."
    ),
    "trainer_reversed_same": "{number}. ✅ {question}\n{mine}",
    "trainer_reversed_other": "{number}. ✖️ {question}\nВы: {yours} · я: {mine}",
    "trainer_reversed_type": "{emoji} **{type}**: {matched} из {count}. {rule}",
    "trainer_reversed_unanswered": "🔄 **Завершено до первого ответа.** Тренировка не потрачена.",
    "trainer_reversed_minimum": "Чтобы получить XP, ответьте хотя бы на {minimum|вопрос|вопроса|вопросов}.",
    "command_review": "Разобрать реальный разговор",
    "trainer_review_start": (
        "🔎 **Разберём реальный разговор**\n\nПришлите его текстом, одним сообщением или несколькими. "
        "Начинайте каждую реплику с того, кто говорит: «Менеджер: …», «Клиент: …». Подойдут и чаты, "
        "скопированные из Telegram или Zoom, и переписка по почте.\n\nДо {limit|символа|символов|символов}; "
        "оцениваю первые вопросы продавца, до {questions}. Разбор стоит одну тренировку. Уберите чужие имена "
        "и телефоны: текст уходит провайдеру ИИ, а вопросы и ответы я храню {days|день|дня|дней}."
    ),
    "trainer_review_added": "📥 Принято: {length} из {limit|символа|символов|символов}. Пришлите ещё или нажмите «Готово».",
    "trainer_review_too_long": (
        "Слишком длинно, поэтому не добавлено: предел — {limit|символ|символа|символов}, вы уже прислали {length}."
    ),
    "trainer_review_done_button": "✅ Готово",
    "trainer_review_cancel_button": "✖️ Отменить",
    "trainer_review_canceled": "✖️ Отменено. Присланный текст удалён.",
    "trainer_review_no_speakers": (
        "🤔 **Непонятно, кто говорит**\n\nНачните каждую реплику с того, кто говорит: «Менеджер: …», «Клиент: …». Нажмите "
        "«Начать заново» и пришлите исправленный текст."
    ),
    "trainer_review_again_button": "🔁 Начать заново",
    "trainer_review_changed": "📥 Пока шёл разбор, пришло ещё одно сообщение, поэтому оценки пока нет.",
    "trainer_review_scored": "✅ Готово, вот разбор:",
    "trainer_review_ask_seller": "👤 **Кто здесь продавец?**",
    "trainer_review_no_questions": "🤔 **Этот собеседник не задаёт вопросов.** Кто продавец?",
    "trainer_review_busy": "⏳ Уже разбираю.",
    "trainer_review_score": "🔎 **Ваш разговор: {score}** · {rank}",
    "trainer_review_figures": "Вопросов {questions} · в контексте {contextual}",
    "trainer_review_left_out": "Ещё {count|вопрос не вошёл|вопроса не вошли|вопросов не вошли} в разбор.",
    "trainer_review_patterns": "ℹ️ ИИ был недоступен, вопросы размечены по простым правилам. Что неверно, оспорьте.",
    "trainer_review_history": "🔎 Ниже — последние разобранные разговоры.",
    "trainer_review_history_button": "🔎 {date}: {score}",
    "trainer_exam_button": "🎓 Экзамен",
    "trainer_exam_start": (
        "🎓 **Экзамен**\n\nВопросов: {limit}, время — до {until}. Подсказок нет, результат увидите в конце. Чтобы сдать, "
        "наберите баллов: {score}."
    ),
    "trainer_exam_open": "🎓 **Идёт экзамен**\n\n{company}\nВопросов: {questions} · до {until}",
    "trainer_line_exam": "🎓 {number}/{limit} · до {until}",
    "trainer_exam_passed": "🎓 **Экзамен сдан.** Проходной балл: {score}",
    "trainer_exam_failed": "🎓 **Экзамен не сдан.** Проходной балл: {score}",
    "trainer_exam_over": "⏰ **Время экзамена вышло.** Вот результат:",
    "trainer_result_button": "🏁 Посмотреть результат",
    "trainer_certificate_button": "🎓 Получить сертификат",
    "trainer_no_attempts": (
        "🎓 **Попыток пока не осталось.** На каждый назначенный экзамен даётся "
        "{attempts|попытка|попытки|попыток}, а без назначения — столько же в день. Пока можно "
        "потренироваться."
    ),
    "trainer_ask_reason": (
        "⚖️ **Что здесь не так?**\n\n«{question}»\n\nНапишите одним сообщением: тип, контекст или что-то ещё. Вопрос "
        "посмотрит человек."
    ),
    "trainer_no_reason_button": "Отправить без пояснения",
    "trainer_line_upheld": "⚖️ Вы оспорили эту строку. Мы её проверили, баллы остаются.",
    "trainer_line_corrected": "⚖️ Вы оспорили эту строку, и мы её исправили.",
    "trainer_dispute_upheld": (
        "⚖️ **Мы проверили строку, баллы остаются**\n\n«{question}»\n\nРезультат прежний: {after}."
    ),
    "trainer_dispute_corrected": (
        "⚖️ **Вы правы, мы исправили строку**\n\n«{question}»\n\nРезультат: {before} → {after}. Изменение XP: {xp}."
    ),
    "trainer_uphold_button": "⚖️ Оставить",
    "trainer_correct_button": "✏️ Исправить",
    "trainer_ask_label": (
        "✏️ **Какой это тип?**\n\nКлиент: {answer}\nВопрос: {question}\n\nМетка: {type}, баллов: {points}\nПричина: {reason}"
    ),
    "trainer_ask_context": (
        "✏️ **{type}. Вопрос подхватывает слова клиента?**\n\nКлиент: {answer}\nВопрос: {question}"
    ),
    "trainer_in_context_button": "🔗 В контексте",
    "trainer_not_in_context_button": "Не в контексте",
    "trainer_you_upheld": "⚖️ Баллы оставлены. Пользователь получил сообщение.",
    "trainer_you_corrected": "✏️ Исправлено: результат {before} → {after}, XP {xp}. Пользователь получил сообщение.",
    "trainer_was_upheld": "⚖️ Другой администратор уже оставил эти баллы.",
    "trainer_was_corrected": "⚖️ Другой администратор уже исправил эту строку.",
    "trainer_dispute_gone": "Этого спора больше нет: пользователь удалил данные.",
    "trainer_tip_exam": "🎓 На экзамене подсказок нет. У вас получится!",
    "trainer_tip_hard": "🔴 На сложном уровне подсказок нет. У вас получится!",
    "trainer_time_over": "⏰ **Время вышло.** Последнее сообщение не засчитано.",
    "trainer_limit_over": "🏁 **Вопросы закончились.** Последнее сообщение не засчитано.",
    "trainer_unscored": (
        "🏁 **Тренировка завершена без оценки**\n\nВопросов: {questions}, а для оценки нужно {minimum}. Начните "
        "снова, когда будет минут десять."
    ),
    "trainer_score_gone": (
        "🏁 **Баллы: {score}**\n\nЭтот сценарий больше недоступен, поэтому вопросы показать не могу."
    ),
    "trainer_not_counted": "⚡ **Тренировка не засчитана:** она была слишком короткой. XP и значков за неё нет.",
    "trainer_score": "🏁 **Баллы: {score}** · {rank}",
    "trainer_score_drill": "🏁 **Отработка завершена: {score}**",
    "trainer_figures": "Ясность {clarity}% · вопросов {questions} · в контексте {contextual}",
    "trainer_compared": "В прошлый раз: {score} ({difference}), ясность {clarity}%",
    "trainer_result_line": "{number}. {emoji} **{points}** {question}",
    "trainer_bonus_coverage": "🎁 **{points}** за все типы вопросов",
    "trainer_bonus_order": "🎁 **{points}** за верный порядок",
    "trainer_bonus_depth": "🎁 **{points}** за темы, доведённые до конца: {chains}",
    "trainer_open_lines": "Нажмите на номер, чтобы узнать, за что баллы.",
    "trainer_best": "💪 Самый сильный: «{question}»",
    "trainer_worst": "🛠 Самый слабый: «{question}»\nЛучше так: «{better}»",
    "trainer_xp": "⭐ **{points} XP** · всего {total}",
    "trainer_level_up": "🎉 **Новый уровень: {level}!**",
    "trainer_fast": (
        "⚡ **Тренировка не засчитана:** она заняла меньше {seconds|секунды|секунд|секунд}. XP и значков за "
        "неё нет, в прогресс она не войдёт."
    ),
    "trainer_streak": "🔥 Серия: {days|день|дня|дней}",
    "trainer_maestro": "👑 Отличных тренировок подряд: {count}",
    "trainer_badge": "🏅 Новый значок: **{badge}**",
    "trainer_line_question": "**Вы:** {question}\n**Клиент:** {reply}",
    "trainer_why_counted": "{emoji} **{type}: {points}**\n{rule}",
    "trainer_why_capped": "{emoji} **{type}: {points}**\n{rule} Но за столько вопросов этого типа баллов нет.",
    "trainer_why_repeated": "{emoji} **{type}: {points}**\nВопрос повторяет прежний, поэтому баллов нет.",
    "trainer_why_other_type": "{emoji} **{type}: {points}**\n{rule} Но в этой отработке нужен другой тип.",
    "trainer_why_context": "🔗 +{points} за опору на слова клиента: «{fragment}»",
    "trainer_why_copied": "🔗 За контекст баллов нет: вопрос взят из подсказки.",
    "trainer_why_excess": "➖ Вопросов этого типа больше {count}: за каждый лишний снимаем {points}.",
    "trainer_why_revealed": "🔓 Клиент раскрыл {count|новый факт|новых факта|новых фактов}.",
    "trainer_dispute_button": "⚖️ Оспорить",
    "trainer_line_gone": "⚖️ Этот результат уже удалён, поэтому ничего не отправлено.",
    "trainer_disputed": "Отправлено. Вопрос посмотрит человек.",
    "trainer_too_many_disputes": "За сутки можно оспорить 20 строк. Попробуйте завтра.",
    "trainer_is_disputed": "⚖️ Вы оспорили эту строку. Её посмотрит человек.",
    "trainer_no_history": "📈 **Завершённых тренировок пока нет.** Начните первую!",
    "trainer_history_short": "📈 **В прогрессе пока пусто.** Ваши тренировки были слишком короткими: засчитываются те, где от {minimum|вопроса|вопросов|вопросов} и прошло хотя бы {seconds|секунда|секунды|секунд}.",
    "trainer_history_reversed": "📈 **В прогрессе пока пусто.** Сюда попадают тренировки, где продаёте вы.",
    "trainer_history": "📈 **Ваш прогресс**\n\nТренировок: {count}",
    "trainer_history_line": "{date}: **{score}** · {clarity}% · {company}",
    "trainer_history_button_line": "🏁 {score}",
    "trainer_picture_title": "Прогресс",
    "trainer_picture_score": "Баллы",
    "trainer_picture_clarity": "Ясность, %",
    "trainer_picture_types": "Вопросы по типам",
    "trainer_picture_best": "Рекорд: {score}",
    "trainer_no_access": "🎯 **Тренировки закончились.** Вот как получить ещё:",
    "trainer_first_access": "🎯 **Чтобы тренироваться, нужен тариф или доступные тренировки.** Вот как их получить:",
    "trainer_access_trial": "✨ Попробуйте бесплатно {days|день|дня|дней}: /trial",
    "trainer_access_channel": "📣 Подпишитесь на канал и получите тренировку: /trainings",
    "trainer_access_channel_button": "🎓 Мои тренировки",
    "trainer_access_referral": "🎁 Пригласите друга: /referral",
    "trainer_access_promo": "🎟 Есть промокод? Отправьте /promo",
    "trainer_access_buy": "⭐ Купите тариф или запросы: /buy",
    "trainer_type_none": "не засчитано",
    "admin_training_dispute": (
        "⚖️ **Оспоренная строка**\n\nПользователь {user}, тренировка {training}: {scenario}, {case}, сообщение "
        "{number}\n\nКлиент перед этим: {answer}\nВопрос: {question}\n\nМетка: {type}, баллов: {points}\n\nПричина: {reason}"
    ),
    "trainer_page_total": "{count|тренировка|тренировки|тренировок}",
    "trainer_page_results": "Результаты",
    "trainer_page_case": "Клиент",
    "trainer_page_none": "Тренировок пока нет. Начните в боте: /new.",
    "trainer_page_reviews": "Разборы разговоров",
    "trainer_page_lines": "Ваши вопросы",
}
