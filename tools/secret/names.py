"""The names of the secrets that a deployment can have; a test compares them with what the functions read.

This tool runs before any package is installed, so it reads the source of the payment providers instead of
importing it.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from pathlib import Path

_PROVIDERS = Path(__file__).parents[2] / "shared" / "payments" / "providers"


def _declared_by_payment_providers() -> tuple[str, ...]:
    """Return the names in `Setting("NAME", …)` of the providers that a deployment can use."""
    modules = (ast.parse(path.read_text(encoding="utf-8")) for path in sorted(_PROVIDERS.rglob("*.py")))
    return tuple(name for module in modules if not _is_local(module) for name in _settings(module))


def _is_local(module: ast.Module) -> bool:
    """Whether a provider is limited to environments that are not deployed (`ENVIRONMENTS`)."""
    assigned = (node for node in ast.walk(module) if isinstance(node, ast.Assign))
    return any(ast.unparse(target) == "ENVIRONMENTS" for node in assigned for target in node.targets)


def _settings(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Setting":
            yield ast.literal_eval(node.args[0])


DEPLOYMENT = (
    "DATABASE_ADMIN_URL",
    "DATABASE_URL",
    "BOT_TOKENS",
    "TELEGRAM_WEBHOOK_SECRET",
    "USER_HASH_KEY",
    "TOKEN_ENCRYPTION_KEYS",
    "SUPABASE_SECRET_KEY",
    "TELEGRAM_LOGIN_SECRET",
    "SCHEDULER_SECRET",
)
AI = (
    "OPENAI_API_KEY",
    "OPENROUTER_API_KEY",
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "GITHUB_API_KEY",
    "DEEPSEEK_API_KEY",
)
# Keys of pictures and videos beside those of AI, and secrets that sign callbacks (shared/ai/media/providers).
MEDIA = ("KIE_AI_API_KEY", "KIE_AI_WEBHOOK_SECRET", "OPENROUTER_WEBHOOK_SECRET", "GEMINI_WEBHOOK_SECRET")
PAYMENTS = _declared_by_payment_providers()
KNOWN = (*DEPLOYMENT, *AI, *MEDIA, *PAYMENTS)


def unknown(name: str) -> str:
    """Return what to say about a name that is not known: the nearest one, and all."""
    close = difflib.get_close_matches(name.upper(), KNOWN, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"No function reads a secret {name}.{hint} The names are {', '.join(KNOWN)}."
