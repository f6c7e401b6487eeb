"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_image": "Create or edit a picture",
    "command_images": "See your pictures",
    "mode_image": "🎨 Pictures",
    "mode_image_about": "draws what you describe",
    "image_ask": (
        "🎨 **What should I draw?**\n\nDescribe it in your next message. To edit a picture, reply to it with "
        "/image and what to change."
    ),
    "image_ask_picture": "🖼 **What should I change?**\n\nDescribe it in your next message.",
    "image_ask_rephrase": "✏️ Describe the picture in other words.",
    "image_edited": "✏️ Editing a message doesn’t redraw the picture. Send a new description.",
    "image_stop_canceled": "Canceled. You weren’t charged.",
    "image_stop_muted": (
        "This picture is already being drawn, so it can’t be canceled or refunded. I’ve stopped waiting and will "
        "send it silently when it’s ready."
    ),
    "image_stop_ready": "This picture is ready and on its way to you.",
    "image_stop_unknown": "There’s nothing to cancel.",
    "image_price": (
        "💳 This picture costs **up to {requests|request|requests}**. If it turns out cheaper, you’ll get the "
        "rest back."
    ),
    "image_confirm": "🎨 Draw for {requests|request|requests}",
    "image_decline": "✖️ Don’t draw",
    "image_limit": (
        "⏳ **You don’t have enough requests left for this picture.** It needs "
        "{requests|request|requests}.\n\nYour limit resets {resets}.{ways}"
    ),
    "image_unavailable": "I can’t draw right now. Please try again later.",
    "image_not_configured": (
        "🎨 Users don’t see /image: no provider of pictures has an API key, or no mode is enabled. Set "
        "GEMINI_API_KEY, OPENAI_API_KEY, OPENROUTER_API_KEY or KIE_AI_API_KEY to match a row of ai_modes."
    ),
    "image_no_pictures": "{mode} can’t edit pictures. Choose another model in the options.",
    "image_costs": "Up to {requests|request|requests} per picture.",
    "image_gone": "This picture is no longer available.",
    "image_variation_prompt": "Make a variation of this picture. It shows: {words}",
    "images_page": "🖼 **Your pictures**\n\n{lines}\n\nTap a number to see the picture again.",
    "images_none": "🖼 No pictures yet. Send /image and what to draw.",
    "image_price_balance": (
        "💳 This picture costs **up to {price}**. If it turns out cheaper, you’ll get the rest back."
    ),
    "image_confirm_balance": "🎨 Draw for {price}",
    "image_costs_balance": "Up to {price} per picture.",
    "image_balance_short": ("💳 **Your balance is too low for this picture.** It costs up to {price}."),
}
