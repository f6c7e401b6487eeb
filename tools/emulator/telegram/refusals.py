"""Every description with which the Bot API refuses a call here, and where Telegram's words are from.

"…" stands for what varies. A test compares the list with the code.
"""

from __future__ import annotations

SERVER, TDLIB, TELEGRAM, SEEN, OURS = "Bot API server", "TDLib", "Telegram", "seen", "not confirmed"
SOURCES = {
    SERVER: "github.com/tdlib/telegram-bot-api, `Client.cpp` and its HTTP layer, read at 025884ae (2024) "
    "and 01a3679c (v10.0)",
    TDLIB: "github.com/tdlib/td, the library inside the Bot API server; its words begin with a small letter",
    TELEGRAM: "an error of Telegram's own servers, passed through as it is: core.telegram.org/api/errors and "
    "the pages of the methods there",
    SEEN: "answers of api.telegram.org that public bug reports and programs quote, for example "
    "github.com/nullclaw/nullclaw/issues/626 (drafts) and the error lists of aiogram and teloxide",
    OURS: "no source was found: the code is right, the words may be others",
}
_FIRST_LETTERS = {400: "Bad Request: ", 403: "Forbidden: "}

_BAD_REQUESTS: dict[str, tuple[str, ...]] = {
    SERVER: (
        "JSON object expected",
        "chat_id is empty",
        "chat not found",
        "message identifier is not specified",
        "message identifiers are not specified",
        "too many message identifiers specified",
        "expected an Array of message identifiers",
        "message identifier must be a Number",
        "can't parse message identifier as Number",
        "invalid message identifier specified",
        "message to edit not found",
        "message to delete not found",
        "message to copy not found",
        "message to forward not found",
        "message to react not found",
        "message to pin not found",
        "message to unpin not found",
        "message to be replied not found",
        "message can't be deleted",
        "message is not modified: specified new message content and reply markup are exactly the same as a "
        "current content and reply markup of the message",
        "message text is empty",
        "unsupported parse_mode",
        "can't parse MessageEntity: …",
        "can't parse entities JSON object",
        "can't parse … JSON object",
        'parameter "…" is required',
        "expected an Array of InputMedia",
        "can't parse InputMedia: expected an Object",
        "can't parse InputMedia: Can't find field \"type\"",
        "can't parse InputMedia: media not found",
        "can't parse InputMedia: type \"animation\" can't be used in sendMediaGroup",
        'can\'t parse InputMedia: type "…" is unsupported',
        'failed to send message #… with the error message "…"',
        "latitude is empty",
        "longitude is empty",
        "wrong parameter action in request",
        "expected an Array of ReactionType",
        "can't parse ReactionType: expected an Object",
        "can't parse ReactionType: invalid reaction type specified",
        "invalid user_id specified",
        "user not found",
        "group chat was upgraded to a supergroup chat",
        "file is too big",
        "wrong file_id or the file is temporarily unavailable",
        "query is too old and response timeout expired or query ID is invalid",
        "expected an Array of InputPollOption as options",
        "message with poll to stop not found",
        "object expected as reply markup",
        'field "…" of the ReplyMarkup must be an Array of Arrays',
        'can\'t parse … button: Field "text" must be of type String',
        "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        "inline keyboard expected",
        "bad webhook: An HTTPS URL must be provided for webhook",
        "secret token contains unallowed characters",
        "can't parse allowed updates JSON object",
        'can\'t parse BotCommand: Field "command" must be of type String',
        "can't parse list of bot commands",
        "there are no administrators in the private chat",
        "member list is inaccessible",
        "reply markup is too long",
    ),
    TDLIB: (
        "invalid location specified",
        "message is too long",
        "message caption is too long",
        "message can't be edited",
        "there is no text in the message to edit",
        "there is no caption in the message to edit",
        "there is no media in the message to edit",
        "can't parse entities: …",
        "receive an entity with incorrect offset … or length …",
        "entity begins after the end of the text at UTF-16 offset …",
        "entity beginning at UTF-16 offset … ends after the end of the text at UTF-16 offset …",
        "entity begins or ends in a middle of a UTF-16 symbol at offset …",
        "there are no messages to send",
        "too many messages to send as an album",
        "… can't be mixed with other media types",
        "file must be non-empty",
        "file of size … bytes is too big for a photo; the maximum size is 10485760 bytes",
        "can't use file of type … as …",
        "wrong file identifier/HTTP URL specified",
        "there is no … in the request",
        "inline keyboard button URL '…' is invalid: Unsupported URL protocol",
        "inline keyboard button URL '…' is invalid: Wrong HTTP URL",
        "not enough rights to manage pinned messages in the chat",
        "not enough rights to create a topic",
        "the chat is not a forum",
        "message thread not found",
        "unsupported poll type specified",
        "poll can't be stopped",
        "poll has already been closed",
    ),
    TELEGRAM: (
        "BUTTON_DATA_INVALID",
        "BUTTON_TEXT_INVALID",
        "BUTTON_URL_INVALID",
        "BUTTON_COPY_TEXT_INVALID",
        "BOT_COMMAND_INVALID",
        "BOT_COMMAND_DESCRIPTION_INVALID",
        "BOT_COMMANDS_TOO_MUCH",
        "MESSAGE_TOO_LONG",
        "QUOTE_TEXT_INVALID",
        "REACTION_INVALID",
        "REACTIONS_TOO_MANY",
        "TOPIC_CLOSED",
        "TOPIC_ID_INVALID",
        "TOPIC_NOT_MODIFIED",
        "IMAGE_PROCESS_FAILED",
        "PHOTO_INVALID_DIMENSIONS",
        "INVOICE_PAYLOAD_INVALID",
        "PAYMENT_PROVIDER_INVALID",
        "STARS_INVOICE_INVALID",
        "STARS_AMOUNT_INVALID",
        "SUBSCRIPTION_PERIOD_INVALID",
        "CHARGE_NOT_FOUND",
        "CHARGE_ALREADY_REFUNDED",
    ),
    SEEN: ("TEXTDRAFT_PEER_INVALID", "TOPIC_ICON_COLOR_INVALID"),
    OURS: (
        "poll question must be non-empty",
        "poll question length must not exceed …",
        "poll must have at least 1 option",
        "poll can't have more than … options",
        "poll options must be non-empty",
        "poll options length must not exceed …",
        "poll explanation is too long",
        "poll description is too long",
        "wrong correct option ID specified",
        "invalid poll close date specified",
        "there is no poll in the message",
        "can't parse JSON object",
        'can\'t parse "…" as an integer',
        "topic name must be non-empty",
        "reply keyboard button text must be non-empty",
        "draft identifier must be non-zero",
        "error message must be specified",
        "invoice … must have 1 to … characters",
        "invalid value of parameter offset or limit specified",
        "bot … is too long",
    ),
}
_FORBIDDEN: dict[str, tuple[str, ...]] = {
    SERVER: (
        "bot was blocked by the user",
        "user is deactivated",
        "bot was kicked from the … chat",
        "bot is not a member of the … chat",
        "the group chat was deleted",
    ),
    SEEN: ("bot can't initiate conversation with a user",),
}
_OTHERS = (
    (400, "Bad Request: not enough rights to send text messages to the chat", TDLIB),
    (401, "Unauthorized", SERVER),
    (404, "Not Found", SERVER),
    (404, "Not Found: method not found", SERVER),
    (
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the "
        "webhook first",
        SERVER,
    ),
    (
        409,
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
        SERVER,
    ),
    (413, "Request Entity Too Large", SEEN),
    (429, "Too Many Requests: retry after …", SERVER),
    (500, "Internal Server Error", SERVER),
    (502, "Bad Gateway", SEEN),
    (503, "Service Unavailable", SEEN),
    (504, "Gateway Timeout", SEEN),
    (501, "Not Implemented: the emulator has no …, see docs/emulator.md", "the emulator alone"),
)


def refusals() -> list[tuple[int, str, str]]:
    """Return (error code, description, source) of every refusal, by code."""
    listed = [
        (status, f"{_FIRST_LETTERS[status]}{words}", source)
        for status, by_source in ((400, _BAD_REQUESTS), (403, _FORBIDDEN))
        for source, all_words in by_source.items()
        for words in all_words
    ]
    return sorted([*listed, *_OTHERS], key=lambda one: one[0])
