"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_terms": "Terms of sale",
    "command_paysupport": "Payment help",
    "terms": (
        "📄 **Terms**\n\nYou’re buying access to this bot’s digital service. Access starts as soon as you "
        "pay. If the service doesn’t work, write to us (/paysupport), and we’ll refund what you haven’t used."
    ),
    "terms_link": "📄 Terms of sale: {link}",
    "paysupport": (
        "🤝 **Payment help**\n\n/payments shows the status of each payment. If you were charged and got "
        "nothing, wait ten minutes: some payments arrive late. Still nothing? Write to {contact} with the "
        "date and the amount. Telegram’s own support can’t help with purchases in bots."
    ),
    "paysupport_owner": "the bot’s owner",
}
