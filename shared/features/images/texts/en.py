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
    "image_ask_edit": "🖼 **What should I change?**\n\nDescribe it in your next message.",
    "image_ask_rephrase": "✏️ Describe the picture in other words.",
    "image_edited": "✏️ Editing a message doesn’t redraw the picture. Send a new description.",
    "image_made_with_ai": "Made with AI",
    "image_again": "🔁 Again",
    "image_vary": "🎲 Variation",
    "image_file": "📎 Original as a file",
    "image_rephrase": "✏️ Rephrase",
    "image_stop": "✖️ Cancel",
    "image_options": "⚙️ Options",
    "image_stop_canceled": "Canceled. You weren’t charged.",
    "image_stop_too_late": "It’s already being drawn, so it can’t be canceled. I’ll send it when it’s ready.",
    "image_stop_unknown": "There’s nothing to cancel.",
    "image_price": (
        "💳 This picture costs **up to {requests|request|requests}** of your limit. If the AI provider charges "
        "less, I’ll return the rest."
    ),
    "image_confirm": "🎨 Draw for {requests|request|requests}",
    "image_decline": "✖️ Don’t draw",
    "image_declined": "OK, I won’t draw it. You weren’t charged.",
    "image_known": "I’m already on it.",
    "image_offer_over": "This offer has expired. Send your description again.",
    "image_limit": (
        "⏳ **You don’t have enough requests left for this picture.** It needs "
        "{requests|request|requests}.\n\nYour limit resets {resets}.{ways}"
    ),
    "image_unavailable": "I can’t draw right now. Please try again later.",
    "image_unpriced": "These options aren’t available right now. Choose others.",
    "image_not_configured": (
        "🎨 Users don’t see /image: no provider of pictures has an API key, or no mode is enabled. Set "
        "GEMINI_API_KEY, OPENAI_API_KEY, OPENROUTER_API_KEY or KIE_AI_API_KEY to match a row of ai_modes."
    ),
    "image_locked": "🔒 Your plan doesn’t include {mode}.",
    "image_locked_toast": "Your plan doesn’t include {mode}.",
    "image_too_long": (
        "Your description is too long: {length|character|characters}, and the limit is {limit}. Shorten it and "
        "send it again."
    ),
    "image_secret": "🔑 This looks like a password or an API key, so I didn’t send it anywhere.",
    "image_no_editing": "{mode} can’t edit pictures. Choose another model in the options.",
    "image_too_many_pictures": "That’s too many pictures. Send at most {limit}.",
    "image_option_gone": "This option is no longer available.",
    "image_options_screen": "⚙️ **{mode}**\n{chosen}\n\n{price}",
    "image_chosen_aspect_ratio": "Aspect ratio: {value}",
    "image_chosen_size": "Size: {value}",
    "image_chosen_quality": "Quality: {value}",
    "image_costs": "A picture costs up to {requests|request|requests}.",
    "image_no_price": "This combination isn’t available.",
    "image_gone": "This picture is no longer available to you.",
    "image_variation_prompt": "Make a variation of this picture. It shows: {words}",
    "images_page": "🖼 **Your pictures**\n\n{lines}\n\nTap a number to see the picture again.",
    "images_none": "🖼 No pictures yet. Send /image and what to draw.",
    "images_older": "Older ▶",
    "images_newest": "◀ Newest",
}
