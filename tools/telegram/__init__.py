"""What Telegram must know of the bots: webhook, kinds of updates, command menus, descriptions.

`./switchboard telegram` is the owner's way in, `set_webhooks` the emulator's.
"""

from tools.telegram.webhooks import set_webhooks

__all__ = ["set_webhooks"]
