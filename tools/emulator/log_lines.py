"""From the functions' log lines to the trace."""

from __future__ import annotations

from typing import Any

from tools.emulator.trace import Trace

# Lines about received requests that repeat what the delivery in the trace already shows.
SILENT = frozenset({"update_finished"})
SHOWN = frozenset({"WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"})


def follow(trace: Trace, function: str, line: dict[str, Any], real_telegram: bool = False) -> None:
    """Put one line of a function's log into the trace."""
    action = line.get("action")
    fields = {name: line.get(name) for name in ("ms", "status", "bot", "chat_id", "update_id")}
    fields["trace_id"] = line.get("trace_id") or None
    if action == "sql":
        trace.add("sql", str(line.get("function") or line.get("message")), detail=line, **fields)
    elif action == "ai_call":
        trace.join(
            "ai_call", f"{line.get('provider', '')} {line.get('model', '')}".strip(), detail=line, **fields
        )
    elif action == "payment_call":
        title = f"{line.get('provider')} {line.get('method')} {line.get('path')}"
        trace.join("payment_call", title, detail=line, **fields)
    elif action == "telegram_call":
        # The fake server records the call itself, with all parameters.
        if real_telegram:
            trace.add("telegram_call", str(line.get("method")), detail=line, **fields)
    elif action in SILENT or (action == "update_received" and line.get("outcome") == "work"):
        return
    elif action or line.get("severity") in SHOWN:
        title = str(line.get("message") or action)
        trace.add("log", f"{function}: {title}"[:300], detail=line, **fields)
    elif line.get("message") and "severity" not in line and not _is_chatter(str(line["message"])):
        trace.add("log", f"{function}: {line['message']}"[:300], detail=line, **fields)


def _is_chatter(text: str) -> bool:
    """Return whether a line is gunicorn's own message about starting and stopping."""
    return "[INFO]" in text or "[DEBUG]" in text or not text.strip()
