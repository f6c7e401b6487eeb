"""Types of decoded JSON whose form another party defines: Telegram, telebot, a payment or AI provider.

Their members have no type: code checks each at run time, or names the page of the sender's documentation that
promises it. Data of our own has a type of its own: a dataclass, a TypedDict, or the result types of
`shared/core/sql_types.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

JsonObject = dict[str, Any]
JsonMapping = Mapping[str, Any]  # one that the receiver does not change
JsonValue = Any  # any value of it, and any jsonb value: the receiver states its type, or checks it
