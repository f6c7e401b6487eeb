"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_trial": "Try a plan for free",
    "trial_button": "✨ {days|day|days} free",
    "trial_available": (
        "✨ **Try {plan} free for {days|day|days}.**\n\nNo card needed, and you won’t be charged "
        "automatically: when the trial ends, you’ll go back to the free plan. One trial per person."
    ),
    "trial_start": "✨ Start",
    "trial_started": (
        "🎉 **Your free trial has started.** {plan} is active until {until}.\n\nWe’ll remind you before it "
        "ends. If you buy a plan earlier, you’ll keep the days you have left."
    ),
    "trial_running": "✨ Your free trial is on: **{plan}** is active until {until}.",
    "trial_already_used": (
        "You’ve already used your free trial. There’s one per person. If you liked it, choose a plan below."
    ),
    "trial_paid_already": "The trial is for new users only. Your current plan: /subscription",
    "trial_off": "There’s no free trial right now. See what’s available below.",
    "trial_started_notice": "Your free trial has started.",
    "trial_refused_notice": "The free trial isn’t available to you.",
}
