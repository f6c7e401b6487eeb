"""A Supabase CLI that knows the one call of the wizard and refuses every other flag, as CLI 3.1.0 does.

From `supabase projects list --help` of 3.1.0: no flags of its own, and these global ones. With
FAKE_SUPABASE=2 it is a version before that, which has --output alone.
"""

import json
import os
import sys

GLOBAL = {
    "help", "version", "wizard", "completions", "log-level", "output-format", "output", "profile", "debug",
    "workdir", "experimental", "network-id", "yes", "dns-resolver", "agent",
}  # fmt: skip

words = sys.argv[1:]
if os.environ.get("FAKE_SUPABASE") == "2":
    if "--output-format" in words:
        sys.exit("unknown flag: --output-format")
    words = [word.replace("--output", "--output-format") for word in words]
for word in words:
    if word.startswith("--") and word[2:].partition("=")[0] not in GLOBAL:
        sys.exit(f"Unrecognized flag: {word} in command supabase {' '.join(words[:2])}")
if words != ["projects", "list", "--output-format", "json"]:
    sys.exit(f"unknown command {words}")
if not os.environ.get("SUPABASE_ACCESS_TOKEN"):
    print(json.dumps({"_tag": "Error", "error": {"code": "AccessTokenRequiredError"}}))
    sys.exit(1)
print(
    json.dumps(
        [
            {
                "id": "abcdefghijklmnopqrst",
                "ref": "abcdefghijklmnopqrst",
                "name": "bots",
                "region": "eu-central-1",
            }
        ]
    )
)
