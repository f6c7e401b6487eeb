# ruff: noqa: T201  a log line is what a function prints
"""A function for testing the stack without the product: it logs, asks the AI on request, and answers."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from typing import Any

import flask


def telegram(request: flask.Request) -> Any:
    if request.headers.get("X-Telegram-Bot-Api-Secret-Token") != os.environ["TELEGRAM_WEBHOOK_SECRET"]:
        return "", 401
    trace_id = request.headers["X-Cloud-Trace-Context"].partition("/")[0]
    update = request.get_json()
    message = update.get("message")
    if message is None:
        return ""
    text = message.get("text", "")
    if text == "ask":
        text = _ask()
        print(
            json.dumps(
                {"action": "ai_call", "provider": "openai", "model": "m", "ms": 1, "trace_id": trace_id}
            )
        )
    if text == "slow":
        time.sleep(1.5)
    print(
        json.dumps(
            {"severity": "DEBUG", "action": "sql", "function": "echo", "ms": 1.5, "trace_id": trace_id}
        )
    )
    print("a line that is no JSON", flush=True)
    reply = f"{request.path} {text} {os.environ.get('EXTRA', '')} {'SECRET_OF_DEVELOPER' in os.environ}"
    return {"method": "sendMessage", "chat_id": message["chat"]["id"], "text": reply}


def scheduled(request: flask.Request) -> Any:
    if request.headers.get("Authorization") != f"Bearer {os.environ['SCHEDULER_SECRET']}":
        return "", 401
    return {"job": request.path}


def _ask() -> str:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
    headers = {"Authorization": "Bearer k", "Content-Type": "application/json"}
    url = f"{os.environ['OPENAI_BASE_URL']}/chat/completions"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=5) as answer:
        return str(json.load(answer)["choices"][0]["message"]["content"])
