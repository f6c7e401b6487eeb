"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "generation_started_image": "🎨 Drawing your picture… It usually takes less than a minute.",
    "generation_started_video": "🎬 Making your video… It usually takes a few minutes.",
    "generation_unfinished_image": "⏳ I’m still drawing your last picture. Try again once it’s here.",
    "generation_unfinished_video": "⏳ I’m still making your last video. Try again once it’s here.",
    "generation_no_requests": "You don’t have enough requests left for this.",
    "generation_no_balance": "Your balance is too low for this.",
    "generation_limit": "You’ve reached today’s limit. Try again tomorrow.",
    "generation_limit_month": "You’ve reached this month’s limit. Try again next month.",
    "generation_limit_bot_month": "This bot has reached this month’s limit. Try again next month.",
    "generation_wait": "⏳ I’m still answering your last messages. Try again in a moment.",
    "generation_too_many_refusals": (
        "🚫 Too many of your recent descriptions broke the AI provider’s content rules. Try again tomorrow."
    ),
    "generation_failed_image": "⚠️ I couldn’t make this picture. You weren’t charged. Please try again.",
    "generation_failed_video": "⚠️ I couldn’t make this video. You weren’t charged. Please try again.",
    "generation_refused_image": (
        "🚫 The AI provider’s content rules don’t allow this picture. You weren’t charged. Try describing it "
        "differently."
    ),
    "generation_refused_video": (
        "🚫 The AI provider’s content rules don’t allow this video. You weren’t charged. Try describing it "
        "differently."
    ),
    "generation_answered": "💬 Instead of a picture, the AI answered:\n\n{answer}\n\nYou weren’t charged.",
    "generation_expired_image": "⌛ This picture took too long, so I stopped waiting. You weren’t charged.",
    "generation_expired_video": "⌛ This video took too long, so I stopped waiting. You weren’t charged.",
    "generation_too_large": (
        "⚠️ The video came out larger than 50 MB, and bots can’t send files that large. You weren’t charged. "
        "Try a shorter video or a lower resolution."
    ),
    "generation_link": (
        "🎬 Your video is ready. It’s larger than 50 MB, so Telegram can’t show it here. Download it with the "
        "button below. The link works for {days|day|days}."
    ),
    "generation_download": "⬇️ Download the video",
    "generation_user_key_gone": "🔑 I couldn’t finish this: your {name} key was removed or turned off.",
    "generation_user_key_refused": (
        "🔑 **{name} rejected your key.** It may have been revoked or expired.\n\nI’ve turned it off. Add a new "
        "key, or try again with your plan."
    ),
    "generation_user_key_access": (
        "🚫 **Your {name} key doesn’t have access to this model.** Check its permissions at {name}, choose "
        "another model, or use your plan for now."
    ),
    "generation_user_key_credit": (
        "💳 **Your {name} account is out of credit.** Top it up, or use your plan for now."
    ),
    "generation_user_key_rate": (
        "🚦 **{name} is limiting your key:** too many requests. Wait a bit, or use your plan for now."
    ),
    "generation_late": "This one came late, so it’s free.",
    "generation_progress_image": "🎨 Drawing your picture… {elapsed} so far.",
    "generation_progress_usual_image": "🎨 Drawing your picture… {elapsed} of about {usual}.",
    "generation_progress_late_image": "🎨 Drawing your picture… {elapsed} so far, longer than usual.",
    "generation_progress_video": "🎬 Making your video… {elapsed} so far.",
    "generation_progress_usual_video": "🎬 Making your video… {elapsed} of about {usual}.",
    "generation_progress_late_video": "🎬 Making your video… {elapsed} so far, longer than usual.",
}
