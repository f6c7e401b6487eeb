"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_video": "Make a video",
    "command_videos": "See your videos",
    "mode_video": "🎬 Videos",
    "video_ask": (
        "🎬 **What should the video show?**\n\nDescribe it in your next message. To animate a picture, reply to "
        "it with /video and what should happen."
    ),
    "video_ask_picture": "🎬 **What should happen in this picture?**\n\nDescribe it in your next message.",
    "video_ask_rephrase": "✏️ Describe the video in other words.",
    "video_edited": "✏️ Editing a message doesn’t remake the video. Send a new description.",
    "video_stop_canceled": "Canceled. You weren’t charged.",
    "video_stop_muted": (
        "This video is already being made, so it can’t be canceled or refunded. I’ve stopped waiting and will "
        "send it silently when it’s ready."
    ),
    "video_stop_ready": "This video is ready and on its way to you.",
    "video_stop_unknown": "There’s nothing to cancel.",
    "video_price": (
        "💳 This video costs **up to {requests|request|requests}**. If it turns out cheaper, you’ll get the rest "
        "back."
    ),
    "video_confirm": "🎬 Make it for {requests|request|requests}",
    "video_decline": "✖️ Don’t make it",
    "video_limit": (
        "⏳ **You don’t have enough requests left for this video.** It needs "
        "{requests|request|requests}.\n\nYour limit resets {resets}.{ways}"
    ),
    "video_price_balance": (
        "💳 This video costs **up to {price}**. If it turns out cheaper, you’ll get the rest back."
    ),
    "video_confirm_balance": "🎬 Make it for {price}",
    "video_costs_balance": "Up to {price} per video.",
    "video_balance_short": ("💳 **Your balance is too low for this video.** It costs up to {price}."),
    "video_unavailable": "I can’t make videos right now. Please try again later.",
    "video_not_configured": (
        "🎬 Users don’t see /video: no provider of videos has an API key, no mode is enabled, or videos are "
        "switched off. Set GEMINI_API_KEY, OPENROUTER_API_KEY or KIE_AI_API_KEY to match a row of ai_modes."
    ),
    "video_no_pictures": "{mode} can’t animate pictures. Choose another model in the options.",
    "video_costs": "Up to {requests|request|requests} per video.",
    "video_gone": "This video is no longer available.",
    "video_variation_prompt": "Another version of this scene, with different framing and motion: {words}",
    "videos_page": "🎬 **Your videos**\n\n{lines}\n\nTap a number to see the video again.",
    "videos_none": "🎬 No videos yet. Send /video and what it should show.",
}
