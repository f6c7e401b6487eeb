"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "web_skip": "Skip to content",
    "web_language": "Language",
    "web_retry": "Try again",
    "web_table": "Table",
    "web_code": "Code",
    "web_home": "Pages of our bots",
    "web_home_about": "There’s no list of pages here. Open the link you were sent.",
    "web_error_400": "This request can’t be processed",
    "web_error_400_about": "Go back and try again.",
    "web_error_404": "Page not found",
    "web_error_404_about": "Check the link: part of it may be missing.",
    "web_error_405": "This page can’t do that",
    "web_error_405_about": "Open its link again.",
    "web_error_410": "This page is no longer available",
    "web_error_410_about": "It has been removed.",
    "web_error_413": "That’s too much data",
    "web_error_413_about": "Send less and try again.",
    "web_error_414": "This link is too long",
    "web_error_414_about": "Check it and open it again.",
    "web_error_429": "Too many requests",
    "web_error_429_about": "Wait a minute and try again.",
    "web_error_500": "Something went wrong",
    "web_error_500_about": "We’ve been notified. Try again later.",
    "web_error_503": "Temporarily unavailable",
    "web_error_503_about": "Try again in a minute.",
}
