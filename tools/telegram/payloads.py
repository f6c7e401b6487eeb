"""Results of the Bot API that the tools read (core.telegram.org/bots/api)."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from tools.validation import Foreign


class WebhookInfo(Foreign):
    """The result of getWebhookInfo. Without a webhook `url` is empty; times are Unix seconds."""

    url: str = ""
    pending_update_count: int = 0
    max_connections: int | None = None
    allowed_updates: tuple[str, ...] = ()
    last_error_message: str = ""
    last_error_date: datetime | None = None
    last_synchronization_error_date: datetime | None = None


class User(Foreign):
    """A user or bot; the names are a stranger's own choice."""

    id: int
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    can_join_groups: bool = True
    supports_inline_queries: bool = False

    @property
    def shown_name(self) -> str:
        """Return the names as a terminal may show them: without control characters."""
        name = " ".join(filter(None, [self.first_name, self.last_name]))
        return "".join(filter(str.isprintable, name))


class Chat(Foreign):
    """Where a message was written."""

    type: str = ""


class Message(Foreign):
    """A message; one of a channel has no sender."""

    sender: User | None = Field(None, alias="from")
    chat: Chat


class Update(Foreign):
    """An update, as far as it is a message."""

    message: Message | None = None

    @property
    def sender(self) -> User | None:
        """Return the user who wrote it, None for a bot or a channel."""
        sender = self.message.sender if self.message is not None else None
        return None if sender is None or sender.is_bot else sender

    @property
    def is_private(self) -> bool:
        """Return whether it was written in a private chat."""
        return self.message is not None and self.message.chat.type == "private"


class WebApp(Foreign):
    """The Mini App of a button."""

    url: str = ""


class MenuButton(Foreign):
    """The result of getChatMenuButton; `web_app` is there where it opens a Mini App."""

    type: str = ""
    web_app: WebApp = WebApp()
