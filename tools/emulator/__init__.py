"""The outside world on one machine: Telegram, AI providers, a Postgres with troubles, Cloud Scheduler."""
