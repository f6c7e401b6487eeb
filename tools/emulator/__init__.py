"""Everything around the backend on one machine: Telegram, AI and payment providers, Cloud Scheduler."""
