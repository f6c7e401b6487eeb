"""Russian texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_team": "Тренироваться командой",
    "team_about": (
        "👥 **Тренировки командой**\n\nСоздайте команду, пригласите коллег по ссылке, назначайте тренировки и "
        "смотрите результаты. Чтобы вступить в команду, откройте ссылку от руководителя."
    ),
    "team_list": "👥 **Ваши команды**",
    "team_new_button": "➕ Создать команду",
    "team_open_button": "👥 Открыть команду",
    "team_list_button": "👥 Все команды",
    "team_back_button": "‹ Назад",
    "team_cancel_button": "Отмена",
    "team_ask_name": "✏️ Как назвать команду? Пришлите название.",
    "team_bad_name": "✏️ В названии может быть от 1 до {limit} символов. Пришлите другое.",
    "team_ask_zone": (
        "🕐 Срок заканчивается в полночь по часовому поясу команды, сейчас это {zone}. Пришлите город или смещение, "
        "например `Берлин` или `UTC+3`. Сроки, которые уже назначены, не изменятся."
    ),
    "team_bad_zone": "🕐 Такого часового пояса нет. Пришлите город или смещение, например `Берлин` или `UTC+3`.",
    "team_too_many": "Можно состоять не больше чем в {limit|команде|командах|командах}. Сначала выйдите из одной.",
    "team_managed": (
        "👥 **{team}**\n\nВы руководитель. Участников: {count} из {limit}.\n\nСсылка-приглашение:\n{link}\n\n"
        "Сроки — по часовому поясу {zone}."
    ),
    "team_joined_view": (
        "👥 **{team}**\n\nРуководят: {managers}\nУчастников: {count}\n\nРуководители видят результаты назначенных "
        "тренировок, но не переписку."
    ),
    "team_no_manager": "сейчас никто",
    "team_share_words": "Вступайте в команду «{team}» и тренируйте переговоры:",
    "team_assign_button": "🎯 Назначить тренировку",
    "team_report_button": "📊 Результаты",
    "team_assignments_button": "📋 Назначено",
    "team_members_button": "👤 Участники",
    "team_share_button": "📤 Поделиться",
    "team_rename_button": "✏️ Переименовать",
    "team_zone_button": "🕐 Часовой пояс",
    "team_renew_button": "🔁 Сменить ссылку",
    "team_leave_button": "🚪 Выйти",
    "team_ask_renewal": "🔁 Сменить ссылку-приглашение? Нынешняя перестанет работать. Участники останутся.",
    "team_renewed": "Ссылка изменена.",
    "team_link_invalid": "🔗 Эта ссылка больше не действует. Попросите у руководителя новую.",
    "team_invitation": (
        "👥 **Вас приглашают в команду «{team}»**\n\nРуководят: {managers}\n\nРуководители увидят ваше имя и "
        "результаты тренировок, которые назначат: баллы, дату, типы вопросов. Переписку и другие ваши тренировки "
        "они не увидят. Выйти можно в любой момент."
    ),
    "team_join_button": "✅ Вступить",
    "team_decline_button": "Нет, спасибо",
    "team_joined": "🎉 Вы в команде «{team}». Напишу, когда вам назначат тренировку.",
    "team_known": "👥 Вы уже в команде «{team}».",
    "team_full": "👥 В команде нет мест. Попросите руководителя освободить место.",
    "team_joined_notice": "👥 Новый участник в команде «{team}»: {name}.",
    "team_joined_last_notice": "👥 Новый участник в команде «{team}»: {name}. Сегодня больше не сообщаю, список — в /team.",
    "team_inherited_notice": "👥 Теперь вы руководитель команды «{team}»: прежний руководитель удалил свои данные.",
    "team_new_manager_notice": (
        "👥 В команде «{team}» новый руководитель, {name}: прежний удалил свои данные. Если не хотите показывать ему "
        "результаты, выйдите из команды."
    ),
    "team_removed_notice": "👥 Вы больше не в команде «{team}». Руководители не видят ваших результатов.",
    "team_manager_notice": "👥 Теперь вы руководитель команды «{team}».",
    "team_ask_leaving": (
        "🚪 Выйти из команды «{team}»? Назначенное вам там исчезнет, и руководители больше не увидят ваших "
        "результатов. Ваша история останется."
    ),
    "team_ask_end": "🚪 Выйти из команды «{team}»? В ней только вы, поэтому команда будет удалена.",
    "team_left": "Вы вышли из команды.",
    "team_last_manager": "Других руководителей нет. Сначала назначьте ещё одного.",
    "team_changed": "Изменено.",
    "team_members": (
        "👤 **{team}: {count|участник|участника|участников}**\n\nНажмите на имя, чтобы сменить роль или удалить."
    ),
    "team_manager_button": "⭐ {name}",
    "team_member_button": "{name}",
    "team_manager_card": "⭐ **{name}**\n\nРуководитель, в команде с {date}.",
    "team_member_card": "👤 **{name}**\n\nУчастник, в команде с {date}.",
    "team_promote_button": "⭐ Сделать руководителем",
    "team_demote_button": "Сделать участником",
    "team_remove_button": "Удалить из команды",
    "team_ask_removal": "Удалить из команды: {name}? Назначенное там исчезнет вместе с результатами, которые вы видите.",
    "team_removed": "Удалено.",
    "team_tasks": "🎯 **Назначено вам**",
    "team_task_open": "• {what}: до {until}",
    "team_task_overdue": "• {what}: срок был {until}, но пройти ещё можно",
    "team_task_button": "▶️ {what}",
    "team_task_closed": "Эта тренировка больше не назначена.",
    "team_start_button": "▶️ Начать",
    "team_practice_title": "{scenario}, {case}, {difficulty}",
    "team_exam_title": "Экзамен: {scenario}, {case}, {difficulty}",
    "team_any_case": "любой клиент",
    "team_any_case_button": "🎲 Любой клиент",
    "team_practice_button": "▶️ Тренировка",
    "team_exam_button": "🎓 Экзамен",
    "team_assigned_practice": "🎯 **Вам назначили тренировку**\n\n{team}\n\nЗавершите её не позже {until}.",
    "team_assigned_exam": "🎓 **Вам назначили экзамен**\n\n{team}\n\nСдайте его не позже {until}.",
    "team_reminder": "⏰ **Скоро срок**\n\n{team}\n\nЗавершите не позже {until}.",
    "team_task_once": "{what}\nКоманда: {team}",
    "team_task_round": "{what}\nРаунд {number} из {rounds}\nКоманда: {team}",
    "team_ask_scenario": "🎯 **{team}: что потренировать?**",
    "team_ask_case": (
        "🏢 **Какой клиент?** С вариантом «Любой клиент» каждый получит клиента той сложности, которую вы выберете."
    ),
    "team_ask_mode": (
        "**Тренировка или экзамен?** На экзамене время ограничено, подсказок нет, а разбор — только в конце."
    ),
    "team_ask_difficulty": "🎚 **Насколько открыт клиент?**",
    "team_ask_deadline": "📅 **К какому сроку?** День заканчивается в полночь по часовому поясу команды.",
    "team_days_button": "{until} ({days|день|дня|дней})",
    "team_ask_rounds": "🔁 **Как часто?** Каждый раунд заканчивается через неделю после предыдущего.",
    "team_once_button": "Один раз",
    "team_rounds_button": "Каждую неделю, раундов: {count}",
    "team_assigned": (
        "✅ **Назначено**\n\n{what}\nПервый срок: {until}\nРаундов: {rounds}\n\nУчастники получили сообщение, а за "
        "день до срока придёт напоминание."
    ),
    "team_too_many_assignments": (
        "У команды уже {limit|назначение|назначения|назначений}, это максимум. Сначала отмените одно."
    ),
    "team_is_empty": "Назначать пока некому. Сначала поделитесь ссылкой-приглашением.",
    "team_assignments": "📋 **{team}: назначено**",
    "team_no_assignments": "📋 **{team}**\n\nПока ничего не назначено.",
    "team_assignment_line": (
        "{number}. {what}\nПервый срок: {until} · раундов: {rounds}\nПройдено: {done} · открыто: {open} · "
        "просрочено: {overdue}"
    ),
    "team_cancel_number_button": "🗑 Отменить {number}",
    "team_ask_cancellation": "🗑 Отменить назначение? Результаты останутся.\n\n{what}",
    "team_cancel_assignment_button": "🗑 Отменить назначение",
    "team_canceled": "Отменено.",
    "team_report": "📊 **{team}: результаты назначенных тренировок**",
    "team_no_report": "📊 **{team}**\n\nУчастников пока нет. Сначала поделитесь ссылкой-приглашением.",
    "team_report_member": "**{name}**\nВ срок: {done} · позже: {late} · открыто: {open} · просрочено: {overdue}",
    "team_report_scores": "Лучший: {best} · последний: {last} {trend} · слабее всего: {weakest}",
    "team_file_button": "⬇️ Скачать CSV",
    "team_file": "Результаты команды «{team}»",
    "team_column_member": "Участник",
    "team_column_scenario": "Сценарий",
    "team_column_case": "Клиент",
    "team_column_mode": "Режим",
    "team_column_difficulty": "Сложность",
    "team_column_round": "Раунд",
    "team_column_due": "Срок",
    "team_column_state": "Состояние",
    "team_column_score": "Лучший результат",
    "team_column_passed": "Сдано",
    "team_state_done": "в срок",
    "team_state_late": "позже срока",
    "team_state_open": "открыто",
    "team_state_overdue": "просрочено",
    "team_passed_yes": "да",
    "team_passed_no": "нет",
    "team_passed_none": "",
    "command_certificate": "Проверить сертификат",
    "certificate_ask": "🎓 Пришлите номер после команды: `/certificate abcd-efgh-jkmn`.",
    "certificate_unknown": "🎓 Действующего сертификата с таким номером нет.",
    "certificate_valid": "🎓 **Сертификат действителен**\n\n{name}\n{scenario}: {score}\nДата экзамена: {date}\nНомер: {number}",
    "certificate_caption": "🎓 **Ваш сертификат**\n\nПроверить его можно здесь: `/certificate {number}`",
    "certificate_title": "Сертификат",
    "certificate_passed": "Экзамен сдан",
    "certificate_score": "Баллов: {score}",
    "certificate_check": "Проверить: @{bot}",
    "certificate_number": "№ {number}",
}
