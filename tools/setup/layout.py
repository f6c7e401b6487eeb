"""What a deployment consists of, as deploy.yaml and docs/deployment.md have it; tests compare the three."""

from __future__ import annotations

SERVICES = (
    "cloudbuild",
    "cloudfunctions",
    "run",
    "artifactregistry",
    "secretmanager",
    "cloudscheduler",
    "iam",
)
FUNCTIONS = ("telegram", "payments", "generations", "scheduled", "console")
ACCOUNTS = ("deploy", *FUNCTIONS, "scheduler", "backup")
# Of the account that builds, on the project.
DEPLOY_ROLES = ("cloudbuild.builds.builder", "cloudfunctions.developer", "run.admin", "cloudscheduler.admin")
# Of the account that takes the daily backup: it starts its own build, which writes a log.
BACKUP_ROLES = ("cloudbuild.builds.editor", "logging.logWriter")
IMPERSONATION = "roles/iam.serviceAccountUser"
READ_SECRET = "roles/secretmanager.secretAccessor"  # noqa: S105
# Which accounts read the secrets that every deployment has.
READERS = {
    "DATABASE_ADMIN_URL": ("deploy",),
    "DATABASE_URL": ("deploy", *FUNCTIONS),
    "BOT_TOKENS": ("deploy", *FUNCTIONS),
    "TELEGRAM_WEBHOOK_SECRET": ("deploy", *FUNCTIONS),
    "USER_HASH_KEY": ("deploy", *FUNCTIONS),
}
AI_READERS = ("telegram", "scheduled")
PAYMENT_READERS = ("telegram", "payments", "scheduled", "console")
USER_API_KEY_READERS = ("telegram", "scheduled", "console")
USER_API_KEYS = "TOKEN_ENCRYPTION_KEYS"


def backup_bucket(project: str) -> str:
    """Return the bucket that keeps backups of the database."""
    return f"gs://{project}-switchboard-backups"


def source_bucket(project: str) -> str:
    """Return the bucket with the source of the daily backup."""
    return f"gs://{project}-switchboard-source"


def service(name: str) -> str:
    """Return the API's full name."""
    return f"{name}.googleapis.com"


def email(account: str, project: str) -> str:
    """Return a service account's address."""
    return f"switchboard-{account}@{project}.iam.gserviceaccount.com"


def member(account: str, project: str) -> str:
    """Return a service account as a policy names it."""
    return f"serviceAccount:{email(account, project)}"


def ai_secret(provider: str) -> str:
    """Return the secret with the key of an AI provider, as deploy.yaml derives it."""
    return f"{provider.upper()}_API_KEY"
