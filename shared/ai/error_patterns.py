"""Regular expressions that map the text of a provider's error to an ErrorKind.

Status codes mislead: 403 means a country, a firewall, a missing permission or moderation far more often than
an invalid key, and a conversation that is too long gets 400, 413, 429 or 500. The phrases come from
providers' documentation and public bug reports. Each pattern takes linear time, and only the beginning of a
message is searched.
"""

from __future__ import annotations

import re
from dataclasses import replace

from shared.ai.provider import ErrorKind, ProviderError

_MAX_LENGTH = 4_000  # characters of a message that are searched


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.IGNORECASE)


# These outweigh the error's code: OpenAI sends "model_not_found" to an unverified account.
_UNAMBIGUOUS = (
    (
        ErrorKind.NO_STREAMING,
        _any(
            r"verified to stream",
            r"\(stream\)\Z",  # the parameter that the error names
            r"stream(?:ing)? (?:mode )?(?:is|are) (?:not|currently not|un) ?"
            r"(?:supported|allowed|available|enabled)",
            r"(?:not|n't) support (?:the )?(?:stream\b|streaming)",
            r"stream=true",
        ),
    ),
    (
        ErrorKind.UNSUPPORTED_REGION,
        _any(
            r"country, region, or territory",
            r"(?:user )?location is not supported",
            r"not (?:available|supported|offered|accessible|permitted|allowed) (?:in|from) (?:your|this) "
            r"(?:current )?(?:country|region|location|territory|area)",
            r"(?:country|region|location|territory) (?:is )?(?:not|un)[ -]?(?:supported|available|allowed)",
            r"unsupported[ _](?:country|region|location)",
            r"(?:geo|region)[ -]?(?:block|restrict)",
            r"error (?:code:? )?1009\b",  # Cloudflare: the country is banned
        ),
    ),
    (ErrorKind.PERMISSION_DENIED, _any(r"must be verified to", r"verify (?:your )?organization")),
    (
        ErrorKind.CONTEXT_TOO_LONG,
        _any(
            r"request (?:is )?too large for",
            r"reduce the length of the (?:messages|prompt|input)",
        ),
    ),
)

# These count only where the error's code is unknown, in this order.
_PROBABLE = (
    (
        ErrorKind.CONTEXT_TOO_LONG,
        _any(
            r"context[ _](?:length|window|size|limit)",
            r"(?:prompt|input|messages?|conversation) (?:is|are) too (?:long|large)",
            r"length of all messages is too long",
            r"too many (?:input |prompt |total )?tokens",
            r"too large for model",
            r"token count .{0,80}exceeds",
            r"tokens exceeds? the (?:configured|maximum|model)",
            r"(?:exceeds?|exceeded) the (?:maximum|model'?s?|allowed)[a-z' ]{0,40}\btokens",
        ),
    ),
    (
        ErrorKind.CONTENT_REFUSED,
        _any(
            r"content[ _-](?:management|filter|policy|policies|exists risk|violat)",
            r"(?:safety|moderation) (?:system|filter|check|polic)",
            r"\b(?:input|prompt|content|request|message) (?:was|is|has been) flagged",
            r"violat\w* (?:our |the |\w+ ){0,3}(?:usage|content|safety) (?:polic|guideline)",
            r"requires moderation",
            r"inappropriate content",
            r"considered high risk",
            r"data[ _]?inspection[ _]?failed",
        ),
    ),
    (
        ErrorKind.NO_CREDIT,
        _any(
            r"exceeded your (?:current|monthly|daily) (?:quota|usage|spend)",
            r"(?:insufficient|not enough|no|low|out of|ran out of|run out of|exhausted) "
            r"(?:account |your )?(?:balance|credits?|funds|quota)\b",
            r"(?:credit )?balance (?:is |has been )?(?:too low|insufficient|exhausted|not enough)",
            r"(?:payment|billing) (?:is )?(?:required|not active|overdue|to be enabled)",
            r"(?:key|billing|spend|spending|budget|monthly)(?: hard)? limit "
            r"(?:has been )?(?:exceeded|reached)",
        ),
    ),
    (
        ErrorKind.MODEL_NOT_FOUND,
        _any(
            r"model [^\n]{0,120}(?:does not exist|not found|not exist|is not a valid|is not available)",
            r"(?:unknown|invalid|no such|unsupported|unavailable) model",
            r"is not a valid model",
            r"no endpoints found",
        ),
    ),
    (
        ErrorKind.PERMISSION_DENIED,
        _any(
            r"insufficient permissions",
            r"missing scopes?",
            r"member of an organization",
            r"(?:no|not have|n't have|without|denied|lacks?) (?:the )?(?:access|permission)",
            r"permission denied",
            r"ip (?:address )?(?:is )?not (?:authori[sz]ed|allowed)",
            r"organization (?:has been|is|was) (?:disabled|restricted|suspended)",
        ),
    ),
)

# About the key itself, for the statuses in `probable_kind`.
_INVALID_KEY = _any(
    r"reported as leaked",
    r"(?:incorrect|invalid|wrong|malformed|expired|revoked|disabled|unknown|bad|no such)[ _-]"
    r"(?:x-)?(?:api[ _-]?key|api token|access token|bearer token|authentication token|credentials|token)",
    r"(?:api[ _-]?key|api token|access token|bearer token|credentials) "
    r"(?:is |are |was |has been |have been |provided )?"
    r"(?:not valid|invalid|incorrect|expired|revoked|disabled|deleted|deactivated|blocked)",
)

# Why a request with pictures was rejected. OpenAI, OpenRouter, DeepSeek, vLLM, Groq and Ollama in this order.
_NO_VISION = _any(
    r"image_url is only supported by certain models",
    r"no endpoints found that support image",
    r"unknown variant `?image_url",
    r"not a multimodal model",
    r"at most 0 images?\b",
    r"content['\"]? ?must be a string",
    r"(?:not|n't) support (?:image|vision|multimodal|multi-modal|picture)",
    r"(?:image|vision|multimodal) inputs? (?:is|are) not (?:supported|enabled|available)",
    r"missing data required for image input",
)
_INVALID_PICTURE = _any(
    r"unsupported image",
    r"(?:could not|cannot|can't|unable to|failed to) (?:process|decode|parse|read) (?:the |input )?image",
    r"invalid[ _](?:base64[ _])?image",
    r"image[ _](?:parse[ _]error|too[ _]large|exceeds)",
    r"valid image",
)
_REJECTIONS = frozenset(
    {ErrorKind.INVALID_REQUEST, ErrorKind.MODEL_NOT_FOUND, ErrorKind.SERVER_ERROR, ErrorKind.CONTEXT_TOO_LONG}
)

_BLOCKED_PAGE = _any(
    r"just a moment",
    r"attention required",
    r"you have been blocked",
    r"cf-(?:chl|challenge)",
    r"challenge-platform",
    r"enable javascript and cookies",
    r"error code: 10(?:06|07|08|10|12|20)\b",
)
_TITLE = re.compile(r"<title[^>]{0,80}>\s*([^<]{1,200})", re.IGNORECASE)


def unambiguous_kind(text: str) -> ErrorKind | None:
    """Return the kind that an error's text states without doubt, whatever its code."""
    return _first(_UNAMBIGUOUS, text)


def probable_kind(status: int, text: str) -> ErrorKind | None:
    """Return the kind that an error's text names. `status` is the HTTP status, or 0 inside a stream."""
    if status in (0, 400, 401, 403) and _INVALID_KEY.search(text[:_MAX_LENGTH]):
        return ErrorKind.INVALID_KEY
    return _first(_PROBABLE, text)


def about_pictures(error: ProviderError) -> ProviderError:
    """Return the error of a request with pictures; its kind names them where they are the reason."""
    if error.kind not in _REJECTIONS:
        return error
    text = f"{error.code} {error.message}"[:_MAX_LENGTH]
    if _NO_VISION.search(text):
        return replace(error, kind=ErrorKind.NO_VISION)
    return replace(error, kind=ErrorKind.INVALID_PICTURE) if _INVALID_PICTURE.search(text) else error


def page_kind(status: int, text: str) -> ErrorKind | None:
    """Return why a page or plain text came instead of the API's JSON; None where the status decides."""
    if _BLOCKED_PAGE.search(text[:_MAX_LENGTH]):
        return ErrorKind.BLOCKED
    if status in (401, 403) and not text.lstrip().startswith("<"):
        return ErrorKind.PERMISSION_DENIED  # no sign of an invalid key
    if status in (404, 408, 409, 410, 413, 429) or status == 0 or status >= 500:
        return None
    return ErrorKind.MODEL_NOT_FOUND if 300 <= status < 400 else ErrorKind.BLOCKED


def page_title(text: str) -> str:
    """Return the title of an HTML page, for the log; other text unchanged."""
    match = _TITLE.search(text[:_MAX_LENGTH])
    return match[1].strip() if match else text


def _first(patterns: tuple[tuple[ErrorKind, re.Pattern[str]], ...], text: str) -> ErrorKind | None:
    text = text[:_MAX_LENGTH]
    return next((kind for kind, pattern in patterns if pattern.search(text)), None)
