"""A text question imports nothing of what voice messages, pictures, documents and web pages need."""

from __future__ import annotations

import subprocess
import sys

from tools.emulator.functions import ROOT

# The handlers of the chat, and what an answer to a text imports.
WORK = """
import sys
from shared.bots.assistant import bot
from shared.features.chat import feature
feature.router
bot.handlers
import shared.ai.chat, shared.ai.messages, shared.telegram.markdown, shared.telegram.split
import shared.ai.providers.openai
heavy = (
    "shared.ai.transcription", "shared.ai.speech", "shared.ai.documents", "shared.ai.pictures",
    "shared.ai.single_request", "shared.features.chat.voice", "shared.features.chat.pictures",
    "shared.features.chat.documents", "shared.features.chat.albums", "shared.features.chat.speaking",
    "shared.features.common.voice", "shared.features.common.files", "PIL", "pypdf", "docx", "lxml",
    "shared.web", "shared.console", "jinja2",
)
print(*sorted(name for name in sys.modules if name.startswith(heavy)))
"""


def test_a_text_question_imports_nothing_for_files_and_pages() -> None:
    done = subprocess.run([sys.executable, "-c", WORK], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
