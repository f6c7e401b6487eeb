"""Russian texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_referral": "Пригласить друзей и получить запросы",
    "command_referral_no_chat": "Пригласить друзей и получить бонусы",
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
    "referrals_title": "Пригласите друзей",
    "referrals_about": "Когда друг задаст первый вопрос, вы получите {referrer_credits|бонусный запрос|бонусных запроса|бонусных запросов}, а он — {referred_credits}.",
    "referrals_link": "Ваша ссылка",
    "referrals_share": "Отправить в Telegram",
    "referrals_copy": "Скопировать ссылку",
    "referrals_copied": "Скопировано",
    "referrals_qr": "QR-код вашей ссылки",
    "referrals_invited": "Пришли по ссылке",
    "referrals_completed": "Задали вопрос",
    "referrals_credits": "Получено запросов",
    "referral_second_notice": "🎉 Друг вашего друга задал первый вопрос. Вам начислено: {credits|бонусный запрос|бонусных запроса|бонусных запросов}.",
    "referral_second": "Когда первый вопрос задаст приглашённый вашим другом, вы получите ещё {second_credits|бонусный запрос|бонусных запроса|бонусных запросов}.",
}
